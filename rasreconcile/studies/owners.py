"""Whose the file at a plan's place is, by the receipt that is there: no file has two owners."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rasreconcile.errors import PublishHeld, ResultError, SpecError
from rasreconcile.plans import Address
from rasreconcile.reconcile.observed import OtherOwner
from rasreconcile.records import Published
from rasreconcile.resolve import published_by
from rasreconcile.resolve.outputs import RealPaths
from rasreconcile.results import publish
from rasreconcile.results.one_at_a_time import one_at_a_time
from rasreconcile.specfile import load
from rasreconcile.specfile.peek import state_path


@dataclass(slots=True)
class Owners:
    """Reads what each other spec publishes once; to look again, make another."""

    _publishes: dict[Path, frozenset[str] | None] = field(default_factory=dict)

    def other(self, address: Address, output: Path, spec: Path | None) -> OtherOwner | None:
        """None: the place is that plan's of that spec, or nobody's. What is prepared belongs to no spec."""
        if spec is None:
            return None
        for receipt in _receipts(output):
            if receipt.spec is not None and self.is_other(receipt.spec, spec, receipt.path):
                return OtherOwner(
                    f"{receipt.spec} publishes to this file too, and its receipt says that it is from there",
                    "take the plan out of one of the two specs, or give one a `results` folder of its own",
                    adoptable=False,
                )
            if receipt.address != address:
                return OtherOwner(
                    f"its receipt says that it is the result of {receipt.address}",
                    f"if that plan was renamed, `adopt {address}` takes it over; else move the file and its"
                    " receipt away",
                    adoptable=True,
                )
        return None

    def is_other(self, named: Path, spec: Path, output: Path) -> bool:
        """Whether `named` is a spec other than `spec`, and still publishes to `output`."""
        if is_same(named, spec) or not named.exists():
            return False
        publishes = self._publishes_of(named)
        return publishes is None or RealPaths().of(output) in publishes

    def _publishes_of(self, spec: Path) -> frozenset[str] | None:
        """None: its faults keep that from being known."""
        if spec not in self._publishes:
            try:
                self._publishes[spec] = published_by(load(spec))
            except SpecError:
                self._publishes[spec] = None
        return self._publishes[spec]


@contextmanager
def taking(published: Published, *, what: str, renamed: bool = False) -> Iterator[None]:
    """Within it the place is this plan's, and nobody else on this machine comes to take it.

    `what`: of whom it is said, where it is another's. `renamed`: it may be that of a plan that is called otherwise now.
    Raises PublishHeld.
    """
    with one_at_a_time(publish.place(published.path).parent):
        refuse_other(published, what=what, renamed=renamed)
        yield


def refuse_other(published: Published, *, what: str, renamed: bool = False) -> None:
    """Raises PublishHeld where the place is another's."""
    other = Owners().other(published.address, published.path, published.spec)
    if other is not None and not (renamed and other.adoptable):
        raise PublishHeld(f"{what}: {other.what}", other.remedy)


def is_same(named: Path, spec: Path) -> bool:
    """Whether both are one spec: one file in one folder, or the same name with one store (another checkout of it)."""
    folder = Path(os.path.realpath(named.parent))
    if Path(folder, named.name) == spec:
        return True
    if folder == spec.parent:
        return os.path.realpath(named) == os.path.realpath(spec)
    if named.name != spec.name or not named.exists():
        return False
    try:
        return os.path.realpath(state_path(named)) == os.path.realpath(state_path(spec))
    except SpecError:
        return False


def _receipts(output: Path) -> list[Published]:
    """Beside the file that is written, and beside the output where that is a link to it."""
    try:
        places = dict.fromkeys((publish.place(output), output))
    except PublishHeld:
        # The file that the link leads to cannot be seen now, and nothing is published there.
        places = dict.fromkeys((output,))
    found = []
    for place in places:
        try:
            found.append(publish.read_receipt(place))
        except ResultError:
            # Damaged: it vouches for nobody. The file is then of unknown origin, and held for that.
            continue
    return [receipt for receipt in found if receipt is not None]
