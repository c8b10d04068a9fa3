"""What rows say of each plan, read once and then again only for the plans that were written about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rasreconcile.plans import Address

FEW = 200
"""More plans than that are read with all the others."""

Said = TypeVar("Said")
Reading = Callable[[Collection[Address] | None], Mapping[Address, Said]]
"""What the rows say of these plans; None: of all of them. A plan of which they say nothing is left out."""


@dataclass(slots=True)
class ByPlan(Generic[Said]):
    """Of one reading. What is said of a plan is the same object for as long as no row of it was written."""

    read: Reading[Said]
    _known: dict[Address, Said] | None = None
    _written: set[Address] = field(default_factory=set)
    _as_of: tuple[int, int] = (0, 0)

    def written(self, address: Address) -> None:
        """Its rows are not what they were."""
        self._written.add(address)

    def said(self, as_of: tuple[int, int]) -> Mapping[Address, Said]:
        """Of every plan, as of now; with another `as_of` everything is read anew. The mapping changes with what is
        written."""
        known = self._known
        if known is None or as_of != self._as_of or len(self._written) > FEW:
            known = dict(self.read(None))
        elif self._written:
            fresh = self.read(self._written)
            for address in self._written:
                known.pop(address, None)
            known.update(fresh)
        self._written.clear()
        self._known, self._as_of = known, as_of
        return known


def among(column: str, addresses: Collection[Address] | None) -> str:
    """SQL: that the column is one of the addresses, which are the values to give; that it is anything, for None."""
    return "1" if addresses is None else f"{column} IN ({', '.join('?' * len(addresses))})"
