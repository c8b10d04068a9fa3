"""Folders for the Linux solvers: what they do not read does not block, and what they read counts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import pytest
from waiting import LONGEST

SPEC = """\
version: 1
state: state.db
results: results
engine: {{type: hec-ras, version: "6.6"}}
workers:
  {worker}
plans:
  - {{project: {project}}}
"""
LOCAL = "desk: {type: local, worker_folder: runs, ras_exe_path: '6.6', cores_total: 2, cores_per_plan: 1}"
OFFICE = "office: {type: local, worker_folder: runs, ras_exe_path: 6.6/Ras.exe}"


class Study:
    """A folder with projects, an install and a spec."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def spec(self, worker: str = LOCAL, project: str = "model/Basin.prj") -> None:
        (self.folder / "spec.yaml").write_text(SPEC.format(worker=worker, project=project))

    def run(self, *words: str, check: int | None = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "rasreconcile", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert check is None or done.returncode == check, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if "--json" in words else done.stdout + done.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json", check=None))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def model(standins: Any, study: Study) -> Path:
    project: Path = standins.write_project(study.folder / "model", plans=("01",))
    standins.prepare(project, "01")
    standins.linux(study.folder / "6.6", "6.6")
    study.spec()
    return project


def only(study: Study, *words: str) -> Any:
    (plan,) = study.json(*words)["plans"]
    return plan


def test_a_folder_without_the_texts_that_the_solvers_do_not_read_is_computed(standins, study) -> None:
    project = model(standins, study)
    texts = {kind: project.with_suffix(kind).read_bytes() for kind in (".g01", ".u01")}
    for kind in texts:
        project.with_suffix(kind).unlink()
    project.with_suffix(".g01.hdf").write_bytes(b"tables")
    said = only(study, "check", "spec.yaml")
    assert said["blocked_by"] == []
    assert [w for w in said["warnings"] if "Basin.g01" in w["what"]] == [
        {
            "what": "Basin.g01, named by Basin.p01, is not in model",
            "remedy": "put it there; until then only the Linux solvers compute the plan, from its prepared files",
        }
    ]
    assert {"name": "Basin.g01.hdf", "counts": False}.items() <= next(
        i for i in said["inputs"] if i["kind"] == "geometry-hdf"
    ).items()
    assert "1 of 1 plan is current" in study.run("apply", "spec.yaml")
    assert "nothing to do" in study.run("apply", "spec.yaml")
    project.with_suffix(".g01").write_bytes(texts[".g01"])
    assert only(study, "diff", "spec.yaml")["sync"] == "stale"


@pytest.mark.parametrize("gone", [".p01.tmp.hdf", ".b01", ".x01"])
def test_without_a_prepared_file_the_missing_text_blocks(standins, study, gone: str) -> None:
    project = model(standins, study)
    project.with_suffix(".g01").unlink()
    project.with_suffix(gone).unlink()
    said = study.run("apply", "spec.yaml", check=4)
    assert "Basin.g01, named by Basin.p01, is not in model; put it there" in said


def test_a_dss_file_that_ras_exe_has_read_already_does_not_block_and_a_restart_file_does(
    standins, study
) -> None:
    project = model(standins, study)
    flow = project.with_suffix(".u01")

    def blocked_by(more: bytes) -> list[str]:
        flow.write_bytes(flow.read_bytes() + more)
        for path in (".p01.tmp.hdf", ".x01", ".b01"):
            project.with_suffix(path).touch()
        return [why["what"] for why in only(study, "check", "spec.yaml")["blocked_by"]]

    assert blocked_by(b"Boundary Location=a\r\nDSS File=C:\\far\\rain.dss\r\nUse DSS=True\r\n") == []
    (why,) = blocked_by(b"Use Restart=-1\r\nRestart Filename=old.rst\r\n")
    assert "restart old.rst is not there" in why


def test_ras_exe_needs_the_texts_whatever_is_prepared(standins, study) -> None:
    project = model(standins, study)
    project.with_suffix(".g01").unlink()
    study.spec(OFFICE)
    (why,) = only(study, "check", "spec.yaml")["blocked_by"]
    assert why == {"what": "Basin.g01, named by Basin.p01, is not in model", "remedy": "put it there"}
    plan = only(study, "diff", "spec.yaml")
    assert (plan["note"], plan["remedy"], plan["blocked_by"]) == (why["what"], why["remedy"], [why])


# ---- a prepared file that was edited by hand


def test_a_prepared_file_that_was_edited_makes_its_result_stale_and_says_so(standins, study) -> None:
    project = model(standins, study)
    study.run("apply", "spec.yaml")
    with h5py.File(project.with_suffix(".p01.tmp.hdf"), "r+") as file:
        file.attrs["n by depth"] = 0.07
    diff = only(study, "diff", "spec.yaml")
    assert (diff["sync"], [r["cause"] for r in diff["reasons"]], diff["reasons"][0]["subject"]) == (
        "stale",
        ["input-changed"],
        "Basin.p01.tmp.hdf",
    )
    text = study.run("explain", "spec.yaml", "Basin/p01")
    assert "input-changed Basin.p01.tmp.hdf: prepared, " in text
    assert "~  prepared Basin.p01.tmp.hdf" in text
    study.run("apply", "spec.yaml")
    assert "nothing to do" in study.run("apply", "spec.yaml")
    project.with_suffix(".b01").write_bytes(project.with_suffix(".b01").read_bytes() + b"tripled\r\n")
    assert only(study, "diff", "spec.yaml")["reasons"][0]["subject"] == "Basin.b01"


def test_prepared_files_that_go_or_come_say_nothing_of_the_result(standins, study) -> None:
    project = model(standins, study)
    study.run("apply", "spec.yaml")
    kept = project.with_suffix(".b01").read_bytes()
    project.with_suffix(".b01").unlink()
    assert only(study, "diff", "spec.yaml")["sync"] == "current"
    project.with_suffix(".b01").write_bytes(kept)
    assert only(study, "diff", "spec.yaml")["sync"] == "current"


def test_what_was_made_from_stays_in_the_receipt_and_outlives_the_store(standins, study) -> None:
    project = model(standins, study)
    study.run("apply", "spec.yaml")
    (receipt,) = (study.folder / "results").rglob("*.receipt.json")
    names = [c["name"] for c in json.loads(receipt.read_text())["components"]]
    assert {"prepared Basin.b01", "prepared Basin.p01.tmp.hdf", "prepared Basin.x01"} <= set(names)
    (study.folder / "state.db").unlink()
    project.with_suffix(".x01").write_bytes(b"HEC-RAS 6.6 September 2024\r\nother\r\n")
    assert only(study, "diff", "spec.yaml")["sync"] != "current"


def test_twins_with_other_prepared_files_are_computed_each(standins, study) -> None:
    project = model(standins, study)
    study.spec(project="model*/Basin.prj")
    shutil.copytree(project.parent, study.folder / "model2", copy_function=shutil.copy2)
    edited = study.folder / "model2" / "Basin.b01"
    edited.write_bytes(edited.read_bytes() + b"tripled\r\n")
    study.run("apply", "spec.yaml")
    assert {run["plan"] for run in study.json("history", "spec.yaml")["runs"]} == {
        "model/Basin/p01",
        "model2/Basin/p01",
    }
    assert "nothing to do" in study.run("apply", "spec.yaml")
