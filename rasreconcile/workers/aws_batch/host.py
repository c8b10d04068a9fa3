"""AWS Batch as a host of runs: run directories are objects, and a job of Batch is the word on who is alive."""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from rasreconcile.errors import Damaged, Trouble
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.aws_batch import look
from rasreconcile.workers.aws_batch.bucket import Bucket, put_once
from rasreconcile.workers.aws_batch.bundle import Bundle, bundle, cached_in, shared
from rasreconcile.workers.aws_batch.check import problems_of
from rasreconcile.workers.aws_batch.images import image_of
from rasreconcile.workers.aws_batch.keys import JOB, LiveRun
from rasreconcile.workers.aws_batch.questions import Questions
from rasreconcile.workers.aws_batch.queue import JobQueue, Needs, Submission
from rasreconcile.workers.aws_batch.submission import Surroundings, program, program_digest
from rasreconcile.workers.cache_gc import CachedFile, needless, trimmed
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.listing import parse_listing
from rasreconcile.workers.run_files import RunFiles

SLACK = timedelta(hours=1)
"""Batch gives a container so much longer than the run may take: for what is brought there and back."""
EVIDENCE = "evidence"
FILES = "files"
_FRESH = timedelta(days=1)
"""A cached file that was put there, or used, within this time need not be marked as used again."""
_ABANDONED = timedelta(days=1)
_DIRECT = frozenset({rundir.JOB, rundir.STARTED, rundir.DONE, rundir.CANCEL, EVIDENCE})


