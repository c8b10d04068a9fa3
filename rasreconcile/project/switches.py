"""What a plan switches on: each is computed by a program of its own, and leaves an output of its own. PURE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rasreconcile.project.plan import parse_plan
from rasreconcile.project.text import entries, is_on

Computation = Literal["unsteady", "steady", "sediment", "water-quality"]

KEYS: dict[Computation, str] = {
    "unsteady": "Flow File",
    "steady": "Flow File",
    "sediment": "Run Sediment",
    "water-quality": "Run WQNet",
}
"""The key that switches each on."""

_BY_FLOW: dict[str, Computation] = {"u": "unsteady", "f": "steady", "q": "sediment"}


@dataclass(frozen=True, slots=True)
class Breach:
    """A structure that a plan lets fail."""

    river: str
    reach: str
    station: str
    connection: str

    @property
    def names(self) -> frozenset[str]:
        """Those that a result may call it by, in lower case."""
        spelled = (self.connection, " ".join(filter(None, (self.river, self.reach, self.station))))
        return frozenset(name.casefold() for name in spelled if name)


def computations(text: str, name: str) -> tuple[Computation, ...]:
    """What the plan computes. Raises ProjectError as `parse_plan` does.

    The other switches say nothing of a result HDF: `Run HTab` prepares, `Run PostProcess` and `Run RASMapper` make
    profiles and maps of what was computed, and every plan of a steady or quasi-unsteady flow keeps the switches of an
    unsteady one in its text, where they mean nothing.
    """
    flow = parse_plan(text, name).flow or ""
    main = _BY_FLOW.get(flow[:1])
    if main is None:
        return ()
    on = {entry.key for entry in entries(text) if entry.value is not None and is_on(entry.value)}
    found: list[Computation] = [main]
    if main == "unsteady" and KEYS["sediment"] in on:
        found.append("sediment")
    if main != "sediment" and KEYS["water-quality"] in on:
        found.append("water-quality")
    return tuple(found)


def breaches(text: str) -> tuple[Breach, ...]:
    """The structures that are to fail, where breaches are not disregarded as a whole."""
    if any(e.key == "Disregard all Breaches" and is_on(e.value or "") for e in entries(text)):
        return ()
    return tuple(_breaches(text))


def _breaches(text: str) -> Iterator[Breach]:
    for entry in entries(text):
        if entry.key == "Breach Loc" and entry.value:
            # `Breach Loc=River,Reach,1000,True,Dam`: whether it is in use, and for a connection its name.
            words = [word.strip() for word in entry.value.split(",")]
            river, reach, station, used, connection, *_ = [*words, "", "", "", "", ""]
            if is_on(used):
                yield Breach(river, reach, station, connection)
