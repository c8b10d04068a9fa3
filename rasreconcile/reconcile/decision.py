"""The decision: what is said of every plan, and what is to be done now. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.actions import Action, Recall, Reuse, Start, Upcoming, Verify
from rasreconcile.reconcile.adoption import found_result, may_be_adopted
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
from rasreconcile.reconcile.reasons import Cause, Reason
from rasreconcile.reconcile.scheduling import Failing, Schedule, make_schedule
from rasreconcile.reconcile.strictness import made_stale, strayed
from rasreconcile.reconcile.verdicts import Phase, Sync, Verdict, compare
from rasreconcile.records import Published
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
    """One a plan, in the order of the spec."""
    actions: tuple[Action, ...]
    strays: tuple[Run, ...]
    """Live runs of plans that the spec no longer names."""
    next_at: datetime | None
    """When something becomes possible that is not possible now."""
    upcoming: tuple[Upcoming, ...] = ()
    """What would start next: its inputs may travel ahead. No promise."""

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

    kept = _wanted(plans, verdicts, seen, policy) | set(seen.live)
    unasked = {plan.address for plan in plans if plan.prepares and plan.address not in kept}
    plans = [plan for plan in plans if plan.address not in unasked]
    actions = [a for a in actions if not (isinstance(a, Verify | Recall) and a.plan.address in unasked)]
    settled = {action.plan.address for action in actions if isinstance(action, Verify | Recall)}
    waiting = [plan for plan in plans if plan.address not in seen.live and plan.address not in settled]
    due = []
    for plan in waiting:
        verdicts[plan.address] = verdict = _may_start(plan, verdicts[plan.address], seen, policy)
        if verdict.phase is Phase.QUEUED:
            due.append(plan)
    due = _after_upstream(due, verdicts, seen)
    due, shared, twins = _once_each(due, verdicts, seen, policy)
    actions += shared

    order = {plan.address: n for n, plan in enumerate(plans)}
    schedule = make_schedule(due, order, seen, policy, failing=_failing(plans, verdicts))
    verdicts |= {
        address: _apply(verdicts[address], schedule, address) for address in (p.address for p in due)
    }
    if _only_held_runs(seen) and not schedule.placed and not schedule.opens and not actions:
        # Slots that only a person can free: to wait for them would be to wait for ever.
        note = "waits for a slot, and every run that has one is held; put that right first"
        queued = (p.address for p in due if verdicts[p.address].phase is Phase.QUEUED)
        verdicts |= {address: replace(verdicts[address], phase=Phase.HELD, note=note) for address in queued}
    for address, first in twins.items():
        if verdicts[first].phase is Phase.HELD:
            note = f"has the same inputs as {first}, which is held; put that right first"
            verdicts[address] = replace(verdicts[address], phase=Phase.HELD, note=note)
    _hold_what_waits_for_the_held(plans, verdicts)
    actions += [
        Start(known[p.address], p.worker, p.slot, p.cores, _why(verdicts[p.address])) for p in schedule.placed
    ]
    times = [v.next_at for v in verdicts.values() if v.next_at] + list(schedule.opens)
    return Decision(
        tuple(verdicts[plan.address] for plan in plans),
        tuple(actions),
        tuple(strays),
        min(times, default=None),
        tuple(Upcoming(known[p.address], p.worker, p.cores) for p in schedule.upcoming),
    )


def _judge(plan: Plan, seen: Seen, policy: Policy) -> tuple[Verdict, Action | None]:
    """Is the result what is wanted; and where no run is needed to make it so, what is."""
    address = plan.address
    output = seen.outputs.get(address, NoOutput())
    published = seen.published.get(address)
    receipt = seen.receipts.get(address)
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
    verdict = Verdict(address=address, sync=sync, reasons=reasons)
    to_verify = any(r.cause is Cause.EXPECTATION_CHANGED for r in reasons)
    if published and to_verify and address not in seen.live and address not in seen.stuck:
        return verdict, Verify(plan, published)
    return verdict, None


def _may_start(plan: Plan, verdict: Verdict, seen: Seen, policy: Policy) -> Verdict:
    """The verdict with its phase: idle, queued, backoff, held or quarantined."""
    retried = plan.address in seen.retried
    if verdict.sync is Sync.CURRENT and not retried:
        return verdict
    if plan.address in seen.stuck and not retried:
        note = f"{seen.stuck[plan.address]}; tried again while `apply` goes on, and by the next one"
        return replace(verdict, phase=Phase.HELD, note=note)
    attempts = seen.attempts.get(plan.address, ())
    assessment = seen.assessments.get(plan.address)
    # What stands in a preparation's place can only be its own product, whose record is lost: it is made anew.
    held = None if retried or attempts or plan.prepares else _held(verdict, assessment)
    if plan.stopped_by and not (held and may_be_adopted(verdict, assessment)):
        return replace(verdict, phase=Phase.HELD, note="; ".join(plan.stopped_by))
    if held is not None:
        return held
    if retried:
        verdict = replace(verdict, reasons=(*verdict.reasons, Reason(Cause.REQUESTED, "", "by `retry`")))
    match standing(attempts, seen.now, policy):
        case Clear():
            return replace(_with_failure(verdict, attempts), phase=Phase.QUEUED)
        case BackOff(until, why):
            return replace(verdict, phase=Phase.BACKOFF, next_at=until, note=why)
        case Quarantined(why):
            return replace(verdict, phase=Phase.QUARANTINED, note=why)
        case OnHold(why):
            return replace(verdict, phase=Phase.HELD, note=why)


def _held(verdict: Verdict, assessment: Assessment | None) -> Verdict | None:
    """What a run must not, or cannot, put right without a person's word."""
    causes = {reason.cause for reason in verdict.reasons}
    if Cause.UNKNOWN_ORIGIN in causes:
        return found_result(verdict, assessment)
    if verdict.sync is Sync.UNKNOWN:
        return replace(verdict, phase=Phase.HELD, note="make the file readable, or move it away")
    if causes == {Cause.EXPECTATION_FAILED}:
        note = "computing the same inputs again would give the same; change the inputs or the expectation"
        return replace(verdict, phase=Phase.QUARANTINED, note=note)
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
        and not _has_twin(plan, seen)
        and _may_start(plan, verdicts[plan.address], seen, policy).phase in may_move
    }


