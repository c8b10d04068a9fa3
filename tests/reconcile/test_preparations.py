"""Preparations among the plans: made for what is to run, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, preparation_address
from rasreconcile.reconcile.decision import Health, decide
from rasreconcile.reconcile.observed import OutputSeen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.verdicts import Phase
from tests.reconcile.conftest import started

PREPARE = preparation_address("Muncie", "04", "1a2b3c4d" * 8)
POLICY = Policy()


def pair(plan):
    first = plan(PREPARE, "files", prepares=True)
    return first, plan("Muncie/p04", needs=(PREPARE,), prepared_by=PREPARE)


def test_what_is_to_run_is_prepared_first(plan, seen, published) -> None:
    first, after = pair(plan)
    decision = decide([first, after], seen(), POLICY)
    assert started(decision.actions) == [first]
    assert decision.verdicts[1].outlook == f"waits for {PREPARE}"
    there = seen(outputs={PREPARE: OutputSeen(10, "d1")}, published={PREPARE: published(first)})
    assert started(decide([first, after], there, POLICY).actions) == [after]


def test_a_current_plan_asks_for_no_preparation(plan, good) -> None:
    first, after = pair(plan)
    decision = decide([first, after], good(after), POLICY)
    assert [verdict.address for verdict in decision.verdicts] == ["Muncie/p04"]
    assert (decision.actions, decision.health) == ((), Health.HEALTHY)


def test_nothing_is_prepared_where_the_result_of_another_plan_is_copied(plan, good) -> None:
    first, after = pair(plan)
    twin = replace(after, address=Address("Copy/p04"), needs=(), prepared_by=None)
    world = good(twin)
    world = replace(world, intact={twin.fingerprint: world.published[twin.address]})
    decision = decide([twin, first, after], world, POLICY)
    assert [type(action).__name__ for action in decision.actions] == ["Reuse"]


def test_products_without_a_record_are_made_anew_and_nobody_is_asked(plan, seen) -> None:
    first, after = pair(plan)
    decision = decide([first, after], seen(outputs={PREPARE: OutputSeen(10, "")}), POLICY)
    assert started(decision.actions) == [first]


def test_what_placement_holds_holds_those_that_wait_for_it_and_those_that_wait_for_them(
    plan, seen, worker
) -> None:
    first, after = pair(plan)
    last = plan("Muncie/p05", "5", needs=("Muncie/p04",))
    nobody = seen(workers=(worker(unable={PREPARE: Trouble("only Ras.exe prepares plans")}),))
    decision = decide([last, first, after], nobody, POLICY)
    assert [verdict.phase for verdict in decision.verdicts] == [Phase.HELD] * 3
    assert (
        "not prepared for the Linux solvers: desk cannot run it: only Ras.exe" in decision.verdicts[2].outlook
    )
    assert (decision.actions, decision.health) == ((), Health.STALLED)
