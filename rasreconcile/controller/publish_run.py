"""Finishing a run: collect what it left, prove it, publish it, and clean up after it."""

from __future__ import annotations

from rasreconcile.controller.health import fell_silent
from rasreconcile.controller.proof import Collected, ProofRequest, put_in_place
from rasreconcile.controller.proof import collect as collecting
from rasreconcile.controller.session import Session
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import PublishHeld, ResultError, Unreachable
from rasreconcile.failures import ENGINE_MISSING, LAUNCH_REFUSED, Failure
from rasreconcile.jobs import Ended
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.actions import Collect, Finish
from rasreconcile.reconcile.policy import CANCELLED_BY_REQUEST
from rasreconcile.records import Published
from rasreconcile.results import publish
from rasreconcile.runs import Run, RunState
from rasreconcile.study.installed_engines import computed_on
from rasreconcile.study.policies import KEPT_FAILURES

LONGEST_KEPT_LOG = 1 << 20
"""Bytes of a log, from its end, that the store keeps."""

COLLECT_AGAIN = 5.0
"""Seconds before collecting is tried again after the worker, or this disk, failed it."""


def collect(session: Session, action: Collect) -> None:
    """The run has ended: fetch and prove its result in a lane, then publish it."""
    run, plan, status = action.run, action.plan, action.status
    if status.cause == "cancelled":
        cause = "interrupted" if session.interrupted else CANCELLED_BY_REQUEST
        session.end(
            run, RunState.CANCELLED, Failure(kind="worker", cause=cause, message=cause), status=status
        )
        discard(session, run)
        return
    recorded = session.store.plan_of(run.id)
    raw = next((i.raw for i in recorded.inputs if i.kind == "plan"), None)
    asked = ProofRequest(
        run=run,
        plan=plan,
        components=recorded.components,
        plan_text=session.store.text(raw) if raw else None,
        status=status,
        engine=engine_of(plan),
        worker=session.workers[run.worker].worker,
        at=session.clock.now(),
        time_limit=session.workers[run.worker].time_limit(plan),
        platform=computed_on(session.workers[run.worker].installed.platform, status.image),
    )
    session.in_flight.take(run.id)
    session.workers[run.worker].fetching.do(
        lambda: collecting(asked),
        lambda collected: _collected(session, action, collected),
        lambda error: _not_collected(session, run, error),
    )


def _collected(session: Session, action: Collect, collected: Collected) -> None:
    run, plan, status = action.run, action.plan, action.status
    session.in_flight.runs.discard(run.id)
    session.changed = True
    outcome = collected.outcome
    log = collected.log.encode()[-LONGEST_KEPT_LOG:]
    if isinstance(outcome, Failure):
        if outcome.cause == ENGINE_MISSING:
            session.workers[run.worker].installed.note_lack(plan.engine, outcome.message)
        state = RunState.LOST if outcome.kind == "worker" else RunState.FAILED
        with session.store.at_once():
            session.store.keep_log(run.id, log)
            session.end(run, state, outcome, status=status)
        discard_old_failures(session, run.address)
        return
    if run.state is not RunState.PUBLISHING:
        with session.store.at_once():
            session.store.keep_log(run.id, log)
            run = session.store.move_run(
                run.id,
                RunState.PUBLISHING,
                now=session.clock.now(),
                started=status.started,
                ended=status.ended,
                exit_code=status.exit_code,
            )
    session.in_flight.take(run.id)
    session.workers[run.worker].fetching.do(
        lambda: put_in_place(outcome),
        lambda published: _published(session, run, plan, published),
        lambda error: _not_collected(session, run, error),
    )