def _with_failure(verdict: Verdict, attempts: Sequence[Run]) -> Verdict:
    failure = attempts[-1].failure if attempts else None
    if failure is None:
        return verdict
    return replace(
        verdict, reasons=(*verdict.reasons, Reason(Cause.PREVIOUS_RUN_FAILED, "", failure.message))
    )


def _after_upstream(due: Sequence[Plan], verdicts: dict[Address, Verdict], seen: Seen) -> list[Plan]:
    """The due plans whose needs are met; the others wait, or are held where waiting would not help."""
    ready = []
    for plan in due:
        unmet = [need for need in plan.needs if verdicts[need].sync is not Sync.CURRENT]
        if _has_twin(plan, seen):
            unmet = [need for need in unmet if need != plan.prepared_by]
        if stuck := _stuck(plan, verdicts):
            verdicts[plan.address] = stuck
        elif unmet:
            verdicts[plan.address] = replace(verdicts[plan.address], note=f"waits for {unmet[0]}")
        else:
            ready.append(plan)
    return ready


def _stuck(plan: Plan, verdicts: Mapping[Address, Verdict]) -> Verdict | None:
    """The plan's verdict where waiting for what it needs would not help."""
    blocked = {Phase.HELD, Phase.QUARANTINED}
    unmet = [verdicts[need] for need in plan.needs if verdicts[need].sync is not Sync.CURRENT]
    first = next((need for need in unmet if need.phase in blocked), None)
    if first is None:
        return None
    note = f"needs {first.address}, which is {first.phase}; put that right first"
    if first.address == plan.prepared_by:
        note = f"it is not prepared for the Linux solvers: {first.note} (`logs {first.address}`)"
    return replace(verdicts[plan.address], phase=Phase.HELD, note=note)


