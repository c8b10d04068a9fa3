"""Staging ahead: while the present runs compute, the inputs of the next travel to where they will be wanted."""

from __future__ import annotations

from collections.abc import Sequence

from rasreconcile.controller.site import Site
from rasreconcile.controller.stations import Station
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import InputChanged, ProjectError
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Upcoming


def stage_ahead(site: Site, upcoming: Sequence[Upcoming]) -> None:
    """One plan at a time for each worker, each once. Nothing is recorded: a start finds the inputs there, or not."""
    for one in upcoming:
        station = site.stations[one.worker]
        wanted = (one.plan.address, one.plan.fingerprint)
        if station.staging or wanted in station.staged or not _is_fit(station):
            continue
        station.staged.add(wanted)
        _stage(site, station, one.plan, one.cores)


def _is_fit(station: Station) -> bool:
    return station.checked and station.unfit is None and station.silent is None


def _stage(site: Site, station: Station, plan: Plan, cores: int) -> None:
    if station.installs.why_not(station, plan):
        return
    try:
        job = engine_of(plan).job(plan, station.install(cores, plan.engine))
    except ProjectError:
        # Said where the plan is started.
        return
    station.staging = True

    def staged(_: None) -> None:
        station.staging = False
        site.changed = True

    def failed(error: Exception) -> None:
        station.staging = False
        # Whatever else it is, the start will meet it again and say so.
        site.stale_inputs |= isinstance(error, InputChanged)

    station.ahead.do(lambda: station.stage(job), staged, failed)
