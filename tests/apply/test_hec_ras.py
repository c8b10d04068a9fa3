"""HEC-RAS through the real command line, with stand-ins of its programs: converging, and every way of failing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from waiting import LONGEST

SPEC = """\
version: 1
state: state.db
results: results
engine: {{type: hec-ras, version: "6.6"}}
retries: {{attempts: 1, wait: 0.1s, at_most: 0.2s}}
workers:
{workers}
plans:
{plans}
"""
SUMMARY = "/Results/Unsteady/Output/Output Blocks/Base Output/Summary Output"
PREPARED = 'inputs: ["*.tmp.hdf", "*.b??", "*.x??", "standin.jso?"]'


def worker(name: str, home: str, more: str = "") -> str:
    return (
        f"  {name}: {{type: local, worker_folder: runs/{name}, ras_exe_path: {home!r}, cores_total: 2,"
        f" cores_per_plan: 1{more}}}\n"
    )


class Study:
    """A folder with projects, installs and a spec."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def spec(self, workers: str, plans: str) -> None:
        (self.folder / "spec.yaml").write_text(SPEC.format(workers=workers, plans=plans))

    def run(self, *words: str, check: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "rasreconcile", *words],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert check is None or done.returncode == check, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json", check=None).stdout)

    def runs(self) -> list[dict[str, Any]]:
        return list(self.json("history", "spec.yaml")["runs"])


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def test_it_converges_a_changed_flow_runs_one_plan_and_the_project_stays_as_it_was(standins, study) -> None:
    project = standins.write_project(study.folder / "model")
    standins.prepare(project, "01")
    standins.prepare(project, "02")
    ras = standins.linux(study.folder / "hec ras" / "6.6", "6.6")
    study.spec(worker("desk", "hec ras/6.6"), f"  - {{project: model/Basin.prj, {PREPARED}}}\n")
    before = bytes_of(project.parent)
    assert "2 of 2 plans are current" in study.run("apply", "spec.yaml").stdout
    assert "nothing to do" in study.run("apply", "spec.yaml").stdout
    every = study.run("results", "spec.yaml", "--dataset", f"{SUMMARY}/2D Flow Areas/*/Maximum Water Surface")
    assert every.stdout.splitlines()[0] == "plan,area,cell,value"
    assert [line.split(",")[:3] for line in every.stdout.splitlines()[1:3]] == [
        ["Basin/p01", "Basin", "0"],
        ["Basin/p01", "Basin", "1"],
    ]
    assert bytes_of(project.parent) == before
    assert len([call for call in ras.calls() if call["program"] == "RasUnsteady"]) == 2
    flow = project.with_suffix(".u01")
    flow.write_bytes(flow.read_bytes().replace(b"    2000", b"    9000"))
    changed = bytes_of(project.parent)
    study.run("apply", "spec.yaml")
    assert bytes_of(project.parent) == changed
    assert [run["plan"] for run in study.runs()].count("Basin/p01") == 2
    assert [run["plan"] for run in study.runs()].count("Basin/p02") == 1


FAILURES = {
    "error-exit-0": ("solver crashed", "Unsteady flow encountered an error.; it will be retried"),
    "geometry-error": ("geometry error", "fix the geometry, or its terrain, in HEC-RAS"),
    "restart-version": ("restart of another version", "compute the plan that writes the restart file"),
    "no-hdf": ("no result", "left no result HDF"),
    "no-results": ("no results", "an HDF without results"),
    "unstable": ("unstable", "shorten the computation interval"),
    "volume-error": ("expectation failed", "volume accounting error is 27.46 %"),
    "early-end": ("expectation failed", "its output ends at"),
    "other-plan": ("expectation failed", "says it is the result of Other.p09, not of Basin.p01"),
    "dry": ("expectation failed", "none of its 12 water surfaces is finite"),
    "crash": ("solver crashed", "forrtl: severe (159)"),
    "killed": ("solver crashed", "Killed"),
}
"""By mode of the stand-ins: the cause, and a part of what the modeller is told. The plan is to blame for all."""


