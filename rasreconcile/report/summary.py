"""The closing lines of an apply."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rasreconcile.failures import FailureCause
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, is_preparation
from rasreconcile.reconcile.alike import blocked_alike, said_of
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.verdicts import Phase, Sync, Verdict
from rasreconcile.report.costs import NO_PRICES, Prices, cost_lines
from rasreconcile.report.text import Place, many
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
_MOST_NAMED = 3


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
    @property
    def failed(self) -> Mapping[Address, Run]: ...
    @property
    def paid(self) -> Sequence[Run]: ...


Where = Callable[[Run], str | None]
"""Where the files of a run are; None: nobody knows."""


def lines(
    name: str, outcome: ApplyOutcome, where: Where = lambda run: None, prices: Prices = NO_PRICES
) -> Iterator[str]:
    """What was done, what stands in the way by cause, what goes on. `name`: of the spec, as the user gave it."""
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
    yield from _blocked(name, outcome, where)
    yield from cost_lines(outcome.paid, prices)
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


@dataclass(frozen=True, slots=True)
class _Group:
    """Plans that are blocked alike."""

    plans: Sequence[Verdict]
    run: Run | None
    """The last failed run of the first of them, whose files are kept."""

    @property
    def failed(self) -> bool:
        """Whether runs of theirs were the cause, so that a `retry` tries again."""
        return isinstance(self.plans[0].obstacle, FailureCause)

    @property
    def what(self) -> str:
        first = self.plans[0]
        if not self.failed:
            return said_of(first)
        return str(self.run.failure.trouble) if self.run and self.run.failure else str(first.obstacle)


def _blocked(name: str, outcome: ApplyOutcome, where: Where) -> Iterator[str]:
    """One line with one command for plans that are blocked alike, and where the files of the first are."""
    groups = [
        _Group(group, outcome.failed.get(group[0].address))
        for group in blocked_alike(outcome.decision.verdicts)
    ]
    spec, kept = shlex.quote(name), False
    for group in groups[:_MOST_CAUSES]:
        named = f"; {_named(group.plans)}" if len(group.plans) > 1 or group.failed else ""
        again = f"; once fixed: `rasreconcile retry {spec} {_meant(group, groups)}`" if group.failed else ""
        yield f"  {len(group.plans)} x {group.what}{named}{again}"
        if group.run is not None and (place := where(group.run)):
            kept = True
            yield Place(f"      files of {group.run.address}: {place}")
    if more := groups[_MOST_CAUSES:]:
        plans = many(sum(len(group.plans) for group in more), "plan")
        yield f"  and {many(len(more), 'more cause')}, {plans}; `rasreconcile status {spec}` lists them"
    if kept:
        yield f"  `rasreconcile logs {spec} PLAN --fetch DIR` copies the files of a failed run here."


def _meant(group: _Group, groups: Sequence[_Group]) -> str:
    """How `retry` is told which plans."""
    first = shlex.quote(group.plans[0].address)
    if len(group.plans) == 1:
        return first
    return "--failed" if len(groups) == 1 else f"--like {first}"


def _named(plans: Sequence[Verdict]) -> str:
    more = len(plans) - _MOST_NAMED
    return ", ".join(v.address for v in plans[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
