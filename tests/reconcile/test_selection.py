"""Plans named by the user: whatever world it is, only they and what they need run, and the rest is still judged."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.plans import Address
from rasreconcile.reconcile.decision import Health, decide
from rasreconcile.reconcile.selection import Selection, selected
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Sync
from tests.reconcile.conftest import make_plan, make_seen
from tests.reconcile.test_worlds import FATES, POLICY, World
from tests.reconcile.test_worlds import make_plan as numbered

A, B, C = (make_plan(f"M/p0{n}", str(n)) for n in (1, 2, 3))


def test_what_a_named_plan_needs_is_meant_too_unless_it_is_left_out() -> None:
    chain = [A, replace(B, needs=(A.address,)), replace(C, needs=(B.address,))]
    assert selected(None, chain) == {A.address, B.address, C.address}
    assert Selection(frozenset({B.address})).among(chain) == {A.address, B.address}
    assert Selection(frozenset({C.address}), frozenset({B.address})).among(chain) == {C.address}
    assert Selection(frozenset({Address("M/p99")})).among(chain) == frozenset()


def test_a_plan_whose_need_is_left_out_is_held_and_not_waited_for() -> None:
    needing = replace(B, needs=(A.address,))
    selection = Selection(frozenset({B.address}), frozenset({A.address}))
    decision = decide([A, needing], make_seen(selection=selection), POLICY)
    (verdict,), (other,) = decision.verdicts, decision.others
    assert (verdict.phase, verdict.obstacle) == (Phase.HELD, Obstacle.NEED_BLOCKED)
    assert (other.address, other.phase) == (A.address, Phase.QUEUED)
    assert (decision.actions, decision.health) == ((), Health.STALLED)


@settings(deadline=None, max_examples=300)
@given(
    versions=st.lists(st.integers(0, 1), min_size=1, max_size=6),
    chain=st.booleans(),
    slots=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    fates=st.lists(st.sampled_from(FATES), max_size=20),
    named=st.sets(st.integers(0, 5)),
    left_out=st.sets(st.integers(0, 5)),
    before=st.integers(0, 2),
)
def test_every_world_converges_and_nothing_starts_that_was_not_named(
    versions, chain, slots, fates, named, left_out, before
) -> None:
    plans = [numbered(n, v, ((n - 1,) if chain and n else ())) for n, v in enumerate(versions)]
    world = World(plans, slots, list(fates))
    for _ in range(before):
        # An apply of everything, that was ended: its runs go on.
        decision = decide(world.plans, world.seen(), POLICY)
        world.carry_out(decision)
        world.advance(decision)
    known = set(world.runs)
    address = {n: Address(f"M/p{n:02d}") for n in range(6)}
    without = frozenset(address[n] for n in left_out)
    selection = Selection(frozenset(address[n] for n in named) - without, without)
    chosen = selected(selection, plans)
    for step in range(400):
        decision = decide(world.plans, replace(world.seen(), selection=selection), POLICY)
        assert {v.address for v in decision.verdicts} == chosen
        assert len(decision.verdicts) + len(decision.others) == len(plans)
        if decision.health is not Health.PROGRESSING and step > 25:
            break
        world.carry_out(decision)
        world.advance(decision)
    assert decision.health is not Health.PROGRESSING, "it never ends"
    assert {run.address for run in world.runs.values() if run.id not in known} <= chosen
    for verdict in decision.verdicts:
        assert verdict.sync is Sync.CURRENT or (
            verdict.phase in {Phase.HELD, Phase.QUARANTINED} and verdict.note
        )
