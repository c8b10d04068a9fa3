"""Finishing a run: collect what it left, prove it, publish it, and clean up after it."""

from __future__ import annotations

from rasreconcile.controller.asking import fell_silent
from rasreconcile.controller.collecting import Collected, Collecting, put_in_place
from rasreconcile.controller.collecting import collect as collecting
from rasreconcile.controller.installs import computed_on
from rasreconcile.controller.site import Site
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import PublishHeld, ResultError, Unreachable
from rasreconcile.jobs import Ended
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.actions import Collect, Finish
from rasreconcile.reconcile.policy import CANCELLED_BY_REQUEST
from rasreconcile.records import Published
from rasreconcile.results import publish
from rasreconcile.runs import ENGINE_MISSING, LAUNCH_REFUSED, Failure, Run, RunState

KEPT_FAILURES = 3
LONGEST_KEPT_LOG = 1 << 20
"""Bytes of a log, from its end, that the store keeps."""

COLLECT_AGAIN = 5.0
"""Seconds before collecting is tried again after the worker, or this disk, failed it."""


def collect(site: Site, action: Collect) -> None:
    """The run has ended: fetch and prove its result in a lane, then publish it."""
    run, plan, status = action.run, action.plan, action.status
    if status.cause == "cancelled":
        cause = "interrupted" if site.interrupted else CANCELLED_BY_REQUEST
        site.end(run, RunState.CANCELLED, Failure(kind="worker", cause=cause, message=cause), status=status)
        discard(site, run)
        return
    recorded = site.store.plan_of(run.id)
    raw = next((i.raw for i in recorded.inputs if i.kind == "plan"), None)
    asked = Collecting(
        run=run,
        plan=plan,
        components=recorded.components,
        plan_text=site.store.text(raw) if raw else None,
        status=status,
        engine=engine_of(plan),
        worker=site.stations[run.worker].worker,
        at=site.clock.now(),
        time_limit=site.stations[run.worker].time_limit(plan),
        platform=computed_on(site.stations[run.worker].installs.platform, status.image),
    )
    site.flight.take(run.id)
    site.stations[run.worker].fetching.do(
        lambda: collecting(asked),
        lambda collected: _collected(site, action, collected),
        lambda error: _not_collected(site, run, error),
    )


def _collected(site: Site, action: Collect, collected: Collected) -> None:
    run, plan, status = action.run, action.plan, action.status
    site.flight.runs.discard(run.id)
    site.changed = True
    outcome = collected.outcome
    log = collected.log.encode()[-LONGEST_KEPT_LOG:]
    if isinstance(outcome, Failure):
        if outcome.cause == ENGINE_MISSING:
            site.stations[run.worker].installs.note_lack(plan.engine, outcome.message)
        state = RunState.LOST if outcome.kind == "worker" else RunState.FAILED
        with site.store.at_once():
            site.store.keep_log(run.id, log)
            site.end(run, state, outcome, status=status)
        discard_old_failures(site, run.address)
        return
    if run.state is not RunState.PUBLISHING:
        with site.store.at_once():
            site.store.keep_log(run.id, log)
            run = site.store.move_run(
                run.id,
                RunState.PUBLISHING,
                now=site.clock.now(),
                started=status.started,
                ended=status.ended,
                exit_code=status.exit_code,
            )
    site.flight.take(run.id)
    site.stations[run.worker].fetching.do(
        lambda: put_in_place(outcome),
        lambda published: _published(site, run, plan, published),
        lambda error: _not_collected(site, run, error),
    )


def _published(site: Site, run: Run, plan: Plan, published: Published) -> None:
    site.flight.runs.discard(run.id)
    site.flight.forget(run.id)
    with site.store.at_once():
        # Together: a request that outlived its answer would have the plan computed once more.
        site.store.publish(run.id, published, now=site.clock.now())
        site.answer_requests(run, "succeeded")
    site.looking.digests.trust(published.path, "output", published.digest)
    site.looking.look_at(plan)
    # Plans that restart from what it left must see it before they start.
    site.stale_inputs |= bool(plan.side_outputs)
    words = [f"on {run.worker}"]
    if run.started and run.ended:
        words.append(f"{max((run.ended - run.started).total_seconds(), 0):.1f} s")
    if published.summary:
        words.append(published.summary)
    site.say("succeeded", ", ".join(words), plan.address, run.id)
    if not site.keep_runs:
        discard(site, run)
    site.changed = True


def _not_collected(site: Site, run: Run, error: Exception) -> None:
    """The run has ended and is kept: what stands in the way is told, and collecting is tried again."""
    site.flight.runs.discard(run.id)
    site.flight.retry_at[run.id] = site.clock.monotonic() + COLLECT_AGAIN
    site.changed = True
    if isinstance(error, Unreachable):
        fell_silent(site, site.stations[run.worker], error)
        return
    first = run.id not in site.flight.held
    what = str(error) if isinstance(error, PublishHeld | ResultError) else f"cannot be published: {error}"
    site.flight.held[run.id] = f"run {run.id} has ended and is kept; its result {what}"
    if first:
        site.say("held", site.flight.held[run.id], run.address, run.id)


def finish(site: Site, action: Finish) -> None:
    """A controller ended while this run was being published: finish or repeat that."""
    run, plan = action.run, action.plan
    if plan is None:
        cause = "its plan left the spec before its result was in its place"
        site.end(run, RunState.LOST, Failure(kind="worker", cause=cause, message=cause))
        return
    if isinstance(action.status, Ended):
        collect(site, Collect(run, plan, action.status))
        return
    receipt = _own_receipt(plan, run)
    if receipt is not None:
        _published(site, run, plan, receipt)
        return
    cause = "its run directory went away before its result was in its place"
    site.end(run, RunState.LOST, Failure(kind="worker", cause="vanished", message=cause))


def _own_receipt(plan: Plan, run: Run) -> Published | None:
    """The receipt of this very run, where it matches the file beside it."""
    try:
        receipt = publish.read_receipt(plan.output)
        if receipt is None or receipt.run != run.id:
            return None
        return receipt if publish.digest_file(plan.output)[1] == receipt.digest else None
    except (ResultError, FileNotFoundError):
        return None


def discard_left_over(site: Site) -> None:
    """Run directories that nobody will look into and a controller before this one did not come to remove."""
    for run in site.store.discardable():
        good = run.state is RunState.SUCCEEDED and not site.keep_runs
        if good or run.state is RunState.CANCELLED or never_began(run):
            discard(site, run)


def never_began(run: Run) -> bool:
    """Its worker refused it: what is left of it tells nobody anything, and takes room."""
    return run.state is RunState.LOST and run.failure is not None and run.failure.cause == LAUNCH_REFUSED


def discard_old_failures(site: Site, address: Address) -> None:
    """Of runs that failed the last few run directories are kept, for whoever looks for the cause."""
    failed = [
        run
        for run in site.store.discardable()
        if run.address == address and run.state is not RunState.SUCCEEDED
    ]
    for run in failed[KEPT_FAILURES:]:
        discard(site, run)


def discard(site: Site, run: Run) -> None:
    """Removes the run directory, in the background."""
    station = site.stations.get(run.worker)
    if station is None:
        return
    site.flight.background += 1

    def done(_: None) -> None:
        site.flight.background -= 1
        site.flight.discarded.append(run.id)

    def failed(error: Exception) -> None:
        site.flight.background -= 1
        why = f"its run directory stays on {run.worker}: {error}; the next `apply` tries again"
        site.say("warning", why, run.address, run.id)

    station.fetching.do(lambda: station.worker.discard(run.id), done, failed)
