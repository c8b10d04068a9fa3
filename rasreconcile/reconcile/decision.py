"""The decision: what is said of every plan, and what is to be done now. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, Plan
from rasreconcile.reasons import BY_RETRY, Cause, Reason
from rasreconcile.reconcile.actions import Action, Recall, Reuse, Start, Upcoming, Verify, WriteReceipt
from rasreconcile.reconcile.adoption import found_result, may_be_adopted, with_unfit_file
from rasreconcile.reconcile.live_runs import follow, stray
from rasreconcile.reconcile.observed import Assessment, NoOutput, OutputSeen, Seen
from rasreconcile.reconcile.policy import (
    BackOff,
    Clear,
    OnHold,
    Policy,
    Quarantined,
    standing,
)
from rasreconcile.reconcile.schedule import Failing, Schedule, make_schedule
from rasreconcile.reconcile.selection import selected
from rasreconcile.reconcile.strictness import made_stale, strayed
from rasreconcile.reconcile.twins import has_twin, once_each
from rasreconcile.reconcile.upstream import after_upstream, hold_what_waits_for_the_held
from rasreconcile.reconcile.verdicts import (
    Obstacle,
    Phase,
    Sync,
    Verdict,
    compare,
    held,
    quarantined,
    stopped,
    tried_again,
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


def decide(plans: Sequence[Plan], seen: Seen, policy: Policy) -> Decision:
    """What to do now. Called again after everything that happens; remembers nothing between calls."""
    known = {plan.address: plan for plan in plans}
    judged = {plan.address: _judge(plan, seen, policy) for plan in plans}
    actions: list[Action] = [action for _, action in judged.values() if action is not None]
    verdicts = {address: verdict for address, (verdict, _) in judged.items()}

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
    kept = _wanted(plans, verdicts, seen, policy) | set(seen.live)
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
        verdicts[plan.address] = verdict = _may_start(plan, verdicts[plan.address], seen, policy)
        if verdict.phase is Phase.QUEUED and plan.address in chosen:
            due.append(plan)
    due = after_upstream(due, verdicts, seen, left_out=set(known) - chosen - set(seen.live))
    due, shared, twins = once_each(due, verdicts, seen, policy)
    actions += shared

    order = {plan.address: n for n, plan in enumerate(plans)}
    schedule = make_schedule(due, order, seen, policy, failing=_failing(plans, verdicts))
    verdicts |= {
        address: _apply(verdicts[address], schedule, address) for address in (p.address for p in due)
    }
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


def _judge(plan: Plan, seen: Seen, policy: Policy) -> tuple[Verdict, Action | None]:
    """Is the result what is wanted; and where no run is needed to make it so, what is."""
    address = plan.address
    output = seen.outputs.get(address, NoOutput())
    published = seen.published.get(address)
    receipt = seen.receipts.get(address)
    if address in seen.owned:
        return _owned(plan, seen), None
    if (
        published is None
        and receipt is not None
        and isinstance(output, OutputSeen)
        and output.digest == receipt.digest
    ):
        sync, reasons = compare(plan, output, receipt, None)
        # Of a live run it is that run's own: publication comes to its end, and is not written down twice.
        recall = None if address in seen.live else Recall(plan, receipt)
        return Verdict(address=address, sync=sync, reasons=reasons), recall
    sync, reasons = compare(plan, output, published, seen.verifications.get(address))
    if published is not None:
        sync, reasons = made_stale(sync, reasons, strayed(plan, published, seen.workers, policy))
    if published is None and isinstance(output, NoOutput) and address in seen.past:
        ended = seen.past[address]
        # A run that succeeded published its result: whoever removed it, `prune` or a person, it is gone.
        why = "its result was removed" if ended == "succeeded" else f"its last run: {ended}"
        reasons = (Reason(Cause.OUTPUT_MISSING, plan.output.name, why),)
    verdict = Verdict(address=address, sync=sync, reasons=reasons)
    idle = address not in seen.live and address not in seen.stuck
    to_verify = any(r.cause is Cause.EXPECTATION_CHANGED for r in reasons)
    if published and to_verify and idle:
        return verdict, Verify(plan, published)
    if published and idle and address in seen.unreceipted:
        return verdict, WriteReceipt(plan, published)
    return verdict, None


def _owned(plan: Plan, seen: Seen) -> Verdict:
    """Of a plan whose place is another's: nothing is written there, whatever a person asked for."""
    output, published = seen.outputs.get(plan.address, NoOutput()), seen.published.get(plan.address)
    sync, reasons = compare(plan, output, published, seen.verifications.get(plan.address))
    known = tuple(reason for reason in reasons if reason.cause is not Cause.UNKNOWN_ORIGIN)
    why = Reason(Cause.OTHER_OWNER, "", seen.owned[plan.address].what)
    return Verdict(address=plan.address, sync=sync, reasons=(*known, why))


