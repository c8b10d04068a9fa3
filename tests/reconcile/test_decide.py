"""What is said of a plan, and what is done about it, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running, Unknown, Vanished
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import Health, decide
from rasreconcile.reconcile.observed import LiveRun, NoOutput, OutputSeen, OutputUnreadable, Verification
from rasreconcile.reconcile.policy import Policy, backoff
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Sync
from rasreconcile.runs import Run, RunState

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
POLICY = Policy()


def verdict(decision):
    (only,) = decision.verdicts
    return only


def causes(decision) -> list[Cause]:
    return [reason.cause for reason in verdict(decision).reasons]


def a_run(plan, state=RunState.RUNNING, worker="desk", **more):
    values = {
        "id": RunId("r9"),
        "address": plan.address,
        "fingerprint": plan.fingerprint,
        "worker": worker,
        "slot": 0,
        "cores": 1,
        "state": state,
        "reasons": (Reason(Cause.NEVER_RUN),),
        "created": NOW,
    }
    return Run(**{**values, **more})


def ended(**more) -> Ended:
    return Ended(**{"exit_code": 0, "started": NOW, "ended": NOW, "outputs": {}, **more})


def failed(plan, kind="retryable", ago=timedelta(), cause=FailureCause.COMPUTATION_FAILED, **more):
    state = RunState.LOST if kind == "worker" else RunState.FAILED
    failure = Failure(kind=kind, cause=cause, trouble=Trouble(f"{kind}: it broke", "mend it"))
    return a_run(plan, **{"state": state, "failure": failure, "ended": NOW - ago, **more})


# ---- can it be put in its place


def test_what_could_not_be_published_is_not_computed(plan, seen, good) -> None:
    trouble = Trouble("results cannot be written to /results: it is read-only", "make it writable")
    wanted = plan()
    decision = decide([wanted], seen(unwritable={wanted.address: trouble}), POLICY)
    said = verdict(decision)
    assert (said.phase, said.obstacle, said.outlook) == (Phase.HELD, Obstacle.NOT_PUBLISHED, str(trouble))
    assert decision.actions == ()
    assert decision.health is Health.STALLED
    current = decide([wanted], good(wanted, unwritable={wanted.address: trouble}), POLICY)
    assert current.health is Health.HEALTHY


# ---- is the result what is wanted


def test_a_plan_that_was_never_run_starts(plan, seen) -> None:
    decision = decide([plan()], seen(), POLICY)
    (start,) = decision.actions
    assert isinstance(start, act.Start)
    assert (verdict(decision).sync, causes(decision)) == (Sync.MISSING, [Cause.NEVER_RUN])
    assert start.reasons == (Reason(Cause.NEVER_RUN),)


def test_a_good_result_needs_nothing(plan, good) -> None:
    decision = decide([plan()], good(plan()), POLICY)
    assert (decision.actions, decision.health) == ((), Health.HEALTHY)


def test_a_changed_input_is_named_and_runs(plan, good) -> None:
    decision = decide([plan(content="2")], good(plan(content="1")), POLICY)
    assert verdict(decision).sync is Sync.STALE
    assert [r.subject for r in verdict(decision).reasons] == ["Muncie.g01"]
    assert isinstance(decision.actions[0], act.Start)


def test_a_deleted_result_is_made_again(plan, good) -> None:
    decision = decide([plan()], replace(good(plan()), outputs={plan().address: NoOutput()}), POLICY)
    assert causes(decision) == [Cause.OUTPUT_MISSING]
    assert isinstance(decision.actions[0], act.Start)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (OutputSeen(9, "other", damage="truncated"), Cause.OUTPUT_CORRUPT),
        (OutputSeen(10, "other"), Cause.OUTPUT_DRIFTED),
        (OutputSeen(9, "other"), Cause.OUTPUT_DRIFTED),
    ],
)
def test_a_result_that_is_not_what_was_published_is_invalid_and_made_again(plan, good, output, cause) -> None:
    decision = decide([plan()], replace(good(plan()), outputs={plan().address: output}), POLICY)
    assert (verdict(decision).sync, causes(decision)) == (Sync.INVALID, [cause])
    assert isinstance(decision.actions[0], act.Start)


def test_a_result_that_cannot_be_read_is_unknown_never_current(plan, good) -> None:
    world = replace(good(plan()), outputs={plan().address: OutputUnreadable(Trouble("permission denied"))})
    decision = decide([plan()], world, POLICY)
    assert (verdict(decision).sync, verdict(decision).phase) == (Sync.UNKNOWN, Phase.HELD)
    assert decision.actions == ()


def test_a_result_of_unknown_origin_is_never_overwritten_unasked(plan, seen) -> None:
    world = seen(outputs={plan().address: OutputSeen(10, "")})
    decision = decide([plan()], world, POLICY)
    assert (verdict(decision).phase, decision.actions) == (Phase.HELD, ())
    asked = decide([plan()], replace(world, retried=frozenset({plan().address})), POLICY)
    assert isinstance(asked.actions[0], act.Start)


def test_a_receipt_that_matches_brings_a_result_back_without_running(plan, seen, published) -> None:
    world = seen(outputs={plan().address: OutputSeen(10, "d1")}, receipts={plan().address: published(plan())})
    decision = decide([plan()], world, POLICY)
    assert isinstance(decision.actions[0], act.Recall)
    assert len(decision.actions) == 1


def test_a_receipt_of_a_run_that_is_being_published_is_left_to_that_run(plan, seen, published) -> None:
    one = plan()
    live = {one.address: LiveRun(run=a_run(one, RunState.PUBLISHING), status=ended())}
    receipts = {one.address: published(one)}
    outputs = {one.address: OutputSeen(size=10, digest="d1")}
    (action,) = decide([one], seen(receipts=receipts, outputs=outputs, live=live), POLICY).actions
    assert isinstance(action, act.Finish)


def test_changed_expectations_verify_and_do_not_run(plan, good) -> None:
    stricter = plan(expectation_digest="e2")
    decision = decide([stricter], good(plan()), POLICY)
    assert [type(a) for a in decision.actions] == [act.Verify]
    short = Verification("e2", "d1", (Trouble("too high"),))
    known = decide([stricter], replace(good(plan()), verifications={stricter.address: short}), POLICY)
    assert (verdict(known).sync, verdict(known).phase) == (Sync.INVALID, Phase.QUARANTINED)
    assert known.actions == ()
    meets = Verification("e2", "d1", ())
    assert decide(
        [stricter], replace(good(plan()), verifications={stricter.address: meets}), POLICY
    ).health is (Health.HEALTHY)


def test_a_plan_that_cannot_run_is_held_with_the_reason(plan, seen) -> None:
    decision = decide(
        [plan(blocked_by=(Trouble("Muncie.g01 is not there", "put it there"),))], seen(), POLICY
    )
    assert verdict(decision).outlook == "Muncie.g01 is not there; put it there"
    assert (decision.health, decision.actions) == (Health.STALLED, ())


# ---- live runs


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        (RunState.STARTING, Absent(), act.Restart),
        (RunState.STARTING, Running(started=NOW), act.Note),
        (RunState.STARTING, Ended(exit_code=0, started=NOW, ended=NOW, outputs={}), act.Collect),
        (RunState.RUNNING, Ended(exit_code=0, started=NOW, ended=NOW, outputs={}), act.Collect),
        (RunState.RUNNING, Absent(), act.Lose),
        (RunState.RUNNING, Vanished("process 7 is gone"), act.Lose),
        (RunState.PUBLISHING, Ended(exit_code=0, started=NOW, ended=NOW, outputs={}), act.Finish),
        (RunState.PUBLISHING, Absent(), act.Finish),
    ],
)
def test_what_a_worker_says_of_a_run_decides_what_is_done(plan, seen, state, status, expected) -> None:
    live = {plan().address: LiveRun(run=a_run(plan(), state), status=status)}
    (action,) = decide([plan()], seen(live=live), POLICY).actions
    assert isinstance(action, expected)


@pytest.mark.parametrize("status", [None, Queued(), Running(started=NOW), Unknown("no answer")])
def test_a_run_that_goes_on_or_is_silent_is_left_alone(plan, seen, status) -> None:
    live = {plan().address: LiveRun(run=a_run(plan()), status=status)}
    decision = decide([plan()], seen(live=live), POLICY)
    assert (decision.actions, verdict(decision).phase) == ((), Phase.RUNNING)


def test_a_run_a_lane_is_busy_with_is_left_alone(plan, seen) -> None:
    live = {plan().address: LiveRun(run=a_run(plan()), status=ended(), handled=True)}
    assert decide([plan()], seen(live=live), POLICY).actions == ()


def test_a_launch_without_answer_is_repeated_and_then_goes_elsewhere(plan, seen) -> None:
    run = a_run(plan(), RunState.STARTING)
    again = LiveRun(run=run, status=Absent(), failed_starts=2)
    enough = LiveRun(run=run, status=Absent(), failed_starts=3, last_error="disk full")
    (restart,) = decide([plan()], seen(live={plan().address: again}), POLICY).actions
    (lose,) = decide([plan()], seen(live={plan().address: enough}), POLICY).actions
    assert isinstance(restart, act.Restart)
    assert isinstance(lose, act.Lose)
    assert "disk full" in lose.failure.trouble.what


def test_a_run_that_was_never_launched_is_dropped_where_its_inputs_changed(plan, seen) -> None:
    live = {plan().address: LiveRun(run=a_run(plan(content="1"), RunState.STARTING), status=Absent())}
    assert isinstance(decide([plan(content="2")], seen(live=live), POLICY).actions[0], act.Abandon)


def test_a_cancelled_run_is_ended(plan, seen) -> None:
    live = {plan().address: LiveRun(run=a_run(plan()), status=Running(started=NOW))}
    (action,) = decide([plan()], seen(live=live, cancelled=frozenset({plan().address})), POLICY).actions
    assert isinstance(action, act.Cancel)


def test_a_run_whose_plan_left_the_spec_goes_on_and_is_closed_when_it_ends(plan, seen) -> None:
    run = a_run(plan("Gone/p01"))
    going = decide([], seen(live={run.address: LiveRun(run=run, status=Running(started=NOW))}), POLICY)
    over = decide([], seen(live={run.address: LiveRun(run=run, status=ended())}), POLICY)
    assert (going.actions, going.strays) == ((), (run,))
    assert isinstance(over.actions[0], act.Abandon)


def test_a_result_that_cannot_take_its_place_holds_its_plan(plan, seen) -> None:
    live = LiveRun(
        run=a_run(plan(), RunState.PUBLISHING), status=ended(), held=Trouble("a viewer holds it", "close it")
    )
    decision = decide([plan()], seen(live={plan().address: live}), POLICY)
    assert (verdict(decision).phase, decision.health) == (Phase.HELD, Health.STALLED)


def test_a_plan_whose_run_is_on_a_worker_that_left_the_spec_is_held(plan, seen) -> None:
    live = {plan().address: LiveRun(run=a_run(plan(), worker="gone"), status=Unknown("not in the spec"))}
    decision = decide([plan()], seen(live=live), POLICY)
    assert (verdict(decision).phase, decision.actions) == (Phase.HELD, ())


# ---- trying again


def test_a_retryable_failure_waits_and_then_runs_again(plan, seen) -> None:
    just = decide([plan()], seen(attempts={plan().address: (failed(plan()),)}), POLICY)
    later = decide(
        [plan()], seen(attempts={plan().address: (failed(plan(), ago=timedelta(minutes=2)),)}), POLICY
    )
    assert verdict(just).phase is Phase.BACKOFF
    assert just.next_at is not None
    assert timedelta(seconds=30) <= just.next_at - NOW <= timedelta(seconds=38)
    assert isinstance(later.actions[0], act.Start)
    assert Cause.PREVIOUS_RUN_FAILED in causes(later)


def test_three_failures_quarantine(plan, seen) -> None:
    hour = timedelta(hours=1)
    decision = decide([plan()], seen(attempts={plan().address: (failed(plan(), ago=hour),) * 3}), POLICY)
    assert (verdict(decision).phase, decision.actions) == (Phase.QUARANTINED, ())


def test_a_permanent_failure_quarantines_at_once(plan, seen) -> None:
    runs = (failed(plan(), "permanent"),)
    assert verdict(decide([plan()], seen(attempts={plan().address: runs}), POLICY)).phase is Phase.QUARANTINED


def test_a_workers_failure_is_tried_at_once_elsewhere_and_does_not_count_against_the_plan(
    plan, seen, worker
) -> None:
    world = seen(
        attempts={plan().address: (failed(plan(), "worker"),)},
        workers=(worker("desk"), worker("lab", priority=3)),
    )
    (start,) = decide([plan()], world, POLICY).actions
    assert isinstance(start, act.Start)
    assert start.worker == "lab"


def test_a_plan_that_workers_lose_again_and_again_is_held(plan, seen) -> None:
    runs = (failed(plan(), "worker", ago=timedelta(days=1)),) * 8
    assert verdict(decide([plan()], seen(attempts={plan().address: runs}), POLICY)).phase is Phase.HELD


def test_a_plan_cancelled_by_request_stays_idle_and_one_that_was_interrupted_does_not(plan, seen) -> None:
    def world(cause: FailureCause):
        run = failed(plan(), "worker", cause=cause, state=RunState.CANCELLED)
        return seen(attempts={plan().address: (run,)})

    assert verdict(decide([plan()], world(FailureCause.CANCELLED_BY_REQUEST), POLICY)).phase is Phase.HELD
    assert isinstance(decide([plan()], world(FailureCause.INTERRUPTED), POLICY).actions[0], act.Start)


def test_retry_runs_a_plan_that_is_current(plan, good) -> None:
    decision = decide([plan()], replace(good(plan()), retried=frozenset({plan().address})), POLICY)
    assert isinstance(decision.actions[0], act.Start)
    assert Cause.REQUESTED in causes(decision)


@pytest.mark.parametrize("tries", range(1, 12))
def test_backoff_doubles_and_is_bounded(tries) -> None:
    wait = backoff(tries, "run", POLICY)
    assert min(timedelta(seconds=30) * 2 ** (tries - 1), POLICY.at_most) <= wait <= POLICY.at_most
