"""What is shown of runs while they go on."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rasreconcile.controller.snapshot import RunSnapshot
from rasreconcile.facts import LogFacts
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.durations import SAME_PLAN, Estimate, estimated
from rasreconcile.report.live import Lines, Stream
from rasreconcile.runs import Run, RunState

MINUTE = timedelta(minutes=1)


def going(
    said: LogFacts | None = None,
    done: float | None = None,
    minutes: float | None = None,
    plan: str = "Muncie/p04",
    worker: str = "desk",
) -> RunSnapshot:
    run = Run(
        id=RunId("r1"), address=Address(plan), fingerprint="f", worker=worker, slot=0, cores=1,
        state=RunState.RUNNING, reasons=(Reason(Cause.NEVER_RUN),), created=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    expected = estimated([minutes * MINUTE], SAME_PLAN) if minutes else None
    return RunSnapshot(run, 3 * MINUTE, expected, said, done)


@dataclass
class Moment:
    longest: list[RunSnapshot]
    plans: int = 40
    syncs: dict[str, int] = field(default_factory=lambda: {"current": 3})
    phases: dict[str, int] = field(default_factory=lambda: {"running": 9, "queued": 28})
    workers: dict[str, tuple[int, int]] = field(default_factory=lambda: {f"w{n}": (1, 1) for n in range(9)})
    remaining: Estimate | None = None
    at: datetime = datetime(2026, 4, 1, 12, 3, tzinfo=UTC)
    elapsed: timedelta = MINUTE * 12


LEFT = Estimate(31 * MINUTE, 24 * MINUTE, 80 * MINUTE)


def test_without_a_terminal_there_is_a_line_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    out = io.StringIO()
    with Lines(out) as lines:
        for seconds in range(0, 200, 7):
            lines.progress(Moment([], remaining=LEFT, elapsed=timedelta(seconds=seconds)))
    told = out.getvalue().splitlines()
    assert [line.partition("running; ")[2] for line in told] == [
        "1 min 03 s so far, about 31 min left (24 min to 1 h 20 min)",
        "2 min 06 s so far, about 31 min left (24 min to 1 h 20 min)",
        "3 min 09 s so far, about 31 min left (24 min to 1 h 20 min)",
    ]
    assert " progress 3 of 40 plans current (7 %); 28 queued, 9 running; " in told[0]


def test_a_stream_tells_times_but_not_because_time_went_by() -> None:
    written: list[Any] = []
    stream = Stream(written.append)
    for seconds in range(5):
        stream.progress(Moment([], remaining=LEFT, elapsed=timedelta(seconds=seconds)))
    (line,) = written
    assert (line["elapsed"], line["remaining"]) == (0.0, {"likely": 1860.0, "low": 1440.0, "high": 4800.0})
