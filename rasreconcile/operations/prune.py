"""Pruning: results of plans that left the spec. Only what a receipt proves to be ours, and unchanged, is removed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rasreconcile.clock import Clock
from rasreconcile.errors import ResultError, UsageError
from rasreconcile.hashed_copy import digest_of_file
from rasreconcile.jobs import RunId
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.plans import Address
from rasreconcile.records import Published
from rasreconcile.report.text import many
from rasreconcile.resolve.outputs import RealPaths
from rasreconcile.results import publish
from rasreconcile.results.beside import changed, remove_beside
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store.reader import Reader, require_store
from rasreconcile.studies.owners import is_same
from rasreconcile.studies.preparations import products_home
from rasreconcile.studies.store_view import StoreView
from rasreconcile.studies.study import Study

if TYPE_CHECKING:
    from rasreconcile.store import Store


@dataclass(frozen=True, slots=True)
class Leaver:
    """A result whose plan is not in the spec any more, or has its result elsewhere now."""

    published: Published
    kept_because: str | None
    """Why it is not removed; None: it may be."""


@dataclass(frozen=True, slots=True)
class Leavers:
    """What `prune` found."""

    all: tuple[Leaver, ...]
    results: int
    """How many results the store knows."""
    spared: frozenset[str] = frozenset()
    """Real paths where plans of the spec publish now."""

    @property
    def removable(self) -> tuple[Published, ...]:
        return tuple(leaver.published for leaver in self.all if leaver.kept_because is None)


Adopted = Literal["keep adopted", "remove adopted"]


AtMost = Literal["half", "all"]
"""Of all results: more are never removed by one mistake in a spec."""


class TooMany(UsageError):
    """More than half of all results would be removed: the spec may be the wrong one. `what` counts them."""


def prunable(
    loaded: LoadedSpec, named: NamedPlans = EVERY_PLAN, adopted: Adopted = "keep adopted"
) -> Leavers:
    """What `prune` would remove. Nothing is written. Raises SpecError, StoreError, UsageError."""
    require_store(loaded.state_path)
    with Reader(loaded.state_path) as reader:
        return _meant(leavers(loaded, reader, Clock(), adopted), named)


def prune(
    loaded: LoadedSpec,
    named: NamedPlans = EVERY_PLAN,
    adopted: Adopted = "keep adopted",
    *,
    at_most: AtMost = "half",
) -> Leavers:
    """Removes them, with their receipts. Raises TooMany before the first, and what `prunable` raises; StoreBusy."""
    from rasreconcile.store import Store  # noqa: PLC0415  --dry-run only reads

    require_store(loaded.state_path)
    clock = Clock()
    with Store.open(loaded.state_path, now=clock.now()) as store:
        found = _meant(leavers(loaded, store, clock, adopted), named)
        if at_most == "half" and len(found.removable) * 2 > found.results:
            raise TooMany(
                f"{loaded.name}: {len(found.removable)} of {many(found.results, 'result')} would be removed:"
                " is this the right spec?"
            )
        for published in found.removable:
            _remove(store, published, clock, found.spared)
    return found


def _meant(found: Leavers, named: NamedPlans) -> Leavers:
    """Of the results that left the spec, those that the user named."""
    wanted = set(named.pick(one.published.address for one in found.all))
    return replace(found, all=tuple(one for one in found.all if one.published.address in wanted))


def leavers(loaded: LoadedSpec, view: StoreView, clock: Clock, adopted: Adopted = "keep adopted") -> Leavers:
    """Reads the files it may remove. Raises SpecError, and UsageError where the spec has no plans at all.

    Places are compared by real path: whichever link names it, a file that a plan of the spec publishes stays.
    """
    plans = Study.open(loaded, view, clock).listed()
    if not plans:
        raise UsageError(f"{loaded.name}: the spec has no plans: nothing is pruned", "remove results by hand")
    real, addresses = RealPaths(), {plan.address for plan in plans}
    wanted = {real.of(path) for plan in plans for path in (plan.output, *plan.side_paths)}
    home = products_home(loaded)
    # What was prepared for a plan is no result: `gc` cares for it.
    published = {a: one for a, one in view.outputs.published().items() if not one.path.is_relative_to(home)}
    reasons = _Reasons(
        spec=loaded.identity,
        started_for=view.runs.specs(),
        strangers=[path for path in view.applies.specs() if not is_same(path, loaded.identity)],
        going={run.address for run in view.runs.live()},
        only_one_of={plan.fingerprint: plan.address for plan in plans if not plan.output.exists()},
        adopted=adopted,
    )
    found = []
    for one in published.values():
        # A study that was moved took its results along: the store has where they were.
        moved = one.address in addresses and not one.path.exists()
        if real.of(one.path) not in wanted and not moved:
            found.append(Leaver(one, reasons.why_kept(one)))
    return Leavers(tuple(found), len(published), frozenset(wanted))


def _remove(store: Store, published: Published, clock: Clock, spared: Collection[str] = ()) -> None:
    """Removes what was published with the result, then the result, then its receipt, then what the store knows of it.

    `spared`: places where plans of the spec publish. May be repeated after a death.
    """
    remove_beside(published, spared)
    publish.remove(published.path)
    why = f"{published.path} was removed with its receipt: its plan is no longer in the spec"
    store.outputs.drop(published.address, published.digest, now=clock.now(), why=why)


@dataclass(frozen=True, slots=True)
class _Reasons:
    """What keeps a result that left the spec from being removed."""

    spec: Path
    started_for: Mapping[RunId, Path]
    strangers: Sequence[Path]
    """Other specs that were applied with this store."""
    going: Collection[Address]
    only_one_of: Mapping[str, Address]
    """Plans of the spec that have no result yet, by fingerprint."""
    adopted: Adopted

    def why_kept(self, one: Published) -> str | None:
        """None: it may be removed."""
        if one.address in self.going:
            return "a run of it is still running; `cancel` it, or apply again when it has ended"
        try:
            receipt = publish.read_receipt(one.path)
            stranger = self._stranger(one, receipt)
            return self._why_not_proven(one, receipt) if stranger is None else stranger
        except (ResultError, OSError) as error:
            return str(error)

    def _stranger(self, one: Published, receipt: Published | None) -> str | None:
        """Why it is another spec's: as its receipt says, else as far as the store knows; None: it is not."""
        if receipt is not None and receipt.spec is not None:
            if is_same(receipt.spec, self.spec):
                return None
            if any(is_same(stranger, receipt.spec) for stranger in self.strangers):
                return f"it belongs to {receipt.spec}, which shares this store"
            return f"it was published by {receipt.spec}; prune with that spec, or remove it by hand"
        started_for = self.started_for.get(one.run)
        if started_for is not None and not is_same(started_for, self.spec):
            return f"it belongs to {started_for}, which shares this store"
        if started_for is None and self.strangers:
            return f"it may belong to {self.strangers[0]}, which shares this store; remove it by hand"
        return None

    def _why_not_proven(self, one: Published, receipt: Published | None) -> str | None:
        adopted = one.provenance == "adopted" or (receipt is not None and receipt.provenance == "adopted")
        if adopted and self.adopted == "keep adopted":
            return "it was adopted, and rasreconcile cannot compute it again; --adopted removes it too"
        if not one.path.exists():
            return None
        if one.path.is_symlink():
            return f"it is a link to {os.path.realpath(one.path)}; check it, then remove it by hand"
        if receipt is None or (receipt.address, receipt.digest) != (one.address, one.digest):
            return "its receipt is not the one rasreconcile wrote; check it, then remove it by hand"
        if digest_of_file(one.path) != one.digest:
            return "it was changed since it was published; check it, then remove it by hand"
        if (name := changed(one)) is not None:
            return f"{name}, published with it, was changed since; check it, then remove both by hand"
        if plan := self.only_one_of.get(one.fingerprint):
            return f"{plan} has the same inputs and no result yet; prune again when it has one"
        return None
