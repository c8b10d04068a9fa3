"""What is said of a plan: is its result current, where is it on its way, why, and what comes next. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import (
    NoOutput,
    Output,
    OutputSeen,
    OutputUnreadable,
    Verification,
)
from rasreconcile.reconcile.reasons import Cause, Reason, differences
from rasreconcile.records import Published


class Sync(StrEnum):
    """How a plan's result compares with what the spec wants."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """Where a plan is on its way."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    BACKOFF = "backoff"
    HELD = "held"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All that is said of one plan."""

    address: Address
    sync: Sync
    phase: Phase = Phase.IDLE
    reasons: tuple[Reason, ...] = ()
    next_at: datetime | None = None
    """When it is looked at again: the end of a backoff."""
    note: str = ""
    """What happens next, or what a person must do."""


def compare(
    plan: Plan, output: Output, published: Published | None, verification: Verification | None
) -> tuple[Sync, tuple[Reason, ...]]:
    """Whether the result is what the spec wants now, and if not, every reason why not."""
    if published is None:
        return _without_record(output)
    match output:
        case OutputUnreadable(why):
            return Sync.UNKNOWN, (Reason(Cause.OUTPUT_CORRUPT, published.path.name, why),)
        case NoOutput(name):
            gone = Reason(Cause.OUTPUT_MISSING, name or plan.output.name)
            return Sync.MISSING, (gone, *differences(published.components, plan.components))
        case OutputSeen(digest=digest) if digest != published.digest:
            return Sync.INVALID, (
                _changed_output(plan, output, published),
                *differences(published.components, plan.components),
            )
        case OutputSeen():
            return _intact(plan, published, verification)


def _without_record(output: Output) -> tuple[Sync, tuple[Reason, ...]]:
    match output:
        case NoOutput():
            return Sync.MISSING, (Reason(Cause.NEVER_RUN),)
        case OutputUnreadable(why):
            return Sync.UNKNOWN, (Reason(Cause.OUTPUT_CORRUPT, "", why),)
        case OutputSeen():
            return Sync.UNKNOWN, (
                Reason(Cause.UNKNOWN_ORIGIN, "", "a result stands there that no run of ours has made"),
            )


def _changed_output(plan: Plan, output: OutputSeen, published: Published) -> Reason:
    if output.damage:
        return Reason(Cause.OUTPUT_CORRUPT, plan.output.name, output.damage)
    if output.size != published.size:
        evidence = f"{published.size} bytes were published, {output.size} are there"
    else:
        evidence = f"published as {published.digest[:12]}, now {output.digest[:12]}"
    return Reason(Cause.OUTPUT_DRIFTED, plan.output.name, evidence)


def _intact(
    plan: Plan, published: Published, verification: Verification | None
) -> tuple[Sync, tuple[Reason, ...]]:
    if plan.fingerprint != published.fingerprint:
        changes = differences(published.components, plan.components)
        return Sync.STALE, changes or (Reason(Cause.SPEC_CHANGED, "fingerprint schema"),)
    if plan.expectation_digest == published.expectation_digest:
        return Sync.CURRENT, ()
    fresh = (
        verification is not None
        and verification.expectation_digest == plan.expectation_digest
        and verification.output_digest == published.digest
    )
    if not fresh or verification is None:
        return Sync.UNKNOWN, (Reason(Cause.EXPECTATION_CHANGED, "", "to be verified; no run is needed"),)
    if not verification.shortfalls:
        return Sync.CURRENT, ()
    return Sync.INVALID, tuple(Reason(Cause.EXPECTATION_FAILED, "", s) for s in verification.shortfalls)
