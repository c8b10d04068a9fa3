"""What the end of a run means: a proven result, or a failure with its class and remedy. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause, says_no_room
from rasreconcile.jobs import Ended, RunEvidence
from rasreconcile.plans import MISSING, Plan
from rasreconcile.spec import EngineSpec, HecRasEngine

LEAST_ROOM = 1 << 20
"""Bytes; with less no program can be blamed for what it did not write."""

_ENDED_FROM_OUTSIDE = frozenset(
    {
        FailureCause.TIME_LIMIT,
        FailureCause.STALLED,
        FailureCause.OUT_OF_MEMORY,
        FailureCause.CANCELLED,
    }
)
_FOR_DISPLAY = frozenset({"projection", "rasmap"})
_MOST_FILES = 3

_STALLED = "ended because it wrote nothing for the whole of stalled_after, neither to its log nor to any file"
_HEC_RAS_HANGS = (
    "HEC-RAS on Windows hangs like this without a desktop (see session_id) or at a dialog; if the plan is"
    " only slow, raise stalled_after"
)
_A_PROGRAM_HANGS = "look at what it said last (`logs`); if it is only slow, raise stalled_after"


def failure_of(
    ended: Ended, verdict: Failure | None, *, time_limit: timedelta, engine: EngineSpec
) -> Failure | None:
    """Why the run failed, from how it ended and what its engine judged; None: the engine is content."""
    match ended.cause:
        case "time limit" if verdict is not None and verdict.blame == "worker":
            # It never worked there: more time would be lost in the same way.
            return verdict
        case "time limit":
            trouble = Trouble(
                f"stopped after its time limit of {time_limit}",
                "raise max_runtime_minutes or give it more cores",
            )
            return Failure(kind="retryable", cause=FailureCause.TIME_LIMIT, trouble=trouble)
        case "stalled" if verdict is not None and verdict.cause is FailureCause.HANGS:
            # Its worker saw at which window.
            return Failure(kind="retryable", cause=FailureCause.STALLED, trouble=verdict.trouble)
        case "stalled":
            remedy = _HEC_RAS_HANGS if isinstance(engine, HecRasEngine) else _A_PROGRAM_HANGS
            return Failure(kind="retryable", cause=FailureCause.STALLED, trouble=Trouble(_STALLED, remedy))
        case "out of memory":
            trouble = Trouble(
                "ran out of memory",
                "raise memory_limit or memory_per_plan of this worker, or run fewer plans at once",
            )
            return Failure(kind="retryable", cause=FailureCause.OUT_OF_MEMORY, trouble=trouble)
        case "cancelled":
            trouble = Trouble("ended on its worker by a cancel")
            return Failure(kind="retryable", cause=FailureCause.CANCELLED, trouble=trouble)
        case "exited":
            return verdict


def for_want_of_room(failure: Failure, evidence: RunEvidence, worker: str) -> Failure:
    """The failure as the worker's, where its disk was full when the run ended; else as it is."""
    room = evidence.ended.room
    full = room is not None and room < LEAST_ROOM
    if failure.blame == "worker" or not (full or says_no_room(evidence.log)):
        return failure
    trouble = Trouble(
        f"the disk of {worker} was full ({failure.trouble.what})", "free some space for worker_folder there"
    )
    return Failure(kind="worker", cause=FailureCause.DISK_FULL, trouble=trouble)


def with_missing_files(failure: Failure, plan: Plan) -> Failure:
    """The failure, and what was missing before the run began and did not block it: often that explains it."""
    gone = [i for i in plan.inputs if i.raw == MISSING and i.kind not in _FOR_DISPLAY]
    if not gone or failure.blame == "worker" or failure.cause in _ENDED_FROM_OUTSIDE:
        return failure
    names = ", ".join(f"{file.kind} {file.name}" for file in gone[:_MOST_FILES])
    more = f" and {len(gone) - _MOST_FILES} more" if len(gone) > _MOST_FILES else ""
    what = f"{failure.trouble.what} (missing before it began, as `check` reports: {names}{more})"
    return replace(failure, trouble=Trouble(what, failure.trouble.remedy))


def fell_short(shortfalls: Sequence[Trouble]) -> Failure:
    """The computation ended well, and its result is not what the spec expects."""
    more = f" (and {len(shortfalls) - 1} more)" if len(shortfalls) > 1 else ""
    trouble = Trouble(f"{shortfalls[0].what}{more}", shortfalls[0].remedy)
    return Failure(kind="permanent", cause=FailureCause.EXPECTATION_FAILED, trouble=trouble)
