"""Which hand carries out which action."""

from __future__ import annotations

from typing import assert_never

from rasreconcile.controller.close_run import close, fail
from rasreconcile.controller.health import fell_silent
from rasreconcile.controller.launch import launch, start
from rasreconcile.controller.publish_run import COLLECT_AGAIN, collect, finish
from rasreconcile.controller.reuse import reuse_result
from rasreconcile.controller.session import Session
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
            session.store.move_run(run.id, RunState.RUNNING, now=session.clock.now(), started=status.started)
            session.changed = True
        case act.Collect():
            collect(session, action)
        case act.Finish():
            finish(session, action)
        case act.Lose(run, failure):
            close(session, run, RunState.LOST, failure)
        case act.Cancel(run, reason):
            _cancel(session, run, reason)
        case act.Stop(run, failure):
            session.store.intend_stop(run.id, failure, now=session.clock.now())
            _cancel(session, run, failure.message)
        case act.Fail():
            fail(session, action)
        case act.Abandon(run, reason):
            close(session, run, RunState.CANCELLED, Failure(kind="worker", cause=reason, message=reason))
        case act.Verify() | act.Reuse() | act.Recall():
            reuse_result(session, action)
        case _:
            assert_never(action)


def _cancel(session: Session, run: Run, reason: str) -> None:
    connected = session.workers[run.worker]
    session.in_flight.take(run.id)
    session.in_flight.cancelled.add(run.id)

    def cancelled(_: None) -> None:
        session.in_flight.runs.discard(run.id)
        connected.hurry()
        session.changed = True

    def failed(error: Exception) -> None:
        session.in_flight.runs.discard(run.id)
        session.in_flight.cancelled.discard(run.id)
        session.in_flight.retry_at[run.id] = session.clock.monotonic() + COLLECT_AGAIN
        fell_silent(session, connected, error)
        session.changed = True

    session.say("cancelling", reason, run.address, run.id)
    connected.control.do(lambda: connected.worker.cancel(run.id), cancelled, failed)
