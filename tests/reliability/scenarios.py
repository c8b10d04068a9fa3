"""Scenarios: what a study has to do when its controller is killed, and what must then be so."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.controller import progress_reader
from rasreconcile.plans import Address
from rasreconcile.store import file_request
from rasreconcile.store.reader import Reader
from rasreconcile.workers.fake import FakeRun

if TYPE_CHECKING:
    from tests.reliability.kinds import Kind

DEMO = Path(__file__).parents[2] / "specs" / "demo"
APPLY = ("apply", "spec.yaml", "--quiet")
SPEC = """\
version: 1
state: {store}
results: results
engine: {engine}
retries: {{attempts: 3, wait: 0s, at_most: 0s}}
workers:
  desk: {worker}
plans:
{plans}
"""
CURRENT = ("current", "idle")


class Scenario:
    """The demo's project with an engine that copies a ready result. In version 1 of its flows all goes well."""

    kinds: frozenset[str] | None = None
    """Of worker it is made for; None: all."""
    before: tuple[tuple[str, ...], ...] = ()
    """Commands that go undisturbed before the first one that is killed."""
    argv: tuple[str, ...] = APPLY
    """What is killed, and started again until it ends."""
    ends: int = 0
    then: tuple[str, ...] | None = None
    """What follows it, where another command has to finish its work."""
    again: tuple[int, str] = (0, "nothing to do")
    """How an `apply` after all ends, and what it says."""
    plans: tuple[str, ...] = ("Willow/p01", "Willow/p02", "Willow/p03", "Willow/p04")
    published: Mapping[str, int] = {}
    """The version of each plan's result in the end."""
    side_outputs: tuple[str, ...] = ()
    """Below `results`."""
    computed: Mapping[str, int] = {}
    """How often in version 2."""
    verdicts: Mapping[str, tuple[str, str]] = {}
    """Sync and phase, where a plan does not end as CURRENT."""
    cancelled: tuple[str, ...] = ()
    """Plans a run of which is cancelled."""
    cores: int = 2
    """Of the worker; a run takes one."""
    listed: str
    """`plans:` of the spec, in version 2 with `{more}`."""
    more: tuple[str, str] = ("", "")

    def lay_out(self, folder: Path, kind: Kind, store: str) -> None:
        """Files such that `apply` publishes version 1."""
        for path in DEMO.iterdir():
            shutil.copy(path, folder)
        inside = kind.inside(folder)
        (folder / "compute.sh").write_text(self.script(inside))
        self.make_results(folder)
        command = ["sh", f"{inside}/compute.sh", "{plan}", "{output}"]
        engine = json.dumps({"type": "command", "command": command})
        for name, more in zip(("spec.yaml", "spec.2.yaml"), self.more, strict=True):
            plans = self.listed.replace("{more}", more)
            text = SPEC.format(
                store=store, engine=engine, worker=kind.worker(folder, self.cores), plans=plans
            )
            (folder / name).write_text(text)
        for flow in ("f01", "f02"):
            self.edit(folder, flow, 1)

    def make_results(self, folder: Path) -> None:
        import h5py
        import numpy as np

        for version in (1, 2):
            with h5py.File(folder / f"ready-{version}.hdf", "w") as file:
                file["x"] = np.full(2000 + 1000 * version, float(version))

    def script(self, folder: str) -> str:
        """What the engine runs: sh compute.sh PLAN OUTPUT, in the run's work folder; `folder` as it sees the study's."""
        return f"""\
mkdir -p {folder}/ran
: >{folder}/ran/"$1.{MARK}"
case $1 in {self.case(folder)} esac
for version in 1 2; do
    if grep -q "version $version" Willow.[fu]0*; then cat {folder}/ready-$version.hdf >"$2"; fi
done
"""

    def case(self, folder: str) -> str:
        """Plans that are computed otherwise, as branches of a `case`."""
        return "-) ;;"

    def fake_run(self, plan: str, version: int, ran: int, ready: bytes) -> FakeRun:
        """The same in the world of the kind `memory`; `ran`: how often before."""
        return FakeRun(outputs={"": ready}, printed=b"computed\n", lasts=timedelta(milliseconds=30))

    def settle(self, state: Path) -> None:
        """Version 1 was applied: what else is before version 2 is wanted."""

    def change(self, folder: Path) -> None:
        """Version 2 is wanted."""
        self.edit(folder, "f01", 2)
        (folder / "spec.2.yaml").replace(folder / "spec.yaml")

    def edit(self, folder: Path, flow: str, version: int) -> None:
        path = folder / f"Willow.{flow}"
        text = re.sub(r"Flow Title=.*", f"Flow Title={flow} version {version}", path.read_text())
        # A title is no input: the flow changes with it.
        path.write_text(re.sub(r"\b1850\b|\b1950\b", {1: "1850", 2: "1950"}[version], text))

    def set_going(self, state: Path) -> None:
        """After the commands `before`."""

    def equip(self, folder: Path, argv: Sequence[str]) -> None:
        """In the controller's process, before its command line."""

    def outputs(self) -> tuple[str, ...]:
        """Results below `results`."""
        return tuple(self.output(plan) for plan in self.plans) + self.side_outputs

    def output(self, plan: str) -> str:
        return f"{plan.replace('/', '/Willow.')}.hdf"

    def good(self, folder: Path, plan: str) -> str | None:
        """The digest of what must be published in the end; None: that of the receipt."""
        return _digest(folder / f"ready-{self.published.get(plan, 1)}.hdf")

    def check(self, store: sqlite3.Connection) -> str | None:
        """What else is not as it must be."""
        return None


