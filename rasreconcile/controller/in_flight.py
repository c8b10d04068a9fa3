"""What is in flight: operations that a lane is busy with, and what went wrong with runs in this apply."""

from __future__ import annotations

from dataclasses import dataclass, field

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address


@dataclass(slots=True)
class InFlight:
    """Only the main thread touches it."""

    runs: set[RunId] = field(default_factory=set)
    """Runs a lane is busy with; see `take`."""
    taken: dict[RunId, int] = field(default_factory=dict)
    """How often a lane took each: what a worker said of a run before that is old."""
    plans: set[Address] = field(default_factory=set)
    """Plans whose published file is being verified or copied."""
    checks: set[str] = field(default_factory=set)
    """Workers that are being checked."""
    cancelled: set[RunId] = field(default_factory=set)
    """Runs that were told to end: once is enough."""
    background: int = 0
    """Operations nobody waits for but the end: removing run directories."""
    discarded: list[RunId] = field(default_factory=list)
    """Runs whose run directories are gone; written down together, since nothing depends on it."""
    failed_starts: dict[RunId, int] = field(default_factory=dict)
    errors: dict[RunId, str] = field(default_factory=dict)
    held: dict[RunId, str] = field(default_factory=dict)
    """Runs whose proven result cannot take its place now, and why."""
    uncopied: dict[Address, str] = field(default_factory=dict)
    """Plans whose result could not be copied from a plan with the same inputs: they compute it themselves."""
    retry_at: dict[RunId, float] = field(default_factory=dict)
    """Monotonic time before which collecting, or ending, a run is not tried again."""
    stuck: dict[Address, str] = field(default_factory=dict)
    """Plans whose result could not be verified or copied for a reason that is not the result's; none is computed."""
    settle_at: dict[Address, float] = field(default_factory=dict)
    """Monotonic time before which a plan that is stuck is not tried again."""

    def take(self, run: RunId) -> None:
        """A lane is busy with the run from now on."""
        self.runs.add(run)
        self.taken[run] = self.taken.get(run, 0) + 1

    def wake(self, monotonic: float) -> bool:
        """Whether a wait is over. Said once: else nobody would sleep until that run or plan is asked for."""
        runs = [run for run, at in self.retry_at.items() if at <= monotonic]
        plans = [plan for plan, at in self.settle_at.items() if at <= monotonic]
        for run in runs:
            del self.retry_at[run]
        for plan in plans:
            del self.settle_at[plan]
        return bool(runs or plans)

    def waits(self) -> list[float]:
        """Monotonic times at which something is to be tried again."""
        return [*self.retry_at.values(), *self.settle_at.values()]

    @property
    def empty(self) -> bool:
        return not (self.runs or self.plans or self.checks or self.background)

    def forget(self, run: RunId) -> None:
        """The run is over."""
        self.taken.pop(run, None)
        self.cancelled.discard(run)
        self.failed_starts.pop(run, None)
        self.errors.pop(run, None)
        self.held.pop(run, None)
        self.retry_at.pop(run, None)
