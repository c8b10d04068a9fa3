"""`retry`: asking for plans to be computed again, whether they are current, held or quarantined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rasreconcile.clock import Clock
from rasreconcile.errors import UsageError
from rasreconcile.named_plans import NamedPlans, one_plan
from rasreconcile.operations.diff import diff
from rasreconcile.operations.requests import file_requests
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.alike import blocked_alike
from rasreconcile.reconcile.verdicts import Verdict
from rasreconcile.records import Published
from rasreconcile.results import aside, publish
from rasreconcile.specfile import LoadedSpec


@dataclass(frozen=True, slots=True)
class Requested:
    """What was asked for."""

    plans: tuple[Address, ...]
    taken_up: bool
    """Whether a controller is at work that takes it up; else the next apply does."""
    set_aside: Mapping[Address, Path]
    """Where adopted results are kept from now on."""


def retry(
    loaded: LoadedSpec, named: NamedPlans, *, by: str, failed: bool = False, like: str | None = None
) -> Requested:
    """`failed`: of the named plans those that are held or quarantined, of all plans where none is named.

    `like`: one plan, and every plan that is blocked for the same reason. Where neither is asked for and no plan is
    named, none is meant. Raises SpecError, StoreError, UsageError, and
    PublishHeld where an adopted result cannot be set aside: then nothing was asked for.
    """
    seen = diff(loaded, clock := Clock())
    verdicts = seen.decision.verdicts
    wanted = named.pick(plan.address for plan in seen.plans) if named.words or failed else ()
    if like is not None:
        wanted = tuple(dict.fromkeys((*wanted, *_alike(like, verdicts))))
    if failed:
        blocked = {v.address for v in verdicts if str(v.phase) in {"held", "quarantined"}}
        wanted = tuple(address for address in wanted if address in blocked)
    kept = set_aside_adopted(
        [plan for plan in seen.plans if plan.address in wanted], seen.published, now=clock.now()
    )
    taken_up = file_requests(loaded.state_path, "retry", wanted, by=by, now=clock.now())
    return Requested(wanted, taken_up, kept)


def _alike(plan: str, verdicts: Sequence[Verdict]) -> Iterator[Address]:
    address = one_plan([plan], [verdict.address for verdict in verdicts])
    for group in blocked_alike(verdicts):
        if any(verdict.address == address for verdict in group):
            yield from (verdict.address for verdict in group)
            return
    raise UsageError(f"{address} is not held or quarantined", "name it without --like to compute it again")


def set_aside_adopted(
    plans: Iterable[Plan], published: Mapping[Address, Published], *, now: datetime
) -> Mapping[Address, Path]:
    """Where the adopted results of these plans are kept from now on, whatever is computed in their place.

    Each stays in its place too, until a better one is proven. Raises PublishHeld where one cannot be kept: then no
    request may be filed.
    """
    kept: dict[Address, Path] = {}
    for plan in plans:
        known = published.get(plan.address)
        if known is None or known.provenance != "adopted":
            continue
        if not publish.receipt_path(plan.output).exists() and plan.output.exists():
            publish.write_receipt(replace(known, path=plan.output, spec=plan.spec))
        place = aside.set_aside(plan.output, now.date())
        if place is not None:
            kept[plan.address] = place
    return kept
