"""The decision: what is said of every plan, and what is to be done now. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.actions import Action, Recall, Reuse, Start, Upcoming, Verify, WriteReceipt
from rasreconcile.reconcile.judgement import Judgement, Judgements
from rasreconcile.reconcile.live_runs import follow, stray
from rasreconcile.reconcile.observed import Seen
from rasreconcile.reconcile.policy import (
    Policy,
)
from rasreconcile.reconcile.schedule import Failing, Schedule, make_schedule
from rasreconcile.reconcile.selection import selected
from rasreconcile.reconcile.twins import has_twin, once_each
from rasreconcile.reconcile.upstream import after_upstream, hold_what_waits_for_the_held
from rasreconcile.reconcile.verdicts import (
    Obstacle,
    Phase,
    Sync,
    Verdict,
    held,
)
from rasreconcile.runs import Run


class Health(StrEnum):
    """The whole, in a word."""

    HEALTHY = "healthy"
    PROGRESSING = "progressing"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is so, and what to do about it."""

    verdicts: tuple[Verdict, ...]
    """One a plan, in the order of the spec; of the plans that the user named, where he named some."""
    actions: tuple[Action, ...]
    strays: tuple[Run, ...]
    """Live runs of plans that the spec no longer names."""
    next_at: datetime | None
    """When something becomes possible that is not possible now."""
    upcoming: tuple[Upcoming, ...] = ()
    """What would start next: its inputs may travel ahead. No promise."""
    twins: Mapping[Address, Address] = field(default_factory=dict)
    """Plans that wait for the result of another plan with the same inputs, which is copied; and that other plan."""
    others: tuple[Verdict, ...] = ()
    """Of the plans that the user did not name: nothing is done about them."""

    @property
    def copied(self) -> frozenset[Address]:
        """Plans that wait for a run no longer than it takes to copy a result: now, or when their twin has one."""
        return frozenset(self.twins) | {a.plan.address for a in self.actions if isinstance(a, Reuse)}

    @property
    def health(self) -> Health:
        moving = {Phase.RUNNING, Phase.QUEUED, Phase.BACKOFF}
        if self.actions or any(v.phase in moving for v in self.verdicts):
            return Health.PROGRESSING
        if all(v.sync is Sync.CURRENT for v in self.verdicts):
            return Health.HEALTHY
        return Health.STALLED


def decide(
    plans: Sequence[Plan], seen: Seen, policy: Policy, judgements: Judgements | None = None
) -> Decision:
    """What to do now. Called again after everything that happens.

    `judgements`: of the last call, so that only plans of which something is different are judged; without it every
    plan is, and the decision is the same.
    """
    known = {plan.address: plan for plan in plans}
    judged = (judgements or Judgements()).of(plans, seen, policy)
    actions: list[Action] = [one.action for one in judged.values() if one.action is not None]
    verdicts = {address: one.verdict for address, one in judged.items()}

    strays = []
    for address, live in seen.live.items():
        if address in known:
            verdicts[address], action = follow(verdicts[address], live, known[address], seen, policy)
        else:
            strays.append(live.run)
            action = stray(live, seen)
        if action is not None:
            actions.append(action)

    chosen = selected(seen.selection, plans)
    kept = _wanted(plans, judged, seen, policy) | set(seen.live)
    unasked = {plan.address for plan in plans if plan.prepares and plan.address not in kept}
    plans = [plan for plan in plans if plan.address not in unasked]
    settling = Verify | Recall | WriteReceipt
    may_settle = chosen - unasked
    actions = [a for a in actions if not (isinstance(a, settling) and a.plan.address not in may_settle)]
    settled = {action.plan.address for action in actions if isinstance(action, Verify | Recall)}
    busy = settled | set(seen.live)
    waiting = [plan for plan in plans if plan.address not in busy]
    due = []
    for plan in waiting:
        verdicts[plan.address] = verdict = judged[plan.address].started(plan, seen, policy)
        if verdict.phase is Phase.QUEUED and plan.address in chosen:
            due.append(plan)
    due = after_upstream(due, verdicts, seen, left_out=set(known) - chosen - set(seen.live))
    due, shared, twins = once_each(due, verdicts, seen, policy)
    actions += shared

    order = {plan.address: n for n, plan in enumerate(plans)}
    schedule = make_schedule(due, order, seen, policy, failing=_failing(plans, verdicts))
    starting = {placed.address: placed.worker for placed in schedule.placed}
    for plan in due:
        verdict, judgement = verdicts[plan.address], judged[plan.address]
        verdicts[plan.address] = _with_place(verdict, judgement, schedule, starting.get(plan.address))
    if _only_held_runs(seen) and not schedule.placed and not schedule.opens and not actions:
        # Slots that only a person can free: to wait for them would be to wait for ever.
        full = Trouble("waiting for a slot; every slot is taken by a held run", "resolve those first")
        queued = (p.address for p in due if verdicts[p.address].phase is Phase.QUEUED)
        verdicts |= {address: held(verdicts[address], Obstacle.SLOTS_HELD, full) for address in queued}
    for address, first in twins.items():
        # A plan that computes may have left the spec, or have another name there, since it was started.
        if first in verdicts and verdicts[first].phase is Phase.HELD:
            twin = Trouble(f"has the same inputs as {first}, which is held", "resolve that first")
            verdicts[address] = held(verdicts[address], Obstacle.TWIN_BLOCKED, twin)
    hold_what_waits_for_the_held(plans, verdicts)
    actions += [
        Start(known[p.address], p.worker, p.slot, p.cores, verdicts[p.address].reasons)
        for p in schedule.placed
    ]
    times = [v.next_at for v in verdicts.values() if v.next_at] + list(schedule.opens)
    return Decision(
        tuple(verdicts[plan.address] for plan in plans if plan.address in chosen),
        tuple(actions),
        tuple(strays),
        min(times, default=None),
        tuple(Upcoming(known[p.address], p.worker, p.cores) for p in schedule.upcoming),
        {a: first for a, first in twins.items() if verdicts[a].phase is Phase.QUEUED},
        tuple(verdicts[plan.address] for plan in plans if plan.address not in chosen),
    )


def _wanted(
    plans: Sequence[Plan], judged: Mapping[Address, Judgement], seen: Seen, policy: Policy
) -> set[Address]:
    """The preparations that a plan which is to run waits for; what is current, or blocked, asks for none."""
    may_move = {Phase.QUEUED, Phase.BACKOFF}
    asking = [plan for plan in plans if plan.prepared_by and plan.address not in seen.live]
    return {
        plan.prepared_by
        for plan in asking
        if plan.prepared_by
        and not has_twin(plan, seen)
        and judged[plan.address].started(plan, seen, policy).phase in may_move
    }


def _only_held_runs(seen: Seen) -> bool:
    return bool(seen.live) and all(live.held for live in seen.live.values())


def _failing(plans: Sequence[Plan], verdicts: Mapping[Address, Verdict]) -> Failing:
    count = sum(v.phase is Phase.QUARANTINED for v in verdicts.values())
    return Failing(count, sum(not plan.prepares for plan in plans))


def _with_place(verdict: Verdict, judgement: Judgement, schedule: Schedule, worker: str | None) -> Verdict:
    """`worker`: where it starts; None: nowhere yet."""
    if verdict.address in schedule.held:
        return held(verdict, schedule.held_by, schedule.held[verdict.address])
    if verdict.note:
        return verdict
    if worker is not None:
        return replace(verdict, note=f"starts on {worker}")
    return judgement.waiting(verdict, schedule.waiting, schedule.next_at)
