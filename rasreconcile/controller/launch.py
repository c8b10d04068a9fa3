"""Starting a run: intent into the store, then the job to the worker."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from secrets import token_hex

from rasreconcile.controller.health import check, fell_silent
from rasreconcile.controller.publish_run import discard
from rasreconcile.controller.session import Session
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import InputChanged, ProjectError, Refused, Unreachable
from rasreconcile.failures import ENGINE_MISSING, LAUNCH_REFUSED, Failure
from rasreconcile.jobs import Job
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Start
from rasreconcile.runs import Run, RunState, new_run_id
from rasreconcile.study.texts import texts_of
from rasreconcile.workers.rundir import check_job


def start(session: Session, action: Start) -> None:
    """Records the run, then launches it. A worker is checked before its first run of this apply."""
    connected = session.workers[action.worker]
    if not connected.checked:
        check(session, connected)
        return
    plan, now = action.plan, session.clock.now()
    texts = texts_of(plan)
    if texts is None:
        session.stale_inputs = session.changed = True
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
    session.store.start_run(run, plan, texts, apply=session.apply_id)
    session.say("started", f"on {run.worker}: {run.reason}", plan.address, run.id)
    launch(session, run, plan)


def launch(session: Session, run: Run, plan: Plan) -> None:
    """Gives the worker the job; repeated under the same name it does no harm."""
    connected = session.workers[run.worker]
    if not connected.checked:
        check(session, connected)
        return
    if why := connected.installed.why_not(connected, plan):
        session.end(
            run, RunState.LOST, Failure(kind="worker", cause=ENGINE_MISSING, message=f"{run.worker}: {why}")
        )
        return
    try:
        job = engine_of(plan).job(plan, connected.install(run.cores, plan.engine))
        job = replace(job, time_limit=connected.time_limit(plan), stalled_after=plan.stalled_after)
        # A name that no worker takes is no fault of this one.
        check_job(job)
    except (ProjectError, Refused) as error:
        session.end(run, RunState.FAILED, Failure(kind="permanent", cause="bad project", message=str(error)))
        return
    session.in_flight.take(run.id)
    # What it said of the run is over with the launch: the next poll tells how that went.
    connected.statuses.pop(run.id, None)

    def launched(_: None) -> None:
        session.in_flight.runs.discard(run.id)
        connected.hurry()
        session.changed = True

    connected.transfer.do(
        lambda: connected.start(run.id, job), launched, partial(_not_launched, session, run, job)
    )


def _not_launched(session: Session, run: Run, job: Job, error: Exception) -> None:
    session.in_flight.runs.discard(run.id)
    session.changed = True
    if isinstance(error, Refused):
        failure = Failure(kind="worker", cause=LAUNCH_REFUSED, message=f"{run.worker}: {error}")
        session.end(run, RunState.LOST, failure)
        discard(session, run)
    elif isinstance(error, ProjectError):
        # An input that HEC-RAS wrote cannot be edited for the run: it is damaged.
        session.end(run, RunState.FAILED, Failure(kind="permanent", cause="bad project", message=str(error)))
    elif isinstance(error, InputChanged) or _is_about_an_input(error, job):
        session.stale_inputs = True
        failure = Failure(kind="worker", cause="an input changed while it was staged", message=str(error))
        session.end(run, RunState.CANCELLED, failure)
    else:
        # Whether it was launched nobody knows: the next poll tells, and Absent is answered by another start.
        session.in_flight.failed_starts[run.id] = session.in_flight.failed_starts.get(run.id, 0) + 1
        session.in_flight.errors[run.id] = str(error)
        session.workers[run.worker].hurry()
        if isinstance(error, Unreachable):
            fell_silent(session, session.workers[run.worker], error)


def _is_about_an_input(error: Exception, job: Job) -> bool:
    if not isinstance(error, FileNotFoundError | PermissionError):
        return False
    return str(error.filename) in {str(staged.source) for staged in job.inputs}
