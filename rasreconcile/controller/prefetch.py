"""Staging ahead: while the present runs compute, the inputs of the next travel to where they will be wanted."""

from __future__ import annotations

from collections.abc import Sequence

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, work_aside
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import InputChanged, ProjectError
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Upcoming


def prefetch(session: Session, upcoming: Sequence[Upcoming]) -> None:
    """One plan at a time for each worker, each once. Nothing is recorded: a start finds the inputs there, or not."""
    for one in upcoming:
        worker = session.workers[one.worker]
        wanted = (one.plan.address, one.plan.fingerprint)
        if worker.name in session.in_flight.prefetches.busy or wanted in worker.staged or not _is_fit(worker):
            continue
        worker.staged.add(wanted)
        _stage(session, worker, one.plan, one.cores)


def _is_fit(worker: ConnectedWorker) -> bool:
    return worker.checked and worker.unfit is None and worker.silent is None


def _stage(session: Session, worker: ConnectedWorker, plan: Plan, cores: int) -> None:
    if worker.installed.why_not(worker, plan):
        return
    try:
        job = engine_of(plan).job(plan, worker.install(cores, plan.engine))
    except ProjectError:
        # Said where the plan is started.
        return

    def staged(_: None) -> None:
        session.decide_again()

    def failed(error: Exception) -> None:
        # Whatever else it is, the start will meet it again and say so.
        if isinstance(error, InputChanged):
            session.inputs_changed()

    work_aside(
        session.in_flight.prefetches,
        worker.name,
        Work(lane=worker.ahead, do=lambda: worker.stage(job), then=staged, failed=failed),
    )
