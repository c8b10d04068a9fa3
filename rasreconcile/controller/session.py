"""The session: everything the main thread holds while it applies a spec, and the two things all actions end in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rasreconcile.clock import Clock
from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.in_flight import InFlight
from rasreconcile.controller.lanes import Lane
from rasreconcile.controller.progress_reader import ProgressReader
from rasreconcile.failures import DISK_FULL, LAUNCH_REFUSED, Failure
from rasreconcile.jobs import Ended, RunId
from rasreconcile.plans import Address
from rasreconcile.records import Event
from rasreconcile.runs import Run, RunState
from rasreconcile.store import Store
from rasreconcile.study.outputs import Outputs
from rasreconcile.study.study import Study

MAY_BE_UNFIT = frozenset({DISK_FULL, LAUNCH_REFUSED, "vanished"})
"""Causes after which a worker is checked again before it is given a run."""


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
    messages: ProgressReader
    tell: Callable[[Event], None]
    images: Mapping[str, str] = field(default_factory=dict)
    """The image that each worker with containers had when it was last asked, by worker."""
    keep_runs: bool = False
    """The spec says `autoclean: false`."""
    in_flight: InFlight = field(default_factory=InFlight)
    interrupted: bool = False
    stale_inputs: bool = False
    """An input was not what it was when the plans were resolved: resolve again."""
    changed: bool = True
    """Something happened since the last decision."""
    counts: dict[str, int] = field(default_factory=dict)
    """Events told, by kind."""

    @property
    def outputs(self) -> Outputs:
        """What stands where the results go."""
        return self.study.outputs

    def say(self, kind: str, message: str, address: Address | None = None, run: RunId | None = None) -> None:
        """Tells the user what happened."""
        event = Event(at=self.clock.now(), kind=kind, address=address, run=run, message=message)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.tell(event)

    def end(self, run: Run, state: RunState, failure: Failure, *, status: Ended | None = None) -> None:
        """The run is over without a result."""
        self.in_flight.forget(run.id)
        if state is RunState.LOST and run.worker in self.workers:
            # What it lacks now may be more than it lacked when it was checked.
            self.workers[run.worker].checked = failure.cause not in MAY_BE_UNFIT
        now = self.clock.now()
        with self.store.at_once():
            self.store.move_run(
                run.id,
                state,
                now=now,
                started=status.started if status else None,
                ended=status.ended if status else now,
                exit_code=status.exit_code if status else None,
                failure=failure,
            )
            self.answer_requests(run, str(state))
        self.say(str(state), failure.message, run.address, run.id)
        self.changed = True

    def answer_requests(self, run: Run, outcome: str) -> None:
        """A `retry` is answered by the success of a run that began after it, a `cancel` by the end of any run."""
        for request in self.store.open_requests():
            if request.address != run.address:
                continue
            if request.kind == "cancel" or (
                outcome == "succeeded" and self.store.is_after(run.id, request.id)
            ):
                self.store.close_request(request.id, now=self.clock.now(), outcome=outcome)
