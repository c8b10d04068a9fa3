"""Asking a worker how it is: before its first run of an apply, and when it has been silent."""

from __future__ import annotations

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import ask_worker
from rasreconcile.errors import Trouble


def look_at_images(session: Session) -> None:
    """Workers that have images are asked for them before anything is decided that hangs on them."""
    for worker in session.workers.values():
        if worker.kind.has_image(worker.spec):
            check(session, worker)


def check(session: Session, worker: ConnectedWorker) -> None:
    """Before its first run. One that is silent is asked when its time comes: whoever waits for it, waits for that."""
    checks = session.in_flight.checks
    if worker.name in checks.busy or worker.silent is not None:
        return

    def checked(problems: list[Trouble]) -> None:
        _found(session, worker, problems)

    ask_worker(session, worker, worker.check, checked, marks=checks)


def knock(session: Session, worker: ConnectedWorker) -> None:
    """A worker that was silent or unfit, and has no runs to be asked about, is asked how it is."""

    def answered(problems: list[Trouble]) -> None:
        came_back(session, worker)
        _found(session, worker, problems)

    ask_worker(session, worker, worker.check, answered, marks=session.in_flight.polls)


def came_back(session: Session, worker: ConnectedWorker) -> bool:
    """It answered; whether it had been silent."""
    was_silent = worker.silent is not None
    worker.answered()
    if was_silent:
        session.say("worker-back", f"{worker.name} answers again")
        session.change()
    return was_silent


def _found(session: Session, worker: ConnectedWorker, problems: list[Trouble]) -> None:
    first, worker.checked = not worker.checked, True
    session.decide_again()
    if worker.installed.image:
        session.store.caches.remember_image(worker.name, worker.installed.image, now=session.clock.now())
    for doubt in worker.installed.doubts:
        session.say("warning", f"{worker.name}: {doubt}")
    for missing in worker.installed.missing():
        session.say("engine-missing", f"{worker.name}: {missing}")
    before = worker.unfit
    worker.found(problems, session.clock)
    if first or worker.unfit != before:
        session.change()
    if before is not None and worker.unfit is None:
        session.say("worker-back", f"{worker.name} can take runs again")
    if worker.unfit not in {None, before}:
        session.say("worker-unfit", f"{worker.name}: {worker.unfit}")
