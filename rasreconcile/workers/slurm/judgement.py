"""What the files of a run and the jobs of its name mean together. PURE."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from rasreconcile.jobs import EndCause
from rasreconcile.workers import run_files
from rasreconcile.workers.run_files import RunFiles
from rasreconcile.workers.slurm.queue import QueuedJob, end_of_job, job_of, logged_state, unclaimed_end

KILLED = 143
"""The exit code of what a signal ended, where nobody wrote one down."""


def judged(
    files: RunFiles | None,
    jobs: Sequence[QueuedJob],
    job: QueuedJob | None,
    log: Callable[[], str],
    is_late: bool,
) -> RunFiles | None:
    """The files as they are to be read; `jobs`: all of its name; `job`: the one that claimed it, as far as it is known.

    `log` reads what Slurm wrote for the run; `is_late`: its end may be there and not be seen yet.
    """
    if files is None:
        return None
    ended = run_files.ended_of(files.done) if files.done else None
    if ended is not None:
        if ended.cause != "exited" or ended.exit_code == 0:
            return files
        return _failed(files, job, log)
    if files.started is None:
        return _unclaimed(files, jobs)
    number = job_of(files.started)
    going = job.goes_on if job is not None else number is None and any(one.goes_on for one in jobs)
    if going or is_late:
        return replace(files, alive=True, restarted=False)
    if files.damage or files.unwritten:
        return replace(files, alive=False, restarted=False)
    end = end_of_job(number, job, log())
    if end.kind == "killed":
        return replace(files, alive=False, restarted=False, evidence=end.words)
    return replace(files, alive=False, done=end_written_for(files, end.kind, job.used if job else None))


def _failed(files: RunFiles, job: QueuedJob | None, log: Callable[[], str]) -> RunFiles:
    """A failure is told when its job is over: only then Slurm says whether memory was the cause."""
    if job is not None and job.goes_on:
        return replace(files, done=None, alive=True)
    state = job.state if job is not None else None
    if state == "OUT_OF_MEMORY" or logged_state(log()) == "OUT_OF_MEMORY":
        own: dict[str, Any] = json.loads(files.done or "{}")
        return replace(files, done=json.dumps({**own, "cause": "out of memory"}))
    return files


def _unclaimed(files: RunFiles, jobs: Sequence[QueuedJob]) -> RunFiles:
    """A job that waits, or has begun and is about to claim its run."""
    if any(not job.is_over for job in jobs):
        return replace(files, queued=True, lost_start="")
    if files.queued or files.lost_start:
        # A runner was started here to end it, or one has said itself why it could not begin.
        return files
    return replace(files, lost_start=unclaimed_end(jobs))


def end_written_for(files: RunFiles, cause: EndCause, used: timedelta | None) -> str:
    """The done.json of a run that Slurm ended before its runner could write one."""
    claim = run_files.claim_of(files.started or "")
    began = claim.at.timestamp() if claim else 0.0
    ended = began + (used.total_seconds() if used else 0.0)
    if files.heartbeat is not None:
        ended = max(ended, files.heartbeat)
    document: dict[str, Any] = {
        "exit_code": KILLED,
        "cause": cause,
        "started": began,
        "ended": ended,
        "outputs": {},
    }
    return json.dumps(document)
