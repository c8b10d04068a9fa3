"""What it means where a container has left no end: Batch says why only in words, and this is where they are. PURE."""

from __future__ import annotations

import json
from dataclasses import replace

from rasreconcile.jobs import EndCause
from rasreconcile.workers import run_files
from rasreconcile.workers.aws_batch.queue import BatchJob
from rasreconcile.workers.run_files import RunFiles

_TAKEN_AWAY = ("Host EC2", "Your Spot Task was interrupted", "asked to end by AWS")
"""A Spot machine that AWS wanted back, or one that broke: no fault of a run, nor of the queue."""
_MEMORY = "OutOfMemory"
_KILLED = 137
_TERMINATED = 143


def without_end(found: RunFiles, job: BatchJob, left: str, *, cancelled: bool) -> RunFiles:
    """Of a claimed run whose job is over, and that has no done.json; `left`: what its container said of it."""
    if cancelled:
        # Half a minute was not enough for it to say so itself.
        return replace(found, done=_ended(found.started or "", "cancelled", _TERMINATED))
    if _MEMORY in job.why:
        return replace(found, done=_ended(found.started or "", "out of memory", _KILLED))
    why = left or job.why or "it was killed, or its machine is gone"
    taken = any(words in why for words in _TAKEN_AWAY) or any(words in job.why for words in _TAKEN_AWAY)
    said = f"{why}; {job.why}" if left and job.why else why
    return replace(
        found, evidence=f"its job is gone without recording an exit status: {said}", restarted=taken
    )


def _ended(started: str, cause: EndCause, code: int) -> str:
    claim = run_files.claim_of(started)
    began = claim.at.timestamp() if claim else 0.0
    document: dict[str, object] = {
        "exit_code": code,
        "cause": cause,
        "started": began,
        "ended": began,
        "outputs": {},
    }
    return json.dumps(document)