class BatchHost:
    """Implements `Host`."""

    platform: Final = "posix"

    def __init__(self, bucket: Bucket, queue: JobQueue, around: Surroundings, needs: Needs) -> None:
        self._bucket = bucket
        self._keys = bucket.keys
        self._queue = queue
        self._around = around
        self._needs = needs
        self._questions = Questions(bucket, queue, around, needs.memory)
        self._lock = threading.Lock()
        self._image: str | None = None
        self._program_is_there = False
        self._prepared: dict[RunId, bytes] = {}
        """The job.json of runs that are about to be launched: it need not be read back."""

    # ---- runs

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        return look.look(self._bucket, self._queue, runs) if runs else {}

    def stage(self, inputs: Collection[Staged]) -> None:
        for staged in shared(inputs):
            key = self._keys.cached(staged.digest)
            there = self._bucket.holds(key, staged.size, staged.digest)
            if there is None:
                self._bucket.send(key, staged)
            elif datetime.now(UTC) - there["LastModified"] > _FRESH:
                self._bucket.copy_onto_itself(key, staged.size, staged.digest)

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        """The archive first, then job.json: whoever finds that finds all."""
        self.stage(inputs)
        self._put_program()
        if self._bucket.seen(self._keys.run(run, rundir.JOB)) is not None:
            return
        made: Bundle = bundle(inputs, controls)
        archive = self._keys.run(run, "bundle.tar")
        self._bucket.put(archive, made.archive)
        if put_once(self._bucket, self._keys.run(run, rundir.JOB), made.job) == "put":
            self._prepared[run] = made.job

    def launch(self, run: RunId) -> None:
        asked = self._prepared.pop(run, b"") or self.read(run, rundir.JOB, 0, controls.LARGEST + 1)
        try:
            document = controls.document(asked.decode(errors="replace"))
            cores, _ = run_files.work_of(asked.decode(errors="replace"))
            seconds = controls.whole(
                int(document.get("time_limit_seconds", 0)), "time limit", 1, 60 * 60 * 24 * 400
            )
        except (Unfit, ValueError, TypeError) as error:
            raise Damaged(f"{run}: {rundir.JOB} {error}", "it is not started") from error
        image = self.image()
        command = self._around.command(
            self._bucket.account.region,
            run=run,
            job=hashlib.sha256(asked).hexdigest(),
            image=image if image and image.startswith("sha256:") else "",
        )
        job = self._queue.submit(
            Submission(
                name=run,
                command=command,
                cores=cores,
                memory=self._needs.memory,
                limit=timedelta(seconds=seconds) + SLACK,
            )
        )
        # Where this gets lost, the job is found by its name.
        self._bucket.put(self._keys.live(run, JOB, job), b"")

    def mark(self, run: RunId, name: str) -> None:
        if self._bucket.seen(self._keys.run(run, rundir.JOB)) is None:
            return
        self._bucket.put(self._keys.run(run, name), b"")
        if name == rundir.CANCEL:
            self.sweep(run)

    def sweep(self, run: RunId) -> None:
        """Ends every job of the run; Batch asks the container first, and kills it half a minute later."""
        jobs = {*self._live(run).jobs, *self._queue.named(run)}
        for job, seen in self._queue.seen(jobs).items():
            if seen.goes_on:
                self._queue.end(job, "rasreconcile: cancelled")

    # ---- what a run left

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        try:
            return self._bucket.fetch(self._keys.run(run, f"outputs/{name}"), into, name)
        except FileNotFoundError as error:
            raise FileNotFoundError(errno.ENOENT, f"{run} has no output of this name", name) from error

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        if name == rundir.LOG:
            return self._log(run, offset, limit)
        if name not in _DIRECT:
            self._check_plain(run, name)
        return self._bucket.read(self._keys.run(run, _kept_as(name)), offset, limit) or b""

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        listed = self._bucket.read(self._keys.run(run, FILES), 0, 64 << 20)
        if listed is not None:
            return parse_listing(listed)
        # It goes on, or was lost: there is what it was given, and its log as far as it came.
        asked = list(self._bucket.listed(self._keys.run(run, rundir.JOB)))
        log = list(self._bucket.listed(self._keys.run(run, "log/")))
        found = [(rundir.JOB, one.size, one.changed) for one in asked]
        if log:
            found.append((rundir.LOG, sum(one.size for one in log), max(one.changed for one in log)))
        return tuple(
            LeftFile(name=name, size=size, changed=int(changed.timestamp())) for name, size, changed in found
        )

    def remove(self, run: RunId) -> None:
        """What tells of it first."""
        first = [self._keys.run(run, name) for name in (rundir.JOB, rundir.STARTED, rundir.DONE)]
        first += [one.key for one in self._bucket.listed(self._keys.live(run))]
        self._bucket.remove(first)
        self._bucket.remove([one.key for one in self._bucket.listed(self._keys.run(run))])

    def runs(self) -> Mapping[RunId, datetime]:
        found: dict[RunId, datetime] = {}
        for one in self._bucket.listed(self._keys.folder("runs")):
            run = self._keys.run_of(one.key)
            if run is not None and rundir.run_named(run) == run:
                found[run] = max(one.changed, found.get(run, one.changed))
        return found

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        wanted = self._wanted()
        folder = self._keys.folder("cache")
        cached = [
            CachedFile(
                name=one.key.removeprefix(folder),
                used=one.changed.timestamp(),
                changed=one.changed.timestamp(),
                size=one.size,
                links=2 if one.key.removeprefix(folder) in wanted else 1,
            )
            for one in self._bucket.listed(folder)
        ]
        now = max((one.changed for one in cached), default=0.0)
        gone = needless(cached, now=max(now, time.time()), unused_for=unused_for, at_most=at_most)
        if how == "remove":
            self._bucket.remove([f"{folder}{one.name}" for one in gone])
            self._bucket.abort_uploads(folder, (datetime.now(UTC) - _ABANDONED).timestamp())
        return trimmed(gone)

    # ---- the image

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Inside the image."""
        return self._questions.find(tuple(paths))

    def ask(self, script: str, words: Sequence[str]) -> str:
        """Inside the image: a job of its own, whose answer is kept for a day."""
        return self._questions.ask(script, words)

    def image(self) -> str | None:
        """Its digest where the job definition pins it, else its name; the same for all runs of this process."""
        with self._lock:
            if self._image is None:
                self._image = image_of(self._queue.described())
            return self._image

    def problems(self) -> list[Trouble]:
        return problems_of(self._bucket, self._queue, self._needs)

    def close(self) -> None:
        self._bucket.account.forget()

    def _put_program(self) -> None:
        if not self._program_is_there:
            key = self._keys.program(program_digest())
            if self._bucket.holds(key, len(program()), program_digest()) is None:
                self._bucket.put(key, program())
            self._program_is_there = True

    def _live(self, run: RunId) -> LiveRun:
        return look.live_of(self._bucket, run)

    def _wanted(self) -> frozenset[str]:
        """Digests that containers of runs which have not ended may still ask the cache for."""
        over = {run for run, live in look.all_live(self._bucket).items() if live.ended}
        runs = {
            run
            for one in self._bucket.listed(self._keys.folder("runs"))
            if one.key.endswith(f"/{rundir.JOB}") and (run := self._keys.run_of(one.key)) not in {*over, None}
        }
        asked = (
            self._bucket.read(self._keys.run(run, rundir.JOB), 0, controls.LARGEST) for run in runs if run
        )
        return frozenset(digest for job in asked if job for digest in cached_in(job))

    def _log(self, run: RunId, offset: int, limit: int) -> bytes:
        found: list[bytes] = []
        for one in self._bucket.listed(self._keys.run(run, "log/")):
            begin = int(one.key.rpartition("/")[2])
            if limit > 0 and begin <= offset < begin + one.size:
                piece = self._bucket.read(one.key, offset - begin, min(limit, one.size - (offset - begin)))
                found.append(piece or b"")
                offset += len(found[-1])
                limit -= len(found[-1])
        return b"".join(found)

    def _check_plain(self, run: RunId, name: str) -> None:
        """Raises Damaged where the run left a link, a pipe or the like under this name, or on the way to it."""
        listed = self._bucket.read(self._keys.run(run, FILES), 0, 64 << 20)
        kinds = {one.name: one.kind for one in parse_listing(listed or b"") if one.kind != "a file"}
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            kind = kinds.get("/".join(parts[:count]))
            if kind is not None:
                raise Damaged(f"{run}: {'/'.join(parts[:count])} is {kind} and not a plain file")


def _kept_as(name: str) -> str:
    """The object of a file of the run directory."""
    if name in _DIRECT:
        return name
    work = f"{rundir.WORK}/"
    return f"outputs/{name.removeprefix(work)}" if name.startswith(work) else f"control/{name}"
