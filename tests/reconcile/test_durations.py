"""How long it takes: from the first finished run on, with a band that holds what comes."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.plans import Address
from rasreconcile.reconcile.durations import (
    OTHER_PLAN,
    Estimate,
    estimated,
    expectancy,
    left_of_run,
    until_all_are_done,
)

MINUTE = timedelta(minutes=1)


def minutes(estimate: Estimate | None) -> tuple[float, float, float] | None:
    if estimate is None:
        return None
    return estimate.likely / MINUTE, estimate.low / MINUTE, estimate.high / MINUTE


def seen(**runs: list[float]) -> dict[Address, list[tuple[str, timedelta]]]:
    return {
        Address(name.replace("_", "/")): [("desk", n * MINUTE) for n in took] for name, took in runs.items()
    }


def test_nothing_is_estimated_before_the_first_run_has_succeeded() -> None:
    assert expectancy({}).estimate(Address("A/p01")) is None


def test_a_plan_is_estimated_by_its_own_runs_then_by_its_project_then_by_all() -> None:
    known = expectancy(seen(A_p01=[10.0], A_p02=[20.0, 22.0, 30.0], B_p01=[60.0]))
    assert minutes(known.estimate(Address("A/p01"))) == (10, 8, 12.5)
    assert minutes(known.estimate(Address("A/p02"))) == (22, 17.6, 30)
    assert minutes(known.estimate(Address("A/p03"))) == (16, 8, 32)
    assert minutes(known.estimate(Address("B/p07"))) == (60, 30, 120)
    assert minutes(known.estimate(Address("C/p01"))) == (22, 10, 60)


def test_one_finished_run_is_enough_for_all_plans() -> None:
    known = expectancy(seen(A_p01=[10.0]))
    waiting = [known.estimate(Address(f"B/p{n:02}")) for n in range(1, 5)]
    assert minutes(until_all_are_done([], waiting, 2)) == (20, 10, 40)


def test_a_run_counts_by_its_own_pace_as_soon_as_it_has_one() -> None:
    usual = estimated([10 * MINUTE], OTHER_PLAN)
    assert minutes(left_of_run(6 * MINUTE, usual, None)) == (4, 0, 14)
    assert minutes(left_of_run(6 * MINUTE, usual, 0.25)) == (18, 14.4, 22.5)
    assert minutes(left_of_run(90 * MINUTE, usual, None)) == (0, 0, 0)
    assert left_of_run(MINUTE, None, None) is None


def test_the_longest_come_first_each_on_the_slot_that_is_free_first() -> None:
    waiting = [Estimate(n * MINUTE, n * MINUTE, n * MINUTE) for n in (1, 1, 1, 9)]
    assert minutes(until_all_are_done([], waiting, 2)) == (9, 9, 9)
    assert minutes(until_all_are_done([waiting[3], None], waiting[:3], 2)) == (9, 9, 9)
    assert until_all_are_done([None], [], 1) is None
    assert until_all_are_done([], [None, *waiting], 1) is None


TIMES = st.lists(st.floats(0.001, 1e5).map(lambda s: timedelta(seconds=s)), min_size=1, max_size=30)


@given(TIMES, TIMES, st.integers(1, 8))
def test_the_band_holds_the_likely_time_and_more_slots_never_take_longer_than_one(
    own: list[timedelta], others: list[timedelta], slots: int
) -> None:
    waiting = [estimated(own, OTHER_PLAN)] * 3 + [estimated(others, OTHER_PLAN)] * 2
    left = until_all_are_done([], waiting, slots)
    alone = until_all_are_done([], waiting, 1)
    assert left is not None and alone is not None
    assert timedelta() <= left.low <= left.likely <= left.high
    assert max(one.likely for one in waiting) <= left.likely <= alone.likely
