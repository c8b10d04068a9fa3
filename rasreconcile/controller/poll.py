"""Polling: one question at a time to each worker, about all its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.health import came_back, check, knock
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import ask_worker
from rasreconcile.failures import Failure
from rasreconcile.jobs import Absent, RunId, Status, Unknown
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import LiveRun, WorkerSeen
from rasreconcile.runs import Run

NOT_IN_SPEC = "its worker is not in the spec"


def poll_due(session: Session, live: Sequence[Run]) -> None:
    """Asks each worker whose time has come. Runs that a lane is busy with are left out: their status is moving."""
    monotonic = session.clock.monotonic()
    for worker in session.workers.values():
        if worker.probe_at is not None and session.clock.now() >= worker.probe_at:
            worker.probe_at = None
            check(session, worker)
        if worker.name in session.in_flight.polls.busy or monotonic < worker.next_poll:
            continue
        runs = [
            run.id for run in live if run.worker == worker.name and run.id not in session.in_flight.runs.busy
        ]
        if runs:
            _poll(session, worker, runs)
        elif worker.silent is not None or worker.unfit is not None:
            knock(session, worker)


def seconds_to_next_poll(session: Session, live: Sequence[Run]) -> float | None:
    """Until a worker with live runs, or a silent one, is asked again; None: nobody is to be asked."""
    monotonic = session.clock.monotonic()
    busy = {run.worker for run in live}
    waits = [
        worker.next_poll - monotonic
        for worker in session.workers.values()
        if worker.name not in session.in_flight.polls.busy
        and (worker.name in busy or worker.silent is not None)
    ]
    probes = [worker.probe_at for worker in session.workers.values() if worker.probe_at is not None]
    waits += [(at - session.clock.now()) / timedelta(seconds=1) for at in probes]
    return max(min(waits), 0.0) if waits else None


def live_seen(session: Session, live: Sequence[Run]) -> Mapping[Address, LiveRun]:
    """Each live run with what its worker last said of it."""
    monotonic, stops = session.clock.monotonic(), session.store.runs.stops()
    return {run.address: _live(session, run, monotonic, stops.get(run.id)) for run in live}


def workers_seen(
    session: Session, faults: Mapping[str, Sequence[tuple[datetime, str]]], plans: Sequence[Plan]
) -> tuple[WorkerSeen, ...]:
    """Each worker of the spec with its room, its record, and which of `plans` it cannot run.

    `faults`: by worker, (when, message) of lost runs.
    """
    return tuple(
        replace(
            _worker(session, worker, faults.get(worker.name, ())),
            unable=worker.installed.unable(worker, plans),
        )
        for worker in session.workers.values()
    )


def _live(session: Session, run: Run, monotonic: float, stopping: Failure | None) -> LiveRun:
    worker = session.workers.get(run.worker)
    in_flight, followed = session.in_flight, session.followed.runs.get(run.id)
    return LiveRun(
        run=run,
        status=worker.statuses.get(run.id) if worker else Unknown(NOT_IN_SPEC),
        handled=run.id in in_flight.runs.busy or in_flight.runs.is_put_off(run.id, monotonic),
        failed_starts=in_flight.failed_starts.get(run.id, 0),
        last_error=in_flight.errors.get(run.id, ""),
        held=in_flight.runs.held(monotonic).get(run.id),
        said=followed.reading.facts if followed else None,
        done=followed.done if followed else None,
        stopping=stopping,
    )


def _worker(session: Session, worker: ConnectedWorker, faults: Sequence[tuple[datetime, str]]) -> WorkerSeen:
    spec = worker.spec
    times = sorted([*(when for when, _ in faults), *worker.silences])
    # What it said last time counts once it was asked and could not say.
    asked = worker.checked or worker.silent is not None
    remembered = session.images.get(worker.name) if asked else None
    return WorkerSeen(
        name=worker.name,
        priority=spec.queue_priority,
        slots=spec.slots,
        cores_total=spec.cores_total,
        cores_per_plan=spec.cores_per_plan,
        platform=worker.platform(remembered),
        unreachable=worker.silent,
        unfit=worker.unfit,
        faults=tuple(times),
        last_fault=worker.silent or (faults[-1][1] if faults else ""),
        fit_at=worker.fit_at,
        speed=session.outputs.expectancy.speed(worker.name),
    )


def _poll(session: Session, worker: ConnectedWorker, runs: list[RunId]) -> None:
    marks = session.in_flight.runs
    before = {run: marks.taken.get(run) for run in runs}

    def answered(statuses: Mapping[RunId, Status]) -> None:
        moved = came_back(session, worker)
        for run, status in statuses.items():
            if run in marks.busy:
                continue
            if marks.taken.get(run) != before[run]:
                # It was started, or ended, since it was asked about: what was said then is asked again.
                moved = True
                continue
            if worker.statuses.get(run) != status and isinstance(status, Absent) and status.why:
                session.in_flight.start_failed(run, f"{status.why}; it will be retried")
            moved |= type(worker.statuses.get(run)) is not type(status)
            worker.statuses[run] = status
        if moved:
            worker.hurry()
            session.change()
        worker.relax(session.clock.monotonic())

    def silent(error: Exception) -> None:
        worker.statuses.update((run, Unknown(f"{worker.name} does not answer: {error}")) for run in runs)

    polls = session.in_flight.polls
    ask_worker(session, worker, lambda: worker.calls.poll(runs), answered, marks=polls, unanswered=silent)
