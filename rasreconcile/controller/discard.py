"""Removing run directories that nobody will look into, in the background."""

from __future__ import annotations

from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, work_aside
from rasreconcile.failures import FailureCause
from rasreconcile.plans import Address
from rasreconcile.runs import Run, RunState
from rasreconcile.studies.policies import KEPT_FAILURES


def discard_left_over(session: Session) -> None:
    """Run directories that nobody will look into and that an earlier controller did not come to remove."""
    for run in session.store.runs.discardable():
        good = run.state is RunState.SUCCEEDED and not session.keep_runs
        if good or run.state is RunState.CANCELLED or never_began(run):
            discard(session, run)


def never_began(run: Run) -> bool:
    """Its worker refused it: what is left of it tells nobody anything, and takes room."""
    return (
        run.state is RunState.LOST
        and run.failure is not None
        and run.failure.cause is FailureCause.LAUNCH_REFUSED
    )


def discard_old_failures(session: Session, address: Address) -> None:
    """Of runs that failed the last few run directories are kept, for the user who looks for the cause."""
    failed = [
        run
        for run in session.store.runs.discardable()
        if run.address == address and run.state is not RunState.SUCCEEDED
    ]
    for run in failed[KEPT_FAILURES:]:
        discard(session, run)


def discard(session: Session, run: Run) -> None:
    """Removes the run directory; a failure is reported, and the next `apply` tries again."""
    worker = session.workers.get(run.worker)
    if worker is None:
        return

    def removed(_: None) -> None:
        session.in_flight.discarded.append(run.id)

    def failed(error: Exception) -> None:
        why = f"its run directory is still on {run.worker}: {error}; the next `apply` tries again"
        session.say("warning", why, run.address, run.id)

    work_aside(
        session.in_flight.discards,
        run.id,
        Work(lane=worker.fetching, do=lambda: worker.calls.discard(run.id), then=removed, failed=failed),
    )
