"""A study without a spec file: what it stands for, its faults, and its way to the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import rasreconcile
from rasreconcile.specfile import load


def here(study, **fields) -> rasreconcile.Worker:
    return rasreconcile.worker("local", "desk", worker_folder=str(study.folder / "runs"), **fields)


def test_a_project_and_a_number_are_a_study(study) -> None:
    one = rasreconcile.study(
        study.folder / "Willow.prj", ["02"], engine="steady", workers=[here(study)], results="out"
    )
    assert [row.plan for row in one.diff()] == ["Willow/p02"]
    assert not (study.folder / ".rasreconcile").exists()
    assert one.apply().converged
    assert one["p02"].hdf == study.folder / "out" / "Willow" / "Willow.p02.hdf"
    more = rasreconcile.study(
        study.folder / "Willow.prj", [1, "p02"], engine="steady", workers=[here(study)], results="out"
    )
    assert [(row.plan, row.sync) for row in more.diff()] == [
        ("Willow/p01", "missing"),
        ("Willow/p02", "current"),
    ]


def test_a_saved_study_is_the_same_for_the_command_line(study) -> None:
    one = rasreconcile.study(
        study.folder / "Willow.prj", "03", engine="steady", workers=[here(study)], results="out",
        expect={"water_surface": {"finite": True, "between": [100.0, 140.0]}},
    )  # fmt: skip
    assert one.apply().converged
    saved = one.save()
    assert saved == study.folder / "Willow.rasreconcile.yaml"
    assert load(saved).spec == one.loaded.spec
    assert "the only plan is current" in study.run("apply", saved.name).stdout
    with pytest.raises(rasreconcile.RasReconcileError, match="save it there"):
        one.save(study.folder.parent / "elsewhere.yaml")


def test_numbers_and_workers_may_be_left_out(study) -> None:
    one = rasreconcile.study(study.folder / "Willow.prj", engine="steady")
    assert len(one.diff()) == 4
    assert list(one.loaded.spec.workers) == ["desk"]


def test_faults_name_no_file_and_no_line(study) -> None:
    with pytest.raises(rasreconcile.SpecError) as caught:
        rasreconcile.study(
            study.folder / "Willow.prj",
            ["1x"],
            engine="steady",
            workers=[here(study, cores_totl=2)],
            results=7,
        )
    assert str(caught.value).splitlines() == [
        "study('Willow.prj'): results: is not text; put it in quotes",
        "study('Willow.prj'): workers.desk.cores_totl: unknown key; did you mean cores_total?",
        "study('Willow.prj'): plans[0].numbers: '1x' is not a plan number; write two digits, \"04\", or a range, \"06-12\"",
    ]
    absent = rasreconcile.study(study.folder / "No.prj", ["01"], engine="steady")
    with pytest.raises(rasreconcile.SpecError, match=r"^study\('No.prj'\): "):
        absent.diff()


def test_what_is_no_plain_value_is_refused(study) -> None:
    with pytest.raises(rasreconcile.UsageError, match="give plain values"):
        rasreconcile.study(study.folder / "Willow.prj", engine="steady", results=Path("out"))


def test_two_workers_have_two_names(study) -> None:
    with pytest.raises(rasreconcile.UsageError, match="two workers are called 'desk'"):
        rasreconcile.study(study.folder / "Willow.prj", engine="steady", workers=[here(study), here(study)])


def test_an_engine_left_out_is_the_hec_ras_that_last_saved_the_plans(study) -> None:
    project = study.folder / "Willow.prj"
    plan = study.folder / "Willow.p01"
    plain = "\n".join(
        line for line in plan.read_text().splitlines() if not line.startswith("Program Version")
    )
    plan.write_text(f"Program Version=6.31\n{plain}\n")
    assert rasreconcile.study(project, "01").loaded.spec.engine.model_dump()["version"] == "6.3.1"
    plan.write_text(plain)
    with pytest.raises(rasreconcile.UsageError, match=r"name the engine: engine='6\.6'"):
        rasreconcile.study(project, "01")
    with pytest.raises(rasreconcile.ProjectError, match=r"name the \.prj of a HEC-RAS project"):
        rasreconcile.study(study.folder / "No.prj")
