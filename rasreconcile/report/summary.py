"""The closing lines of an apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from rasreconcile.jobs import RunId
from rasreconcile.plans import is_preparation
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.verdicts import Phase, Sync
from rasreconcile.runs import Run

_DONE = ("succeeded", "copied", "verified", "recalled", "failed", "lost", "cancelled")


class ApplyOutcome(Protocol):
    """What is told of an apply that has ended."""

    @property
    def decision(self) -> Decision: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def live(self) -> Sequence[Run]: ...
    @property
    def kept(self) -> Collection[RunId]: ...


def lines(name: str, outcome: ApplyOutcome) -> Iterator[str]:
    """What was done, what stands in the way by cause, what goes on."""
    verdicts = [v for v in outcome.decision.verdicts if not is_preparation(v.address)]
    started = outcome.counts.get("started", 0)
    did = [f"{outcome.counts[kind]} {kind}" for kind in _DONE if outcome.counts.get(kind)]
    current = sum(v.sync is Sync.CURRENT for v in verdicts)
    if not started and not did and current == len(verdicts):
        yield f"{name}: nothing to do, all {len(verdicts)} plans are current."
        return
    yield f"{name}: {started} started{''.join(', ' + d for d in did)}; {current} of {len(verdicts)} plans are current."
    blocked = Counter(v.note for v in outcome.decision.verdicts if v.phase in {Phase.QUARANTINED, Phase.HELD})
    for note, count in blocked.most_common(10):
        yield f"  {count} x {note}"
    going = [run for run in outcome.live if run.id not in outcome.kept]
    if going:
        yield f"{len(going)} runs go on; apply again, or `status`, finds them."
    if len(going) < len(outcome.live):
        yield f"{len(outcome.live) - len(going)} runs have ended and are kept; apply again publishes their results."
