"""What lanes are busy with, what waits to be tried again, and what went wrong with runs in this apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rasreconcile.errors import Trouble
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address

K = TypeVar("K", bound=str)


@dataclass(slots=True)
class Marks(Generic[K]):
    """The marks on runs, plans or workers. Only `controller/work.py` sets and removes them."""

    busy: Counter[K] = field(default_factory=Counter)
    """What lanes are busy with."""
    taken: dict[K, int] = field(default_factory=dict)
    """How often a lane took each: what a worker said of a run before that is old."""
    why: dict[K, Trouble] = field(default_factory=dict)
    """What prevented it when it was last put off, where that was reported."""
    again_at: dict[K, float] = field(default_factory=dict)
    """Monotonic time before which it is not tried again."""

    def take(self, key: K) -> None:
        """A lane is busy with it from now on."""
        self.busy[key] += 1
        self.taken[key] = self.taken.get(key, 0) + 1

    def give_back(self, key: K) -> None:
        """The lane has finished with it."""
        self.busy[key] -= 1
        if not self.busy[key]:
            del self.busy[key]

    def is_put_off(self, key: K, monotonic: float) -> bool:
        """Whether it waits to be tried again."""
        return monotonic < self.again_at.get(key, 0.0)

    def held(self, monotonic: float) -> Mapping[K, Trouble]:
        """What waits to be tried again for a reason that was reported, and the reason."""
        return {
            key: why
            for key, why in self.why.items()
            if key not in self.busy and self.is_put_off(key, monotonic)
        }

    def wake(self, monotonic: float) -> bool:
        """Whether a wait has ended. True once for each: the main thread would not sleep until it will be retried."""
        ended = [key for key, at in self.again_at.items() if at <= monotonic]
        for key in ended:
            del self.again_at[key]
        return bool(ended)

    def forget(self, key: K) -> None:
        """Nothing more will be done with it."""
        self.taken.pop(key, None)
        self.why.pop(key, None)
        self.again_at.pop(key, None)


@dataclass(slots=True)
class InFlight:
    """Only the main thread touches it."""

    runs: Marks[RunId] = field(default_factory=Marks)
    plans: Marks[Address] = field(default_factory=Marks)
    """Plans whose published file is being verified or copied."""
    checks: Marks[str] = field(default_factory=Marks)
    """Workers that are being checked before a run."""
    polls: Marks[str] = field(default_factory=Marks)
    """Workers that are being asked about their runs, or whether they answer again. Nobody waits for them."""
    prefetches: Marks[str] = field(default_factory=Marks)
    """Workers that inputs travel to ahead of their run. Nobody waits for them."""
    reads: Marks[RunId] = field(default_factory=Marks)
    """Runs whose messages are being read. Nobody waits for them."""
    discards: Marks[RunId] = field(default_factory=Marks)
    """Runs whose run directories are being removed. Only the end waits for them."""
    discarded: list[RunId] = field(default_factory=list)
    """Runs whose run directories are gone; recorded together, since nothing depends on it."""
    cancelled: set[RunId] = field(default_factory=set)
    """Runs that were told to end: once is enough."""
    failed_starts: dict[RunId, int] = field(default_factory=dict)
    errors: dict[RunId, str] = field(default_factory=dict)
    """Why the last start failed."""
    uncopied: dict[Address, str] = field(default_factory=dict)
    """Plans whose result could not be copied from a plan with the same inputs: they compute it themselves."""

    def wake(self, monotonic: float) -> bool:
        """Whether the wait of a run or of a plan has ended."""
        runs, plans = self.runs.wake(monotonic), self.plans.wake(monotonic)
        return runs or plans

    def waits(self) -> list[float]:
        """Monotonic times at which something is to be tried again."""
        return [*self.runs.again_at.values(), *self.plans.again_at.values()]

    @property
    def empty(self) -> bool:
        """Whether no lane does anything that the end waits for."""
        return not (self.runs.busy or self.plans.busy or self.checks.busy or self.discards.busy)

    def start_failed(self, run: RunId, why: str) -> None:
        """A start of the run came to nothing, or got no answer."""
        self.failed_starts[run] = self.failed_starts.get(run, 0) + 1
        self.errors[run] = why

    def forget(self, run: RunId) -> None:
        """The run is over."""
        self.runs.forget(run)
        self.cancelled.discard(run)
        self.failed_starts.pop(run, None)
        self.errors.pop(run, None)
