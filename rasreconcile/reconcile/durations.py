"""How long a plan's run will take and how fast a worker is, from the runs that succeeded. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heapify, heapreplace
from statistics import median

from rasreconcile.plans import Address, is_preparation

History = Mapping[Address, Sequence[tuple[str, timedelta]]]
"""By plan: worker and run time of its runs that succeeded."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long something will take: most likely, and the band it should lie in."""

    likely: timedelta
    low: timedelta
    high: timedelta

    def after(self, going: timedelta) -> Estimate:
        """What is left of it."""
        none = timedelta()
        return Estimate(*(max(time - going, none) for time in (self.likely, self.low, self.high)))


SAME_PLAN = (0.8, 1.25)
"""The least band around the run time of a plan that ran before, and around what a run's own pace says."""
OTHER_PLAN = (0.5, 2.0)
"""The same around that of plans that did not."""


def estimated(samples: Sequence[timedelta], least: tuple[float, float]) -> Estimate:
    """The median, and a band of at least so much of it that holds the samples; of ten or more all but the extremes."""
    ordered = sorted(samples)
    likely = _median(ordered)
    cut = len(ordered) // 10
    return Estimate(
        likely, min(ordered[cut], likely * least[0]), max(ordered[len(ordered) - 1 - cut], likely * least[1])
    )


def _median(times: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=median(time.total_seconds() for time in times))


def _project(address: Address) -> str:
    return address.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Expectancy:
    """Expected run times at speed 1.0, and each worker's speed."""

    lengths: Mapping[Address, timedelta] = field(default_factory=dict)
    speeds: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[Address, Estimate] = field(default_factory=dict)
    """Of plans that ran before."""
    alike: Mapping[str, Estimate] = field(default_factory=dict)
    """Of plans of a project, by its part of their addresses."""
    any_plan: Estimate | None = None
    """Of a plan of which nothing else is known."""

    def estimate(self, address: Address) -> Estimate | None:
        """From the plan's own runs, else from those of its project, else from all; None before any run succeeded."""
        found = self.own.get(address)
        if found is None and not is_preparation(address):
            found = self.alike.get(_project(address), self.any_plan)
        return found

    def on(self, worker: str, address: Address) -> timedelta | None:
        """How long a run of the plan most likely takes on this worker; None: nothing tells."""
        found = self.estimate(address)
        return None if found is None else found.likely / self.speed(worker)

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
    samples = {
        address: [length * speeds.get(worker, 1.0) for worker, length in runs]
        for address, runs in history.items()
        if runs
    }
    lengths = {address: _median(took) for address, took in samples.items()}
    by_project: dict[str, list[timedelta]] = {}
    for address, length in lengths.items():
        if not is_preparation(address):
            by_project.setdefault(_project(address), []).append(length)
    every = [length for found in by_project.values() for length in found]
    return Expectancy(
        lengths,
        speeds,
        own={address: estimated(took, SAME_PLAN) for address, took in samples.items()},
        alike={project: estimated(found, OTHER_PLAN) for project, found in by_project.items()},
        any_plan=estimated(every, OTHER_PLAN) if every else None,
    )


def left_of_run(going: timedelta, expected: Estimate | None, done: float | None) -> Estimate | None:
    """How long a run will go on, with the band; see `left`."""
    likely = left(going, expected.likely if expected else None, done)
    if likely is None:
        return None
    if done is not None and done >= ENOUGH_TO_TELL:
        return Estimate(likely, likely * SAME_PLAN[0], likely * SAME_PLAN[1])
    return expected.after(going) if expected else None


def until_all_are_done(
    running: Sequence[Estimate | None], waiting: Sequence[Estimate | None], slots: int
) -> Estimate | None:
    """How long it takes until everything that runs and waits is done on so many slots; None: nothing tells.

    What is running without an estimate is taken for as good as done.
    """
    known = [one for one in waiting if one is not None]
    if len(known) < len(waiting) or not (known or any(running)):
        return None
    none = Estimate(timedelta(), timedelta(), timedelta())
    going = [one or none for one in running]
    room = max(slots, len(going), 1)
    return Estimate(
        _makespan([one.likely for one in going], [one.likely for one in known], room),
        _makespan([one.low for one in going], [one.low for one in known], room),
        _makespan([one.high for one in going], [one.high for one in known], room),
    )


def _makespan(going: Sequence[timedelta], waiting: Sequence[timedelta], slots: int) -> timedelta:
    """The longest first, each on the slot that is free first."""
    free = [*going, *([timedelta()] * (slots - len(going)))]
    heapify(free)
    for length in sorted(waiting, reverse=True):
        heapreplace(free, free[0] + length)
    return max(free, default=timedelta())


ENOUGH_TO_TELL = 0.02
"""Of a simulation, before its pace says more than history does."""


def left(going: timedelta, expected: timedelta | None, done: float | None) -> timedelta | None:
    """How long a run that has gone on for `going` will go on; None: nothing tells.

    The pace until now counts as soon as there is one; before that, and where the engine says nothing, history does.
    """
    if done is not None and done >= ENOUGH_TO_TELL:
        return going * (1 / done - 1)
    return None if expected is None else max(expected - going, timedelta())
