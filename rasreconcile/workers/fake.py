"""A worker in memory: a world of runs that any number of workers share, with every failure on demand.

For tests of whoever uses workers. It keeps the same contract as the real ones and is tested by the same tests.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Literal

from rasreconcile.errors import InputChanged, Refused, Trouble, WorkerError
from rasreconcile.jobs import Absent, Ended, Fetched, Job, LeftFile, Queued, RunId, Running, Status, Trimmed
from rasreconcile.plain_files import LARGEST, whole
from rasreconcile.workers import rundir
from rasreconcile.workers.fake_run import (
    FakeRun,
    Life,
    Playwright,
    status_of,
    writes_every_output,
)

__all__ = ["FakeRun", "FakeWorker", "FakeWorld"]

Method = Literal[
    "stage",
    "start",
    "poll",
    "fetch",
    "read_log",
    "read_work",
    "files",
    "find",
    "ask",
    "cancel",
    "discard",
    "runs",
    "trim_cache",
    "image",
    "check",
]


@dataclass(slots=True)
class _Fault:
    error: Exception
    times: int | None
    when: Literal["before", "after"]


class FakeWorld:
    """What outlives controllers: the runs of one place. May be used by several threads."""

    def __init__(
        self,
        fake_run_for: Playwright = writes_every_output,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.fake_run_for = fake_run_for
        self.now = now
        self.launched: list[RunId] = []
        """Every run that was really started, in order: a run that is here twice was computed twice."""
        self.staged: list[Job] = []
        """Every job whose inputs were staged ahead, in order."""
        self.problems: list[Trouble] = []
        """What `check` finds."""
        self.paths: set[str] = set()
        """What `find` finds."""
        self.answer: Callable[[str, Sequence[str]], str] = lambda _, __: ""
        """What `ask` answers, from the script and its words."""
        self.lock = RLock()
        self.runs_there: dict[RunId, Life] = {}
        self._faults: dict[Method, list[_Fault]] = {}

    def fail(
        self,
        method: Method,
        error: WorkerError | InputChanged | OSError,
        *,
        times: int | None = 1,
        when: Literal["before", "after"] = "before",
    ) -> None:
        """The next `times` calls raise `error` (None: all, until `recover`).

        `after`: what was asked is done, and only the answer is lost.
        """
        with self.lock:
            self._faults.setdefault(method, []).append(_Fault(error, times, when))

    def recover(self) -> None:
        """No more failures."""
        with self.lock:
            self._faults.clear()

    def release(self, run: RunId) -> None:
        """A run that lasts until it is told so comes to its end."""
        self._end(run, "released")

    def kill(self, run: RunId) -> None:
        """The run is gone and leaves no end, as if the power had failed."""
        self._end(run, "killed")

    def forget(self, run: RunId) -> None:
        """The run directory is gone."""
        with self.lock:
            self.runs_there.pop(run, None)

    def inject(self, method: Method, when: Literal["before", "after"]) -> None:
        """Raises the failure that is due."""
        with self.lock:
            for fault in self._faults.get(method, ()):
                if fault.when != when or fault.times == 0:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                raise fault.error

    def status(self, run: RunId) -> Status:
        """What is so now, by this world's clock."""
        with self.lock:
            life = self.runs_there.get(run)
            return Absent() if life is None else status_of(life, self.now())

    def _end(self, run: RunId, how: Literal["released", "killed"]) -> None:
        with self.lock:
            if isinstance(self.status(run), Queued | Running):
                self.runs_there[run].over = (self.now(), how)


