"""`init`: the first spec names every plan that has a file, the engine, and the version that fits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

PROJECT = "Proj Title=Weir\nPlan File=p01\nPlan File=P02\nPlan File=p03\n"


def init(folder: Path, *words: str, check: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rasreconcile", "init", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == check, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def plan(folder: Path, name: str, program: str = "6.60", flow: str = "u01") -> None:
    lines = (f"Plan Title={name}", f"Program Version={program}", "Geom File=g01", f"Flow File={flow}")
    (folder / name).write_text("\n".join(lines))


def result(folder: Path, name: str, version: str, kind: str = "Steady") -> None:
    with h5py.File(folder / name, "w") as file:
        file.attrs["File Version"] = np.bytes_(version)
        file.create_group(f"Results/{kind}/Summary").attrs["Solution"] = np.bytes_(
            f"{kind} Finished Successfully"
        )


def written(folder: Path) -> Any:
    return dict(yaml.safe_load((folder / "rasreconcile.yaml").read_text()))


def test_plans_are_named_whatever_the_case_of_their_files_and_those_without_one_are_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "WEIR.PRJ").write_text(PROJECT)
    plan(tmp_path, "Weir.P01")
    plan(tmp_path, "weir.p02")
    said = init(tmp_path, "weir.prj")
    spec = written(tmp_path)
    assert spec["plans"][0]["numbers"] == ["01", "02"]
    assert spec["plans"][0]["project"] == "WEIR.PRJ"
    assert "WEIR.PRJ lists p03, which does not exist: left out" in said and "2 plans" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROJECT, "none of its plan files exists (Weir.p01, Weir.p02, Weir.p03); put them beside it"),
        ("Proj Title=Weir\n", "lists no plan; make one in HEC-RAS"),
        ('PROJCS["NAD83"]', "not a HEC-RAS project"),
    ],
)
def test_a_project_without_a_plan_file_is_told_and_no_spec_is_written(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "Weir.prj").write_text(text)
    assert said in init(tmp_path, "Weir.prj", check=1)
    assert not (tmp_path / "rasreconcile.yaml").exists()


CHOICES: dict[str, tuple[list[str], list[str], str, list[str], dict[str, str]]] = {
    "the results' version": (
        ["6.60", "6.60", "6.60"],
        ["HEC-RAS 6.3.1 September 2022", "HEC-RAS 6.3.1 September 2022", "HEC-RAS 6.6 September 2024"],
        "u01",
        [],
        {"type": "hec-ras", "version": "6.3.1"},
    ),
    "a beta": (
        ["6.60"],
        ["HEC-RAS 6.7 Beta 5 October 2025"],
        "u01",
        [],
        {"type": "hec-ras", "version": "6.7 Beta 5"},
    ),
    "what saved the plans": (
        ["5.07", "5.07", "6.31"],
        [],
        "u01",
        [],
        {"type": "hec-ras", "version": "5.0.7"},
    ),
    "too old to be run": (["4.10"], [], "u01", [], {"type": "hec-ras", "version": "6.6"}),
    "a test version": (["5.10"], [], "u01", [], {"type": "hec-ras", "version": "6.6"}),
    "a steady project": (["6.60"], [], "f01", [], {"type": "steady"}),
    "a steady project with results": (
        ["6.60"],
        ["HEC-RAS 6.5 2024"],
        "f01",
        [],
        {"type": "hec-ras", "version": "6.5"},
    ),
    "results of our own": (["6.60"], ["rasreconcile steady 1"], "f01", [], {"type": "steady"}),
    "chosen": (["6.60"], ["HEC-RAS 6.5 2024"], "f01", ["--engine", "steady"], {"type": "steady"}),
    "chosen otherwise": (
        ["6.41"],
        [],
        "f01",
        ["--engine", "hec-ras"],
        {"type": "hec-ras", "version": "6.4.1"},
    ),
}


@pytest.mark.parametrize("name", list(CHOICES))
def test_engine_and_version_follow_the_results_else_what_saved_the_plans(tmp_path: Path, name: str) -> None:
    programs, results, flow, words, engine = CHOICES[name]
    (tmp_path / "Weir.prj").write_text(PROJECT)
    for number, program in enumerate(programs, start=1):
        plan(tmp_path, f"Weir.p{number:02}", program, flow)
    for number, version in enumerate(results, start=1):
        result(tmp_path, f"Weir.P{number:02}.HDF", version, "Steady" if flow[0] == "f" else "Unsteady")
    said = init(tmp_path, "Weir.prj", *words)
    assert written(tmp_path)["engine"] == engine
    assert engine.get("version", "the built-in steady engine") in said


@pytest.mark.parametrize(
    ("words", "engine"),
    [([], {"type": "hec-ras", "version": "6.6"}), (["--engine", "steady"], {"type": "steady"})],
)
def test_what_the_steady_engine_refuses_is_left_to_hec_ras(
    tmp_path: Path, demo: Path, words: list[str], engine: dict[str, str]
) -> None:
    for path in demo.glob("Willow.*"):
        shutil.copy(path, tmp_path / path.name)
    for geometry in tmp_path.glob("Willow.g*"):
        geometry.write_text(f"Junct Name=Mouth\n{geometry.read_text()}")
    said = init(tmp_path, "Willow.prj", *words)
    assert written(tmp_path)["engine"] == engine
    assert ("a junction is not modelled by the steady engine: HEC-RAS is taken" in said) == (not words)


def test_a_project_named_in_capitals_converges_from_the_spec_that_init_wrote(
    tmp_path: Path, demo: Path
) -> None:
    for path in demo.glob("Willow.*"):
        shutil.copy(path, tmp_path / path.name.upper())
    init(tmp_path, "WILLOW.PRJ")
    words = [sys.executable, "-m", "rasreconcile", "apply"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert "4 of 4 plans are current" in done.stdout, done.stdout + done.stderr


def models(folder: Path, demo: Path, *names: str) -> None:
    for name in names:
        shutil.copytree(demo, folder / "models" / name)
    (folder / "models" / "projection.prj").write_text('PROJCS["NAD83"]')


def test_a_folder_gives_an_entry_for_each_project_and_names_that_tell_them_apart(
    tmp_path: Path, demo: Path
) -> None:
    models(tmp_path, demo, "2024", "2025")
    assert "8 plans of 2 projects, the built-in steady engine" in init(tmp_path, "models")
    plans = written(tmp_path)["plans"]
    assert [(p["project"], p["name"], len(p["numbers"])) for p in plans] == [
        ("models/2024/Willow.prj", "models/2024/Willow", 4),
        ("models/2025/Willow.prj", "models/2025/Willow", 4),
    ]
    assert runs(tmp_path, "diff") == 0


def test_of_a_folder_projects_that_have_no_plan_are_told_and_left_out(tmp_path: Path, demo: Path) -> None:
    models(tmp_path, demo, "2024")
    (tmp_path / "models/Dam.prj").write_text("Proj Title=Dam\nPlan File=p03\n")
    (tmp_path / "models/Sections.prj").write_text("Proj Title=Sections\nCurrent Geom=g01\nGeom File=g01\n")
    said = init(tmp_path, "models")
    assert [plan["project"] for plan in written(tmp_path)["plans"]] == ["models/2024/Willow.prj"]
    assert "models/Dam.prj: none of its plan files exists (Dam.p03): left out" in said
    assert "models/Sections.prj: lists no plan: left out" in said


@pytest.mark.parametrize("words", [["models/*/Willow.prj"], ["models/**/*.prj"]])
def test_a_pattern_stays_a_pattern(tmp_path: Path, demo: Path, words: list[str]) -> None:
    models(tmp_path, demo, "2024", "2025")
    assert "8 plans" in init(tmp_path, *words)
    (entry,) = written(tmp_path)["plans"]
    assert entry["project"] == words[0] and "numbers" not in entry
    assert runs(tmp_path, "diff") == 0


def test_several_projects_as_a_shell_expands_them_and_the_spec_anywhere(tmp_path: Path, demo: Path) -> None:
    models(tmp_path, demo, "a", "b")
    init(tmp_path, "models/a/Willow.prj", "study.yaml", "models/b/Willow.prj")
    assert len(yaml.safe_load((tmp_path / "study.yaml").read_text())["plans"]) == 2


def test_the_schema_and_the_lines_for_git_are_beside_the_spec(tmp_path: Path, demo: Path) -> None:
    models(tmp_path, demo, "a")
    (tmp_path / ".gitignore").write_text("*.tmp\n.rasreconcile/")
    init(tmp_path, "models")
    first, *_ = (tmp_path / "rasreconcile.yaml").read_text().splitlines()
    assert first == "# yaml-language-server: $schema=spec.schema.json"
    assert '"$schema": "https://json-schema.org' in (tmp_path / "spec.schema.json").read_text()
    ignored = (tmp_path / ".gitignore").read_text().splitlines()
    assert ignored[:2] == ["*.tmp", ".rasreconcile/"] and ignored[-1] == "*.p[0-9][0-9].hdf*"
    init(tmp_path, "models", "other.yaml")
    assert (tmp_path / ".gitignore").read_text().splitlines() == ignored


@pytest.mark.parametrize(
    ("word", "said", "code"),
    [
        ("nowhere.prj", "nowhere.prj: No such file or directory; name the .prj of a HEC-RAS project", 1),
        ("empty", "empty: no HEC-RAS project here or below; name a .prj, or another folder", 1),
        ("*/x*.prj", "*/x*.prj: matches no HEC-RAS project; name a .prj, a folder, or another pattern", 1),
        (
            "C:\\Models\\Dam.prj",
            "C:\\Models\\Dam.prj is a path of Windows; write the path that the file has on this machine",
            1,
        ),
        ("models\\Dam.prj", "models\\Dam.prj has backslashes; write models/Dam.prj", 1),
        ("study.yaml", "name one or more projects, and at most one spec; rasreconcile init PROJECT.prj", 64),
    ],
)
def test_what_is_no_project_is_told_with_what_to_write(
    tmp_path: Path, word: str, said: str, code: int
) -> None:
    (tmp_path / "empty").mkdir()
    assert init(tmp_path, word, check=code).strip() == said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def runs(folder: Path, *words: str) -> int:
    command = [sys.executable, "-m", "rasreconcile", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=240, check=False).returncode
