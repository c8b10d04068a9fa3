"""The plans that a user named for one apply. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rasreconcile.errors import UsageError
from rasreconcile.named_plans import NamedPlans
from rasreconcile.plans import Address, Plan


@dataclass(frozen=True, slots=True)
class Selection:
    """Plans that were named; what they need comes with them, unless it was left out by name."""

    named: frozenset[Address]
    left_out: frozenset[Address] = frozenset()

    def among(self, plans: Iterable[Plan]) -> frozenset[Address]:
        """The plans to be made current."""
        needs = {plan.address: plan.needs for plan in plans}
        found: set[Address] = set()
        waiting = [address for address in self.named if address in needs]
        while waiting:
            address = waiting.pop()
            if address in found or address in self.left_out:
                continue
            found.add(address)
            waiting += needs.get(address, ())
        return frozenset(found)


Select = Callable[[Sequence[Address]], Selection | None]
"""Given the plans of a spec: those that the user named; None: all of them. May raise UsageError."""


def every_plan(known: Sequence[Address]) -> None:
    """Nobody named any."""


def select_named(named: NamedPlans) -> Select:
    """Those that the user named, and what they need. Raises UsageError, when it is asked, where nothing is left."""

    def select(known: Sequence[Address]) -> Selection | None:
        if not named.narrowed:
            return None
        picked = named.pick(known)
        if not picked:
            raise UsageError("every plan that was named is left out", "leave out fewer")
        return Selection(frozenset(picked), named.unwanted(known))

    return select


def selected(selection: Selection | None, plans: Iterable[Plan]) -> frozenset[Address]:
    """All of them where none was named."""
    known = tuple(plans)
    return frozenset(plan.address for plan in known) if selection is None else selection.among(known)
