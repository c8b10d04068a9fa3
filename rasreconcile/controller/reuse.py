"""Settling a plan without running it: verify again, copy from a plan with the same inputs, recall from a receipt."""

from __future__ import annotations

from datetime import datetime

from rasreconcile.controller.proof import copy_result, put_in_place
from rasreconcile.controller.publish_run import COLLECT_AGAIN
from rasreconcile.controller.session import Session
from rasreconcile.errors import ResultError
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Recall, Reuse, Verify
from rasreconcile.records import Published
from rasreconcile.study.evidence import shortfalls


def reuse_result(session: Session, action: Verify | Reuse | Recall) -> None:
    """Does it, or gives it to a lane."""
    match action:
        case Verify():
            verify(session, action)
        case Reuse():
            reuse(session, action)
        case Recall():
            recall(session, action)


def verify(session: Session, action: Verify) -> None:
    """The expectations changed: judge the published file by those of today."""
    plan, published = action.plan, action.published
    session.in_flight.plans.add(plan.address)

    def judged(lacking: tuple[str, ...]) -> None:
        session.in_flight.plans.discard(plan.address)
        if lacking:
            _fell_short(session, plan, published, lacking)
        else:
            now = session.clock.now()
            session.store.mark_verified(plan.address, published.digest, plan.expectation_digest, now=now)
            session.say("verified", "its result meets the changed expectations", plan.address)
        session.outputs.look_at(plan)
        session.changed = True

    def failed(error: Exception) -> None:
        # Its bytes are those that were proven: what stands in the way is this machine, and says nothing of the result.
        _put_off(session, plan, f"{plan.output.name} cannot be judged now: {error}")

    session.verifying.do(lambda: shortfalls(plan, plan.output), judged, failed)


def reuse(session: Session, action: Reuse) -> None:
    """Another plan with the same fingerprint has a good result: publish a copy of it."""
    plan, source = action.plan, action.source
    session.in_flight.plans.add(plan.address)

    def copied(outcome: Published | tuple[str, ...]) -> None:
        session.in_flight.plans.discard(plan.address)
        if isinstance(outcome, tuple):
            _fell_short(session, plan, source, outcome)
        else:
            why = f"copied from {source.address}, which has the same inputs"
            session.store.record_output(outcome, now=session.clock.now(), why=why)
            session.outputs.digests.trust(outcome.path, "output", outcome.digest)
            session.stale_inputs |= bool(plan.side_outputs)
            session.say("copied", why, plan.address)
        session.outputs.look_at(plan)
        session.changed = True

    def failed(error: Exception) -> None:
        if not isinstance(error, ResultError):
            # To compute it would meet the same disk, and whoever holds the file.
            _put_off(session, plan, f"could not be copied from {source.address}: {error}")
            return
        session.in_flight.plans.discard(plan.address)
        why = f"could not be copied from {source.address}: {error}; it will be computed"
        session.in_flight.uncopied[plan.address] = why
        session.say("warning", why, plan.address)
        session.changed = True

    at = session.clock.now()
    session.verifying.do(lambda: _copy(plan, source, at), copied, failed)


def recall(session: Session, action: Recall) -> None:
    """The receipt beside the output matches it: the store learns of it again."""
    why = "recalled from the receipt beside it, which matches the file"
    session.store.record_output(action.published, now=session.clock.now(), why=why)
    session.outputs.look_at(action.plan)
    session.say("recalled", why, action.plan.address)
    session.changed = True


def _copy(plan: Plan, source: Published, at: datetime) -> Published | tuple[str, ...]:
    outcome = copy_result(plan, source, at)
    return outcome if isinstance(outcome, tuple) else put_in_place(outcome)


def _put_off(session: Session, plan: Plan, why: str) -> None:
    """Told once, and tried again while the program goes on; nothing is computed meanwhile."""
    in_flight = session.in_flight
    in_flight.plans.discard(plan.address)
    if plan.address not in in_flight.stuck:
        session.say("held", why, plan.address)
    in_flight.stuck[plan.address] = why
    in_flight.settle_at[plan.address] = session.clock.monotonic() + COLLECT_AGAIN
    session.outputs.look_at(plan)
    session.changed = True


def _fell_short(session: Session, plan: Plan, published: Published, lacking: tuple[str, ...]) -> None:
    now = session.clock.now()
    session.store.record_shortfalls(plan.address, published.digest, plan.expectation_digest, lacking, now=now)
    session.say("fell-short", "; ".join(lacking), plan.address)
