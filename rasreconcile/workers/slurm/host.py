"""A cluster as a host of runs: a job for each, whose state is the truth about who is alive."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from rasreconcile.errors import Damaged, Trouble
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import controls, rundir
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.run_files import RunFiles
from rasreconcile.workers.slurm.check import problems_in, question
from rasreconcile.workers.slurm.image import Image
from rasreconcile.workers.slurm.judgement import end_written_for, judged
from rasreconcile.workers.slurm.launches import Launches
from rasreconcile.workers.slurm.messages import refusal
from rasreconcile.workers.slurm.queue import QueuedJob, job_of, parse_accounts, parse_queue
from rasreconcile.workers.slurm.site import Site
from rasreconcile.workers.slurm.submission import Asked, Size, sbatch_options, size_of

JOB_LOG = "slurm.log"
"""What Slurm itself has to say of a job, in its run directory."""
LATENCY_SECONDS = 60.0
"""A job that ended well has written its end; on a shared file system it may be seen so much later."""
POLITE_SECONDS = 20.0
"""A runner that is to end its run has so long before its job is cancelled under it."""

_Jobs = Mapping[RunId, Sequence[QueuedJob]]
_Files = Mapping[RunId, RunFiles | None]


class SlurmHost:
    """Implements `Host`. Any number of threads may use it."""

    platform: Final = "posix"

    def __init__(self, site: Site, asked: Asked, trial: tuple[Size, int], image: Image | None = None) -> None:
        """`trial`: the usual run, and how many of them may be in the queue: `problems` asks whether Slurm takes it."""
        self._site = site
        self._inner = site.host
        self._asked = asked
        self._trial = trial
        self._image = image
        self._launches = Launches(site, asked, image)
        self._sizes: dict[RunId, Size] = {}
        """Of runs that are about to be launched: their job.json need not be read back."""
        self._over_since: dict[RunId, float] = {}
        self._cancelled: dict[RunId, float] = {}

    # ---- looking

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        if not runs:
            return {}
        self._launches.submit_if_due(runs)
        # Files first: who had not begun by then may be running now, but who has no job any more has written its end,
        # and is looked at once more.
        files, printed = self._site.look_and_queue(runs)
        jobs = parse_queue(printed)
        files = {**files, **self._looked_again(files, jobs)}
        accounts = self._accounts(files, jobs)
        return {run: self._told(run, files[run], jobs.get(run, ()), accounts) for run in runs}

    def _looked_again(self, files: _Files, jobs: _Jobs) -> _Files:
        doubtful = [
            run
            for run, found in files.items()
            if found is not None and found.done is None and _is_doubtful(found, jobs.get(run, ()))
        ]
        return self._site.look(doubtful, "dead") if doubtful else {}

    def _accounts(self, files: _Files, jobs: _Jobs) -> Mapping[int, QueuedJob]:
        """What accounting knows of the jobs that left no end and that the queue has forgotten."""
        lost = [
            number
            for run, found in files.items()
            if found is not None
            and found.done is None
            and (number := job_of(found.started or "")) is not None
            and all(job.id != number for job in jobs.get(run, ()))
        ]
        return parse_accounts(self._site.slurm('accounts "$1"', [",".join(map(str, lost))])) if lost else {}

    def _told(
        self, run: RunId, files: RunFiles | None, jobs: Sequence[QueuedJob], accounts: Mapping[int, QueuedJob]
    ) -> RunFiles | None:
        if files is not None and files.started is None and files.done is None:
            if self._launches.waits(run):
                return replace(files, queued=True, lost_start="")
            if why := self._launches.why_not(run):
                return replace(files, lost_start=why)
        number = job_of((files.started if files else None) or "")
        job = next((one for one in jobs if one.id == number), accounts.get(number or 0))
        said = judged(files, jobs, job, lambda: self._log(run), self._is_late(run, files, job))
        return self._ended_politely(run, said, jobs) if run in self._cancelled else said

    def _is_late(self, run: RunId, files: RunFiles | None, job: QueuedJob | None) -> bool:
        """Whether its end may be written already, and be seen here only later."""
        is_open = files is not None and files.started is not None and files.done is None
        if not is_open or (job is not None and job.state != "COMPLETED"):
            self._over_since.pop(run, None)
            return False
        since = self._over_since.setdefault(run, time.monotonic())
        return time.monotonic() - since < LATENCY_SECONDS

    def _log(self, run: RunId) -> str:
        return self._inner.read(run, JOB_LOG, 0, 1 << 16).decode(errors="replace")

    # ---- starting and ending

    def stage(self, inputs: Collection[Staged]) -> None:
        self._inner.stage(inputs)

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        self._inner.prepare(run, inputs, controls)
        self._sizes[run] = self._size_of(run, controls[rundir.JOB])

    def launch(self, run: RunId) -> None:
        size = self._sizes.pop(run, None)
        if size is None:
            size = self._size_of(run, self._inner.read(run, rundir.JOB, 0, controls.LARGEST + 1))
        self._launches.add(run, size)

    def mark(self, run: RunId, name: str) -> None:
        self._inner.mark(run, name)
        if name == rundir.CANCEL:
            self._withdraw(run)

    def _withdraw(self, run: RunId) -> None:
        """A run that waits in the queue is taken out of it; a runner here finds the mark, and ends it as cancelled.

        One that has begun is ended by its own runner, which sees the mark; after POLITE_SECONDS, by Slurm.
        """
        was_kept = self._launches.withdraw(run)
        files, printed = self._site.look_and_queue([run])
        jobs = parse_queue(printed).get(run, ())
        self._scancel([job for job in jobs if job.waits])
        found = files[run]
        if any(job.goes_on for job in jobs):
            self._cancelled.setdefault(run, time.monotonic())
        elif found is not None and found.started is None and (was_kept or any(job.waits for job in jobs)):
            # Whoever claims first, runs nothing.
            self._inner.launch(run)

    def _ended_politely(
        self, run: RunId, said: RunFiles | None, jobs: Sequence[QueuedJob]
    ) -> RunFiles | None:
        going = [job for job in jobs if not job.is_over]
        if said is None or said.done is not None:
            self._cancelled.pop(run, None)
            return said
        if going:
            if time.monotonic() - self._cancelled[run] >= POLITE_SECONDS:
                self._scancel(going)
            return said
        # Slurm ended it for us, before its runner could write that down.
        return replace(said, alive=False, done=end_written_for(said, "cancelled", None))

    def sweep(self, run: RunId) -> None:
        """Jobs of its name that wait, or still run, find nothing to do: they are ended."""
        _, printed = self._site.look_and_queue([run])
        self._scancel([job for job in parse_queue(printed).get(run, ()) if not job.is_over])

    def _scancel(self, jobs: Sequence[QueuedJob]) -> None:
        if not jobs:
            return
        said = self._site.slurm('cancel_jobs "$@"', [job.called for job in jobs]).strip()
        if said:
            raise refusal(said)

    def _size_of(self, run: RunId, text: bytes) -> Size:
        try:
            return size_of(text.decode(errors="replace"))
        except Unfit as error:
            raise Damaged(f"{run}: {rundir.JOB} {error}", "it is not started") from error

    # ---- files

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        return self._inner.get(run, name, into)

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        return self._inner.read(run, name, offset, limit)

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        return self._inner.files(run)

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Inside the image, where there is one; else where jobs are submitted: nodes are taken to have the same."""
        return self._image.find(paths) if self._image is not None else self._inner.find(paths)

    def ask(self, script: str, words: Sequence[str]) -> str:
        return self._image.ask(script, words) if self._image is not None else self._inner.ask(script, words)

    def image(self) -> str | None:
        """Its digest."""
        return self._image.digest() if self._image is not None else None

    def remove(self, run: RunId) -> None:
        self._inner.remove(run)
        for known in (self._over_since, self._cancelled, self._sizes):
            known.pop(run, None)

    def runs(self) -> Mapping[RunId, datetime]:
        return self._inner.runs()

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        return self._inner.trim_cache(unused_for=unused_for, at_most=at_most, how=how)

    def problems(self) -> list[Trouble]:
        if found := self._inner.problems():
            return found
        size, slots = self._trial
        text, words = question(sbatch_options(size, self._asked, timedelta(minutes=1)))
        found = problems_in(self._site.slurm(text, words), self._asked, slots)
        if not found and self._image is not None and (trouble := self._image.trouble()) is not None:
            found.append(trouble)
        return found

    def close(self) -> None:
        """What was launched and waits for others is submitted."""
        try:
            self._launches.submit()
        finally:
            self._inner.close()


def _is_doubtful(found: RunFiles, jobs: Sequence[QueuedJob]) -> bool:
    """Whether its job may have ended since. One that waited, and had claimed nothing, may claim the run now: a second
    look would find the claim of a job that waits, and take it for one that was put back into the queue."""
    if any(job.goes_on for job in jobs):
        return False
    return found.started is not None or not any(job.waits for job in jobs)
