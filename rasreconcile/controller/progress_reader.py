"""Following the messages of runs while they go on: what is new is read now and then, in lanes of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import RasReconcileError, Unreachable
from rasreconcile.jobs import RunId, Running
from rasreconcile.plans import Address, Plan
from rasreconcile.project import decode
from rasreconcile.records import Progress
from rasreconcile.results.log import Reading, Window, done, resumed, simulation_window
from rasreconcile.runs import Run
from rasreconcile.study.messages import read_on, source

if TYPE_CHECKING:
    from rasreconcile.controller.connected_workers import ConnectedWorker
    from rasreconcile.controller.session import Session

READ_EVERY = 2.0
"""Seconds between two looks at the messages of a run."""
READ_ON = 0.5
"""As long as there is more than was read at once: a log of hundreds of megabytes is caught up with gently."""
AFTER_AN_ERROR = 15.0
WRITE_EVERY = 2.0
"""Seconds between two notes of it in the store, for `status` and for whoever comes after this controller."""


@dataclass(slots=True)
class FollowedRun:
    """One run."""

    messages: str | None
    window: Window | None
    reading: Reading
    next_read: float
    """Monotonic."""
    at: datetime
    busy: bool = False
    noted: bool = False
    """Whether the store has it as it is."""
    warned: bool = False

    @property
    def done(self) -> float | None:
        return done(self.reading.facts, self.window)


@dataclass(slots=True)
class ProgressReader:
    """Only the main thread touches it."""

    answers: Answers
    runs: dict[RunId, FollowedRun] = field(default_factory=dict)
    next_note: float = 0.0
    lanes: dict[str, Lane] = field(default_factory=dict)

    def lane(self, worker: str) -> Lane:
        """Of its own: neither polls nor transfers wait for a long log."""
        if worker not in self.lanes:
            self.lanes[worker] = Lane(f"{worker}-messages", 1, self.answers)
        return self.lanes[worker]

    def close(self) -> None:
        for lane in self.lanes.values():
            lane.close()


def read_due(session: Session, live: Sequence[Run], plans: Mapping[Address, Plan]) -> None:
    """Reads on where the time has come, takes up runs that have begun, lets go of those that are over."""
    messages, monotonic = session.messages, session.clock.monotonic()
    for over in messages.runs.keys() - {run.id for run in live}:
        del messages.runs[over]
    for run in live:
        connected, plan = session.workers.get(run.worker), plans.get(run.address)
        if connected is None or plan is None or not isinstance(connected.statuses.get(run.id), Running):
            continue
        if run.id not in messages.runs:
            messages.runs[run.id] = _taken_up(session, run, plan, connected)
        followed = messages.runs[run.id]
        if not followed.busy and connected.silent is None and monotonic >= followed.next_read:
            _read(session, run, plan, connected)
    _note(session)


def seconds_to_next_read(session: Session) -> float | None:
    """Until there is something to read; None: nothing is followed."""
    waits = [followed.next_read for followed in session.messages.runs.values() if not followed.busy]
    return max(min(waits) - session.clock.monotonic(), 0.0) if waits else None


def _taken_up(session: Session, run: Run, plan: Plan, connected: ConnectedWorker) -> FollowedRun:
    # A run that ends within READ_EVERY is not worth a look: what it says is read when it is collected.
    begin = session.clock.monotonic() + READ_EVERY
    known = session.store.progress().get(run.id)
    if known is not None:
        reading = resumed(known.facts, known.resume)
        return FollowedRun(known.messages, _window(plan), reading, begin, known.at, noted=True)
    messages = _messages_file(run, plan, connected)
    return FollowedRun(messages, _window(plan), Reading(), begin, session.clock.now())


def _messages_file(run: Run, plan: Plan, connected: ConnectedWorker) -> str | None:
    try:
        return engine_of(plan).job(plan, connected.install(run.cores, plan.engine)).messages
    except RasReconcileError:
        # The project has changed so that no run of today could be made of it: this one goes on, its log is read.
        return None


def _window(plan: Plan) -> Window | None:
    text = next((file for file in plan.inputs if file.kind == "plan"), None)
    try:
        return simulation_window(decode(text.source.read_bytes())) if text else None
    except OSError:
        # It was there when the run was staged; without it the share is what the solver counts.
        return None


def _read(session: Session, run: Run, plan: Plan, connected: ConnectedWorker) -> None:
    followed = session.messages.runs[run.id]
    followed.busy = True
    before = followed.reading

    def was_read(found: tuple[Reading, bool]) -> None:
        followed.reading, more = found
        followed.busy = False
        followed.at = session.clock.now()
        followed.next_read = session.clock.monotonic() + (READ_ON if more else READ_EVERY)
        if followed.reading != before:
            followed.noted = False
            session.changed |= plan.stop_when is not None

    def failed(error: Exception) -> None:
        followed.busy = False
        followed.next_read = session.clock.monotonic() + AFTER_AN_ERROR
        # A worker that does not answer is the business of polls.
        if not isinstance(error, Unreachable) and not followed.warned:
            followed.warned = True
            session.say(
                "warning", f"its messages cannot be read on {run.worker}: {error}", run.address, run.id
            )

    read = source(connected.worker, run.id, followed.messages)
    session.messages.lane(run.worker).do(lambda: read_on(read, before), was_read, failed)


def _note(session: Session) -> None:
    messages, monotonic = session.messages, session.clock.monotonic()
    if monotonic < messages.next_note:
        return
    messages.next_note = monotonic + WRITE_EVERY
    fresh = {run: followed for run, followed in messages.runs.items() if not followed.noted}
    session.store.note_progress(
        Progress(
            run=run,
            at=followed.at,
            messages=followed.messages,
            facts=followed.reading.facts,
            done=followed.done,
            resume=followed.reading.kept(),
        )
        for run, followed in fresh.items()
    )
    for followed in fresh.values():
        followed.noted = True
