"""What is shown of runs while they go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rasreconcile.controller.snapshot import RunSnapshot
from rasreconcile.facts import LogFacts
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.reasons import Cause, Reason
from rasreconcile.report.live import how_far, progress_lines
from rasreconcile.runs import Run, RunState

MINUTE = timedelta(minutes=1)
SIMULATED = datetime.fromisoformat("1900-01-01T00:44:20")


def going(
    said: LogFacts | None = None, done: float | None = None, expected: timedelta | None = None
) -> RunSnapshot:
    run = Run(
        id=RunId("r1"), address=Address("Muncie/p04"), fingerprint="f", worker="desk", slot=0, cores=1,
        state=RunState.RUNNING, reasons=(Reason(Cause.NEVER_RUN),), created=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    return RunSnapshot(run, 3 * MINUTE, expected, said, done)


@dataclass
class Moment:
    longest: list[RunSnapshot]
    plans: int = 40
    syncs: dict[str, int] = field(default_factory=lambda: {"current": 3})
    phases: dict[str, int] = field(default_factory=lambda: {"running": 9, "queued": 28})
    workers: dict[str, tuple[int, int]] = field(default_factory=lambda: {f"w{n}": (1, 1) for n in range(9)})
    remaining: timedelta | None = None


def test_a_run_that_says_how_far_it_is_is_shown_with_its_own_pace() -> None:
    said = LogFacts(process="RasUnsteady", fraction=0.37, simulated=SIMULATED, troubles=212)
    assert how_far(going(said, 0.25, expected=60 * MINUTE)) == (
        "3 min 00 s, 25 % of the simulation, RasUnsteady, 01JAN1900 00:44:20, 212 steps out of iterations,"
        " about 9 min 00 s left"
    )


def test_before_the_simulation_the_process_and_its_fraction_are_shown() -> None:
    assert how_far(going(LogFacts(process="RASGeomPreprocess", fraction=0.3))) == (
        "3 min 00 s, RASGeomPreprocess 30 %"
    )


def test_a_run_that_says_nothing_is_shown_as_history_has_it() -> None:
    assert how_far(going(expected=5 * MINUTE)) == "3 min 00 s of about 5 min 00 s"
    assert how_far(going(LogFacts())) == "3 min 00 s"


def test_an_alarm_is_shown_with_the_progress() -> None:
    assert how_far(going(LogFacts(unstable="it went unstable"), 0.5)).count("it went unstable") == 1


def test_there_are_never_more_than_twelve_lines() -> None:
    said = LogFacts(process="RasUnsteady", simulated=SIMULATED)
    assert len(progress_lines(Moment([going(said, 0.5)] * 30), failure="12:00 failed")) == 12
