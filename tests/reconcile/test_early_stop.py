"""When a run is ended early, and what that means for its plan however the end comes about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.facts import LargestError, LogFacts
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running, Vanished
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import decide
from rasreconcile.reconcile.durations import left
from rasreconcile.reconcile.early_stop import hopeless
from rasreconcile.reconcile.observed import LiveRun
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.verdicts import Phase
from rasreconcile.runs import Run, RunState
from rasreconcile.spec import StopWhen

WORST = LargestError("01JAN1900 01:00:00", "Muncie_Geom Cell # 17", 12.5, 20)
UNSTABLE = LogFacts(unstable="solution went unstable at 01JAN1900 00:30:00", worst=WORST)
STOPPED = Failure(
    kind="permanent",
    cause=FailureCause.WENT_UNSTABLE,
    trouble=Trouble("went unstable: x", "it was ended early"),
)


def a_run(plan, now) -> Run:
    return Run(
        id=RunId("r9"), address=plan.address, fingerprint=plan.fingerprint, worker="desk", slot=0, cores=1,
        state=RunState.RUNNING, reasons=(Reason(Cause.NEVER_RUN),), created=now,
    )  # fmt: skip


def decided(plan, seen, status, **more):
    world = seen()
    run = a_run(plan, world.now)
    live = {plan.address: LiveRun(run=run, status=status, **more)}
    return decide([plan], replace(world, live=live), Policy())


@pytest.mark.parametrize(
    ("when", "said", "cause"),
    [
        (StopWhen(), UNSTABLE, "went unstable"),
        (StopWhen(unstable=False), UNSTABLE, None),
        (StopWhen(), LogFacts(troubles=10_000, volume_error_percent=99.0), None),
        (StopWhen(volume_error_percent=5.0), LogFacts(volume_error_percent=-5.1), "volume error"),
        (StopWhen(volume_error_percent=5.0), LogFacts(volume_error_percent=5.0), None),
        (StopWhen(iterations_at_limit=500), LogFacts(troubles=501, worst=WORST), "iterations at limit"),
        (StopWhen(iterations_at_limit=500), LogFacts(troubles=500, worst=WORST), None),
        (None, UNSTABLE, None),
        (StopWhen(), None, None),
    ],
)
def test_a_run_is_hopeless_by_what_the_spec_says_and_no_more(when, said, cause) -> None:
    found = hopeless(when, said)
    assert (found.cause if found else None) == cause
    if found:
        assert (found.kind, found.blame) == ("permanent", "plan")


def test_the_evidence_names_time_and_cell() -> None:
    failure = hopeless(StopWhen(), UNSTABLE)
    assert failure is not None
    assert "00:30:00" in failure.trouble.what
    assert "Muncie_Geom Cell # 17" in failure.trouble.what


def test_a_hopeless_run_is_stopped_and_a_person_who_cancels_comes_first(plan, seen) -> None:
    one = plan(stop_when=StopWhen())
    (action,) = decided(one, seen, Running(started=seen().now), said=UNSTABLE).actions
    assert isinstance(action, act.Stop)
    assert action.failure.cause == "went unstable"
    world = seen(cancelled=frozenset({one.address}))
    live = {one.address: LiveRun(run=a_run(one, world.now), status=Running(started=world.now), said=UNSTABLE)}
    (action,) = decide([one], replace(world, live=live), Policy()).actions
    assert isinstance(action, act.Cancel)


def test_a_plan_without_stop_when_runs_on(plan, seen) -> None:
    assert decided(plan(), seen, Running(started=seen().now), said=UNSTABLE).actions == ()


@pytest.mark.parametrize("status", [Running, Queued])
def test_what_was_decided_before_a_restart_is_carried_on_though_nothing_was_read_yet(
    plan, seen, status
) -> None:
    now = Running(started=seen().now) if status is Running else Queued()
    (action,) = decided(plan(), seen, now, stopping=STOPPED).actions
    assert action == act.Stop(action.run, STOPPED)


def test_however_a_stopped_run_ends_it_has_failed_for_that_reason(plan, seen) -> None:
    now = seen().now
    cancelled = Ended(exit_code=143, started=now, ended=now, outputs={}, cause="cancelled")
    late = Ended(exit_code=143, started=now, ended=now, outputs={}, cause="time limit")
    for status in (cancelled, late, Vanished("killed"), Absent()):
        (action,) = decided(plan(), seen, status, stopping=STOPPED).actions
        assert action == act.Fail(action.run, STOPPED, status)


def test_a_run_that_came_to_its_own_end_before_the_cancel_reached_it_is_judged_like_any_other(
    plan, seen
) -> None:
    now = seen().now
    ended = Ended(exit_code=0, started=now, ended=now, outputs={})
    (action,) = decided(plan(), seen, ended, stopping=STOPPED).actions
    assert isinstance(action, act.Collect)


def test_the_plan_is_quarantined_at_this_fingerprint_and_freed_by_a_change(plan, seen) -> None:
    one = plan()
    ended = replace(a_run(one, seen().now), state=RunState.FAILED, failure=STOPPED, ended=seen().now)
    (verdict,) = decide([one], seen(attempts={one.address: (ended,)}), Policy()).verdicts
    assert verdict.phase is Phase.QUARANTINED
    assert verdict.outlook.startswith(f"{STOPPED.trouble}; will not be retried until an input")
    (verdict,) = decide([plan(content="2")], seen(), Policy()).verdicts
    assert verdict.phase is Phase.QUEUED


def test_the_pace_of_a_run_says_how_long_it_will_go_on_as_soon_as_there_is_one() -> None:
    minute = timedelta(minutes=1)
    assert left(10 * minute, 60 * minute, 0.25) == 30 * minute
    assert left(10 * minute, 60 * minute, 0.001) == 50 * minute
    assert left(10 * minute, None, None) is None
    assert left(70 * minute, 60 * minute, None) == timedelta()
    assert left(10 * minute, 60 * minute, 1.0) == timedelta()