MARK = "$(cat /proc/sys/kernel/random/uuid)"
"""Of one computation: in containers all have the same process id."""


class Mixed(Scenario):
    """All that one apply can have to do: plans to compute, of which one fails at first, a result to copy from a plan
    with the same inputs, one to verify by a changed expectation, one to recall from its receipt."""

    plans = (*Scenario.plans, "Again/p01")
    published: Mapping[str, int] = {"Willow/p01": 2, "Willow/p03": 2, "Again/p01": 2}
    computed: Mapping[str, int] = {"Willow.p01": 1, "Willow.p03": 2}
    listed = """\
  - {project: Willow.prj, numbers: ["01", "03"], expect: {completed: false}}
  - {project: Willow.prj, numbers: ["02"], expect: {completed: false{more}}}
  - {project: Willow.prj, numbers: ["04"], expect: {completed: false}}
  - {project: Willow.prj, name: Again, numbers: ["01"], expect: {completed: false}}"""
    more = ("", ", datasets: {/x: {finite: true}}")

    def case(self, folder: str) -> str:
        return (
            "*.p03) if grep -q 'version 2' Willow.f01 &&"
            f" mkdir {folder}/ran/failed 2>/dev/null; then exit 1; fi ;;"
        )

    def fake_run(self, plan: str, version: int, ran: int, ready: bytes) -> FakeRun:
        if plan.endswith("p03") and version == 2 and ran == 0:
            return FakeRun(exit_code=1, printed=b"not this time\n", lasts=timedelta(milliseconds=20))
        return super().fake_run(plan, version, ran, ready)

    def settle(self, state: Path) -> None:
        """p04 is to be known again from its receipt."""
        with closing(sqlite3.connect(state)) as store, store:
            store.execute("PRAGMA foreign_keys = ON")
            store.execute("DELETE FROM output WHERE address = 'Willow/p04'")
        store.close()


