"""Reading the messages of runs while they run: what is new is read every few seconds, in lanes of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.followed_runs import FollowedRun
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, work_aside
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import RasReconcileError, Unreachable
from rasreconcile.jobs import Running
from rasreconcile.plain_files import whole
from rasreconcile.plans import Address, Plan
from rasreconcile.project import decode
from rasreconcile.records import Progress
from rasreconcile.results.log import Reading, Window, resumed, simulation_window
from rasreconcile.runs import Run
from rasreconcile.studies.messages import read_on, source

READ_EVERY = 2.0
"""Seconds between two looks at the messages of a run."""
READ_ON = 0.5
"""As long as there is more than was read at once: a log of hundreds of megabytes is caught up with gently."""
AFTER_AN_ERROR = 15.0
WRITE_EVERY = 2.0
"""Seconds between two records of it in the store, for `status` and for the next controller."""


def read_due(session: Session, live: Sequence[Run], plans: Mapping[Address, Plan]) -> None:
    """Reads on where the time has come, takes up runs that have begun, lets go of those that are over."""
    following, monotonic = session.followed, session.clock.monotonic()
    for over in following.runs.keys() - {run.id for run in live}:
        del following.runs[over]
    for run in live:
        worker, plan = session.workers.get(run.worker), plans.get(run.address)
        if worker is None or plan is None or not isinstance(worker.statuses.get(run.id), Running):
            continue
        if run.id not in following.runs:
            following.runs[run.id] = _taken_up(session, run, plan, worker)
        busy = run.id in session.in_flight.reads.busy
        if not busy and worker.silent is None and monotonic >= following.runs[run.id].next_read:
            _read(session, run, plan, worker)
    if session.clock.monotonic() >= following.next_note:
        note_progress(session)


def caught_up(session: Session, run: Run, worker: ConnectedWorker) -> bool:
    """Whether all that the run had to say was read; of a worker that does not answer nothing is waited for."""
    followed = session.followed.runs.get(run.id)
    return worker.silent is not None or (followed is not None and followed.caught_up)


def seconds_to_next_read(session: Session) -> float | None:
    """Until there is something to read; None: nothing is followed."""
    busy = session.in_flight.reads.busy
    waits = [followed.next_read for run, followed in session.followed.runs.items() if run not in busy]
    return max(min(waits) - session.clock.monotonic(), 0.0) if waits else None


def _taken_up(session: Session, run: Run, plan: Plan, worker: ConnectedWorker) -> FollowedRun:
    # A run that ends within READ_EVERY is not worth a look: what it says is read when it is collected.
    begin = session.clock.monotonic() + (0.0 if run.id in session.followed.at_once else READ_EVERY)
    known = session.store.progress.latest().get(run.id)
    if known is not None:
        reading = resumed(known.facts, known.resume)
        return FollowedRun(known.messages, _window(plan), reading, begin, known.at, noted=True)
    messages = _messages_file(run, plan, worker)
    return FollowedRun(messages, _window(plan), Reading(), begin, session.clock.now())


def _messages_file(run: Run, plan: Plan, worker: ConnectedWorker) -> str | None:
    try:
        return engine_of(plan).job(plan, worker.install(run.cores, plan.engine)).messages
    except RasReconcileError:
        # The project has changed so that no run of today could be made of it: this one goes on, its log is read.
        return None


def _window(plan: Plan) -> Window | None:
    text = next((file for file in plan.inputs if file.kind == "plan"), None)
    try:
        return simulation_window(decode(whole(text.source))) if text else None
    except OSError:
        # It was there when the run was staged; without it the share is what the solver counts.
        return None


def _read(session: Session, run: Run, plan: Plan, worker: ConnectedWorker) -> None:
    followed = session.followed.runs[run.id]
    before = followed.reading

    def was_read(found: tuple[Reading, bool]) -> None:
        followed.reading, more = found
        followed.at = session.clock.now()
        followed.caught_up |= not more
        pause = 0.0 if run.id in session.followed.at_once else READ_ON
        followed.next_read = session.clock.monotonic() + (pause if more else READ_EVERY)
        if followed.reading != before:
            followed.noted = False
            if plan.stop_when is not None:
                session.change()

    def failed(error: Exception) -> None:
        followed.caught_up = True
        followed.next_read = session.clock.monotonic() + AFTER_AN_ERROR
        # A worker that does not answer is the business of polls.
        if not isinstance(error, Unreachable) and not followed.warned:
            followed.warned = True
            session.say(
                "warning", f"its messages cannot be read on {run.worker}: {error}", run.address, run.id
            )

    read = source(worker.calls, run.id, followed.messages)
    lane = session.followed.lane(run.worker)
    work_aside(
        session.in_flight.reads,
        run.id,
        Work(lane=lane, do=lambda: read_on(read, before), then=was_read, failed=failed),
    )


def note_progress(session: Session) -> None:
    """Into the store, for `status` and for the next controller."""
    following = session.followed
    following.next_note = session.clock.monotonic() + WRITE_EVERY
    fresh = {run: followed for run, followed in following.runs.items() if not followed.noted}
    session.store.progress.note(
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
