"""Trials: a study with every kind of work to do, a controller that is killed at a chosen point, and what must then be so."""

from __future__ import annotations

import hashlib
import importlib
import os
import pkgutil
import random
import re
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rasreconcile
from rasreconcile.cli.verbs import run as command_line
from rasreconcile.results.receipts import read_receipt
from rasreconcile.runs import LIVE
from rasreconcile.store import lock
from tests.reliability.kinds import Kind
from tests.reliability.points import MARK, Points

SPEC = """\
version: 1
state: {store}
results: results
engine: {{type: command, command: ["sh", "{folder}/compute.sh", "{{plan}}", "{{output}}"]}}
retries: {{attempts: 3, wait: 0s, at_most: 0s}}
workers:
  desk: {{type: local, worker_folder: runs, cores_total: 2, cores_per_plan: 1}}
plans:
  - {{project: Willow.prj, numbers: ["01", "03"], expect: {{completed: false}}}}
  - {{project: Willow.prj, numbers: ["02"], expect: {{completed: false{more}}}}}
  - {{project: Willow.prj, numbers: ["04"], expect: {{completed: false}}}}
  - {{project: Willow.prj, name: Again, numbers: ["01"], expect: {{completed: false}}}}
"""
COMPUTE = """\
mkdir -p {folder}/ran
: >{folder}/ran/"$1.$$"
case $1 in *.p03) if grep -q 'version 2' Willow.f01 && mkdir {folder}/failed 2>/dev/null; then exit 1; fi ;; esac
for version in 1 2; do
    if grep -q "version $version" Willow.f0*; then cat {folder}/ready-$version.hdf >"$2"; fi
done
"""
OUTPUTS = (
    "Willow/Willow.p01",
    "Willow/Willow.p02",
    "Willow/Willow.p03",
    "Willow/Willow.p04",
    "Again/Willow.p01",
)
CHANGED = frozenset({"Willow/Willow.p01", "Willow/Willow.p03", "Again/Willow.p01"})
COMPUTED = {"Willow.p01": 1, "Willow.p03": 2}
"""In the second version: the first run of p03 fails, the plan `Again` is copied, the others are current."""
KILLED = -signal.SIGKILL
LONGEST = 120.0


class Broken(AssertionError):
    """An invariant does not hold."""


