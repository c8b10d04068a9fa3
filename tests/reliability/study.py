"""A study in a folder, put back for each trial, and controllers on it: the real command line in processes of their own."""

from __future__ import annotations

import faulthandler
import importlib
import os
import pkgutil
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rasreconcile
from rasreconcile.cli.verbs import run as command_line
from rasreconcile.controller import connected_workers
from tests.reliability.kinds import Kind
from tests.reliability.points import MARK, Points
from tests.reliability.scenarios import Scenario

LONGEST = 120.0
"""Seconds after which a controller is taken to hang."""


FOREIGN = () if sys.platform == "win32" else ("windows_kernel", "windows_runner")
"""Modules of another system."""


class Broken(AssertionError):
    """An invariant does not hold."""


def warm_up() -> None:
    """Imports everything, so that a controller begins in milliseconds."""
    for module in pkgutil.walk_packages(rasreconcile.__path__, "rasreconcile."):
        if not module.name.endswith(("__main__", *FOREIGN)):
            importlib.import_module(module.name)


@dataclass
class Study:
    """A folder with version 1 of everything published, put back for each trial at the same path."""

    folder: Path
    kind: Kind
    scenario: Scenario
    store: str = "state.db"
    """Below the folder."""

    @property
    def template(self) -> Path:
        return self.folder.with_name(self.folder.name + ".template")

    @property
    def state(self) -> Path:
        return self.folder / self.store

    def prepare(self) -> None:
        """Version 1, applied by an undisturbed controller; what `begin` starts from."""
        self.folder.mkdir(parents=True)
        self.scenario.lay_out(self.folder, self.kind, self.store)
        self.kind.begin(self.folder, self.scenario)
        try:
            done = self.controller()
        finally:
            self.kind.end()
        if done.code != 0:
            raise Broken(f"version 1 was not applied: {done}")
        self.scenario.settle(self.state)
        for name in ("ran", "runs", "world"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).unlink(missing_ok=True)
        shutil.copytree(self.folder, self.template, symlinks=True)

    def begin(self) -> None:
        """Version 1 is published; version 2 is what is wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder, symlinks=True)
        self.scenario.change(self.folder)
        self.kind.begin(self.folder, self.scenario)

    def set_going(self) -> None:
        """What goes undisturbed before the first controller that is killed."""
        for words in self.scenario.before:
            done = self.controller(argv=words)
            if done.code not in {0, 2}:
                raise Broken(f"it could not be begun: {done}")
        # A queue starts a run when it comes to it: what is to be cancelled must be computing.
        wanted = {f"Willow.{address[-3:]}" for address in self.scenario.cancelled}
        until = time.monotonic() + LONGEST
        while wanted - self.kind.computations().keys():
            if time.monotonic() > until:
                raise Broken(f"it does not compute what is to be cancelled: {wanted}")
            time.sleep(0.02)
        self.scenario.set_going(self.state)

    def points(self, tell: int, die_at: int | None) -> Points:
        """In the controller's process: what befalls it at `die_at`."""
        return Points(tell, die_at)

    def controller(
        self, die_at: int | None = None, argv: Sequence[str] = ("apply", "spec.yaml", "--quiet")
    ) -> Ended:
        """The real command line in a process of its own, which ends itself at point `die_at`. Raises Broken: it hangs."""
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(told)
            _be_controller(self, tell, die_at, argv)
        os.close(tell)
        try:
            names = _read_all(told, time.monotonic() + LONGEST)
        finally:
            os.close(told)
        if names is None:
            os.kill(pid, signal.SIGUSR1)
            time.sleep(1)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        said = (self.folder / "said").read_text(errors="replace")
        if names is None:
            raise Broken(f"{' '.join(argv)} hung for {LONGEST:.0f} s: {said}")
        return Ended(os.waitstatus_to_exitcode(status), names, said)


@dataclass(frozen=True)
class Ended:
    """How a controller ended, the points it reached (the last one where it died), and what it printed."""

    code: int
    points: tuple[str, ...] = field(repr=False)
    said: str


def _be_controller(study: Study, tell: int, die_at: int | None, argv: Sequence[str]) -> None:
    code = 70
    try:
        os.chdir(study.folder)
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)
        # So that a trial is over sooner.
        connected_workers.FASTEST_POLL = 0.01
        study.scenario.equip(study.folder, argv)
        points = study.points(tell, die_at)
        kinds = study.kind.install(points)
        points.install()
        code = command_line(list(argv), kinds)
    except BaseException:  # noqa: BLE001  whatever it is, it is told and this process ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _read_all(told: int, until: float) -> tuple[str, ...] | None:
    """The names of points, to the end; None where it does not come."""
    parts: list[bytes] = []
    waiting = select.poll()
    waiting.register(told)
    while waiting.poll(max(until - time.monotonic(), 0.0) * 1000):
        part = os.read(told, 1 << 16)
        if not part:
            return tuple(name.decode() for name in b"".join(parts).split(MARK)[:-1])
        parts.append(part)
    return None
