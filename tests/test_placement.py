"""Placement: priorities kept, no slot used twice, no core promised twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.placement import Due, Room, place
from rasreconcile.plans import Address


def due(name: str, order: int = 0, **more: Any) -> Due:
    return Due(address=Address(name), order=order, **more)


def room(name: str, priority: int = 0, slots: int = 1, **more: Any) -> Room:
    values: dict[str, Any] = {
        "worker": name,
        "priority": priority,
        "free_slots": tuple(range(slots)),
        "free_cores": slots,
        "cores_total": slots,
        "cores_per_plan": 1,
    }
    return Room(**{**values, **more})


HOUR = timedelta(hours=1)


def test_strict_fills_the_lowest_priority_number_first_in_the_order_of_the_spec() -> None:
    plans = [due("c", 2), due("a", 0), due("b", 1)]
    placed = place(plans, [room("slow", 5, 2), room("fast", 0, 2)], "strict")
    assert [(p.address, p.worker) for p in placed] == [("a", "fast"), ("b", "fast"), ("c", "slow")]


def test_prefer_starts_the_longest_first() -> None:
    plans = [due("short", 0, expected=HOUR), due("long", 1, expected=3 * HOUR)]
    assert [p.address for p in place(plans, [room("desk")], "prefer")] == ["long"]


def test_prefer_leaves_a_slow_slot_idle_where_waiting_for_a_fast_one_is_better() -> None:
    fast = room("fast", 0, 0, cores_total=1, busy_for=(timedelta(minutes=5),))
    slow = room("slow", 1, 1, speed=0.1)
    assert place([due("a", expected=HOUR)], [fast, slow], "prefer") == ()


def test_prefer_takes_the_slow_slot_where_the_fast_one_is_long_busy() -> None:
    fast = room("fast", 0, 0, cores_total=1, busy_for=(timedelta(hours=50),))
    slow = room("slow", 1, 1, speed=0.1)
    assert [p.worker for p in place([due("a", expected=HOUR)], [fast, slow], "prefer")] == ["slow"]


def test_a_plan_that_asks_for_more_cores_takes_them_from_the_worker() -> None:
    desk = room("desk", slots=4, free_cores=4)
    placed = place([due("big", 0, cores=3), due("a", 1), due("b", 2)], [desk], "strict")
    assert [(p.address, p.cores) for p in placed] == [("big", 3), ("a", 1)]


def test_only_on_keeps_a_plan_from_other_workers() -> None:
    assert place([due("a", only_on=("hpc",))], [room("desk")], "prefer") == ()


def test_a_worker_that_lost_it_is_avoided_while_another_is_there() -> None:
    rooms = [room("bad", 0), room("good", 1)]
    assert place([due("a", avoid=frozenset({"bad"}))], rooms, "strict")[0].worker == "good"
    assert place([due("a", avoid=frozenset({"bad"}))], rooms[:1], "strict")[0].worker == "bad"


plans = st.lists(st.tuples(st.integers(1, 5) | st.none(), st.integers(1, 9) | st.none()), max_size=12).map(
    lambda rows: [
        due(f"p{n}", n, cores=cores, expected=hours and hours * HOUR) for n, (cores, hours) in enumerate(rows)
    ]
)
rooms = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(1, 2), st.sampled_from([0.5, 1.0, 2.0])),
    max_size=4,
).map(
    lambda rows: [
        room(
            f"w{n}",
            priority,
            slots,
            free_cores=slots * per,
            cores_total=4 * per,
            cores_per_plan=per,
            speed=speed,
        )
        for n, (slots, priority, per, speed) in enumerate(rows)
    ]
)


@given(plans, rooms, st.sampled_from(["prefer", "strict"]), st.integers(0, 5) | st.none())
def test_no_slot_is_used_twice_and_no_core_promised_twice(due, free, mode, at_most) -> None:
    placed = place(due, free, mode, at_most=at_most)
    assert len({p.address for p in placed}) == len(placed)
    assert len({(p.worker, p.slot) for p in placed}) == len(placed)
    if at_most is not None:
        assert len(placed) <= at_most
    for r in free:
        here = [p for p in placed if p.worker == r.worker]
        assert sum(p.cores for p in here) <= r.free_cores
        assert {p.slot for p in here} <= set(r.free_slots)


@given(plans, rooms)
def test_something_starts_where_anything_can(due, free) -> None:
    for mode in ("prefer", "strict"):
        able = any(r.free_slots and r.free_cores >= (d.cores or r.cores_per_plan) for r in free for d in due)
        fast_only = all(r.speed == free[0].speed and not r.busy_for for r in free)
        if able and fast_only:
            assert place(due, free, mode)
