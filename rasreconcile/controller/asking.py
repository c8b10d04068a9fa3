"""Asking a worker how it is: before its first run of an apply, and when it has been silent."""

from __future__ import annotations

from rasreconcile.controller.site import Site
from rasreconcile.controller.stations import Station
from rasreconcile.jobs import Problem
from rasreconcile.spec import DockerWorker


def look_at_images(site: Site) -> None:
    """Workers that have images are asked for them before anything is decided that hangs on them."""
    for station in site.stations.values():
        if isinstance(station.spec, DockerWorker):
            check(site, station)


def check(site: Site, station: Station) -> None:
    """Before its first run. One that is silent is asked when its time comes: whoever waits for it, waits for that."""
    if station.name in site.flight.checks or station.silent is not None:
        return
    site.flight.checks.add(station.name)

    def checked(problems: list[Problem]) -> None:
        site.flight.checks.discard(station.name)
        _found(site, station, problems)

    def failed(error: Exception) -> None:
        site.flight.checks.discard(station.name)
        fell_silent(site, station, error)
        site.changed = True

    station.control.do(station.check, checked, failed)


def knock(site: Site, station: Station) -> None:
    """A worker that was silent or unfit, and has no runs to be asked about, is asked how it is."""
    station.polling = True

    def answered(problems: list[Problem]) -> None:
        station.polling = False
        came_back(site, station)
        _found(site, station, problems)

    def silent(error: Exception) -> None:
        station.polling = False
        fell_silent(site, station, error)
        site.changed = True

    station.control.do(station.check, answered, silent)


def came_back(site: Site, station: Station) -> bool:
    """It answered; whether it had been silent."""
    was_silent = station.silent is not None
    station.answered()
    if was_silent:
        site.say("worker-back", f"{station.name} answers again")
    return was_silent


def fell_silent(site: Site, station: Station, error: Exception) -> None:
    """It gave no answer: told when it begins, and asked again later each time."""
    if station.silent is None:
        site.say("worker-silent", f"{station.name}: {error}")
    station.fell_silent(str(error), site.clock)


def _found(site: Site, station: Station, problems: list[Problem]) -> None:
    station.checked = site.changed = True
    if station.installs.image:
        site.store.remember_image(station.name, station.installs.image, now=site.clock.now())
    for doubt in station.installs.doubts:
        site.say("warning", f"{station.name}: {doubt}")
    for missing in station.installs.missing():
        site.say("engine-missing", f"{station.name}: {missing}")
    before = station.unfit
    station.found(problems, site.clock)
    if before is not None and station.unfit is None:
        site.say("worker-back", f"{station.name} can take runs again")
    if station.unfit not in {None, before}:
        site.say("worker-unfit", f"{station.name}: {station.unfit}")
