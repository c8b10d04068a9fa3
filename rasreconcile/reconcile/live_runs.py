"""What to do about a run that is going on, or was when somebody last looked. PURE."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Absent, Ended, Queued, Running, Unknown, Vanished
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import (
    Abandon,
    Action,
    Cancel,
    Collect,
    Fail,
    Finish,
    Lose,
    Note,
    Restart,
    Stop,
)
from rasreconcile.reconcile.early_stop import hopeless
from rasreconcile.reconcile.observed import LiveRun, Seen
from rasreconcile.reconcile.policy import Policy, SetAside, worker_standing
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Verdict, held, tried_again
from rasreconcile.runs import Run, RunState


def follow(
    verdict: Verdict, live: LiveRun, plan: Plan, seen: Seen, policy: Policy
) -> tuple[Verdict, Action | None]:
    """The verdict of a plan with a live run, and what to do about the run."""
    verdict = replace(verdict, phase=Phase.RUNNING, note=_note(live, plan, seen))
    if live.held:
        return held(verdict, Obstacle.NOT_PUBLISHED, tried_again(live.held)), None
    if live.handled or live.status is None:
        return verdict, None
    if isinstance(live.status, Unknown):
        if plan.address in seen.cancelled and all(w.name != live.run.worker for w in seen.workers):
            return verdict, Abandon(live.run, FailureCause.CANCELLED_BY_REQUEST)
        return _silent(verdict, live, seen, policy), None
    if live.run.state is RunState.PUBLISHING:
        return verdict, _finish(live, plan)
    return verdict, _next(live, plan, plan.address not in seen.cancelled, policy)


def _next(live: LiveRun, plan: Plan, wanted: bool, policy: Policy) -> Action | None:
    run = live.run
    match live.status:
        case Ended() | Vanished() | Absent() as over if live.stopping and not _exited(over):
            # The cancel was ours: what the worker says of its end is not why it ended.
            return Fail(run, live.stopping, over)
        case Queued() | Running() if stop := live.stopping or (
            wanted and hopeless(plan.stop_when, live.said)
        ):
            return Stop(run, stop)
        case Ended() as ended:
            return Collect(run, plan, ended)
        case Vanished() as vanished:
            return Lose(run, _vanished(run, vanished))
        case Absent() if run.state is RunState.RUNNING:
            return Lose(run, _vanished(run, Vanished(f"{run.worker} has no run directory of it")))
        case Absent() if not wanted:
            return Abandon(run, FailureCause.CANCELLED_BY_REQUEST)
        case Absent() if plan.fingerprint != run.fingerprint:
            return Abandon(run, FailureCause.INPUTS_CHANGED)
        case Absent() if live.failed_starts >= policy.failed_starts:
            return Lose(run, _not_launched(run, live.last_error))
        case Absent():
            return Restart(run, plan)
        case Queued() | Running() if not wanted:
            return Cancel(run, FailureCause.CANCELLED_BY_REQUEST)
        case Running() as running if run.state is RunState.STARTING:
            return Note(run, running)
        case Queued() | Running() | Unknown() | None:
            return None


def _exited(over: Ended | Vanished | Absent) -> bool:
    """It came to its own end before the cancel reached it: its result is judged like any other."""
    return isinstance(over, Ended) and over.cause == "exited"


def stray(live: LiveRun, seen: Seen) -> Action | None:
    """A run whose plan left the spec continues, and is closed when it has ended; its run directory is kept."""
    cancelled = live.run.address in seen.cancelled
    if live.handled or live.held:
        return None
    if live.run.state is RunState.PUBLISHING:
        return _finish(live, None)
    match live.status:
        case Ended() | Vanished() | Absent():
            return Abandon(live.run, FailureCause.PLAN_LEFT)
        case Queued() | Running() if cancelled:
            return Cancel(live.run, FailureCause.CANCELLED_BY_REQUEST)
        case Unknown() if cancelled and all(w.name != live.run.worker for w in seen.workers):
            return Abandon(live.run, FailureCause.CANCELLED_BY_REQUEST)
        case Queued() | Running() | Unknown() | None:
            return None


def _finish(live: LiveRun, plan: Plan | None) -> Action | None:
    match live.status:
        case Ended() | Absent() | Vanished() as status:
            return Finish(live.run, plan, status)
        case Queued() | Running() | Unknown() | None:
            return None


def _silent(verdict: Verdict, live: LiveRun, seen: Seen, policy: Policy) -> Verdict:
    """A silent worker is waited for as long as it may come back; then a person must look."""
    name = live.run.worker
    worker = next((w for w in seen.workers if w.name == name), None)
    if worker is None:
        gone = Trouble(
            f"it runs on {name}, which is no longer in the spec", f"put {name} back, or `cancel` the plan"
        )
        return held(verdict, Obstacle.WORKER_GONE, gone)
    standing = worker_standing(worker, seen.now, policy)
    if isinstance(standing, SetAside) and standing.until is None:
        silent = Trouble(
            f"it runs on {name}, which does not answer ({standing.why})", f"apply again when {name} is back"
        )
        return held(verdict, Obstacle.WORKER_SILENT, silent)
    return verdict


_VANISHED = {
    "gone": FailureCause.VANISHED,
    "restarted": FailureCause.RESTARTED,
    "damaged": FailureCause.DAMAGED,
}


def _vanished(run: Run, found: Vanished) -> Failure:
    trouble = Trouble(f"vanished on {run.worker}: {found.evidence}")
    return Failure(kind="worker", cause=_VANISHED[found.cause], trouble=trouble)


def _not_launched(run: Run, error: str) -> Failure:
    trouble = Trouble(f"{run.worker} did not launch it: {error}")
    return Failure(kind="worker", cause=FailureCause.LAUNCH_FAILED, trouble=trouble)


SILENT_RUNNER = timedelta(minutes=5)
"""A runner touches its heartbeat every fifteen seconds; twenty missed ones are worth a word."""
QUIET_JOB = timedelta(minutes=2)
"""A job that has written nothing for so long is spoken of where `stalled_after` will end it."""


def _note(live: LiveRun, plan: Plan, seen: Seen) -> str:
    where = f"run {live.run.id} on {live.run.worker}"
    if plan.fingerprint != live.run.fingerprint:
        where += "; its inputs changed meanwhile, it will be stale again"
    match live.status:
        case Unknown(why):
            return f"{where}; {why}"
        case Ended():
            return f"{where} has ended, its result is being verified"
        case Running() as running:
            return where + _silence(running, plan, seen)
        case _:
            return where


def _silence(running: Running, plan: Plan, seen: Seen) -> str:
    """What a person should know of a run that continues and gives no sign; both clocks are the worker's."""
    beat, grew = running.heartbeat, running.grew
    if beat is not None and seen.now - beat >= SILENT_RUNNER:
        return (
            f"; its runner has not responded since {beat:%Y-%m-%d %H:%M}Z: the machine is asleep, or its"
            " clock is wrong"
        )
    if (
        beat is None
        or grew is None
        or plan.stalled_after is None
        or beat - grew < min(QUIET_JOB, plan.stalled_after / 2)
    ):
        return ""
    end = grew + plan.stalled_after
    return (
        f"; it has written nothing since {grew:%H:%M:%S}Z, and is ended at {end:%H:%M:%S}Z if this continues"
    )