def _hold_what_waits_for_the_held(plans: Sequence[Plan], verdicts: dict[Address, Verdict]) -> None:
    """Placement holds plans too, after those that need them were told to wait; and those may be needed by others."""
    waiting = [plan for plan in plans if plan.needs]
    moved = True
    while moved:
        moved = False
        for plan in waiting:
            if verdicts[plan.address].phase is not Phase.QUEUED:
                continue
            if stuck := _stuck(plan, verdicts):
                verdicts[plan.address] = stuck
                moved = True


def _once_each(
    due: Sequence[Plan], verdicts: dict[Address, Verdict], seen: Seen, policy: Policy
) -> tuple[list[Plan], list[Action], Mapping[Address, Address]]:
    """Two plans with one fingerprint compute once: copy what is there, wait for what is on its way.

    Who computes, the copies, and who waits for whom.
    """
    computing: dict[str, Address] = {live.run.fingerprint: address for address, live in seen.live.items()}
    alone: list[Plan] = []
    shared: list[Action] = []
    twins: dict[Address, Address] = {}
    for plan in due:
        source = seen.intact.get(plan.fingerprint)
        if source is not None and strayed(plan, source, seen.workers, policy):
            source = None
        if source is not None and _has_twin(plan, seen):
            shortfalls = _known_short(plan, source, seen)
            if shortfalls:
                verdicts[plan.address] = _short(verdicts[plan.address], source, shortfalls)
                continue
            shared.append(Reuse(plan, source))
            note = f"has the same inputs as {source.address}: its result is copied"
        elif plan.fingerprint in computing:
            twins[plan.address] = computing[plan.fingerprint]
            note = f"has the same inputs as {computing[plan.fingerprint]}, which computes"
        else:
            computing[plan.fingerprint] = plan.address
            alone.append(plan)
            continue
        verdicts[plan.address] = replace(verdicts[plan.address], note=note)
    return alone, shared, twins


def _has_twin(plan: Plan, seen: Seen) -> bool:
    """Whether a plan with the same inputs has a good result, which is copied."""
    return plan.fingerprint in seen.intact and plan.address not in seen.retried | seen.uncopied


def _known_short(plan: Plan, source: Published, seen: Seen) -> tuple[str, ...]:
    """What the source's result is known to lack of what this plan expects."""
    known = seen.verifications.get(plan.address)
    if known is None or known.output_digest != source.digest:
        return ()
    return known.shortfalls if known.expectation_digest == plan.expectation_digest else ()


def _short(verdict: Verdict, source: Published, shortfalls: Sequence[str]) -> Verdict:
    reasons = tuple(Reason(Cause.EXPECTATION_FAILED, "", shortfall) for shortfall in shortfalls)
    note = (
        f"{source.address} computed the same inputs, and its result falls short; change inputs or expectation"
    )
    return replace(verdict, phase=Phase.QUARANTINED, reasons=(*verdict.reasons, *reasons), note=note)


def _only_held_runs(seen: Seen) -> bool:
    return bool(seen.live) and all(live.held for live in seen.live.values())


def _failing(plans: Sequence[Plan], verdicts: Mapping[Address, Verdict]) -> Failing:
    count = sum(v.phase is Phase.QUARANTINED for v in verdicts.values())
    return Failing(count, sum(not plan.prepares for plan in plans))


def _apply(verdict: Verdict, schedule: Schedule, address: Address) -> Verdict:
    if address in schedule.held:
        return replace(verdict, phase=Phase.HELD, note=schedule.held[address])
    if verdict.note:
        return verdict
    starting = next((p for p in schedule.placed if p.address == address), None)
    if starting:
        return replace(verdict, note=f"starts on {starting.worker}")
    return replace(verdict, note=schedule.waiting, next_at=schedule.next_at)


def _why(verdict: Verdict) -> str:
    return "; ".join(str(reason) for reason in verdict.reasons)
