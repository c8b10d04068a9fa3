"""Verdicts, runs, events and progress as plain values, the same in every JSON that is written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rasreconcile.errors import Trouble
from rasreconcile.facts import LogFacts
from rasreconcile.failures import Failure
from rasreconcile.reasons import Reason
from rasreconcile.reconcile.verdicts import LastVerdict, Verdict
from rasreconcile.records import Event, Progress
from rasreconcile.runs import Run


def utc(time: datetime) -> str:
    """`2026-04-01T12:30:05.123456Z`, as every JSON has it."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def reasons_values(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    """Why a plan is not current, or a result is not adopted."""
    return [
        {"cause": str(r.cause), "subject": r.subject, "evidence": r.evidence, "remedy": r.remedy}
        for r in reasons
    ]


def troubles_values(troubles: Iterable[Trouble]) -> list[dict[str, str]]:
    """What is wrong, and what to do about it."""
    return [{"what": trouble.what, "remedy": trouble.remedy} for trouble in troubles]


def verdict_values(verdict: Verdict) -> dict[str, Any]:
    """What is said of one plan."""
    return {
        "plan": verdict.address,
        "sync": str(verdict.sync),
        "phase": str(verdict.phase),
        "reasons": reasons_values(verdict.reasons),
        "note": verdict.note,
        "remedy": verdict.remedy,
        "obstacle": str(verdict.obstacle) if verdict.obstacle else None,
        "blocked_by": troubles_values(verdict.blocked_by),
        "next_at": utc(verdict.next_at) if verdict.next_at else None,
    }


def last_verdict_values(verdict: LastVerdict) -> dict[str, Any]:
    """What the last diff or apply said of one plan."""
    return {
        "plan": verdict.address,
        "sync": verdict.sync,
        "phase": verdict.phase,
        "reasons": reasons_values(verdict.reasons),
        "note": verdict.note,
        "remedy": verdict.remedy,
        "obstacle": verdict.obstacle,
        "blocked_by": troubles_values(verdict.blocked_by),
        "next_at": utc(verdict.next_at) if verdict.next_at else None,
        "output": str(verdict.output),
        "at": utc(verdict.at),
    }


def run_values(run: Run) -> dict[str, Any]:
    """One run."""
    failure = run.failure
    return {
        "run": run.id,
        "plan": run.address,
        "state": str(run.state),
        "worker": run.worker,
        "slot": run.slot,
        "cores": run.cores,
        "reasons": reasons_values(run.reasons),
        "fingerprint": run.fingerprint,
        "created": utc(run.created),
        "started": utc(run.started) if run.started else None,
        "ended": utc(run.ended) if run.ended else None,
        "exit_code": run.exit_code,
        "predicted_seconds": None if run.predicted is None else run.predicted.total_seconds(),
        "failure": failure_values(failure) if failure else None,
    }


def run_directory_values(run: Run, directory: str | None) -> dict[str, Any]:
    """Where the files of a failed run are."""
    return {
        "plan": run.address,
        "run": run.id,
        "worker": run.worker,
        "directory": directory,
        "failure": failure_values(run.failure) if run.failure else None,
    }


def failure_values(failure: Failure) -> dict[str, str]:
    """Why a run did not succeed."""
    return {
        "kind": failure.kind,
        "blame": failure.blame,
        "cause": str(failure.cause),
        "message": failure.trouble.what,
        "remedy": failure.trouble.remedy,
    }


def controller_values(pid: int, host: str, since: datetime) -> dict[str, Any]:
    """Who works on a store."""
    return {"pid": pid, "host": host, "since": utc(since)}


def progress_values(said: LogFacts | None, done: float | None) -> dict[str, Any]:
    """How far a live run has come, as far as its messages tell."""
    facts = said or LogFacts()
    worst = facts.worst
    return {
        "process": facts.process,
        "fraction": facts.fraction,
        "simulated": facts.simulated.isoformat() if facts.simulated else None,
        "done": done,
        "iterations_at_limit": facts.troubles,
        "worst": {"at": worst.at, "place": worst.place, "error": worst.error} if worst else None,
        "volume_error_percent": facts.volume_error_percent,
        "unstable": facts.unstable,
        "first_error": facts.first_error,
    }


def noted_values(progress: Progress | None) -> dict[str, Any] | None:
    """The same as it was last noted of a run."""
    return {"at": utc(progress.at), **progress_values(progress.facts, progress.done)} if progress else None


def event_values(event: Event) -> dict[str, Any]:
    """One thing that happened."""
    return {
        "at": utc(event.at),
        "kind": event.kind,
        "plan": event.address,
        "run": event.run,
        "message": event.message,
    }
