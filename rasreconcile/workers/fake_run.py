"""A run of the worker in memory: what it does as if it were computed, and what is so of it at a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from rasreconcile.jobs import (
    EndCause,
    Ended,
    Job,
    OutputRecord,
    Queued,
    RunId,
    Running,
    Status,
    Vanished,
)
from rasreconcile.output_names import matches


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRun:
    """What a run does, as if it were computed."""

    outputs: Mapping[str, bytes] = field(default_factory=dict)
    """Everything it leaves in `work/`; what the job does not name as output is not recorded."""
    exit_code: int = 0
    printed: bytes = b""
    """On the log from its start on."""
    last_words: bytes = b""
    """Added to the log at its end."""
    queued: timedelta = timedelta(0)
    lasts: timedelta | None = timedelta(0)
    """From its start; None: until it is released, cancelled or out of time."""
    writes_for: timedelta | None = None
    """From its start; after that it is silent. None: until its end."""
    vanishes: bool = False
    """Comes to no end, but is gone after `lasts`."""


Playwright = Callable[[RunId, Job, Mapping[str, bytes]], FakeRun]
"""Says what a run will do, from its staged inputs by name. Asked once for each run that is really started."""


def writes_every_output(run: RunId, job: Job, inputs: Mapping[str, bytes]) -> FakeRun:
    """Ends at once, well, with every output there; the same inputs give the same bytes."""
    whole = hashlib.sha256(repr(sorted(inputs.items())).encode()).digest()
    return FakeRun(outputs=dict.fromkeys(job.outputs, whole), printed=b"done\n")


EndedBy = Literal["released", "cancelled", "killed", "time limit", "stalled"]


@dataclass(slots=True)
class Life:
    """One run. `over` holds how and when it was ended before its time, or by whom it was let go."""

    job: Job
    fake_run: FakeRun
    started: datetime
    over: tuple[datetime, EndedBy] | None = None


def status_of(life: Life, now: datetime) -> Status:
    until, how = _end_of(life)
    if now < min(until, life.started):
        return Queued()
    if now < until:
        return Running(
            started=life.started, heartbeat=now, log_size=len(life.fake_run.printed), grew=_grew(life, now)
        )
    match how:
        case "killed":
            return Vanished("the process is gone without recording an exit status")
        case "released":
            return _ended(life, until, "exited")
        case "cancelled" | "time limit" | "stalled":
            return _ended(life, until, how)


def _end_of(life: Life) -> tuple[datetime, EndedBy]:
    """Whatever comes first: what the fake_run says, what was done to it, the time limit, or that it is silent."""
    ends: list[tuple[datetime, EndedBy]] = [(life.started + life.job.time_limit, "time limit")]
    if life.fake_run.lasts is not None:
        ends.insert(
            0, (life.started + life.fake_run.lasts, "killed" if life.fake_run.vanishes else "released")
        )
    if life.job.stalled_after is not None and life.fake_run.writes_for is not None:
        ends.append((life.started + life.fake_run.writes_for + life.job.stalled_after, "stalled"))
    if life.over is not None:
        ends.insert(0, life.over)
    return min(ends, key=lambda end: end[0])


def _grew(life: Life, now: datetime) -> datetime:
    silent_from = now if life.fake_run.writes_for is None else life.started + life.fake_run.writes_for
    return min(now, silent_from)


def _ended(life: Life, at: datetime, cause: EndCause) -> Ended:
    left = life.fake_run.outputs if cause == "exited" else {}
    outputs = {
        name: OutputRecord(len(left[name]), hashlib.sha256(left[name]).hexdigest())
        for name in left
        if any(matches(name.casefold(), wanted.casefold()) for wanted in life.job.outputs)
    }
    code = life.fake_run.exit_code if cause == "exited" else 143
    return Ended(exit_code=code, started=min(life.started, at), ended=at, outputs=outputs, cause=cause)
