"""Polling: one question at a time to each worker, about all its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rasreconcile.controller.asking import came_back, fell_silent, knock
from rasreconcile.controller.installs import platform_of
from rasreconcile.controller.site import Site
from rasreconcile.controller.stations import Station
from rasreconcile.jobs import RunId, Status, Unknown
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import LiveRun, WorkerSeen
from rasreconcile.runs import Failure, Run

NOT_IN_SPEC = "its worker is not in the spec"


def poll_due(site: Site, live: Sequence[Run]) -> None:
    """Asks each worker whose time has come. Runs that a lane is busy with are left out: their status is moving."""
    monotonic = site.clock.monotonic()
    for station in site.stations.values():
        if station.polling or monotonic < station.next_poll:
            continue
        runs = [run.id for run in live if run.worker == station.name and run.id not in site.flight.runs]
        if runs:
            _poll(site, station, runs)
        elif station.silent is not None or station.unfit is not None:
            knock(site, station)


def seconds_to_next_poll(site: Site, live: Sequence[Run]) -> float | None:
    """Until a worker with live runs, or a silent one, is asked again; None: nobody is to be asked."""
    monotonic = site.clock.monotonic()
    busy = {run.worker for run in live}
    waits = [
        station.next_poll - monotonic
        for station in site.stations.values()
        if not station.polling and (station.name in busy or station.silent is not None)
    ]
    return max(min(waits), 0.0) if waits else None


def live_seen(site: Site, live: Sequence[Run]) -> Mapping[Address, LiveRun]:
    """Each live run with what its worker last said of it."""
    monotonic, stops = site.clock.monotonic(), site.store.stops()
    return {run.address: _live(site, run, monotonic, stops.get(run.id)) for run in live}


def workers_seen(
    site: Site, faults: Mapping[str, Sequence[tuple[datetime, str]]], plans: Sequence[Plan]
) -> tuple[WorkerSeen, ...]:
    """Each worker of the spec with its room, its record, and which of `plans` it cannot run.

    `faults`: by worker, (when, message) of lost runs.
    """
    return tuple(
        replace(
            _worker(site, station, faults.get(station.name, ())),
            unable=station.installs.unable(station, plans),
        )
        for station in site.stations.values()
    )


def _live(site: Site, run: Run, monotonic: float, stopping: Failure | None) -> LiveRun:
    station = site.stations.get(run.worker)
    flight, followed = site.flight, site.following.runs.get(run.id)
    waiting = monotonic < flight.retry_at.get(run.id, 0.0)
    return LiveRun(
        run=run,
        status=station.statuses.get(run.id) if station else Unknown(NOT_IN_SPEC),
        handled=run.id in flight.runs or waiting,
        failed_starts=flight.failed_starts.get(run.id, 0),
        last_error=flight.errors.get(run.id, ""),
        held=flight.held.get(run.id, "") if waiting and run.id not in flight.runs else "",
        said=followed.reading.facts if followed else None,
        done=followed.done if followed else None,
        stopping=stopping,
    )


def _worker(site: Site, station: Station, faults: Sequence[tuple[datetime, str]]) -> WorkerSeen:
    spec = station.spec
    times = sorted([*(when for when, _ in faults), *station.silences])
    # What it said last time counts once it was asked and could not say.
    asked = station.checked or station.silent is not None
    remembered = site.images.get(station.name) if asked else None
    return WorkerSeen(
        name=station.name,
        priority=spec.queue_priority,
        slots=spec.slots,
        cores_total=spec.cores_total,
        cores_per_plan=spec.cores_per_plan,
        platform=platform_of(spec, station.installs.image or remembered),
        unreachable=station.silent,
        unfit=station.unfit,
        faults=tuple(times),
        last_fault=station.silent or (faults[-1][1] if faults else ""),
        speed=site.looking.expectancy.speed(station.name),
    )


def _poll(site: Site, station: Station, runs: list[RunId]) -> None:
    station.polling = True
    flight, before = site.flight, {run: site.flight.taken.get(run) for run in runs}

    def answered(statuses: Mapping[RunId, Status]) -> None:
        station.polling = False
        moved = came_back(site, station)
        for run, status in statuses.items():
            if run in flight.runs:
                continue
            if flight.taken.get(run) != before[run]:
                # It was started, or ended, since it was asked about: what was said then is asked again.
                moved = True
                continue
            moved |= type(station.statuses.get(run)) is not type(status)
            station.statuses[run] = status
        if moved:
            station.hurry()
            site.changed = True
        station.relax(site.clock.monotonic())

    def silent(error: Exception) -> None:
        station.polling = False
        fell_silent(site, station, error)
        station.statuses.update((run, Unknown(f"{station.name} does not answer: {error}")) for run in runs)
        site.changed = True

    station.control.do(lambda: station.worker.poll(runs), answered, silent)
