"""Verdicts, runs, events and progress as plain values, the same in every JSON that is written."""

from __future__ import annotations

from typing import Any

from rasreconcile.facts import LogFacts
from rasreconcile.reconcile.verdicts import Verdict
from rasreconcile.records import Event, LastVerdict
from rasreconcile.runs import Run


def verdict_values(verdict: Verdict) -> dict[str, Any]:
    """What is said of one plan."""
    return {
        "plan": verdict.address,
        "sync": str(verdict.sync),
        "phase": str(verdict.phase),
        "reasons": [
            {"cause": str(r.cause), "subject": r.subject, "evidence": r.evidence} for r in verdict.reasons
        ],
        "note": verdict.note,
        "next_at": verdict.next_at.isoformat() if verdict.next_at else None,
    }


def last_verdict_values(verdict: LastVerdict) -> dict[str, Any]:
    """What the last diff or apply said of one plan."""
    return {
        "plan": verdict.address,
        "sync": verdict.sync,
        "phase": verdict.phase,
        "reasons": list(verdict.reasons),
        "next_at": verdict.next_at.isoformat() if verdict.next_at else None,
        "output": str(verdict.output),
        "at": verdict.at.isoformat(),
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
        "reason": run.reason,
        "fingerprint": run.fingerprint,
        "created": run.created.isoformat(),
        "started": run.started.isoformat() if run.started else None,
        "ended": run.ended.isoformat() if run.ended else None,
        "exit_code": run.exit_code,
        "failure": None
        if failure is None
        else {
            "kind": failure.kind,
            "blame": failure.blame,
            "cause": failure.cause,
            "message": failure.message,
        },
    }


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


def event_values(event: Event) -> dict[str, Any]:
    """One thing that happened."""
    return {
        "at": event.at.isoformat(),
        "kind": event.kind,
        "plan": event.address,
        "run": event.run,
        "message": event.message,
    }
