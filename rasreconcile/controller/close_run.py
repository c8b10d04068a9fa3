"""Ending a run early, and closing the record of one that was."""

from __future__ import annotations

from rasreconcile.controller.health import fell_silent
from rasreconcile.controller.proof import whole_log
from rasreconcile.controller.publish_run import COLLECT_AGAIN, LONGEST_KEPT_LOG, discard, discard_old_failures
from rasreconcile.controller.session import Session
from rasreconcile.errors import Unreachable
from rasreconcile.failures import Failure
from rasreconcile.jobs import Absent, Ended
from rasreconcile.reconcile.actions import Fail
from rasreconcile.runs import Run, RunState


def fail(session: Session, action: Fail) -> None:
    """What it printed is kept as for any other failure; then its record is closed with the reason it was ended for."""
    run, connected = action.run, session.workers[action.run.worker]
    session.in_flight.take(run.id)

    def close(log: str) -> None:
        session.in_flight.runs.discard(run.id)
        with session.store.at_once():
            session.store.keep_log(run.id, log.encode()[-LONGEST_KEPT_LOG:])
            status = action.status if isinstance(action.status, Ended) else None
            session.end(run, RunState.FAILED, action.failure, status=status)
        discard_old_failures(session, run.address)

    def unread(error: Exception) -> None:
        if isinstance(error, Unreachable):
            # What it printed is still there, and is asked for again.
            session.in_flight.runs.discard(run.id)
            session.in_flight.retry_at[run.id] = session.clock.monotonic() + COLLECT_AGAIN
            fell_silent(session, connected, error)
            return
        session.say("warning", f"its log cannot be read on {run.worker}: {error}", run.address, run.id)
        close("")

    connected.fetching.do(lambda: whole_log(connected.worker, run), close, unread)


def close(session: Session, run: Run, state: RunState, failure: Failure) -> None:
    """The record of a run that has no result is closed.

    One that its worker has not heard of may be on its way to it still: it is cancelled there first, so that what
    comes late runs nothing beside the next run of the plan.
    """
    connected = session.workers.get(run.worker)
    started = run.state is not RunState.STARTING
    if connected is None or started or not isinstance(connected.statuses.get(run.id), Absent):
        session.end(run, state, failure)
        return
    session.in_flight.take(run.id)

    def cancelled(_: None) -> None:
        session.in_flight.runs.discard(run.id)
        session.end(run, state, failure)
        if state is RunState.CANCELLED:
            discard(session, run)

    def failed(error: Exception) -> None:
        session.in_flight.runs.discard(run.id)
        session.changed = True
        if isinstance(error, Unreachable):
            session.in_flight.retry_at[run.id] = session.clock.monotonic() + COLLECT_AGAIN
            fell_silent(session, connected, error)
            return
        why = f"{run.worker} could not be told to forget it: {error}; should it begin late, `gc` removes it"
        session.say("warning", why, run.address, run.id)
        session.end(run, state, failure)

    connected.control.do(lambda: connected.worker.cancel(run.id), cancelled, failed)
