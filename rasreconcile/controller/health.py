"""Asking a worker how it is: before its first run of an apply, and when it has been silent."""

from __future__ import annotations

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.session import Session
from rasreconcile.jobs import Problem


def look_at_images(session: Session) -> None:
    """Workers that have images are asked for them before anything is decided that hangs on them."""
    for connected in session.workers.values():
        if connected.kind.images:
            check(session, connected)


def check(session: Session, connected: ConnectedWorker) -> None:
    """Before its first run. One that is silent is asked when its time comes: whoever waits for it, waits for that."""
    if connected.name in session.in_flight.checks or connected.silent is not None:
        return
    session.in_flight.checks.add(connected.name)

    def checked(problems: list[Problem]) -> None:
        session.in_flight.checks.discard(connected.name)
        _found(session, connected, problems)

    def failed(error: Exception) -> None:
        session.in_flight.checks.discard(connected.name)
        fell_silent(session, connected, error)
        session.changed = True

    connected.control.do(connected.check, checked, failed)


def knock(session: Session, connected: ConnectedWorker) -> None:
    """A worker that was silent or unfit, and has no runs to be asked about, is asked how it is."""
    connected.polling = True

    def answered(problems: list[Problem]) -> None:
        connected.polling = False
        came_back(session, connected)
        _found(session, connected, problems)

    def silent(error: Exception) -> None:
        connected.polling = False
        fell_silent(session, connected, error)
        session.changed = True

    connected.control.do(connected.check, answered, silent)


def came_back(session: Session, connected: ConnectedWorker) -> bool:
    """It answered; whether it had been silent."""
    was_silent = connected.silent is not None
    connected.answered()
    if was_silent:
        session.say("worker-back", f"{connected.name} answers again")
    return was_silent


def fell_silent(session: Session, connected: ConnectedWorker, error: Exception) -> None:
    """It gave no answer: told when it begins, and asked again later each time."""
    if connected.silent is None:
        session.say("worker-silent", f"{connected.name}: {error}")
    connected.fell_silent(str(error), session.clock)


def _found(session: Session, connected: ConnectedWorker, problems: list[Problem]) -> None:
    connected.checked = session.changed = True
    if connected.installed.image:
        session.store.remember_image(connected.name, connected.installed.image, now=session.clock.now())
    for doubt in connected.installed.doubts:
        session.say("warning", f"{connected.name}: {doubt}")
    for missing in connected.installed.missing():
        session.say("engine-missing", f"{connected.name}: {missing}")
    before = connected.unfit
    connected.found(problems, session.clock)
    if before is not None and connected.unfit is None:
        session.say("worker-back", f"{connected.name} can take runs again")
    if connected.unfit not in {None, before}:
        session.say("worker-unfit", f"{connected.name}: {connected.unfit}")
