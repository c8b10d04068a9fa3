"""Starting a run: intent into the store, then the job to the worker."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from secrets import token_hex

from rasreconcile.controller.discard import discard
from rasreconcile.controller.health import check
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, work_on_run
from rasreconcile.engines.hec_ras.engine import as_computed
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import InputChanged, ProjectError, Refused, Trouble, trouble_of
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Job
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Start
from rasreconcile.runs import RUN_TOKEN, Run, RunState, new_run_id
from rasreconcile.store.disk import name_of_store
from rasreconcile.studies.texts import texts_of
from rasreconcile.workers.rundir import check_job


def start(session: Session, action: Start) -> None:
    """Records the run, then launches it. A worker is checked before its first run of this apply."""
    worker = session.workers[action.worker]
    if not worker.checked:
        check(session, worker)
        return
    plan, now = action.plan, session.clock.now()
    texts = texts_of(plan)
    if texts is None:
        session.inputs_changed()
        return
    run = Run(
        id=new_run_id(plan.address, now, token_hex(RUN_TOKEN // 2)),
        address=plan.address,
        fingerprint=plan.fingerprint,
        worker=action.worker,
        slot=action.slot,
        cores=action.cores,
        state=RunState.STARTING,
        reasons=action.reasons,
        created=now,
        predicted=session.outputs.expectancy.on(action.worker, plan.address),
    )
    install = worker.install(action.cores, plan.engine)
    session.store.runs.start(run, as_computed(plan, install), texts, apply=session.apply_id)
    launch(session, run, plan)


def launch(session: Session, run: Run, plan: Plan) -> None:
    """Gives the worker the job; repeated under the same name it does no harm."""
    worker = session.workers[run.worker]
    if not worker.checked:
        check(session, worker)
        return
    if why := worker.installed.why_not(worker, plan):
        lack = Failure(
            kind="worker", cause=FailureCause.ENGINE_MISSING, trouble=Trouble(f"{run.worker}: {why}")
        )
        session.end(run, RunState.LOST, lack)
        return
    try:
        job = engine_of(plan).job(plan, worker.install(run.cores, plan.engine))
        job = replace(job, time_limit=worker.time_limit(plan), stalled_after=plan.stalled_after)
        job = replace(job, owner=name_of_store(session.study.loaded.state_path))
        # A name that no worker takes is no fault of this one.
        check_job(job)
    except (ProjectError, Refused) as error:
        session.end(run, RunState.FAILED, _bad_project(error))
        return
    # What it said of the run is over with the launch: the next poll tells how that went.
    worker.statuses.pop(run.id, None)

    def launched(_: None) -> None:
        worker.hurry()
        session.change()

    work_on_run(
        session,
        run,
        Work(
            lane=worker.transfer,
            do=lambda: worker.start(run.id, job),
            then=launched,
            failed=partial(_not_launched, session, run, job),
        ),
        unanswered=partial(_perhaps_launched, session, run),
        again=None,
    )


def _not_launched(session: Session, run: Run, job: Job, error: Exception) -> None:
    if isinstance(error, Refused):
        trouble = Trouble(f"{run.worker}: {error.trouble.what}", error.trouble.remedy)
        failure = Failure(kind="worker", cause=FailureCause.LAUNCH_REFUSED, trouble=trouble)
        session.end(run, RunState.LOST, failure)
        discard(session, run)
    elif isinstance(error, ProjectError):
        # An input that HEC-RAS wrote cannot be edited for the run: it is damaged.
        session.end(run, RunState.FAILED, _bad_project(error))
    elif isinstance(error, InputChanged) or _is_about_an_input(error, job):
        session.inputs_changed()
        failure = Failure(kind="worker", cause=FailureCause.INPUT_CHANGED, trouble=trouble_of(error))
        session.end(run, RunState.CANCELLED, failure)
    else:
        _perhaps_launched(session, run, error)


def _perhaps_launched(session: Session, run: Run, error: Exception) -> None:
    """The next poll shows whether it was submitted; Absent is answered by another start."""
    session.in_flight.start_failed(run.id, str(error))
    session.workers[run.worker].hurry()


def _bad_project(error: Exception) -> Failure:
    return Failure(kind="permanent", cause=FailureCause.BAD_PROJECT, trouble=trouble_of(error))


def _is_about_an_input(error: Exception, job: Job) -> bool:
    if not isinstance(error, FileNotFoundError | PermissionError):
        return False
    return str(error.filename) in {str(staged.source) for staged in job.inputs}
