"""What to do about a run that is going on, or was when somebody last looked. PURE."""

from __future__ import annotations

from dataclasses import replace

from rasreconcile.jobs import Absent, Ended, Queued, Running, Unknown, Vanished
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Abandon, Action, Cancel, Collect, Finish, Lose, Note, Restart
from rasreconcile.reconcile.observed import LiveRun, Seen
from rasreconcile.reconcile.verdicts import Phase, Verdict
from rasreconcile.runs import Failure, Run, RunState


def follow(verdict: Verdict, live: LiveRun, plan: Plan, seen: Seen) -> tuple[Verdict, Action | None]:
    """The verdict of a plan with a live run, and what to do about the run."""
    verdict = replace(verdict, phase=Phase.RUNNING, note=_note(live, plan))
    if live.handled:
        return verdict, None
    run = live.run
    if run.state is RunState.PUBLISHING:
        return verdict, Finish(run, plan)
    wanted = plan.address not in seen.cancelled
    match live.status:
        case None:
            return verdict, None
        case Ended() as ended:
            return verdict, Collect(run, plan, ended)
        case Vanished(evidence):
            return verdict, Lose(run, _vanished(run, evidence))
        case Unknown(why):
            stopped = replace(verdict, phase=Phase.HELD, note=why) if _gone(run, seen) else verdict
            return stopped, Abandon(run, why) if _gone(run, seen) and not wanted else None
        case Absent() if run.state is RunState.RUNNING:
            return verdict, Lose(run, _vanished(run, f"{run.worker} has no run directory of it"))
        case Absent() if not wanted or plan.fingerprint != run.fingerprint:
            why = "cancelled by request" if not wanted else "its inputs changed before it started"
            return verdict, Abandon(run, why)
        case Absent():
            return verdict, Restart(run, plan, "recorded, but its worker has not heard of it")
        case Queued() | Running() if not wanted:
            return verdict, Cancel(run, "cancelled by request")
        case Running() as running if run.state is RunState.STARTING:
            return verdict, Note(run, running)
        case Queued() | Running():
            return verdict, None


def stray(live: LiveRun) -> Action | None:
    """A run whose plan left the spec goes on, and is closed when it has ended; its run directory is kept."""
    if live.handled:
        return None
    if live.run.state is RunState.PUBLISHING:
        return Finish(live.run, None)
    match live.status:
        case Ended() | Vanished() | Absent():
            return Abandon(live.run, "its plan is no longer in the spec")
        case Queued() | Running() | Unknown() | None:
            return None


def _gone(run: Run, seen: Seen) -> bool:
    return all(worker.name != run.worker for worker in seen.workers)


def _vanished(run: Run, evidence: str) -> Failure:
    return Failure(kind="worker", cause="vanished", message=f"vanished on {run.worker}: {evidence}")


def _note(live: LiveRun, plan: Plan) -> str:
    where = f"run {live.run.id} on {live.run.worker}"
    if plan.fingerprint != live.run.fingerprint:
        where += "; its inputs changed meanwhile, it will be stale again"
    match live.status:
        case Unknown(why):
            return f"{where}; {why}"
        case Ended():
            return f"{where} has ended, its result is being verified"
        case _:
            return where
