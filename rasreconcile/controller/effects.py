"""Which hand carries out which action."""

from __future__ import annotations

from typing import assert_never

from rasreconcile.controller.asking import fell_silent
from rasreconcile.controller.finishing import COLLECT_AGAIN, collect, finish
from rasreconcile.controller.settling import settle
from rasreconcile.controller.site import Site
from rasreconcile.controller.starting import launch, start
from rasreconcile.controller.stopping import close, fail
from rasreconcile.reconcile import actions as act
from rasreconcile.runs import Failure, Run, RunState


def carry_out(site: Site, action: act.Action) -> None:
    """Does it, or gives it to a lane; that it happened is seen in a later look."""
    match action:
        case act.Start():
            start(site, action)
        case act.Restart(run, plan):
            launch(site, run, plan)
        case act.Note(run, status):
            site.store.move_run(run.id, RunState.RUNNING, now=site.clock.now(), started=status.started)
            site.changed = True
        case act.Collect():
            collect(site, action)
        case act.Finish():
            finish(site, action)
        case act.Lose(run, failure):
            close(site, run, RunState.LOST, failure)
        case act.Cancel(run, reason):
            _cancel(site, run, reason)
        case act.Stop(run, failure):
            site.store.intend_stop(run.id, failure, now=site.clock.now())
            _cancel(site, run, failure.message)
        case act.Fail():
            fail(site, action)
        case act.Abandon(run, reason):
            close(site, run, RunState.CANCELLED, Failure(kind="worker", cause=reason, message=reason))
        case act.Verify() | act.Reuse() | act.Recall():
            settle(site, action)
        case _:
            assert_never(action)


def _cancel(site: Site, run: Run, reason: str) -> None:
    station = site.stations[run.worker]
    site.flight.take(run.id)
    site.flight.cancelled.add(run.id)

    def cancelled(_: None) -> None:
        site.flight.runs.discard(run.id)
        station.hurry()
        site.changed = True

    def failed(error: Exception) -> None:
        site.flight.runs.discard(run.id)
        site.flight.cancelled.discard(run.id)
        site.flight.retry_at[run.id] = site.clock.monotonic() + COLLECT_AGAIN
        fell_silent(site, station, error)
        site.changed = True

    site.say("cancelling", reason, run.address, run.id)
    station.control.do(lambda: station.worker.cancel(run.id), cancelled, failed)
