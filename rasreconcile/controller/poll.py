"""Polling: one question at a time to each worker, about all its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.health import came_back, fell_silent, knock
from rasreconcile.controller.session import Session
from rasreconcile.failures import Failure
from rasreconcile.jobs import RunId, Status, Unknown
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import LiveRun, WorkerSeen
from rasreconcile.runs import Run

NOT_IN_SPEC = "its worker is not in the spec"


def poll_due(session: Session, live: Sequence[Run]) -> None:
    """Asks each worker whose time has come. Runs that a lane is busy with are left out: their status is moving."""
    monotonic = session.clock.monotonic()
    for connected in session.workers.values():
        if connected.polling or monotonic < connected.next_poll:
            continue
        runs = [
            run.id for run in live if run.worker == connected.name and run.id not in session.in_flight.runs
        ]
        if runs:
            _poll(session, connected, runs)
        elif connected.silent is not None or connected.unfit is not None:
            knock(session, connected)


def seconds_to_next_poll(session: Session, live: Sequence[Run]) -> float | None:
    """Until a worker with live runs, or a silent one, is asked again; None: nobody is to be asked."""
    monotonic = session.clock.monotonic()
    busy = {run.worker for run in live}
    waits = [
        connected.next_poll - monotonic
        for connected in session.workers.values()
        if not connected.polling and (connected.name in busy or connected.silent is not None)
    ]
    return max(min(waits), 0.0) if waits else None


def live_seen(session: Session, live: Sequence[Run]) -> Mapping[Address, LiveRun]:
    """Each live run with what its worker last said of it."""
    monotonic, stops = session.clock.monotonic(), session.store.stops()
    return {run.address: _live(session, run, monotonic, stops.get(run.id)) for run in live}


def workers_seen(
    session: Session, faults: Mapping[str, Sequence[tuple[datetime, str]]], plans: Sequence[Plan]
) -> tuple[WorkerSeen, ...]:
    """Each worker of the spec with its room, its record, and which of `plans` it cannot run.

    `faults`: by worker, (when, message) of lost runs.
    """
    return tuple(
        replace(
            _worker(session, connected, faults.get(connected.name, ())),
            unable=connected.installed.unable(connected, plans),
        )
        for connected in session.workers.values()
    )


def _live(session: Session, run: Run, monotonic: float, stopping: Failure | None) -> LiveRun:
    connected = session.workers.get(run.worker)
    in_flight, followed = session.in_flight, session.messages.runs.get(run.id)
    waiting = monotonic < in_flight.retry_at.get(run.id, 0.0)
    return LiveRun(
        run=run,
        status=connected.statuses.get(run.id) if connected else Unknown(NOT_IN_SPEC),
        handled=run.id in in_flight.runs or waiting,
        failed_starts=in_flight.failed_starts.get(run.id, 0),
        last_error=in_flight.errors.get(run.id, ""),
        held=in_flight.held.get(run.id, "") if waiting and run.id not in in_flight.runs else "",
        said=followed.reading.facts if followed else None,
        done=followed.done if followed else None,
        stopping=stopping,
    )


def _worker(
    session: Session, connected: ConnectedWorker, faults: Sequence[tuple[datetime, str]]
) -> WorkerSeen:
    spec = connected.spec
    times = sorted([*(when for when, _ in faults), *connected.silences])
    # What it said last time counts once it was asked and could not say.
    asked = connected.checked or connected.silent is not None
    remembered = session.images.get(connected.name) if asked else None
    return WorkerSeen(
        name=connected.name,
        priority=spec.queue_priority,
        slots=spec.slots,
        cores_total=spec.cores_total,
        cores_per_plan=spec.cores_per_plan,
        platform=connected.platform(remembered),
        unreachable=connected.silent,
        unfit=connected.unfit,
        faults=tuple(times),
        last_fault=connected.silent or (faults[-1][1] if faults else ""),
        speed=session.outputs.expectancy.speed(connected.name),
    )


def _poll(session: Session, connected: ConnectedWorker, runs: list[RunId]) -> None:
    connected.polling = True
    in_flight, before = session.in_flight, {run: session.in_flight.taken.get(run) for run in runs}

    def answered(statuses: Mapping[RunId, Status]) -> None:
        connected.polling = False
        moved = came_back(session, connected)
        for run, status in statuses.items():
            if run in in_flight.runs:
                continue
            if in_flight.taken.get(run) != before[run]:
                # It was started, or ended, since it was asked about: what was said then is asked again.
                moved = True
                continue
            moved |= type(connected.statuses.get(run)) is not type(status)
            connected.statuses[run] = status
        if moved:
            connected.hurry()
            session.changed = True
        connected.relax(session.clock.monotonic())

    def silent(error: Exception) -> None:
        connected.polling = False
        fell_silent(session, connected, error)
        connected.statuses.update(
            (run, Unknown(f"{connected.name} does not answer: {error}")) for run in runs
        )
        session.changed = True

    connected.control.do(lambda: connected.worker.poll(runs), answered, silent)
