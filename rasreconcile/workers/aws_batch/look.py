"""One look at many runs: one listing, one question to Batch, and a second look where that leaves a doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from rasreconcile.jobs import RunId
from rasreconcile.workers import controls, run_files, rundir
from rasreconcile.workers.aws_batch import ends
from rasreconcile.workers.aws_batch.bucket import Bucket
from rasreconcile.workers.aws_batch.keys import LiveRun, live_runs
from rasreconcile.workers.aws_batch.queue import FORGOTTEN, BatchJob, JobQueue
from rasreconcile.workers.run_files import RunFiles

_SOON = timedelta(seconds=60)
"""For so long Batch may not know of a job that it has just accepted."""


def all_live(bucket: Bucket) -> dict[RunId, LiveRun]:
    """What the flat folder tells of every run."""
    return live_runs(bucket.keys, bucket.listed(bucket.keys.folder("live")))


def live_of(bucket: Bucket, run: RunId) -> LiveRun:
    """What it tells of one."""
    return live_runs(bucket.keys, bucket.listed(bucket.keys.live(run))).get(run, LiveRun({}))


def look(bucket: Bucket, queue: JobQueue, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
    """What is so of each; None: there is nothing of it."""
    told = all_live(bucket) if len(runs) > 1 else {run: live_of(bucket, run) for run in runs}
    live = {run: told.get(run) or LiveRun({}) for run in runs}
    for run, one in live.items():
        if not one.jobs and not one.ended:
            # Submitted by a controller that did not live to tell of it, or not at all.
            one.jobs.update((job, datetime.now(UTC)) for job in queue.named(run))
    asked = [job for one in live.values() if not one.ended for job in one.jobs]
    # Asked after the listing: what was written before its end is there when Batch tells of the end.
    states = dict(queue.seen(asked))
    now = datetime.now(UTC)
    for one in live.values():
        for job, since in one.jobs.items():
            if states.get(job) == FORGOTTEN and now - since < _SOON:
                states[job] = BatchJob("SUBMITTED")
    return {run: _found(bucket, run, one, states) for run, one in live.items()}


def _found(bucket: Bucket, run: RunId, live: LiveRun, states: Mapping[str, BatchJob]) -> RunFiles | None:
    claimant = states.get(live.claimant, FORGOTTEN)
    if live.claimant and not live.ended and claimant.goes_on:
        now = datetime.now(UTC).timestamp()
        return RunFiles(
            started=_claim(live),
            alive=True,
            # Batch has just said that it is there; an object for each beat would cost more than the run's log.
            heartbeat=now,
            log_size=live.log_size,
            growth=live.grew.timestamp() if live.grew else None,
        )
    jobs = [states.get(job, FORGOTTEN) for job in live.jobs]
    if not live.claimant and not live.ended and any(job.goes_on for job in jobs):
        return RunFiles(queued=True)
    started = _text(bucket, run, rundir.STARTED, 4096)
    if started is None:
        return _unclaimed(bucket, run, jobs)
    found = RunFiles(started=started, done=_text(bucket, run, rundir.DONE, controls.LARGEST + 1))
    if found.done is not None:
        return found
    its = run_files.claim_of(started)
    job = states.get(its.start, FORGOTTEN) if its else FORGOTTEN
    cancelled = bucket.seen(bucket.keys.run(run, rundir.CANCEL)) is not None
    said = _text(bucket, run, "evidence", 1000) or ""
    return ends.without_end(found, job, said, cancelled=cancelled)


def _unclaimed(bucket: Bucket, run: RunId, jobs: Collection[BatchJob]) -> RunFiles | None:
    if not jobs or bucket.seen(bucket.keys.run(run, rundir.JOB)) is None:
        # Batch remembers jobs of runs that were removed.
        return None
    # Also where the listing did not tell of it: that was before Batch told of the end.
    said = _text(bucket, run, "unclaimed", 1000)
    why = said or next((job.why for job in jobs if job.why), "")
    return RunFiles(lost_start=run_files.lost_start("ended", why))


def _claim(live: LiveRun) -> str:
    at = live.claimed.timestamp() if live.claimed else 0.0
    return f"pid 1\nstart {live.claimant}\nboot aws-batch\ntime {at:.3f}\n"


def _text(bucket: Bucket, run: RunId, name: str, limit: int) -> str | None:
    data = bucket.read(bucket.keys.run(run, name), 0, limit)
    return None if data is None else data.decode(errors="replace")
