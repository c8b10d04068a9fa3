"""Staging ahead: while the present runs compute, the inputs of the next travel to where they will be wanted."""

from __future__ import annotations

from collections.abc import Sequence

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.session import Session
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import InputChanged, ProjectError
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Upcoming


def prefetch(session: Session, upcoming: Sequence[Upcoming]) -> None:
    """One plan at a time for each worker, each once. Nothing is recorded: a start finds the inputs there, or not."""
    for one in upcoming:
        connected = session.workers[one.worker]
        wanted = (one.plan.address, one.plan.fingerprint)
        if connected.staging or wanted in connected.staged or not _is_fit(connected):
            continue
        connected.staged.add(wanted)
        _stage(session, connected, one.plan, one.cores)


def _is_fit(connected: ConnectedWorker) -> bool:
    return connected.checked and connected.unfit is None and connected.silent is None


def _stage(session: Session, connected: ConnectedWorker, plan: Plan, cores: int) -> None:
    if connected.installed.why_not(connected, plan):
        return
    try:
        job = engine_of(plan).job(plan, connected.install(cores, plan.engine))
    except ProjectError:
        # Said where the plan is started.
        return
    connected.staging = True

    def staged(_: None) -> None:
        connected.staging = False
        session.changed = True

    def failed(error: Exception) -> None:
        connected.staging = False
        # Whatever else it is, the start will meet it again and say so.
        session.stale_inputs |= isinstance(error, InputChanged)

    connected.ahead.do(lambda: connected.stage(job), staged, failed)
