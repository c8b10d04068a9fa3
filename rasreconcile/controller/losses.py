"""Losses: what a worker lost at once is told in one line, which names the runs."""

from __future__ import annotations

from collections.abc import Sequence

from rasreconcile.controller.session import Session
from rasreconcile.failures import FailureCause
from rasreconcile.reconcile.actions import Action, Lose
from rasreconcile.runs import named


def tell_losses(session: Session, actions: Sequence[Action]) -> None:
    """Before each is told with its own evidence. One run alone needs no line about all."""
    lost: dict[str, list[Lose]] = {}
    for action in actions:
        if isinstance(action, Lose) and action.run.worker in session.workers:
            lost.setdefault(action.run.worker, []).append(action)
    for worker, losses in lost.items():
        if len(losses) < 2:
            continue
        restarted = all(loss.failure.cause is FailureCause.RESTARTED for loss in losses)
        why = "its machine was restarted" if restarted else "this counts as one fault"
        plans = named(loss.run.address for loss in losses)
        session.say(
            "worker-lost", f"{worker} lost {len(losses)} runs at once: {plans}; {why}; they run again"
        )
