"""Publishing a run: collect what it left, prove it, and put its result in its place."""

from __future__ import annotations

from rasreconcile.controller.discard import discard, discard_old_failures
from rasreconcile.controller.proof import Collected, Placed, ProofRequest, put_in_place
from rasreconcile.controller.proof import collect as prove
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, hold, work_on_run
from rasreconcile.engines.hec_ras.judgement import NO_START
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import Damaged, PublishHeld, ResultError, Trouble, trouble_of
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.hashed_copy import digest_of_file
from rasreconcile.jobs import Ended
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Collect, Finish
from rasreconcile.records import Published
from rasreconcile.report import water
from rasreconcile.results import publish
from rasreconcile.runs import Run, RunState
from rasreconcile.studies.installed_engines import computed_on

LONGEST_KEPT_LOG = 1 << 20
"""Bytes of a log, from its end, that the store keeps."""


def collect(session: Session, action: Collect) -> None:
    """The run has ended: fetch and prove its result in a lane, then publish it."""
    run, plan, status = action.run, action.plan, action.status
    if status.cause == "cancelled":
        cause = FailureCause.INTERRUPTED if session.interrupted else FailureCause.CANCELLED_BY_REQUEST
        session.end(
            run,
            RunState.CANCELLED,
            Failure(kind="worker", cause=cause, trouble=Trouble(cause)),
            status=status,
        )
        discard(session, run)
        return
    worker, recorded = session.workers[run.worker], session.store.runs.plan_of(run.id)
    raw = next((i.raw for i in recorded.inputs if i.kind == "plan"), None)
    asked = ProofRequest(
        run=run,
        plan=plan,
        components=recorded.components,
        plan_text=session.store.texts.find(raw) if raw else None,
        status=status,
        engine=engine_of(plan),
        worker=worker.calls,
        at=session.clock.now(),
        time_limit=worker.time_limit(plan),
        platform=computed_on(worker.installed.platform, status.image),
    )
    work_on_run(
        session,
        run,
        Work(
            lane=worker.fetching,
            do=lambda: prove(asked),
            then=lambda collected: _collected(session, action, collected),
            failed=lambda error: _not_collected(session, run, error),
        ),
    )


def _collected(session: Session, action: Collect, collected: Collected) -> None:
    run, plan, status = action.run, action.plan, action.status
    outcome = collected.outcome
    log = collected.log.encode()[-LONGEST_KEPT_LOG:]
    if isinstance(outcome, Failure):
        if outcome.cause in {FailureCause.ENGINE_MISSING, *NO_START}:
            session.workers[run.worker].installed.note_lack(plan, outcome.trouble)
        state = RunState.LOST if outcome.kind == "worker" else RunState.FAILED
        with session.store.at_once():
            session.store.runs.keep_log(run.id, log)
            session.end(run, state, outcome, status=status)
        discard_old_failures(session, run.address)
        return
    if run.state is not RunState.PUBLISHING:
        with session.store.at_once():
            session.store.runs.keep_log(run.id, log)
            run = session.store.runs.move(
                run.id,
                RunState.PUBLISHING,
                now=session.clock.now(),
                started=status.started,
                ended=status.ended,
                exit_code=status.exit_code,
            )
        session.change()
    work_on_run(
        session,
        run,
        Work(
            lane=session.workers[run.worker].fetching,
            do=lambda: put_in_place(outcome),
            then=lambda placed: _placed(session, run, plan, placed),
            failed=lambda error: _not_collected(session, run, error),
        ),
    )


def _placed(session: Session, run: Run, plan: Plan, placed: Placed) -> None:
    say_set_aside(session, plan, placed)
    _published(session, run, plan, placed.published)


def say_set_aside(session: Session, plan: Plan, placed: Placed) -> None:
    """Reports where the adopted result is that was replaced, and files that rasreconcile had not published."""
    if placed.aside is not None:
        session.say("set-aside", f"the adopted result is kept as {placed.aside}", plan.address)
    for path in placed.kept:
        what = (
            f"a file that rasreconcile did not publish was in the way of its outputs, and is kept as {path}"
        )
        session.say("set-aside", what, plan.address)


def _published(session: Session, run: Run, plan: Plan, published: Published) -> None:
    session.in_flight.forget(run.id)
    words = [f"on {run.worker}"]
    if run.started and run.ended:
        words.append(f"{max((run.ended - run.started).total_seconds(), 0):.1f} s")
    if published.summary:
        words.append(published.summary)
    if published.water and (changed := water.shortly(published.water)):
        words.append(changed)
    with session.store.at_once():
        # Together: a request that outlived its answer would have the plan computed once more.
        session.store.outputs.publish(run.id, published, now=session.clock.now(), message=", ".join(words))
        session.answer_requests(run, "succeeded")
    session.outputs.digests.trust(published.path, "output", published.digest)
    session.outputs.look_at(plan)
    note_for_readers(session, plan, published)
    if not session.keep_runs:
        discard(session, run)
    session.change()


def note_for_readers(session: Session, plan: Plan, published: Published) -> None:
    """Plans that read what was published must see it before they start."""
    for output in published.beside or ():
        session.outputs.digests.trust(published.path.parent / output.name, "output", output.digest)
    readers = (other for other in session.study.plans if plan.address in other.needs)
    if plan.brought_back or any(file.source == plan.output for other in readers for file in other.inputs):
        session.inputs_changed()


def _not_collected(session: Session, run: Run, error: Exception) -> None:
    """The run has ended and is kept: what prevents it is reported, and collecting is tried again."""
    if isinstance(error, Damaged):
        # Asked again it would be the same: what it left is not what a run leaves.
        trouble = Trouble(f"{run.worker} lost it: {error.trouble.what}", error.trouble.remedy)
        session.end(run, RunState.LOST, Failure(kind="worker", cause=FailureCause.DAMAGED, trouble=trouble))
        return
    trouble = trouble_of(error)
    if not isinstance(error, PublishHeld | ResultError):
        trouble = Trouble(f"cannot be published: {trouble.what}", trouble.remedy)
    why = Trouble(f"run {run.id} has ended and is kept; its result {trouble.what}", trouble.remedy)
    if hold(session, session.in_flight.runs, run.id, why) == "first":
        session.say("held", str(why), run.address, run.id)


def finish(session: Session, action: Finish) -> None:
    """A controller ended while this run was being published: finish or repeat that."""
    run, plan = action.run, action.plan
    if plan is None:
        cause = FailureCause.PLAN_LEFT_LATE
        session.end(run, RunState.LOST, Failure(kind="worker", cause=cause, trouble=Trouble(cause)))
        return
    if isinstance(action.status, Ended):
        collect(session, Collect(run, plan, action.status))
        return
    receipt = _own_receipt(plan, run)
    if receipt is not None:
        _published(session, run, plan, receipt)
        return
    trouble = Trouble("its run directory disappeared before its result was published")
    session.end(run, RunState.LOST, Failure(kind="worker", cause=FailureCause.VANISHED, trouble=trouble))


def _own_receipt(plan: Plan, run: Run) -> Published | None:
    """The receipt of this very run, where it matches the file beside it."""
    try:
        receipt = publish.read_receipt(plan.output)
        if receipt is None or receipt.run != run.id:
            return None
        return receipt if digest_of_file(plan.output) == receipt.digest else None
    except (ResultError, FileNotFoundError):
        return None
