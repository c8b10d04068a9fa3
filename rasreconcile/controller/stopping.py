"""Ending a run early, and closing the record of one that was."""

from __future__ import annotations

from rasreconcile.controller.collecting import whole_log
from rasreconcile.controller.finishing import COLLECT_AGAIN, LONGEST_KEPT_LOG, discard_old_failures
from rasreconcile.controller.site import Site
from rasreconcile.errors import Unreachable
from rasreconcile.jobs import Ended
from rasreconcile.reconcile.actions import Fail
from rasreconcile.runs import RunState


def fail(site: Site, action: Fail) -> None:
    """What it printed is kept as for any other failure; then its record is closed with the reason it was ended for."""
    run, station = action.run, site.stations[action.run.worker]
    site.flight.runs.add(run.id)

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
            station.fell_silent(str(error), site.clock)
            return
        site.say("warning", f"its log cannot be read on {run.worker}: {error}", run.address, run.id)
        close("")

    station.fetching.do(lambda: whole_log(station.worker, run), close, unread)
