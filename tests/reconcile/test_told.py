"""For every class of failure a plan says what comes next, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import RunId, Unknown
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.decision import decide
from rasreconcile.reconcile.observed import LiveRun
from rasreconcile.reconcile.policy import (
    InUse,
    Policy,
    SetAside,
    probe_at,
    worker_standing,
)
from rasreconcile.reconcile.verdicts import Phase
from rasreconcile.runs import Run, RunState

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
POLICY = Policy(wait=timedelta(minutes=10), at_most=timedelta(minutes=10))


def ran(plan, kind, n=1, state=RunState.FAILED, cause=FailureCause.SOLVER_CRASHED):
    """A run that ended `n` seconds ago."""
    return Run(
        id=RunId(f"r{n}"), address=plan.address, fingerprint=plan.fingerprint, worker="desk", slot=0, cores=1,
        state=state, reasons=(Reason(Cause.NEVER_RUN),), created=NOW, ended=NOW - timedelta(seconds=n),
        failure=Failure(kind=kind, cause=cause, trouble=Trouble("it broke", "mend it")),
    )  # fmt: skip


FAILURES = {
    "once more": (
        [("retryable", 1)],
        (Phase.BACKOFF, "will be retried as attempt 2 of 3; it broke; mend it"),
    ),
    "too often": (
        [("retryable", 3), ("retryable", 2), ("retryable", 1)],
        (
            Phase.QUARANTINED,
            "failed 3 times, last: it broke; mend it; will not be retried until an input changes or you run"
            " `retry Muncie/p04`",
        ),
    ),
    "for good": (
        [("permanent", 1)],
        (
            Phase.QUARANTINED,
            "it broke; mend it; will not be retried until an input changes or you run `retry Muncie/p04`",
        ),
    ),
    "a worker's, again": (
        [("worker", 2), ("worker", 1)],
        (Phase.BACKOFF, "will be retried, on another worker if there is one; it broke; mend it"),
    ),
    "a worker's, eight times": (
        [("worker", 9 - n) for n in range(8)],
        (
            Phase.HELD,
            "workers lost it 8 times, last: it broke; mend it; see what `check` says about them, then"
            " `retry Muncie/p04`",
        ),
    ),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failed_plan_says_what_comes_next_and_when(plan, seen, what) -> None:
    runs, (phase, note) = FAILURES[what]
    one = plan()
    attempts = tuple(
        ran(one, kind, n, RunState.LOST if kind == "worker" else RunState.FAILED) for kind, n in runs
    )
    (told,) = decide([one], seen(attempts={one.address: attempts}), POLICY).verdicts
    assert (told.phase, told.outlook) == (phase, note)
    assert (told.next_at is not None) == (phase is Phase.BACKOFF)
    if told.next_at:
        assert timedelta(minutes=9) < told.next_at - NOW <= timedelta(minutes=10)


def test_a_cancelled_plan_says_what_frees_it(plan, seen) -> None:
    one = plan()
    attempts = (ran(one, "worker", state=RunState.CANCELLED, cause=FailureCause.CANCELLED_BY_REQUEST),)
    (told,) = decide([one], seen(attempts={one.address: attempts}), POLICY).verdicts
    assert told.phase is Phase.HELD
    assert "`retry Muncie/p04` starts it again, and so does any change to an input" in told.outlook


@pytest.mark.parametrize(
    ("faults", "since", "phase", "note", "after"),
    [
        (3, 1, Phase.QUEUED, "desk is set aside until 03:05:04 UTC and is then tried with one run (3 faults in a row, last: down)", 59),
        (5, 1, Phase.QUEUED, "desk is set aside until 03:08:04 UTC and is then tried with one run", 239),
        (6, 1, Phase.HELD, "no worker left for it: 6 faults in a row, last: down; apply again when that is fixed", None),
        (3, 61, Phase.QUEUED, "starts on desk", None),
    ],
)  # fmt: skip
def test_a_plan_whose_only_worker_is_set_aside_says_until_when(
    plan, seen, worker, faults, since, phase, note, after
):
    times = tuple(NOW - timedelta(seconds=since) for _ in range(faults))
    aside = replace(worker(), faults=times, last_fault="down")
    (told,) = decide([plan()], seen(workers=(aside,)), POLICY).verdicts
    assert told.phase is phase
    assert note in told.outlook
    assert (told.next_at and (told.next_at - NOW).seconds) == after


def test_who_waits_for_a_worker_that_is_probed_or_silent_is_told(plan, seen, worker) -> None:
    faults = tuple(NOW - timedelta(hours=1) for _ in range(3))
    probed = replace(worker(), faults=faults, last_fault="down")
    silent = replace(worker("night"), unreachable="the link is down")
    plans = [plan(f"Muncie/p0{n}", str(n)) for n in (1, 2)]
    first, second = decide(plans, seen(workers=(probed, silent)), POLICY).verdicts
    assert first.outlook == "starts on desk"
    assert second.outlook == (
        "waits for a free slot; desk is tried with one run after its faults;"
        " night does not answer and is asked again within a minute (the link is down)"
    )


def test_what_this_machine_hinders_is_held_and_tried_again(plan, seen, good) -> None:
    one = plan()
    world = replace(good(one), stuck={one.address: Trouble("cannot be judged now: no room", "free some")})
    changed = replace(one, expectation_digest="e2")
    decision = decide([changed], world, POLICY)
    (told,) = decision.verdicts
    assert decision.actions == ()
    assert (told.phase, told.outlook) == (
        Phase.HELD,
        "cannot be judged now: no room; free some; it is retried while `apply` is running, and by the next `apply`",
    )
    # A person may have it computed all the same.
    retried = replace(world, retried=frozenset({one.address}))
    assert decide([one], retried, POLICY).verdicts[0].phase is Phase.QUEUED


def test_a_run_on_a_silent_worker_says_why_nothing_moves(plan, seen, worker) -> None:
    one = plan()
    run = replace(ran(one, "worker"), state=RunState.RUNNING, failure=None, ended=None)
    silent = replace(worker(), unreachable="the link is down")
    live = {one.address: LiveRun(run=run, status=Unknown("desk does not answer: the link is down"))}
    (told,) = decide([one], seen(live=live, workers=(silent,)), POLICY).verdicts
    assert (told.phase, told.outlook) == (
        Phase.RUNNING,
        "run r1 on desk; desk does not answer: the link is down",
    )


def test_a_worker_that_was_given_up_is_checked_again_and_taken_back_when_it_is_fit(
    plan, seen, worker
) -> None:
    given_up = replace(worker(), faults=(NOW,) * 6, last_fault="down")
    assert probe_at(given_up, POLICY) == NOW + timedelta(minutes=1)
    assert probe_at(replace(given_up, faults=(NOW,) * 9), POLICY) == NOW + timedelta(minutes=8)
    assert probe_at(replace(given_up, faults=(NOW,) * 500), POLICY) == NOW + timedelta(minutes=15)
    fit = replace(given_up, fit_at=NOW + timedelta(seconds=1))
    assert probe_at(fit, POLICY) is None
    assert worker_standing(fit, NOW, POLICY) == InUse(probing=True)
    (told,) = decide([plan()], seen(workers=(fit,)), POLICY).verdicts
    assert told.outlook == "starts on desk"
    # Lost again after that: it is given up again, and for longer.
    again = replace(fit, faults=(*fit.faults, NOW + timedelta(seconds=2)))
    assert probe_at(again, POLICY) == NOW + timedelta(seconds=2, minutes=2)
    assert isinstance(worker_standing(again, NOW, POLICY), SetAside)
