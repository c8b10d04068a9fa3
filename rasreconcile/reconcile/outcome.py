"""What the end of a run means: a proven result, or a failure with its class and remedy. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rasreconcile.failures import DISK_FULL, Failure
from rasreconcile.jobs import Ended, RunEvidence

LEAST_ROOM = 1 << 20
"""Bytes; with less no program can be blamed for what it did not write."""
NO_ROOM = ("No space left on device", "Disk quota exceeded", "There is not enough space on the disk")
"""What the systems say to a program that writes to a full disk; later there may be room again."""

STALLED = (
    "ended, because it wrote nothing for the whole of stalled_after, neither to its log nor to any file;"
    " HEC-RAS on Windows hangs so without a desktop (see session_id) or before a dialog;"
    " where it only computes long in silence, raise stalled_after"
)


def failure_of(ended: Ended, verdict: Failure | None, *, time_limit: timedelta) -> Failure | None:
    """Why the run failed, from how it ended and what its engine judged; None: the engine is content."""
    match ended.cause:
        case "time limit" if verdict is not None and verdict.blame == "worker":
            # It never worked there: more time would be lost in the same way.
            return verdict
        case "time limit":
            text = f"stopped after its time limit of {time_limit}; raise max_runtime_minutes or give it more cores"
            return Failure(kind="retryable", cause="time limit", message=text)
        case "stalled":
            return Failure(kind="retryable", cause="stalled", message=STALLED)
        case "out of memory":
            text = "ran out of memory; raise memory_limit or run fewer plans at once on this worker"
            return Failure(kind="retryable", cause="out of memory", message=text)
        case "cancelled":
            return Failure(kind="retryable", cause="cancelled", message="ended on its worker by a cancel")
        case "exited":
            return verdict


def for_want_of_room(failure: Failure, evidence: RunEvidence, worker: str) -> Failure:
    """The failure as the worker's, where its disk was full when the run ended; else as it is."""
    room = evidence.ended.room
    full = room is not None and room < LEAST_ROOM
    if failure.blame == "worker" or not (full or any(words in evidence.log for words in NO_ROOM)):
        return failure
    text = f"the disk of {worker} was full ({failure.message}); free some room for worker_folder there"
    return Failure(kind="worker", cause=DISK_FULL, message=text)


def fell_short(shortfalls: Sequence[str]) -> Failure:
    """The computation ended well, and its result is not what the spec expects."""
    more = f" (and {len(shortfalls) - 1} more)" if len(shortfalls) > 1 else ""
    return Failure(kind="permanent", cause="expectation failed", message=f"{shortfalls[0]}{more}")
