"""What is said of a plan, and what is done about it, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running, Unknown, Vanished
from rasreconcile.plans import MISSING, Address, Component, fingerprint
from rasreconcile.reasons import Cause, Reason, differences
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import Health, decide
from rasreconcile.reconcile.observed import LiveRun, NoOutput, OutputSeen, OutputUnreadable, Verification
from rasreconcile.reconcile.policy import Policy, Share, backoff
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Sync
from rasreconcile.runs import Run, RunState
from tests.reconcile.conftest import started

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
    world = replace(good(plan()), outputs={plan().address: OutputUnreadable("permission denied")})
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
    short = Verification("e2", "d1", ("too high",))
    known = decide([stricter], replace(good(plan()), verifications={stricter.address: short}), POLICY)
    assert (verdict(known).sync, verdict(known).phase) == (Sync.INVALID, Phase.QUARANTINED)
    assert known.actions == ()
    meets = Verification("e2", "d1", ())
    assert decide(
        [stricter], replace(good(plan()), verifications={stricter.address: meets}), POLICY
    ).health is (Health.HEALTHY)


def test_a_plan_that_cannot_run_is_held_with_the_reason(plan, seen) -> None:
    decision = decide([plan(blocked_by=("Muncie.g01 is not there; put it there",))], seen(), POLICY)
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


# ---- workers


def test_a_worker_with_three_faults_in_a_row_is_set_aside_then_probed_with_one_run(
    plan, seen, worker
) -> None:
    plans = [plan("A/p01", "1"), plan("A/p02", "2")]
    soon = worker("desk", faults=(NOW,) * 3, last_fault="vanished")
    later = worker("desk", faults=(NOW - timedelta(minutes=2),) * 3)
    aside = decide(plans, seen(workers=(soon,)), POLICY)
    probing = decide(plans, seen(workers=(later,)), POLICY)
    assert (aside.actions, aside.next_at) == ((), NOW + POLICY.probe_after)
    assert aside.health is Health.PROGRESSING
    assert len(probing.actions) == 1


def test_a_worker_given_up_holds_the_plans_that_only_it_can_run(plan, seen, worker) -> None:
    world = seen(workers=(worker("desk", faults=(NOW,) * 6, last_fault="disk full"),))
    decision = decide([plan()], world, POLICY)
    assert (verdict(decision).phase, decision.health) == (Phase.HELD, Health.STALLED)
    assert "disk full" in verdict(decision).outlook


def test_an_unfit_worker_gets_nothing(plan, seen, worker) -> None:
    world = seen(workers=(worker("desk", unfit="no room in /x; free some"),))
    assert "no room in /x" in verdict(decide([plan()], world, POLICY)).outlook


@pytest.mark.parametrize(
    ("percent", "broken", "stopped"),
    [(10, 1, False), (10, 2, True), (9.9, 1, False), (0.1, 1, True), (100, 2, False)],
)
def test_a_share_of_max_fails_is_of_all_plans_of_the_spec_and_rounded_up(
    plan, seen, percent, broken, stopped
) -> None:
    plans = [plan(f"A/p{n:02}", f"{n}") for n in range(1, 21)]
    attempts = {bad.address: (failed(bad, "permanent"),) for bad in plans[:broken]}
    decision = decide(plans, seen(attempts=attempts), Policy(max_fails=Share(percent)))
    assert (decision.actions == ()) is stopped
    assert (f"max_fails is {percent}% of 20 plans" in decision.verdicts[-1].outlook) is stopped


def test_max_fails_stops_dispatching(plan, seen) -> None:
    bad, fresh = plan("A/p01", "1"), plan("A/p02", "2")
    world = seen(attempts={bad.address: (failed(bad, "permanent"),)})
    decision = decide([bad, fresh], world, Policy(max_fails=1))
    assert decision.actions == ()
    assert "max_fails" in decision.verdicts[1].outlook


def test_max_concurrent_counts_what_runs_already(plan, seen) -> None:
    going, due = plan("A/p01", "1"), plan("A/p02", "2")
    live = {going.address: LiveRun(run=a_run(going), status=Running(started=NOW))}
    assert decide([going, due], seen(live=live), Policy(max_concurrent=1)).actions == ()
    assert len(decide([going, due], seen(live=live), Policy(max_concurrent=2)).actions) == 1


# ---- several plans


def test_two_plans_with_one_fingerprint_compute_once(plan, seen) -> None:
    decision = decide([plan("A/p01"), plan("A/p02")], seen(), POLICY)
    assert [type(a) for a in decision.actions] == [act.Start]
    assert "same inputs as A/p01" in decision.verdicts[1].outlook


def test_a_plan_whose_name_changed_waits_for_the_run_of_its_old_name(plan, seen) -> None:
    old, new = plan("A/p01"), plan("model/A/p01")
    live = {old.address: LiveRun(run=a_run(old), status=Running(started=NOW))}
    decision = decide([new], seen(live=live), POLICY)
    assert "same inputs as A/p01" in decision.verdicts[0].note
    assert not any(isinstance(action, act.Start) for action in decision.actions)


def test_a_plan_does_not_wait_for_one_whose_result_is_held(plan, seen) -> None:
    one, two = plan("A/p01"), plan("B/p01")
    live = LiveRun(run=a_run(one), status=ended(), handled=True, held=Trouble("the disk is full"))
    decision = decide([one, two], seen(live={one.address: live}), POLICY)
    assert [v.phase for v in decision.verdicts] == [Phase.HELD, Phase.HELD]
    assert "A/p01, which is held" in decision.verdicts[1].outlook
    assert decision.health is Health.STALLED


def test_a_plan_does_not_wait_for_one_that_no_worker_can_take(plan, seen, worker) -> None:
    decision = decide(
        [plan("A/p01"), plan("B/p01")], seen(workers=(worker(unfit="full; free some"),)), POLICY
    )
    assert [v.phase for v in decision.verdicts] == [Phase.HELD, Phase.HELD]
    assert decision.health is Health.STALLED


def test_a_result_of_the_same_inputs_is_copied(plan, good, published) -> None:
    first, second = plan("A/p01"), plan("A/p02")
    world = replace(good(first), intact={first.fingerprint: published(first)})
    (action,) = decide([first, second], world, POLICY).actions
    assert isinstance(action, act.Reuse)
    assert isinstance(
        decide([first, second], replace(world, uncopied=frozenset({second.address})), POLICY).actions[0],
        act.Start,
    )


def test_a_plan_waits_for_what_it_needs_and_is_held_where_that_failed(plan, seen) -> None:
    up, down = plan("A/p01", "1"), plan("A/p02", "2", needs=(Address("A/p01"),))
    decision = decide([up, down], seen(), POLICY)
    assert [one.address for one in started(decision.actions)] == ["A/p01"]
    broken = decide([up, down], seen(attempts={up.address: (failed(up, "permanent"),)}), POLICY)
    assert (broken.verdicts[1].phase, broken.actions) == (Phase.HELD, ())
    assert "A/p01" in broken.verdicts[1].outlook


# ---- reasons


def test_every_difference_has_its_own_cause() -> None:
    def part(name: str, value: str) -> Component:
        return Component(name, value)

    old = [
        part("input a", "1"),
        part("input b", "1"),
        part("input d", MISSING),
        part("engine", "1"),
        part("salt", "1"),
    ]
    new = [
        part("input a", "2"),
        part("input c", "1"),
        part("input d", "1"),
        part("input e", MISSING),
        part("engine", "2"),
        part("spec cores", "4"),
        part("upstream A/p01", "1"),
    ]
    found = {(r.cause, r.subject) for r in differences(old, new)}
    assert found == {
        (Cause.INPUT_CHANGED, "a"),
        (Cause.INPUT_REMOVED, "b"),
        (Cause.INPUT_ADDED, "c"),
        (Cause.INPUT_ADDED, "d"),
        (Cause.INPUT_UNREADABLE, "e"),
        (Cause.ENGINE_CHANGED, "engine"),
        (Cause.SPEC_CHANGED, "cores"),
        (Cause.SPEC_CHANGED, "salt"),
        (Cause.UPSTREAM_CHANGED, "A/p01"),
    }
    assert fingerprint(old) != fingerprint(new)


def test_what_comes_next_is_told_where_all_slots_are_taken(plan, seen, worker) -> None:
    plans = [plan(f"Muncie/p{n:02d}", content=str(n)) for n in range(1, 6)]
    world = seen(workers=(worker("desk", slots=2),))
    decision = decide(plans, world, Policy(placement="strict"))
    assert [one.number for one in started(decision.actions)] == ["01", "02"]
    assert [(u.plan.number, u.worker) for u in decision.upcoming] == [("03", "desk"), ("04", "desk")]


def test_nothing_comes_next_where_slots_are_free_or_the_worker_is_silent(plan, seen, worker) -> None:
    plans = [plan(f"Muncie/p{n:02d}", content=str(n)) for n in range(1, 4)]
    for one in (worker("desk", slots=9), worker("desk", slots=2, unreachable="no answer")):
        assert decide(plans, seen(workers=(one,)), Policy(placement="strict")).upcoming == ()
