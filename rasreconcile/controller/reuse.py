"""Updating a plan without running it: verify again, copy from a plan with the same inputs, recall from a receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rasreconcile.controller.proof import Placed, copy_result, put_in_place
from rasreconcile.controller.publish_run import note_for_readers, say_set_aside
from rasreconcile.controller.session import Session
from rasreconcile.controller.work import Work, hold, work_on_plan
from rasreconcile.errors import PublishHeld, ResultError, Trouble, trouble_of
from rasreconcile.plans import Plan
from rasreconcile.reconcile.actions import Recall, Reuse, Verify, WriteReceipt
from rasreconcile.records import Published
from rasreconcile.results import publish
from rasreconcile.studies.evidence import facts_of, shortfalls
from rasreconcile.studies.owners import taking


def reuse_result(session: Session, action: Verify | Reuse | Recall | WriteReceipt) -> None:
    """Does it, or gives it to a lane."""
    match action:
        case Verify():
            verify(session, action)
        case Reuse():
            reuse(session, action)
        case Recall():
            recall(session, action)
        case WriteReceipt():
            write_receipt(session, action)


def verify(session: Session, action: Verify) -> None:
    """The expectations changed: judge the published file by those of today."""
    plan, published = action.plan, action.published

    def judged(lacking: tuple[Trouble, ...]) -> None:
        if lacking:
            _fell_short(session, plan, published, lacking)
        else:
            now = session.clock.now()
            session.store.outputs.mark_verified(
                plan.address, published.digest, plan.expectation_digest, now=now
            )
        session.outputs.look_at(plan)
        session.change()

    def failed(error: Exception) -> None:
        # Its bytes are those that were proven: what stands in the way is this machine, and says nothing of the result.
        _put_off(session, plan, f"{plan.output.name} cannot be judged now: ", error)

    work_on_plan(
        session,
        plan,
        Work(
            lane=session.verifying,
            do=lambda: shortfalls(plan, plan.output),
            then=judged,
            failed=failed,
        ),
    )


def reuse(session: Session, action: Reuse) -> None:
    """Another plan with the same fingerprint has a good result: publish a copy of it."""
    plan, source = action.plan, action.source

    def copied(placed: Placed | tuple[Trouble, ...]) -> None:
        if isinstance(placed, tuple):
            _fell_short(session, plan, source, placed)
        else:
            say_set_aside(session, plan, placed)
            outcome = placed.published
            why = f"copied from {source.address}, which has the same inputs"
            session.store.outputs.record(outcome, "copied", now=session.clock.now(), why=why)
            session.outputs.digests.trust(outcome.path, "output", outcome.digest)
            note_for_readers(session, plan, outcome)
        session.outputs.look_at(plan)
        session.change()

    def failed(error: Exception) -> None:
        if not isinstance(error, ResultError):
            # To compute it would meet the same disk, and whoever holds the file.
            _put_off(session, plan, f"could not be copied from {source.address}: ", error)
            return
        why = f"could not be copied from {source.address}: {error}; it will be computed"
        session.in_flight.uncopied[plan.address] = why
        session.say("warning", why, plan.address)
        session.change()

    at = session.clock.now()
    work_on_plan(
        session,
        plan,
        Work(lane=session.verifying, do=lambda: _copy(plan, source, at), then=copied, failed=failed),
    )


def recall(session: Session, action: Recall) -> None:
    """The receipt beside the output matches it, and it is what the plan expects: the store learns of it again.

    A receipt proves bytes, not that they are a result: it is looked into as by a verification.
    """
    plan = action.plan

    def judged(lacking: tuple[Trouble, ...]) -> None:
        _record(session, action, lacking)

    def failed(error: Exception) -> None:
        if not isinstance(error, ResultError):
            _put_off(session, plan, f"{plan.output.name} cannot be read now: ", error)
            return
        session.outputs.refuted[plan.address] = action.published.digest
        session.say("warning", f"not recalled, although its receipt matches: {error}", plan.address)
        session.outputs.look_at(plan)
        session.change()

    work = Work(lane=session.verifying, do=lambda: _lacking(action), then=judged, failed=failed)
    work_on_plan(session, plan, work)


def _lacking(action: Recall) -> tuple[Trouble, ...]:
    """What the file lacks of a result of its plan. Of an adopted one it was a person who said that it will do.

    Raises ResultError where it cannot be read as a result.
    """
    plan = action.plan
    if action.published.provenance == "adopted":
        facts_of(plan, plan.output, "summary")
        return ()
    return shortfalls(plan, plan.output)


def _record(session: Session, action: Recall, lacking: tuple[Trouble, ...]) -> None:
    plan = action.plan
    if action.published.spec != plan.spec:
        # Its spec was renamed, or gave the plan up: from now on it is this one's.
        try:
            publish.write_receipts(replace(action.published, spec=plan.spec))
        except PublishHeld as error:
            _put_off(session, plan, "its receipt ", error)
            return
    why = "recalled from the receipt beside it, which matches the file"
    with session.store.at_once():
        session.store.outputs.record(action.published, "recalled", now=session.clock.now(), why=why)
        if lacking:
            _fell_short(session, plan, action.published, lacking)
    session.outputs.look_at(action.plan)
    session.change()


def write_receipt(session: Session, action: WriteReceipt) -> None:
    """The receipt of a result that is what was published is gone: the store remembers what it said."""
    plan = action.plan
    restored = replace(action.published, path=plan.output, spec=plan.spec)
    try:
        with taking(restored, what="is another's now"):
            publish.write_receipts(restored)
    except PublishHeld as error:
        _put_off(session, plan, "its receipt ", error)
        return
    session.say("restored", "its receipt was lost and is written again", plan.address)
    session.outputs.look_at(plan)
    session.change()


def _copy(plan: Plan, source: Published, at: datetime) -> Placed | tuple[Trouble, ...]:
    outcome = copy_result(plan, source, at)
    return outcome if isinstance(outcome, tuple) else put_in_place(outcome)


def _put_off(session: Session, plan: Plan, what: str, error: Exception) -> None:
    """Reported once, and tried again while the program runs; nothing is computed meanwhile."""
    why = trouble_of(error).led_by(what)
    if hold(session, session.in_flight.plans, plan.address, why) == "first":
        session.say("held", str(why), plan.address)
    session.outputs.look_at(plan)


def _fell_short(session: Session, plan: Plan, published: Published, lacking: tuple[Trouble, ...]) -> None:
    now = session.clock.now()
    session.store.outputs.record_shortfalls(
        plan.address, published.digest, plan.expectation_digest, lacking, now=now
    )