def _published(session: Session, run: Run, plan: Plan, published: Published) -> None:
    session.in_flight.runs.discard(run.id)
    session.in_flight.forget(run.id)
    with session.store.at_once():
        # Together: a request that outlived its answer would have the plan computed once more.
        session.store.publish(run.id, published, now=session.clock.now())
        session.answer_requests(run, "succeeded")
    session.outputs.digests.trust(published.path, "output", published.digest)
    session.outputs.look_at(plan)
    # Plans that restart from what it left must see it before they start.
    session.stale_inputs |= bool(plan.side_outputs)
    words = [f"on {run.worker}"]
    if run.started and run.ended:
        words.append(f"{max((run.ended - run.started).total_seconds(), 0):.1f} s")
    if published.summary:
        words.append(published.summary)
    session.say("succeeded", ", ".join(words), plan.address, run.id)
    if not session.keep_runs:
        discard(session, run)
    session.changed = True


def _not_collected(session: Session, run: Run, error: Exception) -> None:
    """The run has ended and is kept: what stands in the way is told, and collecting is tried again."""
    session.in_flight.runs.discard(run.id)
    session.in_flight.retry_at[run.id] = session.clock.monotonic() + COLLECT_AGAIN
    session.changed = True
    if isinstance(error, Unreachable):
        fell_silent(session, session.workers[run.worker], error)
        return
    first = run.id not in session.in_flight.held
    what = str(error) if isinstance(error, PublishHeld | ResultError) else f"cannot be published: {error}"
    session.in_flight.held[run.id] = f"run {run.id} has ended and is kept; its result {what}"
    if first:
        session.say("held", session.in_flight.held[run.id], run.address, run.id)


def finish(session: Session, action: Finish) -> None:
    """A controller ended while this run was being published: finish or repeat that."""
    run, plan = action.run, action.plan
    if plan is None:
        cause = "its plan left the spec before its result was in its place"
        session.end(run, RunState.LOST, Failure(kind="worker", cause=cause, message=cause))
        return
    if isinstance(action.status, Ended):
        collect(session, Collect(run, plan, action.status))
        return
    receipt = _own_receipt(plan, run)
    if receipt is not None:
        _published(session, run, plan, receipt)
        return
    cause = "its run directory went away before its result was in its place"
    session.end(run, RunState.LOST, Failure(kind="worker", cause="vanished", message=cause))


def _own_receipt(plan: Plan, run: Run) -> Published | None:
    """The receipt of this very run, where it matches the file beside it."""
    try:
        receipt = publish.read_receipt(plan.output)
        if receipt is None or receipt.run != run.id:
            return None
        return receipt if publish.digest_file(plan.output)[1] == receipt.digest else None
    except (ResultError, FileNotFoundError):
        return None


def discard_left_over(session: Session) -> None:
    """Run directories that nobody will look into and a controller before this one did not come to remove."""
    for run in session.store.discardable():
        good = run.state is RunState.SUCCEEDED and not session.keep_runs
        if good or run.state is RunState.CANCELLED or never_began(run):
            discard(session, run)


def never_began(run: Run) -> bool:
    """Its worker refused it: what is left of it tells nobody anything, and takes room."""
    return run.state is RunState.LOST and run.failure is not None and run.failure.cause == LAUNCH_REFUSED


def discard_old_failures(session: Session, address: Address) -> None:
    """Of runs that failed the last few run directories are kept, for whoever looks for the cause."""
    failed = [
        run
        for run in session.store.discardable()
        if run.address == address and run.state is not RunState.SUCCEEDED
    ]
    for run in failed[KEPT_FAILURES:]:
        discard(session, run)


def discard(session: Session, run: Run) -> None:
    """Removes the run directory, in the background."""
    connected = session.workers.get(run.worker)
    if connected is None:
        return
    session.in_flight.background += 1

    def done(_: None) -> None:
        session.in_flight.background -= 1
        session.in_flight.discarded.append(run.id)

    def failed(error: Exception) -> None:
        session.in_flight.background -= 1
        why = f"its run directory stays on {run.worker}: {error}; the next `apply` tries again"
        session.say("warning", why, run.address, run.id)

    connected.fetching.do(lambda: connected.worker.discard(run.id), done, failed)
