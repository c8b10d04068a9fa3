"""The session: everything the main thread holds while it applies a spec, and the two things all actions end in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rasreconcile.clock import Clock
from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.followed_runs import FollowedRuns
from rasreconcile.controller.in_flight import InFlight
from rasreconcile.controller.lanes import Lane
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Ended, RunId
from rasreconcile.plans import Address
from rasreconcile.records import NOT_SHOWN, Event
from rasreconcile.runs import Run, RunState
from rasreconcile.store import Store
from rasreconcile.studies.outputs import Outputs
from rasreconcile.studies.study import Study

MAY_BE_UNFIT = frozenset(
    {
        FailureCause.DISK_FULL,
        FailureCause.LAUNCH_REFUSED,
        FailureCause.DAMAGED,
        FailureCause.RESTARTED,
        FailureCause.VANISHED,
    }
)
"""Causes after which a worker is checked again before it is given a run."""

ENDS = frozenset({"succeeded", "failed", "lost", "cancelled"})
"""Kinds of events that tell the end of a run."""


@dataclass(slots=True, kw_only=True)
class Session:
    """Only the main thread touches it; lanes hand back what they learned through the answers."""

    store: Store
    workers: Mapping[str, ConnectedWorker]
    study: Study
    clock: Clock
    apply_id: int
    began: datetime
    verifying: Lane
    followed: FollowedRuns
    tell: Callable[[Event], None]
    images: Mapping[str, str] = field(default_factory=dict)
    """The image that each worker with containers had when it was last asked, by worker."""
    keep_runs: bool = False
    """The spec says `autoclean: false`."""
    in_flight: InFlight = field(default_factory=InFlight)
    interrupted: bool = False
    stale_inputs: bool = False
    """An input was not what it was when the plans were resolved: resolve again."""
    changes: int = 0
    """What was done in this apply, and what was found different: the loop ends with a look that no change followed."""
    due: bool = True
    """A decision is due: something may be different since the last one."""
    counts: dict[str, int] = field(default_factory=dict)
    """Events told, by kind; `collected`: ends of runs that an earlier controller started."""
    own: set[RunId] = field(default_factory=set)
    """Runs that this controller started."""

    @property
    def outputs(self) -> Outputs:
        """What stands where the results go."""
        return self.study.outputs

    def __post_init__(self) -> None:
        # What the store has written down is what the user is told: nothing else, and nothing before.
        self.store.events.listeners.append(self._heard)

    def change(self) -> None:
        """Something was done, or is different."""
        self.changes += 1
        self.due = True

    def decide_again(self) -> None:
        """Nothing was done, but time, a failure or the user may lead to another decision."""
        self.due = True

    def inputs_changed(self) -> None:
        """An input is not what it was: the plans are looked at again before the next decision."""
        self.stale_inputs = True
        self.due = True

    def say(self, kind: str, message: str, address: Address | None = None, run: RunId | None = None) -> None:
        """Writes down what happened beside what the parts of the store write down themselves; so it is told."""
        self.store.events.add(self.clock.now(), kind, message, address, run)

    def _heard(self, event: Event) -> None:
        if event.kind in NOT_SHOWN:
            return
        self.counts[event.kind] = self.counts.get(event.kind, 0) + 1
        if event.run is not None and event.kind == "started":
            self.own.add(event.run)
        elif event.kind in ENDS and event.run is not None and event.run not in self.own:
            self.counts["collected"] = self.counts.get("collected", 0) + 1
        self.tell(event)

    def end(self, run: Run, state: RunState, failure: Failure, *, status: Ended | None = None) -> None:
        """The run is over without a result."""
        self.in_flight.forget(run.id)
        if state is RunState.LOST and run.worker in self.workers:
            # What it lacks now may be more than it lacked when it was checked.
            self.workers[run.worker].checked = failure.cause not in MAY_BE_UNFIT
        now = self.clock.now()
        with self.store.at_once():
            self.store.runs.move(
                run.id,
                state,
                now=now,
                started=status.started if status else None,
                ended=status.ended if status else now,
                exit_code=status.exit_code if status else None,
                failure=failure,
            )
            self.answer_requests(run, str(state))
        self.change()

    def answer_requests(self, run: Run, outcome: str) -> None:
        """A `retry` is answered by the success of a run that began after it, a `cancel` by the end of any run."""
        for request in self.store.requests.open():
            if request.address != run.address:
                continue
            if request.kind == "cancel" or (
                outcome == "succeeded" and self.store.requests.is_after(run.id, request.id)
            ):
                self.store.requests.close(request.id, now=self.clock.now(), outcome=outcome)
