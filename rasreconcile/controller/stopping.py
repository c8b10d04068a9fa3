"""Ending a run early, and closing the record of one that was."""

from __future__ import annotations

from rasreconcile.controller.asking import fell_silent
from rasreconcile.controller.collecting import whole_log
from rasreconcile.controller.finishing import COLLECT_AGAIN, LONGEST_KEPT_LOG, discard, discard_old_failures
from rasreconcile.controller.site import Site
from rasreconcile.errors import Unreachable
from rasreconcile.jobs import Absent, Ended
from rasreconcile.reconcile.actions import Fail
from rasreconcile.runs import Failure, Run, RunState


def fail(site: Site, action: Fail) -> None:
    """What it printed is kept as for any other failure; then its record is closed with the reason it was ended for."""
    run, station = action.run, site.stations[action.run.worker]
    site.flight.take(run.id)

    def close(log: str) -> None:
        site.flight.runs.discard(run.id)
        with site.store.at_once():
            site.store.keep_log(run.id, log.encode()[-LONGEST_KEPT_LOG:])
            status = action.status if isinstance(action.status, Ended) else None
            site.end(run, RunState.FAILED, action.failure, status=status)
        discard_old_failures(site, run.address)

    def unread(error: Exception) -> None:
        if isinstance(error, Unreachable):
            # What it printed is still there, and is asked for again.
            site.flight.runs.discard(run.id)
            site.flight.retry_at[run.id] = site.clock.monotonic() + COLLECT_AGAIN
            fell_silent(site, station, error)
            return
        site.say("warning", f"its log cannot be read on {run.worker}: {error}", run.address, run.id)
        close("")

    station.fetching.do(lambda: whole_log(station.worker, run), close, unread)


def close(site: Site, run: Run, state: RunState, failure: Failure) -> None:
    """The record of a run that has no result is closed.

    One that its worker has not heard of may be on its way to it still: it is cancelled there first, so that what
    comes late runs nothing beside the next run of the plan.
    """
    station = site.stations.get(run.worker)
    started = run.state is not RunState.STARTING
    if station is None or started or not isinstance(station.statuses.get(run.id), Absent):
        site.end(run, state, failure)
        return
    site.flight.take(run.id)

    def cancelled(_: None) -> None:
        site.flight.runs.discard(run.id)
        site.end(run, state, failure)
        if state is RunState.CANCELLED:
            discard(site, run)

    def failed(error: Exception) -> None:
        site.flight.runs.discard(run.id)
        site.changed = True
        if isinstance(error, Unreachable):
            site.flight.retry_at[run.id] = site.clock.monotonic() + COLLECT_AGAIN
            fell_silent(site, station, error)
            return
        why = f"{run.worker} could not be told to forget it: {error}; should it begin late, `gc` removes it"
        site.say("warning", why, run.address, run.id)
        site.end(run, state, failure)

    station.control.do(lambda: station.worker.cancel(run.id), cancelled, failed)
