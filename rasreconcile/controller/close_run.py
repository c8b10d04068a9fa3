"""Ending a run early, and closing the record of one that was."""

from __future__ import annotations

from rasreconcile.controller.discard import discard, discard_old_failures
from rasreconcile.controller.proof import whole_log
from rasreconcile.controller.publish_run import LONGEST_KEPT_LOG
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, work_on_run
from rasreconcile.failures import Failure
from rasreconcile.jobs import Absent, Ended, Status, Vanished
from rasreconcile.reconcile.actions import Fail
from rasreconcile.runs import Run, RunState


def fail(session: Session, action: Fail) -> None:
    """What it printed is kept as for any other failure; then its record is closed with the reason it was ended for."""
    run, worker = action.run, session.workers[action.run.worker]

    def close(log: str) -> None:
        with session.store.at_once():
            session.store.runs.keep_log(run.id, log.encode()[-LONGEST_KEPT_LOG:])
            status = action.status if isinstance(action.status, Ended) else None
            session.end(run, RunState.FAILED, action.failure, status=status)
        discard_old_failures(session, run.address)

    def unread(error: Exception) -> None:
        session.say("warning", f"its log cannot be read on {run.worker}: {error}", run.address, run.id)
        close("")

    # Where the worker is silent, what it printed is still there, and is asked for again.
    work_on_run(
        session,
        run,
        Work(lane=worker.fetching, do=lambda: whole_log(worker.calls, run), then=close, failed=unread),
    )


def _may_go_on(run: Run, status: Status | None) -> bool:
    match status:
        case Absent():
            return run.state is RunState.STARTING
        case Vanished():
            return status.cause == "damaged"
        case _:
            return False


def close(session: Session, run: Run, state: RunState, failure: Failure) -> None:
    """The record of a run that has no result is closed.

    One that its worker has not heard of may be on its way to it still: it is cancelled there first, so that what
    comes late runs nothing beside the next run of the plan. So is one whose directory is damaged: who wrote there may
    still be at work.
    """
    worker = session.workers.get(run.worker)
    if worker is None or not _may_go_on(run, worker.statuses.get(run.id)):
        session.end(run, state, failure)
        return

    def cancelled(_: None) -> None:
        session.end(run, state, failure)
        if state is RunState.CANCELLED:
            discard(session, run)

    def failed(error: Exception) -> None:
        why = f"{run.worker} could not be told to cancel it: {error}; if it starts later, `gc` removes it"
        session.say("warning", why, run.address, run.id)
        session.end(run, state, failure)

    work_on_run(
        session,
        run,
        Work(
            lane=worker.control,
            do=lambda: worker.calls.cancel(run.id),
            then=cancelled,
            failed=failed,
        ),
    )
