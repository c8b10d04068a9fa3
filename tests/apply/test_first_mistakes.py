"""What a spec gets wrong on its first day: paths of another machine, a plan that needs itself; and `check` says it."""

from __future__ import annotations

import shutil

import pytest

SPEC = """\
version: 1
state: state.db
results: {results}
path_map: {path_map}
engine: {{type: steady}}
workers: {{desk: {{type: local, worker_folder: {folder}, cores_total: 1, cores_per_plan: 1}}}}
plans:
  - project: {project}
    numbers: ["01", "02"]
{more}"""


def spec(study, *, project="Willow.prj", path_map="{}", results="results", folder="runs", more="") -> None:
    text = SPEC.format(project=project, path_map=path_map, results=results, folder=folder, more=more)
    (study.folder / "spec.yaml").write_text(text)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"project": r"models\a\Willow.prj"}, r"spec.yaml:8: plans[0].project: models\a\Willow.prj has backslashes; write models/a/Willow.prj"),
        ({"project": r"models\*\Willow.prj"}, r"spec.yaml:8: plans[0].project: models\*\Willow.prj has backslashes; write models/*/Willow.prj"),
        (
            {"project": r"C:\Models\a\Willow.prj"},
            r"spec.yaml:8: plans[0].project: C:\Models\a\Willow.prj is a path of Windows; write it relative to the spec,"
            r" or say where its folder is here: path_map: {'C:\Models\a': FOLDER}",
        ),
        (
            {"project": r"'\\nas\models\Willow.prj'", "path_map": r"{'C:\Models': .}"},
            r"spec.yaml:8: plans[0].project: \\nas\models\Willow.prj is a path of Windows; write it relative to the spec,"
            r" or say where its folder is here: path_map: {'\\nas\models\': FOLDER}",
        ),
        ({"results": r"D:\out"}, r"spec.yaml:3: results: D:\out is a path of Windows; write the path that the file has on this machine"),
        ({"folder": r"runs\desk"}, r"spec.yaml:6: workers.desk.worker_folder: runs\desk has backslashes; write runs/desk"),
        ({"path_map": r"{'C:\Models': 'E:\Models'}"}, r"spec.yaml:4: path_map.C:\Models: E:\Models is a path of Windows; write the path that the file has on this machine"),
        ({"more": "    needs: [Willow/p02]\n"}, "spec.yaml:9: plans[0].needs: Willow/p02 needs Willow/p02: a cycle; remove one `needs`"),
    ],
)  # fmt: skip
def test_it_is_told_with_its_line_and_what_to_write(study, changed, said) -> None:
    spec(study, **changed)
    assert said.partition(": ")[2] in study.run("diff", "spec.yaml", check=64).stderr
    assert study.results() == []


@pytest.mark.parametrize(
    "project", [r"c:\MODELS\a\Willow.prj", r"C:/Models/a/Willow.prj", r"'C:\Models\*\Willow.prj'"]
)
def test_a_project_of_another_machine_is_where_path_map_says(study, project) -> None:
    shutil.copytree(study.folder, study.folder / "here" / "a")
    spec(study, project=project, path_map=r"{'C:\Models': here}")
    seen = study.json("diff", "spec.yaml")
    assert len(seen["plans"]) == 2
    explained = study.json("explain", "spec.yaml", seen["plans"][0]["plan"])
    assert explained["sync"] == "missing"


def test_a_name_that_holds_a_backslash_on_this_disk_is_that_name(study) -> None:
    shutil.copytree(study.folder, study.folder / "odd\\name")
    spec(study, project=r"odd\name/Willow.prj")
    assert len(study.json("diff", "spec.yaml")["plans"]) == 2


def test_check_shows_problems_alone_and_closes_with_a_sum(study) -> None:
    spec(study)
    assert (
        study.run("check", "spec.yaml", "--problems").stdout
        == "spec.yaml: 2 plans: 2 ready; 1 worker: 1 ready\n"
    )
    (study.folder / "Willow.f02").unlink()
    whole = study.run("check", "spec.yaml", check=4).stdout
    assert "Willow/p01  ready\n" in whole and "worker desk: ready" in whole
    first, *_, last = study.run("check", "spec.yaml", "--problems", check=4).stdout.splitlines()
    assert first == "Willow/p02  blocked"
    assert last == "spec.yaml: 2 plans: 1 ready, 1 blocked; 1 worker: 1 ready" == whole.splitlines()[-1]
