"""Each action, and what carries it out."""

from __future__ import annotations

from typing import assert_never

from rasreconcile.controller.close_run import close, fail
from rasreconcile.controller.launch import launch, start
from rasreconcile.controller.publish_run import collect, finish
from rasreconcile.controller.reuse import reuse_result
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, fell_silent, put_off, work_on_run
from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure
from rasreconcile.reconcile import actions as act
from rasreconcile.runs import Run, RunState


def dispatch(session: Session, action: act.Action) -> None:
    """Does it, or gives it to a lane; that it happened is seen in a later look."""
    match action:
        case act.Start():
            start(session, action)
        case act.Restart(run, plan):
            launch(session, run, plan)
        case act.Note(run, status):
            session.store.runs.move(run.id, RunState.RUNNING, now=session.clock.now(), started=status.started)
            session.change()
        case act.Collect():
            collect(session, action)
        case act.Finish():
            finish(session, action)
        case act.Lose(run, failure):
            close(session, run, RunState.LOST, failure)
        case act.Cancel(run, reason):
            _cancel(session, run, reason)
        case act.Stop(run, failure):
            session.store.runs.intend_stop(run.id, failure, now=session.clock.now())
            _cancel(session, run, str(failure.trouble))
        case act.Fail():
            fail(session, action)
        case act.Abandon(run, cause):
            close(
                session, run, RunState.CANCELLED, Failure(kind="worker", cause=cause, trouble=Trouble(cause))
            )
        case act.Verify() | act.Reuse() | act.Recall() | act.WriteReceipt():
            reuse_result(session, action)
        case _:
            assert_never(action)


def _cancel(session: Session, run: Run, reason: str) -> None:
    worker = session.workers[run.worker]
    session.in_flight.cancelled.add(run.id)

    def cancelled(_: None) -> None:
        worker.hurry()
        session.change()

    def unanswered(_: Exception) -> None:
        session.in_flight.cancelled.discard(run.id)

    def failed(error: Exception) -> None:
        # Whatever it says, the run may be running still: it is told again, and asked how it is.
        unanswered(error)
        put_off(session, session.in_flight.runs, run.id)
        fell_silent(session, worker, error)

    session.say("cancelling", reason, run.address, run.id)
    work_on_run(
        session,
        run,
        Work(
            lane=worker.control,
            do=lambda: worker.calls.cancel(run.id),
            then=cancelled,
            failed=failed,
        ),
        unanswered=unanswered,
    )
