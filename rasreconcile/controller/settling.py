"""Settling a plan without running it: verify again, copy from a plan with the same inputs, recall from a receipt."""

from __future__ import annotations

from datetime import datetime

from rasreconcile.controller.collecting import copy_result, put_in_place, shortfalls
from rasreconcile.controller.finishing import COLLECT_AGAIN
from rasreconcile.controller.site import Site
from rasreconcile.errors import ResultError
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Recall, Reuse, Verify
from rasreconcile.records import Published


def settle(site: Site, action: Verify | Reuse | Recall) -> None:
    """Does it, or gives it to a lane."""
    match action:
        case Verify():
            verify(site, action)
        case Reuse():
            reuse(site, action)
        case Recall():
            recall(site, action)


def verify(site: Site, action: Verify) -> None:
    """The expectations changed: judge the published file by those of today."""
    plan, published = action.plan, action.published
    site.flight.plans.add(plan.address)

    def judged(lacking: tuple[str, ...]) -> None:
        site.flight.plans.discard(plan.address)
        if lacking:
            _fell_short(site, plan, published, lacking)
        else:
            now = site.clock.now()
            site.store.mark_verified(plan.address, published.digest, plan.expectation_digest, now=now)
            site.say("verified", "its result meets the changed expectations", plan.address)
        site.looking.look_at(plan)
        site.changed = True

    def failed(error: Exception) -> None:
        # Its bytes are those that were proven: what stands in the way is this machine, and says nothing of the result.
        _put_off(site, plan, f"{plan.output.name} cannot be judged now: {error}")

    site.verifying.do(lambda: shortfalls(plan, plan.output), judged, failed)


def reuse(site: Site, action: Reuse) -> None:
    """Another plan with the same fingerprint has a good result: publish a copy of it."""
    plan, source = action.plan, action.source
    site.flight.plans.add(plan.address)

    def copied(outcome: Published | tuple[str, ...]) -> None:
        site.flight.plans.discard(plan.address)
        if isinstance(outcome, tuple):
            _fell_short(site, plan, source, outcome)
        else:
            why = f"copied from {source.address}, which has the same inputs"
            site.store.record_output(outcome, now=site.clock.now(), why=why)
            site.looking.digests.trust(outcome.path, "output", outcome.digest)
            site.stale_inputs |= bool(plan.side_outputs)
            site.say("copied", why, plan.address)
        site.looking.look_at(plan)
        site.changed = True

    def failed(error: Exception) -> None:
        if not isinstance(error, ResultError):
            # To compute it would meet the same disk, and whoever holds the file.
            _put_off(site, plan, f"could not be copied from {source.address}: {error}")
            return
        site.flight.plans.discard(plan.address)
        why = f"could not be copied from {source.address}: {error}; it will be computed"
        site.flight.uncopied[plan.address] = why
        site.say("warning", why, plan.address)
        site.changed = True

    at = site.clock.now()
    site.verifying.do(lambda: _copy(plan, source, at), copied, failed)


def recall(site: Site, action: Recall) -> None:
    """The receipt beside the output matches it: the store learns of it again."""
    why = "recalled from the receipt beside it, which matches the file"
    site.store.record_output(action.published, now=site.clock.now(), why=why)
    site.looking.look_at(action.plan)
    site.say("recalled", why, action.plan.address)
    site.changed = True


def _copy(plan: Plan, source: Published, at: datetime) -> Published | tuple[str, ...]:
    outcome = copy_result(plan, source, at)
    return outcome if isinstance(outcome, tuple) else put_in_place(outcome)


def _put_off(site: Site, plan: Plan, why: str) -> None:
    """Told once, and tried again while the program goes on; nothing is computed meanwhile."""
    flight = site.flight
    flight.plans.discard(plan.address)
    if plan.address not in flight.stuck:
        site.say("held", why, plan.address)
    flight.stuck[plan.address] = why
    flight.settle_at[plan.address] = site.clock.monotonic() + COLLECT_AGAIN
    site.looking.look_at(plan)
    site.changed = True


def _fell_short(site: Site, plan: Plan, published: Published, lacking: tuple[str, ...]) -> None:
    now = site.clock.now()
    site.store.record_shortfalls(plan.address, published.digest, plan.expectation_digest, lacking, now=now)
    site.say("fell-short", "; ".join(lacking), plan.address)