def test_every_failure_of_a_plan_is_told_with_its_cause_and_what_to_do(standins, study) -> None:
    standins.linux(study.folder / "6.6", "6.6")
    plans = ""
    for mode in FAILURES:
        project = standins.write_project(study.folder / mode, plans=("01",))
        standins.prepare(project, "01")
        (project.parent / "standin.json").write_text(json.dumps({"mode": mode}))
        expect = "{volume_error_percent: {at_most: 2}}"
        plans += f"  - {{project: {mode}/Basin.prj, name: {mode}, expect: {expect}, {PREPARED}}}\n"
    study.spec(worker("desk", "6.6"), plans)
    before = {mode: bytes_of(study.folder / mode) for mode in FAILURES}
    study.run("apply", "spec.yaml", check=3)
    runs = study.runs()
    assert {(run["state"], run["failure"]["blame"]) for run in runs} == {("failed", "plan")}
    told = {str(run["plan"]).partition("/")[0]: run["failure"] for run in runs}
    assert len(runs) == len(told)
    assert {mode: failure["cause"] for mode, failure in told.items()} == {
        mode: cause for mode, (cause, _) in FAILURES.items()
    }
    whole = {mode: f"{failure['message']}; {failure['remedy']}" for mode, failure in told.items()}
    unsaid = {mode: whole[mode] for mode, (_, said) in FAILURES.items() if said not in whole[mode]}
    assert unsaid == {}
    assert list((study.folder / "results").rglob("*.hdf")) == []
    assert {mode: bytes_of(study.folder / mode) for mode in FAILURES} == before


WORKERS_FAULT = {
    "missing-library": ("missing library", "its `libs` folder must contain this file"),
    "wrong-version": ("wrong version", "the result was made by HEC-RAS 6.4.1, the spec asks for 6.6"),
}


@pytest.mark.parametrize("mode", list(WORKERS_FAULT))
def test_a_worker_at_fault_is_blamed_and_the_plan_runs_elsewhere(standins, study, mode: str) -> None:
    project = standins.write_project(study.folder / "model", plans=("01",))
    standins.prepare(project, "01")
    bad = standins.linux(study.folder / "bad" / "6.6", "6.6")
    if mode == "missing-library":
        bad.loses("libmkl_core.so.1")
    else:
        bad.fails(mode)
    standins.linux(study.folder / "good" / "6.6", "6.6")
    workers = worker("bad", "bad/6.6") + worker("good", "good/6.6", ", queue_priority: 5")
    study.spec(workers, f"  - {{project: model/Basin.prj, {PREPARED}}}\n")
    study.run("apply", "spec.yaml")
    good, bad = study.runs()
    assert (bad["worker"], bad["state"], bad["failure"]["blame"]) == ("bad", "lost", "worker")
    assert bad["failure"]["cause"] == WORKERS_FAULT[mode][0]
    assert WORKERS_FAULT[mode][1] in f"{bad['failure']['message']}; {bad['failure']['remedy']}"
    assert (good["worker"], good["state"]) == ("good", "succeeded")


def test_a_hang_without_a_word_is_the_workers_fault(standins, study) -> None:
    project = standins.write_project(study.folder / "model", plans=("01",))
    standins.prepare(project, "01")
    standins.linux(study.folder / "6.6", "6.6").fails("hang", times=1)
    desk = worker("desk", "6.6", ", max_runtime_minutes: 0.2")
    study.spec(desk, f"  - {{project: model/Basin.prj, {PREPARED}}}\n")
    study.run("apply", "spec.yaml")
    good, hung = study.runs()
    assert (hung["state"], hung["failure"]["blame"]) == ("lost", "worker")
    assert "it needs a desktop session (`query session`)" in hung["failure"]["remedy"]
    assert good["state"] == "succeeded"


