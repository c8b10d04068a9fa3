"""Plans with the same inputs: one computes, the others copy its result. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, Plan, prepared_of
from rasreconcile.reasons import Cause, because, prepared_differences
from rasreconcile.reconcile.actions import Action, Reuse
from rasreconcile.reconcile.observed import Seen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.strictness import strayed
from rasreconcile.reconcile.verdicts import Obstacle, Verdict, quarantined
from rasreconcile.records import Published


def once_each(
    due: Sequence[Plan], verdicts: dict[Address, Verdict], seen: Seen, policy: Policy
) -> tuple[list[Plan], list[Action], Mapping[Address, Address]]:
    """Two plans with one fingerprint compute once: copy what is there, wait for what is on its way.

    Who computes, the copies, and who waits for whom.
    """
    live = {live.run.fingerprint: address for address, live in seen.live.items()}
    computing: dict[str, list[Plan]] = {}
    alone: list[Plan] = []
    shared: list[Action] = []
    twins: dict[Address, Address] = {}
    for plan in due:
        source = _twin(plan, seen)
        if source is not None and strayed(plan, source, seen.workers, policy):
            source = None
        if source is not None:
            shortfalls = _known_short(plan, source, seen)
            if shortfalls:
                verdicts[plan.address] = _short(verdicts[plan.address], source, shortfalls)
                continue
            shared.append(Reuse(plan, source))
            note = f"has the same inputs as {source.address}: its result is copied"
        elif first := live.get(plan.fingerprint) or _alike(plan, computing.get(plan.fingerprint)):
            twins[plan.address] = first
            note = f"has the same inputs as {first}, which computes"
        else:
            computing.setdefault(plan.fingerprint, []).append(plan)
            alone.append(plan)
            continue
        verdicts[plan.address] = replace(verdicts[plan.address], note=note)
    return alone, shared, twins


def _alike(plan: Plan, computing: Sequence[Plan] | None) -> Address | None:
    """Of plans with its fingerprint, which does not know what lies prepared beside them: the first with the same."""
    if computing is None:
        return None
    mine = prepared_of(plan.components)
    return next((other.address for other in computing if prepared_of(other.components) == mine), None)


def has_twin(plan: Plan, seen: Seen) -> bool:
    """Whether a plan with the same inputs has a good result, which is copied."""
    return _twin(plan, seen) is not None


def _twin(plan: Plan, seen: Seen) -> Published | None:
    source = seen.intact.get(plan.fingerprint)
    if source is None or plan.address in seen.retried or plan.address in seen.uncopied:
        return None
    # Made from other prepared files than lie beside this plan.
    return None if prepared_differences(source.components, plan.components) else source


def _known_short(plan: Plan, source: Published, seen: Seen) -> tuple[Trouble, ...]:
    """What the source's result is known to lack of what this plan expects."""
    known = seen.verifications.get(plan.address)
    if known is None or known.output_digest != source.digest:
        return ()
    return known.shortfalls if known.expectation_digest == plan.expectation_digest else ()


def _short(verdict: Verdict, source: Published, shortfalls: Sequence[Trouble]) -> Verdict:
    reasons = because(Cause.EXPECTATION_FAILED, shortfalls)
    why = Trouble(
        f"{source.address} computed the same inputs, and its result does not meet the expectations",
        "change the inputs or the expectations",
    )
    verdict = replace(verdict, reasons=(*verdict.reasons, *reasons))
    return quarantined(verdict, Obstacle.EXPECTATION_FAILED, why)
