"""Why a plan is not current: an enumerated cause with its evidence. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rasreconcile.errors import Trouble
from rasreconcile.plans import MISSING, Component, prepared_of, without_prepared


class Cause(StrEnum):
    """Every cause there is; the same words in output, events and docs."""

    NEVER_RUN = "never-run"
    OUTPUT_MISSING = "output-missing"
    OUTPUT_CORRUPT = "output-corrupt"
    OUTPUT_DRIFTED = "output-drifted"
    INPUT_CHANGED = "input-changed"
    INPUT_ADDED = "input-added"
    INPUT_REMOVED = "input-removed"
    INPUT_UNREADABLE = "input-unreadable"
    SPEC_CHANGED = "spec-changed"
    ENGINE_CHANGED = "engine-changed"
    UPSTREAM_CHANGED = "upstream-changed"
    PLATFORM_CHANGED = "platform-changed"
    CORES_CHANGED = "cores-changed"
    EXPECTATION_FAILED = "expectation-failed"
    EXPECTATION_CHANGED = "expectation-changed"
    INPUTS_CHANGED_DURING_RUN = "inputs-changed-during-run"
    PREVIOUS_RUN_FAILED = "previous-run-failed"
    REQUESTED = "requested"
    ADOPTED_UNVERIFIED = "adopted-unverified"
    UNKNOWN_ORIGIN = "unknown-origin"
    OTHER_OWNER = "other-owner"
    """The receipt at its place names another spec, or another plan."""
    SUSPICIOUS = "suspicious"
    """Speaks against adopting a result of unknown origin unseen."""
    UNFIT = "unfit"
    """Keeps a result of unknown origin from being adopted."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause, what it is about (a file, a key of the spec), the evidence in words, and what to do about it."""

    cause: Cause
    subject: str = ""
    evidence: str = ""
    remedy: str = ""
    """Empty: nothing of its own."""

    def __str__(self) -> str:
        about = f" {self.subject}" if self.subject else ""
        told = f": {Trouble(self.evidence, self.remedy)}" if self.evidence else ""
        return f"{self.cause}{about}{told}"


BY_RETRY = Reason(Cause.REQUESTED, "", "by `retry`")


def because(cause: Cause, troubles: Iterable[Trouble]) -> tuple[Reason, ...]:
    """A reason for each."""
    return tuple(Reason(cause, "", trouble.what, trouble.remedy) for trouble in troubles)


def in_words(reasons: Iterable[Reason]) -> str:
    """All of them in one line."""
    return "; ".join(map(str, reasons))


_CHANGED = {
    "input": Cause.INPUT_CHANGED,
    "spec": Cause.SPEC_CHANGED,
    "engine": Cause.ENGINE_CHANGED,
    "upstream": Cause.UPSTREAM_CHANGED,
    "salt": Cause.SPEC_CHANGED,
}


def differences(old: Iterable[Component], new: Sequence[Component]) -> tuple[Reason, ...]:
    """One reason for each component that differs, in the order of `new`, then what is gone."""
    old = tuple(old)
    before = {c.name: c for c in without_prepared(old)}
    after = {c.name for c in new}
    reasons = [
        _changed(before.get(component.name), component)
        for component in without_prepared(new)
        if before.get(component.name) is None or before[component.name].digest != component.digest
    ]
    reasons += [_gone(component) for name, component in before.items() if name not in after]
    return (*reasons, *prepared_differences(old, new))


def prepared_differences(old: Iterable[Component], new: Iterable[Component]) -> tuple[Reason, ...]:
    """The prepared files that a result was made from and that are others now.

    One that is gone since, or that it was not made from, says nothing of the result.
    """
    before = {c.name: c for c in prepared_of(old)}
    return tuple(
        Reason(Cause.INPUT_CHANGED, now.subject, f"prepared, {was.digest[:12]} -> {now.digest[:12]}")
        for now in prepared_of(new)
        if (was := before.get(now.name)) is not None and was.digest != now.digest
    )


def _changed(old: Component | None, new: Component) -> Reason:
    subject = new.subject or new.sort
    if new.sort == "input":
        if new.digest == MISSING:
            return Reason(Cause.INPUT_UNREADABLE, subject, "it is missing, or cannot be read")
        if old is None:
            return Reason(Cause.INPUT_ADDED, subject)
        if old.digest == MISSING:
            return Reason(Cause.INPUT_ADDED, subject, "was missing before")
        return Reason(Cause.INPUT_CHANGED, subject, f"{old.digest[:12]} -> {new.digest[:12]}")
    was = (old.value or old.digest[:12]) if old else "not set"
    return Reason(
        _CHANGED.get(new.sort, Cause.SPEC_CHANGED), subject, f"{was} -> {new.value or new.digest[:12]}"
    )


def _gone(old: Component) -> Reason:
    subject = old.subject or old.sort
    if old.sort == "input":
        return Reason(Cause.INPUT_REMOVED, subject)
    cause = _CHANGED.get(old.sort, Cause.SPEC_CHANGED)
    return Reason(cause, subject, f"{old.value or old.digest[:12]} -> not set")