def _may_start(plan: Plan, verdict: Verdict, seen: Seen, policy: Policy) -> Verdict:
    """The verdict with its phase, and with what is wrong with the file that exists where something else holds it."""
    return with_unfit_file(_phase(plan, verdict, seen, policy), seen.assessments.get(plan.address))


def _phase(plan: Plan, verdict: Verdict, seen: Seen, policy: Policy) -> Verdict:
    """The verdict with its phase: idle, queued, backoff, held or quarantined."""
    retried = plan.address in seen.retried
    if verdict.sync is Sync.CURRENT and not retried:
        return verdict
    if plan.address in seen.owned:
        # What is wrong stands among the reasons.
        return held(verdict, Obstacle.OTHER_OWNER, Trouble("", seen.owned[plan.address].remedy))
    if plan.address in seen.stuck and not retried:
        return held(verdict, Obstacle.NOT_PUBLISHED, tried_again(seen.stuck[plan.address]))
    attempts = seen.attempts.get(plan.address, ())
    assessment = seen.assessments.get(plan.address)
    # What stands in a preparation's place can only be its own product, whose record is lost: it is made anew.
    blocked = None if retried or attempts or plan.prepares else _held(verdict, assessment)
    if plan.stopped_by and not (blocked and may_be_adopted(verdict, assessment)):
        return stopped(verdict, plan.stopped_by)
    if blocked is not None:
        return blocked
    if retried:
        verdict = replace(verdict, reasons=(*verdict.reasons, BY_RETRY))
    match standing(attempts, seen.now, policy):
        case Clear() if plan.address in seen.unwritable:
            # What it computes could not be published: that is told before, and not after, hours of computing.
            return held(verdict, Obstacle.NOT_PUBLISHED, seen.unwritable[plan.address])
        case Clear():
            return replace(_with_failure(verdict, attempts), phase=Phase.QUEUED)
        case BackOff(until, why):
            return replace(verdict, phase=Phase.BACKOFF, next_at=until, note=why.what, remedy=why.remedy)
        case Quarantined(why, cause):
            return quarantined(verdict, cause, why)
        case OnHold(why, cause):
            return held(verdict, cause, why)


def _held(verdict: Verdict, assessment: Assessment | None) -> Verdict | None:
    """What a run must not, or cannot, put right without a person's word."""
    causes = {reason.cause for reason in verdict.reasons}
    if Cause.UNKNOWN_ORIGIN in causes:
        return found_result(verdict, assessment)
    if verdict.sync is Sync.UNKNOWN:
        return held(
            verdict, Obstacle.RESULT_UNREADABLE, Trouble("", "make the file readable, or move it away")
        )
    if causes == {Cause.EXPECTATION_FAILED}:
        same = Trouble(
            "recomputing the same inputs would give the same result", "change the inputs or the expectation"
        )
        return quarantined(verdict, Obstacle.EXPECTATION_FAILED, same)
    return None


def _wanted(
    plans: Sequence[Plan], verdicts: Mapping[Address, Verdict], seen: Seen, policy: Policy
) -> set[Address]:
    """The preparations that a plan which is to run waits for; what is current, or blocked, asks for none."""
    may_move = {Phase.QUEUED, Phase.BACKOFF}
    asking = [plan for plan in plans if plan.prepared_by and plan.address not in seen.live]
    return {
        plan.prepared_by
        for plan in asking
        if plan.prepared_by
        and not has_twin(plan, seen)
        and _may_start(plan, verdicts[plan.address], seen, policy).phase in may_move
    }


def _with_failure(verdict: Verdict, attempts: Sequence[Run]) -> Verdict:
    failure = attempts[-1].failure if attempts else None
    if failure is None:
        return verdict
    return replace(
        verdict, reasons=(*verdict.reasons, Reason(Cause.PREVIOUS_RUN_FAILED, "", failure.trouble.what))
    )


def _only_held_runs(seen: Seen) -> bool:
    return bool(seen.live) and all(live.held for live in seen.live.values())


def _failing(plans: Sequence[Plan], verdicts: Mapping[Address, Verdict]) -> Failing:
    count = sum(v.phase is Phase.QUARANTINED for v in verdicts.values())
    return Failing(count, sum(not plan.prepares for plan in plans))


def _apply(verdict: Verdict, schedule: Schedule, address: Address) -> Verdict:
    if address in schedule.held:
        return held(verdict, schedule.held_by, schedule.held[address])
    if verdict.note:
        return verdict
    starting = next((p for p in schedule.placed if p.address == address), None)
    if starting:
        return replace(verdict, note=f"starts on {starting.worker}")
    return replace(verdict, note=schedule.waiting, next_at=schedule.next_at)
