"""Fingerprints and run names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component, component, fingerprint
from rasreconcile.runs import LIVE, MOVES, IllegalMove, RunState, check_move, new_run_id

names = st.text(max_size=6)


def test_the_order_of_components_does_not_count() -> None:
    a, b = component("engine", "steady 1"), component("salt", "x")
    assert fingerprint([a, b]) == fingerprint([b, a])


@given(st.tuples(names, names), st.tuples(names, names))
def test_length_framing_keeps_neighbours_apart(one, other) -> None:
    if one != other:
        assert fingerprint([Component(*one)]) != fingerprint([Component(*other)])


@given(st.text(min_size=1))
def test_a_run_name_can_be_used_by_every_kind_of_worker(address: str) -> None:
    run = new_run_id(Address(address), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "a1b2c3")
    assert set(run) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert run.startswith("20260102-030405-")
    assert len(run) <= 63


def test_live_runs_are_those_that_can_still_move() -> None:
    assert {state for state, moves in MOVES.items() if moves} == LIVE


def test_a_run_that_has_ended_never_moves_again() -> None:
    with pytest.raises(IllegalMove, match="succeeded -> running"):
        check_move(RunId("r"), RunState.SUCCEEDED, RunState.RUNNING)
