"""Pruning: results of plans that left the spec. Only what a receipt proves to be ours, and unchanged, is removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rasreconcile.clock import Clock
from rasreconcile.errors import ResultError, UsageError
from rasreconcile.plans import Address
from rasreconcile.records import Published
from rasreconcile.results import publish
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store import Store
from rasreconcile.store.queries import Queries
from rasreconcile.study.preparations import products_home
from rasreconcile.study.study import Study


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

    @property
    def removable(self) -> tuple[Published, ...]:
        return tuple(leaver.published for leaver in self.all if leaver.kept_because is None)


def leavers(loaded: LoadedSpec, view: Queries, clock: Clock) -> Leavers:
    """Reads the files it may remove. Raises SpecError, and UsageError where the spec has no plans at all."""
    plans = Study.open(loaded, view, clock).listed()
    if not plans:
        raise UsageError(f"{loaded.name}: the spec has no plans: nothing is pruned; remove results by hand")
    wanted = {plan.output for plan in plans}
    home = products_home(loaded)
    # What was prepared for a plan is no result: `gc` cares for it.
    published = {a: one for a, one in view.published().items() if not one.path.is_relative_to(home)}
    gone = [one for one in published.values() if one.path not in wanted]
    whose = view.specs_of_runs()
    strangers = [path for path in view.specs() if path != loaded.path]
    going = {run.address for run in view.live_runs()}
    found = [Leaver(one, _why_not(one, loaded.path, whose.get(one.run), strangers, going)) for one in gone]
    return Leavers(tuple(found), len(published))


def prune(store: Store, published: Published, clock: Clock) -> None:
    """Removes the result, then its receipt, then what the store knows of it; may be repeated after a death."""
    publish.remove(published.path)
    why = f"{published.path} was removed with its receipt: its plan left the spec"
    store.drop_output(published.address, published.digest, now=clock.now(), why=why)


def _why_not(
    one: Published, spec: Path, started_for: Path | None, strangers: list[Path], going: set[Address]
) -> str | None:
    if one.address in going:
        return "a run of it is going; `cancel` it, or apply again when it has ended"
    if started_for is not None and started_for != spec:
        return f"it belongs to {started_for}, which shares this store"
    if started_for is None and strangers:
        return f"it may belong to {strangers[0]}, which shares this store; remove it by hand"
    try:
        if not one.path.exists():
            return None
        receipt = publish.read_receipt(one.path)
        if receipt is None or (receipt.address, receipt.digest) != (one.address, one.digest):
            return "its receipt is not the one we wrote; look at it, then remove it by hand"
        if publish.digest_file(one.path)[1] != one.digest:
            return "it was changed since it was published; look at it, then remove it by hand"
    except (ResultError, OSError) as error:
        return str(error)
    return None
