"""A worker whose runs are run directories with a runner of their own; on whatever host."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from rasreconcile.errors import REACHABLE, Refused, Trouble, Unreachable
from rasreconcile.jobs import (
    Absent,
    Fetched,
    Job,
    LeftFile,
    Queued,
    RunId,
    Running,
    Status,
    Trimmed,
    Vanished,
)
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.host import Host

END_SECONDS = 30.0


class DetachedWorker:
    """Implements `jobs.Worker`. May be used by several threads where its host may."""

    def __init__(
        self,
        name: str,
        host: Host,
        image: Callable[[], str | None] = lambda: None,
        *,
        look_seconds: float = 0.05,
        end_seconds: float = END_SECONDS,
    ) -> None:
        """`image`: asks for the digest of the image that the host's runs are computed in.

        A run that is cancelled ends within `end_seconds`, and is looked at every `look_seconds` until then.
        """
        self._name = name
        self._host = host
        self._image = image
        self._look_seconds = look_seconds
        self._end_seconds = end_seconds

    def stage(self, job: Job) -> None:
        """Fills the host's cache."""
        rundir.check_job(job)
        self._host.stage(job.inputs)

    def start(self, run: RunId, job: Job) -> None:
        """Prepares the run directory, then launches its runner, which will claim it; known runs are left alone."""
        if job.platform != self._host.platform:
            kind = {"posix": "POSIX", "windows": "Windows"}
            theirs, here = kind[job.platform], kind[self._host.platform]
            raise Refused(f"{self._name} runs {here} jobs, this one is for {theirs}", "use `only_on`")
        files = rundir.control_files(run, job)
        status = self._status(run)
        if not isinstance(status, Absent):
            return
        if status.why:
            self._refuse_where_unfit(run)
        self._host.prepare(run, job.inputs, files)
        self._host.launch(run)

    def poll(self, runs: Collection[RunId]) -> Mapping[RunId, Status]:
        """One round trip for all."""
        for run in runs:
            rundir.check_run(run)
        found = self._host.look(runs)
        return {run: run_files.status_of(found[run]) for run in runs}

    def fetch(self, run: RunId, name: str, into: Path) -> Fetched:
        """Raises FileNotFoundError where the run has no such output."""
        rundir.check_run(run)
        rundir.check_name(name)
        return self._host.get(run, name, into)

    def read_log(self, run: RunId, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """What the job printed."""
        rundir.check_run(run)
        return self._host.read(run, rundir.LOG, offset, limit)

    def read_work(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """What the job has written to one of its files until now."""
        rundir.check_run(run)
        rundir.check_name(name)
        return self._host.read(run, f"{rundir.WORK}/{name}", offset, limit)

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        """What lies in the run directory."""
        rundir.check_run(run)
        return self._host.files(run)

    def read_file(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Part of any file of the run directory."""
        rundir.check_run(run)
        rundir.check_name(name)
        return self._host.read(run, name, offset, limit)

    def owner(self, run: RunId) -> str:
        """As job.json says."""
        rundir.check_run(run)
        return rundir.owner_in(self._host.read(run, rundir.JOB, 0, controls.LARGEST).decode(errors="replace"))

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Those of `paths` that are there."""
        return self._host.find(paths)

    def ask(self, script: str, words: Sequence[str]) -> str:
        """What the script prints."""
        if self._host.platform != "posix":
            raise Refused(f"{self._name} has no POSIX shell", "ask it by `find`")
        return self._host.ask(script, words)

    def image(self) -> str | None:
        """Digest of the image that runs are computed in."""
        return self._image()

    def cancel(self, run: RunId) -> None:
        """Asks the runner to end the job, and waits until it has. Raises Unreachable where it does not.

        A run that is prepared and not yet claimed is marked: its runner will find the mark before it runs anything.
        """
        status = self._status(run)
        if isinstance(status, Vanished):
            # Its runner may be there all the same, where the job has spoilt the claim: it finds the mark.
            self._host.mark(run, rundir.CANCEL)
            self._host.sweep(run)
        if not isinstance(status, Running | Queued | Absent):
            return
        self._host.mark(run, rundir.CANCEL)
        if self._has_ended(run):
            return
        # Its job may have stopped its runner, or go on as if it were the runner.
        self._host.sweep(run)
        if not self._has_ended(run):
            late = f"{self._name}: {run} did not end within {self._end_seconds:.0f} s"
            raise Unreachable(late, "it will be retried")

    def _has_ended(self, run: RunId) -> bool:
        """Whether it does so within the time that it gets."""
        until = time.monotonic() + self._end_seconds
        while isinstance(self._status(run), Running | Queued):
            if time.monotonic() > until:
                return False
            time.sleep(self._look_seconds)
        return True

    def discard(self, run: RunId) -> None:
        """Removes the run directory. Raises Refused while the run goes on."""
        status = self._status(run)
        if isinstance(status, Running | Queued):
            raise Refused(f"{run} is still running on {self._name}", "`cancel` it first")
        if isinstance(status, Vanished):
            self._host.sweep(run)
        self._host.remove(run)

    def runs(self) -> Mapping[RunId, datetime]:
        """Every run that has left anything here."""
        return self._host.runs()

    def trim_cache(
        self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"] = "remove"
    ) -> Trimmed:
        """The cache becomes smaller; no run notices."""
        return self._host.trim_cache(unused_for=unused_for, at_most=at_most, how=how)

    def check(self) -> list[Trouble]:
        """What would stop a run here, and the remedy. A host that says no is no silent one: its no is a problem."""
        try:
            return self._host.problems()
        except Refused as error:
            return [error.trouble.or_else(REACHABLE)]

    def close(self) -> None:
        """Gives back connections; runs go on."""
        self._host.close()

    def _status(self, run: RunId) -> Status:
        return self.poll([run])[run]

    def _refuse_where_unfit(self, run: RunId) -> None:
        """A runner that found no room for its claim cannot say so."""
        if problems := self._host.problems():
            # Should it begin all the same it finds the mark, and runs nothing.
            self.cancel(run)
            raise Refused(problems[0])
