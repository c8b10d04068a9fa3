"""The changeset: what apply would do, one line a plan, and the sum."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address
from rasreconcile.reasons import Reason
from rasreconcile.reconcile.actions import Recall, Reuse, Verify, WriteReceipt
from rasreconcile.reconcile.adoption import Proposal
from rasreconcile.reconcile.decision import Decision, Health
from rasreconcile.reconcile.verdicts import Phase, Sync, Verdict
from rasreconcile.report.text import COLOURS, SIGNS, Closing, counted, how_many
from rasreconcile.report.values import reasons_values

SYNCS = [str(sync) for sync in Sync]
_MOST_COMMANDS = 5
_MOST_NAMED = 3
BLOCKED = frozenset({Phase.HELD, Phase.QUARANTINED})
"""Of plans that need a person."""
_DUE = frozenset({Phase.QUEUED, Phase.BACKOFF})


def has_work(decision: Decision) -> bool:
    """Whether apply would do anything."""
    return decision.health is Health.PROGRESSING


def actions_of(decision: Decision, recalled: Sequence[Recall]) -> list[dict[str, Any]]:
    """What `apply` would do, one or more for a plan: record, verify, copy, run, collect; in that order."""
    found = [_action("record", r.plan.address, "from the receipt beside it") for r in recalled]
    for action in decision.actions:
        match action:
            case Verify(plan):
                found.append(_action("verify", plan.address, "its expectations changed"))
            case Reuse(plan, source):
                found.append(_action("copy", plan.address, f"from {source.address}"))
            case _:
                continue
    found += [_action("copy", address, f"from {first}") for address, first in decision.twins.items()]
    for verdict in decision.verdicts:
        if verdict.phase in _DUE and verdict.address not in decision.copied:
            found.append(_action("run", verdict.address, verdict.outlook, verdict.reasons))
        elif verdict.phase is Phase.RUNNING:
            found.append(_action("collect", verdict.address, verdict.outlook))
    return found


def _action(what: str, address: Address, note: str, reasons: Sequence[Reason] = ()) -> dict[str, Any]:
    return {"action": what, "plan": address, "reasons": reasons_values(reasons), "note": note}


def lines(
    name: str,
    decision: Decision,
    *,
    show_all: bool = False,
    warnings: Mapping[Address, Sequence[Trouble]] | None = None,
    proposal: Proposal | None = None,
    recalled: int = 0,
) -> Iterator[str]:
    """For a terminal; colours are dropped by click where there is none. `recalled`: results with a receipt."""
    shown = [v for v in decision.verdicts if show_all or not at_rest(v)]
    width = max((len(v.address) for v in shown), default=0)
    for verdict in shown:
        yield from _verdict(verdict, width)
    for run in decision.strays:
        yield (
            f"* {run.address}  run {run.id} is still running on {run.worker}; its plan is no longer in the"
            " spec"
        )
    for text, addresses in _by_text(warnings or {}).items():
        yield click.style(f"  {_named(addresses)}: {text}", dim=True)
    if shown or decision.strays:
        yield ""
    many = how_many(v.address for v in decision.verdicts)
    yield Closing(f"{name}: {many}: {counted((str(v.sync) for v in decision.verdicts), SYNCS)}")
    yield Closing(outlook(decision, recalled))
    if proposal:
        yield from _proposed(name, proposal)


def _by_text(warnings: Mapping[Address, Sequence[Trouble]]) -> Mapping[Trouble, Sequence[Address]]:
    """What is true of many plans is said once."""
    found: dict[Trouble, list[Address]] = {}
    for address, troubles in warnings.items():
        for trouble in troubles:
            found.setdefault(trouble, []).append(address)
    return found


def _named(addresses: Sequence[Address]) -> str:
    more = len(addresses) - _MOST_NAMED
    return ", ".join(addresses[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _verdict(verdict: Verdict, width: int) -> Iterator[str]:
    sync = str(verdict.sync)
    sign = click.style(SIGNS[sync], fg=COLOURS[sync], bold=True)
    state = click.style(f"{sync:<8}", fg=COLOURS[sync])
    note = verdict.outlook or ("" if verdict.phase is Phase.IDLE else str(verdict.phase))
    phase = f"{verdict.phase}: {note}" if verdict.phase in BLOCKED else note
    first, *more = [str(reason) for reason in verdict.reasons] or [""]
    yield f"{sign} {verdict.address:<{width}}  {state}  {first}".rstrip()
    indent = " " * (width + 14)
    for reason in more:
        yield f"{indent}{reason}"
    if phase:
        yield indent + click.style(phase, dim=verdict.phase not in BLOCKED)


def _proposed(name: str, proposal: Proposal) -> Iterator[str]:
    """What a person may do about found results, with the commands to type."""
    words = [
        f"adopt {len(proposal.adopt)}",
        f"run {len(proposal.run) + len(proposal.replace)}",
        f"look at {len(proposal.look)}",
    ]
    yield click.style(f"Proposal: {', '.join(words)}.", bold=True)
    if proposal.adopt:
        yield f"  rasreconcile adopt {name} --all"
    for addresses, verb in ((proposal.look, "adopt"), (proposal.replace, "retry")):
        for address in addresses[:_MOST_COMMANDS]:
            yield f"  rasreconcile {verb} {name} {_quoted(address)}"
        if len(addresses) > _MOST_COMMANDS:
            yield f"  and {len(addresses) - _MOST_COMMANDS} more to {verb}"


def _quoted(address: Address) -> str:
    return f"'{address}'" if re.search(r"[^\w./-]", address) else address


def at_rest(verdict: Verdict) -> bool:
    """Whether there is nothing to say of it."""
    return verdict.sync is Sync.CURRENT and verdict.phase is Phase.IDLE


def outlook(decision: Decision, recalled: int) -> str:
    """What there is to do, in a sentence: `2 to run, 1 blocked, needs attention.`"""
    copied = decision.copied
    queued = sum(v.phase in _DUE and v.address not in copied for v in decision.verdicts)
    settled = sum(isinstance(a, Verify | Recall) for a in decision.actions) + len(copied)
    running = sum(v.phase is Phase.RUNNING for v in decision.verdicts)
    blocked = sum(v.phase in BLOCKED for v in decision.verdicts)
    words = []
    if queued:
        words.append(f"{queued} to run")
    if settled:
        words.append(f"{settled} to update without running")
    if receipts := sum(isinstance(a, WriteReceipt) for a in decision.actions):
        words.append(f"{receipts} lost {'receipt' if receipts == 1 else 'receipts'} to write again")
    if recalled:
        words.append(
            f"{recalled} to record from {'its receipt' if recalled == 1 else 'their receipts'} (not read)"
        )
    if running:
        words.append(f"{running} running")
    if blocked:
        words.append(f"{blocked} blocked, {'needs' if blocked == 1 else 'need'} attention")
    return ", ".join(words).capitalize() + "." if words else "Nothing to do."
