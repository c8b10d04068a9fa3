"""What runs took: core-hours, and money where their worker has a price. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from rasreconcile.runs import Run

Prices = Mapping[str, float]
"""Of a core-hour, by worker; in whatever money the spec means."""
NO_PRICES: Prices = {}


def core_hours(cores: int, took: timedelta) -> float:
    """Cores that were held, times the hours for which they were."""
    return cores * max(took, timedelta()) / timedelta(hours=1)


def cost_lines(runs: Iterable[Run], prices: Prices) -> Iterator[str]:
    """One for each worker with a price on which any of the runs ended, good or not."""
    hours: dict[str, float] = {}
    for run in runs:
        if run.worker in prices and run.started and run.ended:
            took = core_hours(run.cores, run.ended - run.started)
            hours[run.worker] = hours.get(run.worker, 0.0) + took
    for worker, spent in sorted(hours.items()):
        yield f"{worker}: {spent:.2f} core-hours, {spent * prices[worker]:.2f} at its price_per_core_hour."
