"""One plan, by its own facts: is its result what is wanted, what makes it so, and may a run of it start. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, Plan
from rasreconcile.reasons import BY_RETRY, Cause, Reason
from rasreconcile.reconcile.actions import Action, Recall, Verify, WriteReceipt
from rasreconcile.reconcile.adoption import found_result, may_be_adopted, with_unfit_file
from rasreconcile.reconcile.observed import Assessment, NoOutput, OutputSeen, Seen
from rasreconcile.reconcile.policy import BackOff, Clear, OnHold, Policy, Quarantined, standing
from rasreconcile.reconcile.strictness import made_stale, strayed
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


@dataclass(slots=True)
class Judgement:
    """What the facts of one plan come to."""

    facts: tuple[object, ...]
    verdict: Verdict
    action: Action | None
    """What makes its result current without a run."""
    _started: Verdict | None = None
    _waiting: Verdict | None = None

    def started(self, plan: Plan, seen: Seen, policy: Policy) -> Verdict:
        """The verdict with its phase, were a run of it to start now."""
        if self._started is not None:
            return self._started
        verdict = _may_start(plan, self.verdict, seen, policy)
        if not seen.attempts.get(plan.address):
            # Only after failures does it depend on the time.
            self._started = verdict
        return verdict

    def waiting(self, verdict: Verdict, note: str, next_at: datetime | None) -> Verdict:
        """The verdict of one that waits, and for what."""
        known = self._waiting
        if known is None or verdict is not self._started or (known.note, known.next_at) != (note, next_at):
            known = replace(verdict, note=note, next_at=next_at)
            self._waiting = known if verdict is self._started else None
        return known


@dataclass(slots=True)
class Judgements:
    """Of the last decision: a plan whose facts are the same is not judged again. Nothing depends on it but time."""

    _known: dict[Address, Judgement] = field(default_factory=dict)
    _rules: object = None

    def of(self, plans: Iterable[Plan], seen: Seen, policy: Policy) -> Mapping[Address, Judgement]:
        """By plan."""
        rules = _rules(seen, policy)
        known = self._known if rules == self._rules else {}
        self._known, self._rules = {plan.address: _judged(plan, seen, policy, known) for plan in plans}, rules
        return self._known


def _rules(seen: Seen, policy: Policy) -> object:
    """What a judgement rests on beside the facts of its plan."""
    strict = policy.strict_platform or policy.strict_cores
    workers = [(w.name, w.platform, w.cores_per_plan, w.cores_total) for w in seen.workers if strict]
    return policy, workers


def _judged(plan: Plan, seen: Seen, policy: Policy, known: Mapping[Address, Judgement]) -> Judgement:
    address = plan.address
    facts = (
        plan,
        seen.outputs.get(address),
        seen.published.get(address),
        seen.receipts.get(address),
        seen.owned.get(address),
        seen.unwritable.get(address),
        seen.verifications.get(address),
        seen.assessments.get(address),
        seen.attempts.get(address),
        seen.past.get(address),
        seen.stuck.get(address),
        address in seen.live,
        address in seen.unreceipted,
        address in seen.retried,
    )
    last = known.get(address)
    if last is not None and last.facts == facts:
        # The newest objects: the next comparison is then by identity.
        last.facts = facts
        return last
    return Judgement(facts, *_judge(plan, seen, policy))


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


def _with_failure(verdict: Verdict, attempts: Sequence[Run]) -> Verdict:
    failure = attempts[-1].failure if attempts else None
    if failure is None:
        return verdict
    return replace(
        verdict, reasons=(*verdict.reasons, Reason(Cause.PREVIOUS_RUN_FAILED, "", failure.trouble.what))
    )
