"""How long a plan's run will take and how fast a worker is, from the runs that succeeded. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

from rasreconcile.plans import Address

History = Mapping[Address, Sequence[tuple[str, timedelta]]]
"""By plan: worker and run time of its runs that succeeded."""


@dataclass(frozen=True, slots=True)
class Expectancy:
    """Expected run times at speed 1.0, and each worker's speed."""

    lengths: Mapping[Address, timedelta] = field(default_factory=dict)
    speeds: Mapping[str, float] = field(default_factory=dict)

    def speed(self, worker: str) -> float:
        return self.speeds.get(worker, 1.0)


def expectancy(history: History) -> Expectancy:
    """Workers are compared by the plans that several of them ran; a plan's length is its median at speed 1.0."""
    ratios: dict[str, list[float]] = {}
    for runs in history.values():
        by_worker: dict[str, list[float]] = {}
        for worker, length in runs:
            by_worker.setdefault(worker, []).append(max(length.total_seconds(), 0.001))
        if len(by_worker) > 1:
            typical = median(median(took) for took in by_worker.values())
            for worker, took in by_worker.items():
                ratios.setdefault(worker, []).append(typical / median(took))
    speeds = {worker: median(found) for worker, found in ratios.items()}
    lengths = {
        address: timedelta(seconds=median(t.total_seconds() * speeds.get(w, 1.0) for w, t in runs))
        for address, runs in history.items()
        if runs
    }
    return Expectancy(lengths, speeds)


ENOUGH_TO_TELL = 0.02
"""Of a simulation, before its pace says more than history does."""


def left(going: timedelta, expected: timedelta | None, done: float | None) -> timedelta | None:
    """How long a run that has gone on for `going` will go on; None: nothing tells.

    The pace until now counts as soon as there is one; before that, and where the engine says nothing, history does.
    """
    if done is not None and done >= ENOUGH_TO_TELL:
        return going * (1 / done - 1)
    return None if expected is None else max(expected - going, timedelta())
