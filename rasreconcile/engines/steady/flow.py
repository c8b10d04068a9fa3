"""The flows: profiles, flow changes and boundaries from .fNN text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rasreconcile.engines.steady.text import Line, Source, lines
from rasreconcile.errors import ProjectError

BoundaryKind = Literal["none", "known water surface", "critical depth", "normal depth"]
_KINDS: Mapping[str, BoundaryKind] = {
    "0": "none",
    "1": "known water surface",
    "2": "critical depth",
    "3": "normal depth",
}
_REFUSED = {
    "Storage Area Elev": "a storage area",
    "Set Internal Change": "an internal change of water surface or energy",
    "Initial Split Optimization": "split flow optimisation",
}


@dataclass(frozen=True, slots=True)
class Boundary:
    """At one end of a reach. `value`: the water surface, or the slope."""

    kind: BoundaryKind
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows of a file."""

    title: str
    profiles: tuple[str, ...]
    changes: Mapping[tuple[str, str, float], tuple[float, ...]]
    """By river, reach and river station: the flow of each profile from there on downstream."""
    upstream: Mapping[tuple[str, str, int], Boundary]
    """By river, reach and profile, from 0."""
    downstream: Mapping[tuple[str, str, int], Boundary]


def parse_flow(data: bytes, name: str) -> Flows:
    """Raises ProjectError with file and line."""
    return _Parser(Source(name)).parse(data)


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._title = ""
        self._count = 0
        self._names: tuple[str, ...] = ()
        self._changes: dict[tuple[str, str, float], tuple[float, ...]] = {}
        self._ends: dict[str, dict[tuple[str, str, int], Boundary]] = {"Up": {}, "Dn": {}}
        self._place: tuple[str, str, int] | None = None

    def parse(self, data: bytes) -> Flows:
        for line in lines(data):
            self._take(line)
        if not self._count or not self._changes:
            raise ProjectError(f"{self._source.name}:1: no steady flows; name a flow file with profiles")
        names = (*self._names, *(f"PF {n}" for n in range(len(self._names) + 1, self._count + 1)))
        return Flows(self._title, names[: self._count], self._changes, self._ends["Up"], self._ends["Dn"])

    def _take(self, line: Line) -> None:
        if line.key in _REFUSED:
            what = f"{_REFUSED[line.key]} is not modelled by the steady engine"
            raise self._source.error(line, what, "use the hec-ras engine for this plan")
        match line.key:
            case "Flow Title":
                self._title = line.value
            case "Number of Profiles":
                self._count = self._source.count(line, line.value, "the number of profiles")
            case "Profile Names":
                self._names = tuple(line.parts()) if line.value else ()
            case "River Rch & RM":
                self._change(line)
            case "Boundary for River Rch & Prof#":
                river, reach, profile = [*line.parts(), "", "", ""][:3]
                self._place = (river, reach, self._source.count(line, profile, "the profile") - 1)
            case "Up Type" | "Dn Type":
                self._kind(line)
            case "Up Slope" | "Dn Slope" | "Up Known WS" | "Dn Known WS":
                self._value(line)
            case _:
                pass

    def _change(self, line: Line) -> None:
        river, reach, station = [*line.parts(), "", "", ""][:3]
        if not self._count:
            raise self._source.error(line, "flows before `Number of Profiles=`", "mend it in HEC-RAS")
        flows = tuple(self._source.filled(line, self._count, "flow"))
        if any(flow <= 0 for flow in flows):
            raise self._source.error(line, "a flow is not above 0", "give every profile a flow")
        self._changes[river, reach, self._source.number(line, station.rstrip("*"), "river station")] = flows

    def _kind(self, line: Line) -> None:
        kind = line.value.strip()
        if kind == "4":
            what = "a rating curve as boundary is not modelled by the steady engine"
            raise self._source.error(line, what, "use a known water surface, or the hec-ras engine")
        if kind not in _KINDS or self._place is None:
            raise self._source.error(line, f"boundary type {kind!r} is not known here", "mend it in HEC-RAS")
        self._ends[line.key[:2]][self._place] = Boundary(_KINDS[kind])

    def _value(self, line: Line) -> None:
        if self._place is None or self._place not in self._ends[line.key[:2]]:
            return
        boundary = self._ends[line.key[:2]][self._place]
        wanted = "normal depth" if line.key.endswith("Slope") else "known water surface"
        if boundary.kind != wanted or not line.value:
            return
        value = self._source.number(line, line.value, wanted)
        if wanted == "normal depth" and value <= 0:
            raise self._source.error(
                line, f"a slope of {value:g} has no normal depth", "give a slope above 0"
            )
        self._ends[line.key[:2]][self._place] = Boundary(boundary.kind, value)