def test_a_worker_without_hec_ras_still_runs_other_engines_and_check_says_what_it_lacks(
    standins, study
) -> None:
    project = standins.write_project(study.folder / "model", plans=("01",))
    standins.prepare(project, "01")
    standins.linux(study.folder / "6.4.1", "6.4.1")
    (study.folder / "ready.hdf").write_bytes(project.with_suffix(".p01.tmp.hdf").read_bytes())
    copy = f'{{type: command, command: ["cp", "{study.folder}/ready.hdf", "{{output}}"]}}'
    other = f"  - {{project: model/Basin.prj, name: Copied, engine: {copy}, expect: {{completed: false}}}}\n"
    study.spec(worker("desk", "6.4.1"), f"  - {{project: model/Basin.prj, {PREPARED}}}\n{other}")
    done = study.run("apply", "spec.yaml", check=4)
    wrong = "RasUnsteady is HEC-RAS 6.4.1, the spec asks for 6.6; set ras_exe_path to 6.6"
    assert wrong in done.stdout
    assert [run["plan"] for run in study.runs()] == ["Copied/p01"]
    assert wrong in study.run("check", "spec.yaml", check=4).stdout


def test_a_plan_that_is_not_prepared_is_held_with_the_remedy(standins, study) -> None:
    standins.write_project(study.folder / "model", plans=("01",))
    standins.linux(study.folder / "6.6", "6.6")
    study.spec(worker("desk", "6.6"), "  - {project: model/Basin.prj}\n")
    needs = "the Linux solvers need Basin.p01.tmp.hdf, Basin.b01, Basin.x01"
    for verb, exit_code in (("diff", 0), ("check", 4), ("apply", 4)):
        assert needs in study.run(verb, "spec.yaml", check=exit_code).stdout, verb
    assert study.runs() == []


def test_ras_exe_under_wine_converges_and_refuses_what_the_great_trap_would_let_through(
    standins, study, wine
) -> None:
    ras = standins.windows(study.folder / "Program Files (x86)" / "6.6", "6.6")
    project = standins.write_project(study.folder / "my model")
    old = project.with_suffix(".p02.hdf")
    subprocess.run(
        [ras.home / "Ras", "-c", "Basin.prj", "Basin.p02"], cwd=project.parent, check=True, timeout=LONGEST
    )
    assert old.exists()
    ras.fails("old-hdf-trap", plans=["02"])
    before = bytes_of(project.parent)
    entry = '  - {project: "my model/Basin.prj", inputs: ["*.hdf"]}\n'
    study.spec(worker("desk", "Program Files (x86)/6.6/Ras.exe"), entry)
    study.run("apply", "spec.yaml", check=3, **wine.environment)
    runs = {run["plan"]: run for run in study.runs()}
    assert runs["Basin/p01"]["state"] == "succeeded"
    assert runs["Basin/p02"]["failure"]["cause"] == "geometry error"
    assert "PROCESS:RASGeomPreprocess" in study.run("logs", "spec.yaml", "Basin/p02").stdout
    assert bytes_of(project.parent) == before
    arguments = [call["arguments"] for call in ras.calls()[1:]]
    assert all(words[0] == "-c" and words[1].startswith("Z:\\") for words in arguments), arguments


def test_what_ras_exe_finds_wrong_and_says_in_a_file_of_its_own_is_the_plan_s_fault_at_once(
    standins, study, wine
) -> None:
    ras = standins.windows(study.folder / "6.6", "6.6")
    standins.write_project(study.folder / "model", plans=("01",))
    ras.fails("data-errors", plans=["01"])
    study.spec(worker("desk", "6.6/Ras.exe"), "  - {project: model/Basin.prj}\n")
    study.run("apply", "spec.yaml", check=3, **wine.environment)
    (run,) = study.runs()
    assert run["failure"]["cause"] == "input refused"
    assert "River: Basin Reach: Upper: No Manning's n data" in run["failure"]["message"]
    assert "No Manning's n data" in study.run("logs", "spec.yaml", "Basin/p01").stdout