class FakeWorker:
    """Implements `jobs.Worker` on a world; another on the same world sees the same runs."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def stage(self, job: Job) -> None:
        """Reads the inputs."""
        rundir.check_job(job)
        self._world.inject("stage", "before")
        for staged in job.inputs:
            _read(staged.source, staged.digest)
        with self._world.lock:
            self._world.staged.append(job)
        self._world.inject("stage", "after")

    def start(self, run: RunId, job: Job) -> None:
        """Reads the inputs, then lets the world's fake_run_for say what the run will do."""
        rundir.check_run(run)
        rundir.check_job(job)
        world = self._world
        world.inject("start", "before")
        with world.lock:
            if run not in world.runs_there:
                inputs = {staged.name: _read(staged.source, staged.digest) for staged in job.inputs}
                fake_run = world.fake_run_for(run, job, inputs)
                world.runs_there[run] = Life(job, fake_run, world.now() + fake_run.queued)
                world.launched.append(run)
        world.inject("start", "after")

    def poll(self, runs: Collection[RunId]) -> Mapping[RunId, Status]:
        """One status for each."""
        for run in runs:
            rundir.check_run(run)
        self._world.inject("poll", "before")
        with self._world.lock:
            return {run: self._world.status(run) for run in runs}

    def fetch(self, run: RunId, name: str, into: Path) -> Fetched:
        """Raises FileNotFoundError where the run has no such output. A failure `after` leaves half of it."""
        rundir.check_run(run)
        rundir.check_name(name)
        self._world.inject("fetch", "before")
        data = self._left(run).get(name)
        if data is None:
            raise FileNotFoundError(f"{run} has no output {name}")
        with into.open("wb") as write:
            write.write(data[: len(data) // 2])
            self._world.inject("fetch", "after")
            write.write(data[len(data) // 2 :])
            write.flush()
            os.fsync(write.fileno())
        return Fetched(len(data), hashlib.sha256(data).hexdigest())

    def read_log(self, run: RunId, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """What the run printed until now."""
        rundir.check_run(run)
        self._world.inject("read_log", "before")
        return self._log(run)[offset : offset + limit]

    def owner(self, run: RunId) -> str:
        """It keeps no word of it."""
        rundir.check_run(run)
        return ""

    def read_work(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Outputs appear whole, at the end."""
        rundir.check_run(run)
        rundir.check_name(name)
        self._world.inject("read_work", "before")
        return self._left(run).get(name, b"")[offset : offset + limit]

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        """The log, and below `work/` what a run has left."""
        rundir.check_run(run)
        self._world.inject("files", "before")
        return tuple(
            LeftFile(name=name, size=len(data), changed=0) for name, data in self._files(run).items()
        )

    def read_file(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Of these."""
        rundir.check_run(run)
        rundir.check_name(name)
        return self._files(run).get(name, b"")[offset : offset + limit]

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Those the world has."""
        self._world.inject("find", "before")
        return tuple(path for path in paths if path in self._world.paths)

    def ask(self, script: str, words: Sequence[str]) -> str:
        """As the world answers."""
        self._world.inject("ask", "before")
        return self._world.answer(script, words)

    def image(self) -> str | None:
        """None: nothing is computed here."""
        self._world.inject("image", "before")
        return None

    def cancel(self, run: RunId) -> None:
        """Ends it at once."""
        rundir.check_run(run)
        world = self._world
        world.inject("cancel", "before")
        with world.lock:
            if isinstance(world.status(run), Queued | Running):
                world.runs_there[run].over = (world.now(), "cancelled")
        world.inject("cancel", "after")

    def discard(self, run: RunId) -> None:
        """Refuses a run that is going on."""
        rundir.check_run(run)
        world = self._world
        world.inject("discard", "before")
        with world.lock:
            if isinstance(world.status(run), Queued | Running):
                raise Refused(f"{run} is still running", "`cancel` it first")
            world.forget(run)
        world.inject("discard", "after")

    def runs(self) -> Mapping[RunId, datetime]:
        """Every run that was not discarded."""
        self._world.inject("runs", "before")
        with self._world.lock:
            return {
                run: life.over[0] if life.over else life.started
                for run, life in self._world.runs_there.items()
            }

    def trim_cache(
        self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"] = "remove"
    ) -> Trimmed:
        """There is none: every run reads its inputs where they are."""
        self._world.inject("trim_cache", "before")
        return Trimmed(0, 0)

    def check(self) -> list[Trouble]:
        """The problems of the world."""
        self._world.inject("check", "before")
        return list(self._world.problems)

    def close(self) -> None:
        """Nothing to give back."""

    def _left(self, run: RunId) -> Mapping[str, bytes]:
        match self._world.status(run):
            case Ended(cause="exited"):
                return self._world.runs_there[run].fake_run.outputs
            case _:
                return {}

    def _files(self, run: RunId) -> Mapping[str, bytes]:
        if isinstance(self._world.status(run), Absent):
            return {}
        work = {f"{rundir.WORK}/{name}": data for name, data in self._left(run).items()}
        return {rundir.LOG: self._log(run), **work}

    def _log(self, run: RunId) -> bytes:
        match self._world.status(run):
            case Absent() | Queued():
                return b""
            case Ended(cause="exited"):
                fake_run = self._world.runs_there[run].fake_run
                return fake_run.printed + fake_run.last_words
            case _:
                return self._world.runs_there[run].fake_run.printed


def _read(source: Path, digest: str) -> bytes:
    try:
        data = whole(source, LARGEST)
    except OSError as error:
        raise InputChanged(f"{source}: {error.strerror}", "it was readable when it was hashed") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise InputChanged(f"{source} changed after it was hashed", "it will be hashed again")
    return data