class Chain(Scenario):
    """A plan that restarts from a file which a run of another one leaves beside its result: both are computed anew."""

    plans = ("Willow/p01", "Willow/p02")
    published: Mapping[str, int] = {"Willow/p01": 2, "Willow/p02": 2}
    computed: Mapping[str, int] = {"Willow.p01": 1, "Willow.p02": 1}
    restart = "Willow.p02.02JAN2024 1200.rst"
    side_outputs = (f"Willow/{restart}",)
    listed = '  - {project: Willow.prj, numbers: ["01", "02"], expect: {completed: false}}'

    def lay_out(self, folder: Path, kind: Kind, store: str) -> None:
        super().lay_out(folder, kind, store)
        for number, use, file in (("01", -1, self.restart), ("02", 0, "")):
            plan = folder / f"Willow.p{number}"
            lines = [line for line in plan.read_text().splitlines() if not line.startswith("Flow File=")]
            plan.write_text("\n".join([*lines, f"Flow File=u{number}"]) + "\n")
            restart = f"Use Restart= {use} \nRestart Filename={file}\n"
            text = f"Flow Title=u{number} version 1\n{restart}Boundary Location=a 1850\n"
            (folder / f"Willow.u{number}").write_text(text)

    def case(self, folder: str) -> str:
        return (
            f'*.p02) for version in 1 2; do if grep -q "version $version" Willow.u02; then'
            f" cat {folder}/ready-$version.hdf >'{self.restart}'; fi; done ;;"
            f' *.p01) for version in 1 2; do if grep -q "version $version" Willow.u01; then'
            f" cmp '{self.restart}' {folder}/ready-$version.hdf || exit 1; fi; done ;;"
        )

    def change(self, folder: Path) -> None:
        for flow in ("u01", "u02"):
            self.edit(folder, flow, 2)


class Series(Scenario):
    """A plan that reads the DSS file which a run of another one leaves, with further outputs beside: one by name, and by
    a pattern one that version 2 writes and one that it writes no more."""

    kinds = frozenset({"local", "ssh", "docker", "volume"})
    plans = ("Willow/p01", "Willow/p02")
    published: Mapping[str, int] = {"Willow/p01": 2, "Willow/p02": 2}
    computed: Mapping[str, int] = {"Willow.p01": 1, "Willow.p02": 1}
    side_outputs = ("Willow/Willow.p02.dss", "Willow/Willow.O02", "Willow/maps/2.tif")
    listed = """\
  - {project: Willow.prj, numbers: ["01"], expect: {completed: false}}
  - {project: Willow.prj, numbers: ["02"], expect: {completed: false}, outputs: ["{stem}.O{number}", "maps/*.tif"]}"""

    def lay_out(self, folder: Path, kind: Kind, store: str) -> None:
        super().lay_out(folder, kind, store)
        for number in ("01", "02"):
            plan = folder / f"Willow.p{number}"
            drop = ("Flow File=", "Short Identifier=")
            lines = [line for line in plan.read_text().splitlines() if not line.startswith(drop)]
            lines += [f"Short Identifier=Plan {number}  ", f"Flow File=u{number}", "DSS File=dss"]
            plan.write_text("\n".join(lines) + "\n")
            record = "DSS File=dss\nDSS Path=/WILLOW/5.0/FLOW//1HOUR/PLAN 02/\nUse DSS=True\n"
            text = f"Flow Title=u{number} version 1\nBoundary Location=a 1850\n{record if number == '01' else ''}"
            (folder / f"Willow.u{number}").write_text(text)

    def case(self, folder: str) -> str:
        return (
            '*.p02) for version in 1 2; do if grep -q "version $version" Willow.u02; then'
            f" mkdir -p maps && cat {folder}/ready-$version.hdf >Willow.dss && echo $version >Willow.O02"
            " && echo $version >maps/$version.tif; fi; done ;;"
            ' *.p01) for version in 1 2; do if grep -q "version $version" Willow.u01; then'
            f" cmp Willow.dss {folder}/ready-$version.hdf || exit 1; fi; done ;;"
        )

    def change(self, folder: Path) -> None:
        for flow in ("u01", "u02"):
            self.edit(folder, flow, 2)


