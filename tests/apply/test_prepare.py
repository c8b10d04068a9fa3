"""Preparing on a worker with Ras.exe what the Linux solvers compute, through the real command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import pytest
from waiting import LONGEST, until

from rasreconcile.engines.registry import engine_for
from rasreconcile.plans import Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results.associations import associations
from rasreconcile.specfile import load
from rasreconcile.studies.preparations import unneeded_products, with_preparations

SPEC = """\
version: 1
state: state.db
results: results
salt: "{salt}"
engine: {{type: hec-ras, version: "6.6"}}
retries: {{attempts: 1, wait: 0.1s, at_most: 0.2s}}
workers:
  solver: {{type: local, worker_folder: runs/solver, ras_exe_path: linux/6.6{flag}}}
  {windows}office: {{type: local, worker_folder: runs/office, ras_exe_path: windows/6.6/Ras.exe, queue_priority: 5}}
plans:
{plans}
"""
PLAN = "  - {project: model/Basin.prj, numbers: ['01'], only_on: [solver], inputs: ['standin.jso?']}\n"
WITH_WINE = "import sys; from pathlib import Path; import rasreconcile.engines.hec_ras.install_search as i; i._WINE = {wine!r}; from rasreconcile.__main__ import main; main()"
"""The program where Wine is found at another place."""


class Study:
    """A project that is not prepared, the Linux solvers, and a Ras.exe that a Wine made of sh runs."""

    def __init__(self, folder: Path, standins: Any) -> None:
        self.folder = folder
        self.project = standins.write_project(folder / "model", plans=("01",))
        self.linux = standins.linux(folder / "linux" / "6.6", "6.6")
        self.ras = standins.twin(folder / "windows" / "6.6", "6.6")
        (self.ras.home / "Ras").rename(self.ras.home / "Ras.exe")
        wine = standins.sh_wine(folder / "wine")
        self.program = [sys.executable, "-c", WITH_WINE.format(wine=(str(wine),))]
        self.environment = os.environ | {"WINEPREFIX": str(folder / "no prefix")}
        self.spec()

    def spec(self, plans: str = PLAN, *, salt: str = "", flag: str = "", windows: str = "") -> None:
        text = SPEC.format(plans=plans, salt=salt, flag=flag, windows=windows)
        (self.folder / "spec.yaml").write_text(text)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.program, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, check: int | None = 0) -> str:
        controller = self.start(*words)
        out, told = controller.communicate(timeout=LONGEST)
        assert "Traceback" not in told, told
        assert check is None or controller.returncode == check, f"{controller.returncode}\n{out}\n{told}"
        return out

    def apply(self, check: int | None = 0) -> str:
        return self.run("apply", "spec.yaml", check=check)

    def runs(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(json.loads(self.run("history", "spec.yaml", "--json"))["runs"])[::-1]

    def prepared(self) -> list[Path]:
        return sorted((self.folder / "state.prepared").iterdir())

    def solved(self) -> int:
        return sum(call["program"] == "RasUnsteady" for call in self.linux.calls())

    def change_flow(self) -> None:
        flow = self.project.with_suffix(".u01")
        flow.write_bytes(flow.read_bytes().replace(b"    2000", b"    9000"))


@pytest.fixture
def study(tmp_path: Path, standins) -> Study:
    return Study(tmp_path, standins)


def test_a_plan_is_prepared_once_and_again_only_when_its_inputs_change(study) -> None:
    before = {path.name: path.read_bytes() for path in study.project.parent.iterdir()}
    proposed = study.run("diff", "spec.yaml")
    assert "1 plan, 1 preparation: 2 missing" in proposed
    assert "2 to run" in proposed
    assert "1 of 1 plan is current" in study.apply()
    prepare, compute = study.runs()
    assert prepare["plan"].startswith("Basin.p01/prepare-")
    assert (prepare["worker"], compute["plan"], compute["worker"]) == ("office", "Basin/p01", "solver")
    (products,) = study.prepared()
    assert {"Basin.p01.tmp.hdf", "Basin.b01", "Basin.x01"} <= {path.name for path in products.iterdir()}
    assert "nothing to do, the only plan is current" in study.apply()
    assert "Basin.p01/prepare" not in study.run("results", "spec.yaml")
    assert "1 plan: 1 current" in study.run("status", "spec.yaml")

    study.spec(salt="another")
    study.apply()
    assert (len(study.ras.calls()), study.solved()) == (1, 2)

    study.change_flow()
    study.apply()
    assert (len(study.ras.calls()), study.solved(), len(study.prepared())) == (2, 3, 2)
    after = {path.name: path.read_bytes() for path in study.project.parent.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"Basin.u01"}


def test_a_finished_plan_asks_for_no_preparation_though_its_products_are_gone(study) -> None:
    study.apply()
    (products,) = study.prepared()
    for path in products.iterdir():
        path.unlink()
    assert "Nothing to do." in study.run("diff", "spec.yaml")
    assert "nothing to do" in study.apply()
    study.run("retry", "spec.yaml", "Basin/*")
    study.apply()
    assert (len(study.ras.calls()), study.solved()) == (2, 2)


def test_prepared_files_beside_the_project_are_taken_and_nothing_is_prepared(study, standins) -> None:
    standins.prepare(study.project, "01")
    study.apply()
    assert (len(study.ras.calls()), study.solved()) == (0, 1)
    os.utime(study.project.with_suffix(".u01"), (time.time() + 60, time.time() + 60))
    study.change_flow()
    os.utime(study.project.with_suffix(".u01"), (time.time() + 60, time.time() + 60))
    study.apply()
    assert (len(study.ras.calls()), study.solved()) == (1, 2)


def test_two_copies_of_a_project_share_what_is_prepared(study, standins) -> None:
    standins.write_project(study.folder / "copy", plans=("01",))
    study.spec(PLAN + PLAN.replace("model/", "copy/").replace("numbers", "name: Copy, numbers"))
    assert "2 plans, 1 preparation" in study.run("diff", "spec.yaml")
    assert "2 of 2 plans are current" in study.apply()
    assert (len(study.ras.calls()), study.solved()) == (1, 1)


@pytest.mark.parametrize(
    ("flag", "windows"), [(", preprocess_on_host: false", ""), ("", "#")], ids=["forbidden", "no Ras.exe"]
)
def test_where_nobody_prepares_the_plan_is_blocked_with_the_remedy(study, flag: str, windows: str) -> None:
    study.spec(flag=flag, windows=windows)
    remedy = "add a worker with Ras.exe, which makes them (unless `preprocess_on_host: false` on this one"
    for verb in ("diff", "check", "apply"):
        out = study.run(verb, "spec.yaml", check=None)
        assert "the Linux solvers need Basin.p01.tmp.hdf, Basin.b01, Basin.x01" in out
        assert remedy in out
    assert study.runs() == []


def test_a_steady_plan_is_prepared_too_though_ras_exe_may_have_computed_it_by_then(study, standins) -> None:
    standins.write_steady_project(study.folder / "steady")
    study.spec(PLAN.replace("model/Basin", "steady/Brook"))
    assert "1 plan, 1 preparation" in study.run("diff", "spec.yaml")
    assert "1 of 1 plan is current" in study.apply()
    assert [run["worker"] for run in study.runs()] == ["office", "solver"]
    (products,) = study.prepared()
    assert {"Brook.p01.tmp.hdf", "Brook.r01"} <= {path.name for path in products.iterdir()}
    assert [call["program"] for call in study.linux.calls()] == ["RasSteady"]


FAILURES = {
    "prepare-crash": ("plan", "solver crashed", "Error with program: RasGeomPreprocess.exe"),
    "geometry-error": ("plan", "geometry error", "fix the geometry"),
    "nothing": ("worker", "no sign of life", "start it once by hand"),
    "hang": ("worker", "no sign of life", "start it once by hand"),
    "other-plan": ("plan", "expectation failed", "says it is the result of Other.p09, not of Basin.p01"),
    "wrong-version": ("worker", "wrong version", "HEC-RAS 6.4.1, the spec asks for 6.6"),
}


@pytest.mark.parametrize("mode", list(FAILURES))
def test_a_preparation_that_fails_holds_its_plan_with_the_reason(study, mode: str) -> None:
    blame, cause, said = FAILURES[mode]
    worker = blame == "worker"
    study.ras.fails(mode, **({"times": 1} if worker else {}))
    if mode == "hang":
        study.spec(PLAN.replace("only_on", "max_runtime_minutes: 0.1, only_on"))
    out = study.apply(check=0 if worker else None)
    first = study.runs()[0]
    assert first["plan"].startswith("Basin.p01/prepare-")
    assert (first["failure"]["blame"], first["failure"]["cause"]) == (blame, cause)
    failure = first["failure"]
    assert said in f"{failure['message']}; {failure['remedy']}"
    if worker:
        assert study.solved() == 1
    else:
        assert study.solved() == 0
        assert "it is not prepared for the Linux solvers:" in out
        assert said in out
        assert not list(study.folder.glob("state.prepared/*/Basin*"))


@pytest.mark.parametrize("mode", ["good", "empty-bco"])
def test_ras_exe_is_ended_when_its_solver_begins(study, mode: str) -> None:
    study.ras.fails(mode, seconds=3000)
    study.apply()
    assert study.solved() == 1
    assert len(study.runs()) == 2


def test_a_controller_killed_between_preparation_and_run_prepares_nothing_twice(study) -> None:
    study.linux.fails("good", seconds=3)
    controller = study.start("apply", "spec.yaml")
    until(lambda: study.solved() or list(study.folder.glob("state.prepared/*/Basin.p01.tmp.hdf")))
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    assert "1 of 1 plan is current" in study.apply()
    assert (len(study.ras.calls()), study.solved()) == (1, 1)


def test_products_that_no_plan_asks_for_any_more_are_named(study) -> None:
    kept = study.folder / "state.prepared" / "0123"
    kept.mkdir(parents=True)
    loaded = load(study.folder / "spec.yaml")
    digests, contents = Digests({}, time.time_ns), Contents({}, time.time_ns, associations)
    found = resolve(loaded, digests, engine_for, contents=contents)
    plans = with_preparations(loaded, digests, found).plans
    (preparation,) = (plan for plan in plans if plan.prepares)
    preparation.output.parent.mkdir()
    assert unneeded_products(loaded, plans) == (kept,)


def resolved(study) -> list[Plan]:
    loaded = load(study.folder / "spec.yaml")
    digests, contents = Digests({}, time.time_ns), Contents({}, time.time_ns, associations)
    found = resolve(loaded, digests, engine_for, contents=contents)
    return list(with_preparations(loaded, digests, found).plans)


def test_what_linux_cannot_compute_is_not_prepared_for_it_and_runs_where_ras_exe_is(study) -> None:
    assert [bool(plan.prepared_by) for plan in resolved(study) if not plan.prepares] == [True]
    text = study.project.with_suffix(".p01")
    text.write_bytes(text.read_bytes() + b"Run Sediment=-1 \r\n")
    (plan,) = resolved(study)
    assert "computes sediment transport (Run Sediment), for which HEC-RAS has no program on Linux" in str(
        plan.no_worker
    )
    assert "no program on Linux" in study.run("diff", "spec.yaml")
    study.spec(PLAN.replace("[solver]", "[solver, office]"))
    (plan,) = resolved(study)
    assert (plan.no_worker, plan.prepared_by) == ((), None)


def test_61_gets_no_plan_whose_geometry_misses_a_layer_on_ras_exe_or_for_preparing(study) -> None:
    with h5py.File(study.folder / "model" / "Basin.g01.hdf", "w") as file:
        file.create_group("Geometry").attrs["Bed Material Filename"] = ".\\Soil\\bed.hdf"
    spec = study.folder / "spec.yaml"
    for version, blocked in (("6.1", True), ("6.2", True), ("6.6", False)):
        for workers in ("[office]", "[solver]", "[solver, office]"):
            study.spec(PLAN.replace("[solver]", workers))
            spec.write_text(spec.read_text().replace('version: "6.6"', f'version: "{version}"'))
            (plan,) = (plan for plan in resolved(study) if not plan.prepares)
            told = f"HEC-RAS {version} leaves the geometry out without a word" in str(plan.no_worker)
            assert (bool(plan.no_worker), told) == (blocked, blocked and workers != "[solver]")


def test_a_refusal_before_the_solver_is_computed_once_and_names_what_was_missing(study) -> None:
    with h5py.File(study.folder / "model" / "Basin.g01.hdf", "w") as file:
        file.create_group("Geometry").attrs["Terrain Filename"] = ".\\Terrain\\hills.hdf"
    study.ras.fails("event-conditions")
    study.spec(PLAN.replace("[solver]", "[office]"))
    text = (study.folder / "spec.yaml").read_text()
    (study.folder / "spec.yaml").write_text(text.replace("attempts: 1", "attempts: 3"))
    study.apply(check=3)
    (run,) = study.runs()
    assert (run["failure"]["blame"], run["failure"]["cause"]) == ("plan", "input refused")
    assert run["failure"]["message"].startswith(
        "HEC-RAS refused the input, no solver began: The DSS record //BASIN/FLOW/ could not be found, then:"
        " Error processing event conditions (missing before it began, as `check` reports: terrain Terrain/hills.hdf"
    )


def test_a_refusal_while_preparing_is_made_once_too(study) -> None:
    study.ras.fails("event-conditions")
    study.apply(check=3)
    (run,) = study.runs()
    assert (run["failure"]["blame"], run["failure"]["cause"]) == ("plan", "input refused")
