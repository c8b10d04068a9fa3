"""What applying would take: played with the placement that apply uses, on run times that history tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Plan
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.durations import History, expectancy
from rasreconcile.reconcile.forecast import Forecast, Question, forecast
from rasreconcile.reconcile.observed import LiveRun, WorkerSeen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.runs import Run, RunState
from tests.reconcile.conftest import NOW, make_plan, make_worker

HOUR = timedelta(hours=1)


def plans(*hours: float) -> tuple[list[Plan], dict[Address, Sequence[tuple[str, timedelta]]]]:
    """A plan each, and the run of it that succeeded once."""
    made = [make_plan(f"Muncie/p{number:02d}") for number, _ in enumerate(hours, 1)]
    return made, {plan.address: [("desk", HOUR * h)] for plan, h in zip(made, hours, strict=True)}


def foreseen(due: Sequence[Plan], history: History, *workers: WorkerSeen, **more: Any) -> Forecast:
    values = {"live": (), "policy": Policy(), "now": NOW, **more}
    found = forecast(
        Question(due=due, workers=workers or (make_worker(slots=1),), known=expectancy(history), **values)
    )
    assert found is not None
    return found


def test_one_slot_takes_the_sum_and_the_band_is_that_of_its_plans() -> None:
    due, history = plans(1, 2, 3)
    found = foreseen(due, history)
    assert found.runs == 3
    assert (found.left.likely, found.left.low, found.left.high) == (6 * HOUR, 4.8 * HOUR, 7.5 * HOUR)
    assert found.core_hours == pytest.approx({"desk": 6.0})


def test_cores_and_speeds_count_and_the_longest_begins_first() -> None:
    due, history = plans(4, 1, 1, 1, 1)
    desk = make_worker(slots=2, cores_total=8, cores_per_plan=4)
    found = foreseen(due, history, desk)
    assert found.left.likely == 4 * HOUR
    assert found.core_hours == pytest.approx({"desk": 32.0})
    twice = dict(history) | {due[0].address: [("desk", 4 * HOUR), ("fast", 2 * HOUR)]}
    quick = foreseen(due[:1], twice, make_worker("fast", 1))
    assert quick.left.likely == 2 * HOUR


def test_a_plan_waits_for_what_it_needs_and_max_concurrent_holds() -> None:
    due, history = plans(1, 1, 1, 1)
    many = make_worker(slots=4)
    assert foreseen(due, history, many).left.likely == HOUR
    chain = [
        due[0],
        *(replace(plan, needs=(before.address,)) for before, plan in pairwise(due)),
    ]
    assert foreseen(chain, history, many).left.likely == 4 * HOUR
    assert foreseen(due, history, many, policy=Policy(max_concurrent=2)).left.likely == 2 * HOUR


def test_live_runs_take_their_slots_until_they_end() -> None:
    due, history = plans(2, 1)
    run = Run(
        id=RunId("r1"), address=due[0].address, fingerprint=due[0].fingerprint, worker="desk", slot=0, cores=1,
        state=RunState.RUNNING, reasons=(Reason(Cause.NEVER_RUN),), created=NOW - HOUR, started=NOW - HOUR,
    )  # fmt: skip
    found = foreseen(due[1:], history, live=(LiveRun(run=run, status=None),))
    assert found.left.likely == 2 * HOUR, "one hour of it is left, then the other begins"
    assert found.runs == 1


def test_what_no_worker_can_take_is_named_and_not_counted() -> None:
    due, history = plans(1, 1, 1)
    large = [due[0], replace(due[1], cores=64), replace(due[2], needs=(due[1].address,))]
    found = foreseen(large, history)
    assert (found.runs, set(found.unplaced)) == (1, {due[1].address, due[2].address})
    assert found.left.likely == HOUR


def test_nothing_is_foreseen_without_a_run_that_succeeded_or_with_nothing_to_run() -> None:
    due, history = plans(1)
    asked = Question(
        due=due, live=(), workers=(make_worker(),), policy=Policy(), known=expectancy({}), now=NOW
    )
    assert forecast(asked) is None
    assert forecast(replace(asked, due=(), known=expectancy(history))) is None
    # Another plan of the project tells, with a wide band.
    other = replace(asked, due=[make_plan("Muncie/p09")], known=expectancy(history))
    found = forecast(other)
    assert found is not None and (found.left.low, found.left.high) == (0.5 * HOUR, 2 * HOUR)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=4),
    st.sampled_from(["prefer", "strict"]),
)
def test_it_lies_between_the_bounds_of_any_schedule(hours, workers, mode) -> None:
    due, history = plans(*hours)
    pool = [
        make_worker(f"w{n}", slots, cores_total=slots * cores, cores_per_plan=cores)
        for n, (slots, cores) in enumerate(workers)
    ]
    found = foreseen(due, history, *pool, policy=Policy(placement=mode))
    slots = sum(count for count, _ in workers)
    least = max(*hours, sum(hours) / slots)
    # No slot is idle while something waits that it could take: Graham's bound for any such schedule.
    assert least * HOUR <= found.left.likely <= (sum(hours) / slots + max(hours)) * HOUR
    assert found.left.low <= found.left.likely <= found.left.high
    assert sum(found.core_hours.values()) >= sum(hours)
    assert not found.unplaced