class Adopt(Scenario):
    """Results that stand there without store and receipts, adopted; then `apply` has nothing to compute."""

    argv = ("adopt", "spec.yaml", "--all", "--suspicious")
    then = APPLY
    listed = "  - {project: Willow.prj, expect: {completed: false, datasets: {/x: {finite: true}}}}"

    def settle(self, state: Path) -> None:
        for path in (*state.parent.glob(f"{state.name}*"), *state.parent.rglob("*.receipt.json")):
            path.unlink()

    def change(self, folder: Path) -> None:
        """Nothing but that nobody knows of the results."""

    def check(self, store: sqlite3.Connection) -> str | None:
        known = store.execute("SELECT address FROM output WHERE provenance = 'adopted'").fetchall()
        return None if len(known) == len(self.plans) else f"adopted is only {known}"


FOREVER = "n=0; while [ $n -lt 3000 ]; do sleep 0.1; n=$((n + 1)); done;"
UNSTABLE = "The simulation went unstable at 01JAN2024 01:00:00"


class Stopped(Scenario):
    """One run is to be cancelled on request, one ends early because its messages say so; two plans go well."""

    before = (("apply", "spec.yaml", "--quiet", "--detach"),)
    ends = 3
    again = (3, "")
    cores = 4
    published: Mapping[str, int] = {"Willow/p03": 2, "Willow/p04": 2}
    computed: Mapping[str, int] = {"Willow.p01": 1, "Willow.p02": 1, "Willow.p03": 1, "Willow.p04": 1}
    verdicts: Mapping[str, tuple[str, str]] = {
        "Willow/p01": ("stale", "held"),
        "Willow/p02": ("stale", "quarantined"),
    }
    cancelled = ("Willow/p01",)
    listed = """\
  - {project: Willow.prj, numbers: ["02"], stop_when: {}, expect: {completed: false}}
  - {project: Willow.prj, numbers: ["01", "03", "04"], expect: {completed: false}}"""

    def case(self, folder: str) -> str:
        return (
            f"*.p01) if grep -q 'version 2' Willow.f01; then {FOREVER} fi ;;"
            f" *.p02) if grep -q 'version 2' Willow.f02; then echo '{UNSTABLE}'; {FOREVER} fi ;;"
        )

    def fake_run(self, plan: str, version: int, ran: int, ready: bytes) -> FakeRun:
        if version == 1 or plan.endswith(("p03", "p04")):
            return super().fake_run(plan, version, ran, ready)
        return FakeRun(printed=f"{UNSTABLE}\n".encode() if plan.endswith("p02") else b"", lasts=None)

    def change(self, folder: Path) -> None:
        super().change(folder)
        self.edit(folder, "f02", 2)

    def set_going(self, state: Path) -> None:
        with Reader(state) as reader:
            going = {run.address for run in reader.runs.live()}
        assert going >= {"Willow/p01", "Willow/p02"}, "nothing is running that could be stopped"
        file_request(state, "cancel", Address("Willow/p01"), by="a person", now=datetime.now(UTC))

    def equip(self, folder: Path, argv: Sequence[str]) -> None:
        # What goes before finds nothing that must be stopped yet.
        progress_reader.READ_EVERY = 60.0 if argv in self.before else 0.05


class ByHand(Stopped):
    """`cancel` where no controller is at work; the next apply sees the end and holds the plan."""

    argv = ("cancel", "spec.yaml", "Willow/p01")
    ends = 0
    then = APPLY
    again = (4, "")
    plans = ("Willow/p01",)
    published: Mapping[str, int] = {}
    computed: Mapping[str, int] = {"Willow.p01": 1}
    verdicts: Mapping[str, tuple[str, str]] = {"Willow/p01": ("stale", "held")}
    cancelled = ("Willow/p01",)
    listed = '  - {project: Willow.prj, numbers: ["01"], expect: {completed: false}}'

    def set_going(self, state: Path) -> None:
        """Nobody but the command that is killed asks for it."""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
