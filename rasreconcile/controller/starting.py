"""Starting a run: intent into the store, then the job to the worker."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from secrets import token_hex

from rasreconcile.controller.asking import check, fell_silent
from rasreconcile.controller.finishing import discard
from rasreconcile.controller.site import Site
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import InputChanged, ProjectError, Refused, Unreachable
from rasreconcile.jobs import Job
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Start
from rasreconcile.runs import ENGINE_MISSING, LAUNCH_REFUSED, Failure, Run, RunState, new_run_id
from rasreconcile.workers.rundir import check_job

LARGEST_KEPT_TEXT = 4 << 20
"""Text inputs up to this size are kept in the store, so that `explain` can show what changed."""


def start(site: Site, action: Start) -> None:
    """Records the run, then launches it. A worker is checked before its first run of this apply."""
    station = site.stations[action.worker]
    if not station.checked:
        check(site, station)
        return
    plan, now = action.plan, site.clock.now()
    texts = texts_of(plan)
    if texts is None:
        site.stale_inputs = site.changed = True
        return
    run = Run(
        id=new_run_id(plan.address, now, token_hex(4)),
        address=plan.address,
        fingerprint=plan.fingerprint,
        worker=action.worker,
        slot=action.slot,
        cores=action.cores,
        state=RunState.STARTING,
        reason=action.reason,
        created=now,
    )
    site.store.start_run(run, plan, texts, apply=site.apply_id)
    site.say("started", f"on {run.worker}: {run.reason}", plan.address, run.id)
    launch(site, run, plan)


def launch(site: Site, run: Run, plan: Plan) -> None:
    """Gives the worker the job; repeated under the same name it does no harm."""
    station = site.stations[run.worker]
    if not station.checked:
        check(site, station)
        return
    if why := station.installs.why_not(station, plan):
        site.end(
            run, RunState.LOST, Failure(kind="worker", cause=ENGINE_MISSING, message=f"{run.worker}: {why}")
        )
        return
    try:
        job = engine_of(plan).job(plan, station.install(run.cores, plan.engine))
        job = replace(job, time_limit=station.time_limit(plan), stalled_after=plan.stalled_after)
        # A name that no worker takes is no fault of this one.
        check_job(job)
    except (ProjectError, Refused) as error:
        site.end(run, RunState.FAILED, Failure(kind="permanent", cause="bad project", message=str(error)))
        return
    site.flight.take(run.id)
    # What it said of the run is over with the launch: the next poll tells how that went.
    station.statuses.pop(run.id, None)

    def launched(_: None) -> None:
        site.flight.runs.discard(run.id)
        station.hurry()
        site.changed = True

    station.transfer.do(lambda: station.start(run.id, job), launched, partial(_not_launched, site, run, job))


def _not_launched(site: Site, run: Run, job: Job, error: Exception) -> None:
    site.flight.runs.discard(run.id)
    site.changed = True
    if isinstance(error, Refused):
        failure = Failure(kind="worker", cause=LAUNCH_REFUSED, message=f"{run.worker}: {error}")
        site.end(run, RunState.LOST, failure)
        discard(site, run)
    elif isinstance(error, ProjectError):
        # An input that HEC-RAS wrote cannot be edited for the run: it is damaged.
        site.end(run, RunState.FAILED, Failure(kind="permanent", cause="bad project", message=str(error)))
    elif isinstance(error, InputChanged) or _is_about_an_input(error, job):
        site.stale_inputs = True
        failure = Failure(kind="worker", cause="an input changed while it was staged", message=str(error))
        site.end(run, RunState.CANCELLED, failure)
    else:
        # Whether it was launched nobody knows: the next poll tells, and Absent is answered by another start.
        site.flight.failed_starts[run.id] = site.flight.failed_starts.get(run.id, 0) + 1
        site.flight.errors[run.id] = str(error)
        site.stations[run.worker].hurry()
        if isinstance(error, Unreachable):
            fell_silent(site, site.stations[run.worker], error)


def texts_of(plan: Plan) -> dict[str, bytes] | None:
    """The text inputs by digest; None where one is no longer what it was when it was hashed."""
    texts: dict[str, bytes] = {}
    for file in plan.inputs:
        if not file.is_text or file.size > LARGEST_KEPT_TEXT:
            continue
        try:
            data = file.source.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != file.raw:
            return None
        texts[file.raw] = data
    return texts


def _is_about_an_input(error: Exception, job: Job) -> bool:
    if not isinstance(error, FileNotFoundError | PermissionError):
        return False
    return str(error.filename) in {str(staged.source) for staged in job.inputs}