def warm_up() -> None:
    """Imports everything, so that a controller begins in milliseconds."""
    for module in pkgutil.walk_packages(rasreconcile.__path__, "rasreconcile."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@dataclass
class Study:
    """A folder with version 1 of everything published, put back for each trial at the same path."""

    folder: Path
    kind: Kind
    demo: Path
    store: str = "state.db"
    """Below the folder."""
    ready: dict[int, str] = field(default_factory=dict)
    """Digest of the one good result of each version."""

    def prepare(self) -> None:
        """Version 1, applied by an undisturbed controller; what `begin` starts from."""
        self.folder.mkdir(parents=True)
        for path in self.demo.iterdir():
            shutil.copy(path, self.folder)
        self.write_spec("")
        (self.folder / "compute.sh").write_text(COMPUTE.format(folder=self.folder))
        for flow in ("f01", "f02"):
            self.edit(flow, 1)
        self._make_results()
        self.kind.begin(self.folder)
        done = self.controller()
        self.kind.end()
        if done.code != 0:
            raise Broken(f"version 1 was not applied: {done}")
        with sqlite3.connect(self.folder / self.store) as store:
            # p04 is to be known again from its receipt.
            store.execute("PRAGMA foreign_keys = ON")
            store.execute("DELETE FROM output WHERE address = 'Willow/p04'")
        store.close()
        for name in ("ran", "runs", "world"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).unlink(missing_ok=True)
        shutil.copytree(self.folder, self.template)

    @property
    def template(self) -> Path:
        return self.folder.with_name(self.folder.name + ".template")

    def write_spec(self, more: str) -> None:
        (self.folder / "spec.yaml").write_text(SPEC.format(folder=self.folder, store=self.store, more=more))

    def edit(self, flow: str, version: int) -> None:
        path = self.folder / f"Willow.{flow}"
        text = re.sub(r"Flow Title=.*", f"Flow Title={flow} version {version}", path.read_text())
        # A title is no input: the flow changes with it.
        path.write_text(re.sub(r"\b1850\b|\b1950\b", {1: "1850", 2: "1950"}[version], text))

    def begin(self) -> None:
        """Version 1 is published; version 2 is what is wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        self.edit("f01", 2)
        self.write_spec(", datasets: {/x: {finite: true}}")
        self.kind.begin(self.folder)

    def points(self, tell: int, die_at: int | None) -> Points:
        """In the controller's process: what befalls it at `die_at`."""
        return Points(tell, die_at)

    def _make_results(self) -> None:
        import h5py
        import numpy as np

        for version in (1, 2):
            path = self.folder / f"ready-{version}.hdf"
            with h5py.File(path, "w") as file:
                file["x"] = np.full(2000 + 1000 * version, float(version))
            self.ready[version] = hashlib.sha256(path.read_bytes()).hexdigest()

    def output(self, name: str) -> Path:
        return self.folder / "results" / f"{name}.hdf"

    def good(self, name: str) -> frozenset[str]:
        """Digests that may stand at an output while version 2 is being made."""
        versions = (1, 2) if name in CHANGED else (1,)
        return frozenset(self.ready[version] for version in versions)

    def controller(
        self, die_at: int | None = None, argv: Sequence[str] = ("apply", "spec.yaml", "--quiet")
    ) -> Ended:
        """The real command line in a process of its own, which ends itself at point `die_at`."""
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(told)
            _be_controller(self, tell, die_at, argv)
        os.close(tell)
        with os.fdopen(told, "rb") as pipe:
            names = pipe.read().split(MARK)[:-1]
        code = _wait(pid)
        said = (self.folder / "said").read_text(errors="replace")
        return Ended(code, tuple(name.decode() for name in names), said)


@dataclass(frozen=True)
class Ended:
    """How a controller ended, the points it reached (the last one where it died), and what it printed."""

    code: int
    points: tuple[str, ...]
    said: str


def _be_controller(study: Study, tell: int, die_at: int | None, argv: Sequence[str]) -> None:
    code = 70
    try:
        os.chdir(study.folder)
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        points = study.points(tell, die_at)
        study.kind.install(points)
        points.install()
        code = command_line(list(argv))
    except BaseException:  # noqa: BLE001  whatever it is, it is told and this process ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int) -> int:
    """Its exit code, or the signal that ended it, negative. The pipe it held is closed already: it is at its end."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


class Reader:
    """A process that reads every output all the time: each must be there, whole, and one of the good ones."""

    def __init__(self, study: Study) -> None:
        self._told, tell = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _read_on(study, tell)
        os.close(tell)

    def stop(self) -> list[str]:
        """What it saw that must never be seen."""
        os.kill(self._pid, signal.SIGTERM)
        with os.fdopen(self._told, "rb") as pipe:
            seen = pipe.read().decode().splitlines()
        os.waitpid(self._pid, 0)
        return seen


def _read_on(study: Study, tell: int) -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    known = {study.output(name): study.good(name) for name in OUTPUTS}
    while True:
        last = bool(stopped)
        for path, good in known.items():
            try:
                data = path.read_bytes()
            except OSError as error:
                os.write(tell, f"{path}: {error}\n".encode())
                continue
            if hashlib.sha256(data).hexdigest() not in good:
                os.write(tell, f"{path}: {len(data)} bytes that are no good result\n".encode())
        if last:
            os._exit(0)
        time.sleep(0.004)


def trial(study: Study, moments: random.Random, die_at: int) -> tuple[str, ...]:
    """Killed at `die_at`, perhaps once or twice again, then left alone until it ends. The points where it died.

    Raises Broken where something that must be so is not.
    """
    study.begin()
    reader = Reader(study)
    died: list[str] = []
    try:
        at: int | None = die_at
        while True:
            ended = study.controller(at)
            if ended.code != KILLED:
                break
            died += ended.points
            at = moments.randrange(1, 250) if moments.random() < 0.4 and len(died) < 4 else None
        again = study.controller()
    finally:
        seen = reader.stop()
    try:
        if ended.code != 0:
            raise Broken(f"it ended with {ended.code}: {ended.said}")
        if "nothing to do" not in again.said:
            raise Broken(f"a second apply had work to do: {again.said}")
        if seen:
            raise Broken("the reader saw: " + "; ".join(seen[:5]))
        check(study)
    finally:
        study.kind.end()
    return tuple(died)


def check(study: Study, *, losing: bool = False) -> None:
    """Version 2 is published everywhere, everything was computed as often as it had to be, and nothing is left.

    `losing`: runs may have been lost by their worker, and those computed once more.
    """
    for name in OUTPUTS:
        path, version = study.output(name), 2 if name in CHANGED else 1
        if hashlib.sha256(path.read_bytes()).hexdigest() != study.ready[version]:
            raise Broken(f"{path} is not the result of version {version}")
        receipt = read_receipt(path)
        if receipt is None or receipt.digest != study.ready[version]:
            raise Broken(f"{path}: its receipt is of another file")
    kept, lost = _check_store(study.folder / study.store, losing=losing)
    counts = dict(study.kind.computations())
    least = {plan: counts.get(plan, 0) - lost[plan] for plan in COMPUTED}
    if any(least[plan] > needed or counts.get(plan, 0) < needed for plan, needed in COMPUTED.items()):
        raise Broken(
            f"computed {counts}, expected {COMPUTED}, and once more at most for each of {dict(lost)}"
        )
    if more := counts.keys() - COMPUTED.keys():
        raise Broken(f"computed for nothing: {more}")
    _check_files(study)
    _soon(lambda: study.kind.left_over(kept), "left on the worker")


def _check_store(path: Path, *, losing: bool) -> tuple[list[str], Counter[str]]:
    """The runs whose run directories may be kept, and how many runs of each plan were lost."""
    store = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        live = ", ".join(f"'{state}'" for state in LIVE)
        ended_badly = "SELECT id, address, failure_message FROM run WHERE state IN ('lost', 'cancelled')"
        for what, query in {
            "live runs": f"SELECT id, state FROM run WHERE state IN ({live})",
            "two results for one fingerprint": "SELECT address, fingerprint FROM run WHERE state = 'succeeded'"
            " GROUP BY 1, 2 HAVING count(*) > 1",
            "two outputs of one run": "SELECT address, run FROM output GROUP BY 1, 2 HAVING count(*) > 1",
            "open requests": "SELECT * FROM request WHERE closed IS NULL",
            "plans that are not current": "SELECT address, sync, phase FROM verdict WHERE sync <> 'current'",
            "broken references": "PRAGMA foreign_key_check",
        }.items():
            if found := store.execute(query).fetchall():
                raise Broken(f"{what}: {found}")
        lost = store.execute(ended_badly).fetchall()
        if lost and not losing:
            raise Broken(f"runs that a worker lost: {lost}")
        if store.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise Broken("the store is damaged")
        failed = store.execute("SELECT id FROM run WHERE state = 'failed'").fetchall()
        return [row[0] for row in failed + lost], Counter(f"Willow.{row[1][-3:]}" for row in lost)
    finally:
        store.close()


def _check_files(study: Study) -> None:
    expected = {study.output(name).name for name in OUTPUTS}
    expected |= {f"{name}.receipt.json" for name in expected}
    for path in (study.folder / "results").rglob("*"):
        if path.is_file() and path.name not in expected:
            raise Broken(f"left: {path}")
    known = {path.name for path in study.template.iterdir()}
    more = {"said", "ran", "failed", "runs", "world", "state.db-journal", "state.db-wal", "state.db-shm"}
    if left := {path.name for path in study.folder.iterdir()} - known - more:
        raise Broken(f"left: {left}")
    held = lock.take(study.folder / study.store)
    if held is None:
        raise Broken("the lock is held by nobody")
    held.release()


def _soon(left: Callable[[], list[str]], what: str) -> None:
    """What ends by itself gets a moment."""
    until = time.monotonic() + 5
    while found := left():
        if time.monotonic() > until:
            raise Broken(f"{what}: {found}")
        time.sleep(0.02)


def by_name(points: Sequence[str]) -> Mapping[str, list[int]]:
    """The points (from 1) of each name."""
    found: dict[str, list[int]] = {}
    for number, name in enumerate(points, start=1):
        found.setdefault(name, []).append(number)
    return found
