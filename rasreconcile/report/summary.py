"""The closing lines of an apply."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from rasreconcile.jobs import RunId
from rasreconcile.plans import is_preparation
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.verdicts import Phase, Sync, Verdict
from rasreconcile.report.text import many
from rasreconcile.runs import Run

_DONE = (
    "collected",
    "succeeded",
    "copied",
    "verified",
    "recalled",
    "restored",
    "failed",
    "lost",
    "cancelled",
)
_MOST_CAUSES = 10


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
        all_of_them = "the only plan is" if len(verdicts) == 1 else f"all {len(verdicts)} plans are"
        yield f"{name}: nothing to do, {all_of_them} current."
        return
    yield (
        f"{name}: {started} started{''.join(', ' + d for d in did)}; {current} of {many(len(verdicts), 'plan')} "
        f"{'is' if len(verdicts) == 1 else 'are'} current."
    )
    yield from _blocked(outcome.decision.verdicts)
    going = [run for run in outcome.live if run.id not in outcome.kept]
    if going:
        yield f"{many(len(going), 'run')} still running; `status` shows them, `apply` collects them."
    waiting = sum(v.phase in {Phase.QUEUED, Phase.BACKOFF} for v in outcome.decision.verdicts)
    if waiting:
        yield f"{many(waiting, 'plan')} {'waits' if waiting == 1 else 'wait'} for the next `apply`."
    kept = len(outcome.live) - len(going)
    if kept:
        have, their = (
            ("has ended and is", "its result") if kept == 1 else ("have ended and are", "their results")
        )
        yield f"{many(kept, 'run')} {have} kept; `apply` publishes {their}."


def _blocked(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """One line for each cause, the most frequent first: how many plans it blocks, and what is said of the first."""
    groups: dict[object, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.phase in {Phase.QUARANTINED, Phase.HELD}:
            groups.setdefault((verdict.phase, verdict.obstacle), []).append(verdict)
    for group in sorted(groups.values(), key=len, reverse=True)[:_MOST_CAUSES]:
        first = group[0]
        if all(verdict.outlook == first.outlook for verdict in group):
            yield f"  {len(group)} x {first.outlook}"
        else:
            yield f"  {len(group)} x {first.obstacle}; the first is {first.address}: {first.outlook}"
