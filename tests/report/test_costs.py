"""What runs took, and what that cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.reasons import Cause, Reason
from rasreconcile.report.costs import core_hours, cost_lines
from rasreconcile.runs import Run, RunState

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def a_run(worker: str, cores: int, hours: float | None) -> Run:
    ended = None if hours is None else NOW + timedelta(hours=hours)
    return Run(
        id=RunId("r"), address=Address("Willow/p01"), fingerprint="f" * 64, worker=worker, slot=0, cores=cores,
        state=RunState.SUCCEEDED, reasons=(Reason(Cause.NEVER_RUN),), created=NOW, started=NOW, ended=ended,
    )  # fmt: skip


def test_each_worker_with_a_price_says_what_its_runs_took() -> None:
    runs = [a_run("cloud", 8, 1.5), a_run("cloud", 4, 0.25), a_run("desk", 2, 9.0), a_run("cloud", 8, None)]
    assert list(cost_lines(runs, {"cloud": 0.02, "idle": 5.0})) == [
        "cloud: 13.00 core-hours, 0.26 at its price_per_core_hour."
    ]
    assert list(cost_lines(runs, {})) == []


@pytest.mark.parametrize(("hours", "spent"), [(1.0, 4.0), (-1.0, 0.0)])
def test_a_clock_that_was_set_back_costs_nothing(hours: float, spent: float) -> None:
    assert core_hours(4, timedelta(hours=hours)) == spent
