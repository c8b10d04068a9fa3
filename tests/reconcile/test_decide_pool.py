"""What is decided over several workers and several plans, and how causes differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.jobs import Running
from rasreconcile.plans import MISSING, Address, Component, fingerprint
from rasreconcile.reasons import Cause, differences
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import Health, decide
from rasreconcile.reconcile.observed import LiveRun
from rasreconcile.reconcile.policy import Policy, Share
from rasreconcile.reconcile.verdicts import Phase
from tests.reconcile.conftest import started
from tests.reconcile.test_decide import NOW, POLICY, a_run, ended, failed, verdict

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
