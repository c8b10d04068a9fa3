"""What is said of a plan: is its result current, where is it on its way, why, and what comes next. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from rasreconcile.errors import Trouble, together
from rasreconcile.failures import FailureCause
from rasreconcile.plans import Address, Plan
from rasreconcile.reasons import Cause, Reason, because, differences, prepared_differences
from rasreconcile.reconcile.observed import (
    FurtherChanged,
    NoOutput,
    Output,
    OutputSeen,
    OutputUnreadable,
    Verification,
)
from rasreconcile.records import Published


class Sync(StrEnum):
    """How a plan's result compares with what the spec requires."""

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


class Obstacle(StrEnum):
    """What keeps a plan held or quarantined, where that is not a failure of its runs."""

    CANNOT_RUN = "cannot-run"
    """An input is missing, or its engine does not compute such a plan."""
    RESULT_UNREADABLE = "result-unreadable"
    UNKNOWN_ORIGIN = "unknown-origin"
    OTHER_OWNER = "other-owner"
    EXPECTATION_FAILED = "expectation-failed"
    """Of its result, or of one with the same inputs."""
    NOT_PUBLISHED = "not-published"
    """The proven result cannot take its place."""
    NEED_BLOCKED = "need-blocked"
    """A plan that it needs is blocked."""
    NOT_PREPARED = "not-prepared"
    TWIN_BLOCKED = "twin-blocked"
    """The plan whose result is to be copied is blocked."""
    SLOTS_HELD = "slots-held"
    NO_WORKER = "no-worker"
    MAX_FAILS = "max-fails"
    WORKER_GONE = "worker-gone"
    """It runs on a worker that the spec no longer names."""
    WORKER_SILENT = "worker-silent"


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
    """What happens next, or what blocks it."""
    remedy: str = ""
    """What a person can do about that."""
    obstacle: Obstacle | FailureCause | None = None
    """Of a held or quarantined plan: what blocks it, for grouping; `note` says the same in full."""
    blocked_by: tuple[Trouble, ...] = ()
    """Of a plan that cannot run: everything that keeps it from running."""

    @property
    def outlook(self) -> str:
        """`note` and `remedy` in one line; empty where there is nothing to say."""
        return outlook(self.note, self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastVerdict:
    """A plan's verdict as the last diff or apply saw it; what `status` shows without reading the project."""

    address: Address
    sync: str
    phase: str
    reasons: tuple[Reason, ...]
    note: str = ""
    remedy: str = ""
    obstacle: str | None = None
    blocked_by: tuple[Trouble, ...] = ()
    next_at: datetime | None
    output: Path
    at: datetime

    def says_the_same(self, other: LastVerdict) -> bool:
        """But for when."""
        return _said(self) == _said(other)

    @property
    def told(self) -> tuple[str, ...]:
        """Why, and what comes next, each as the user was told."""
        return (*map(str, self.reasons), *filter(None, [outlook(self.note, self.remedy)]))


def _said(one: LastVerdict) -> tuple[object, ...]:
    where = (one.address, one.output, one.sync, one.phase)
    return *where, one.reasons, one.note, one.remedy, one.obstacle, one.blocked_by, one.next_at


def last_verdicts(
    verdicts: Iterable[Verdict], outputs: Mapping[Address, Path], at: datetime
) -> tuple[LastVerdict, ...]:
    """As `status` shows them from now on."""
    return tuple(
        LastVerdict(
            address=verdict.address,
            sync=verdict.sync,
            phase=verdict.phase,
            reasons=verdict.reasons,
            note=verdict.note,
            remedy=verdict.remedy,
            obstacle=verdict.obstacle and str(verdict.obstacle),
            blocked_by=verdict.blocked_by,
            next_at=verdict.next_at,
            output=outputs[verdict.address],
            at=at,
        )
        for verdict in verdicts
    )


def outlook(note: str, remedy: str) -> str:
    """What happens next, and what a person can do about it, in one line."""
    return "; ".join(filter(None, (note, remedy)))


def held(verdict: Verdict, by: Obstacle | FailureCause, why: Trouble) -> Verdict:
    """A person must act before the plan can go on."""
    return replace(verdict, phase=Phase.HELD, obstacle=by, note=why.what, remedy=why.remedy)


def stopped(verdict: Verdict, by: Sequence[Trouble]) -> Verdict:
    """Held: it cannot run at all."""
    return replace(held(verdict, Obstacle.CANNOT_RUN, together(by)), blocked_by=tuple(by))


def quarantined(verdict: Verdict, by: Obstacle | FailureCause, why: Trouble) -> Verdict:
    """To run it as it is would come to the same."""
    return replace(verdict, phase=Phase.QUARANTINED, obstacle=by, note=why.what, remedy=why.remedy)


def tried_again(why: Trouble) -> Trouble:
    """What stands in the way of a result is looked at again without anybody asking."""
    again = "it is retried while `apply` is running, and by the next `apply`"
    return Trouble(why.what, f"{why.remedy}; {again}" if why.remedy else again)


def compare(
    plan: Plan, output: Output, published: Published | None, verification: Verification | None
) -> tuple[Sync, tuple[Reason, ...]]:
    """Whether the result is what the spec requires now, and if not, every reason why not."""
    if published is None:
        return _without_record(output)
    match output:
        case OutputUnreadable(why):
            return Sync.UNKNOWN, (Reason(Cause.OUTPUT_CORRUPT, published.path.name, why.what, why.remedy),)
        case NoOutput(name):
            gone = Reason(Cause.OUTPUT_MISSING, name or plan.output.name)
            return Sync.MISSING, (gone, *differences(published.components, plan.components))
        case FurtherChanged(name, evidence):
            changed = Reason(Cause.OUTPUT_DRIFTED, name, evidence)
            return Sync.INVALID, (changed, *differences(published.components, plan.components))
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
            return Sync.UNKNOWN, (Reason(Cause.OUTPUT_CORRUPT, "", why.what, why.remedy),)
        case FurtherChanged(name, evidence):
            return Sync.INVALID, (Reason(Cause.OUTPUT_DRIFTED, name, evidence),)
        case OutputSeen():
            return Sync.UNKNOWN, (
                Reason(Cause.UNKNOWN_ORIGIN, "", "a result exists that rasreconcile did not produce"),
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
    if others := prepared_differences(published.components, plan.components):
        return Sync.STALE, others
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
    return Sync.INVALID, because(Cause.EXPECTATION_FAILED, verification.shortfalls)
