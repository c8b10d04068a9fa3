"""The flows: profiles, flow changes and boundaries from .fNN text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rasreconcile.engines.steady import keys
from rasreconcile.engines.steady.text import FIX, Line, Source, lines
from rasreconcile.errors import ProjectError

BoundaryKind = Literal["none", "known water surface", "critical depth", "normal depth"]
_KINDS: Mapping[str, BoundaryKind] = {
    "0": "none",
    "1": "known water surface",
    "2": "critical depth",
    "3": "normal depth",
}


@dataclass(frozen=True, slots=True)
class Boundary:
    """At one end of a reach. `value`: the water surface, or the slope."""

    kind: BoundaryKind
    value: float = 0.0


Place = tuple[str, str, float]
"""River, reach (in lower case) and river station."""
End = tuple[str, str, int]
"""River, reach (in lower case) and profile, from 0."""
_VALUES: Mapping[str, BoundaryKind] = {"Slope": "normal depth", "Known WS": "known water surface"}


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows of a file."""

    title: str
    profiles: tuple[str, ...]
    changes: Mapping[Place, tuple[float, ...]]
    """The flow of each profile from there on downstream."""
    upstream: Mapping[End, Boundary]
    downstream: Mapping[End, Boundary]
    change_lines: Mapping[Place, int]
    boundary_lines: Mapping[End, int]
    warnings: tuple[str, ...] = ()
    """Of keys that are not known, with file and line."""


def parse_flow(data: bytes, name: str) -> Flows:
    """Raises ProjectError with file and line."""
    return _Parser(Source(name)).parse(data)


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._title = ""
        self._count = 0
        self._names: tuple[str, ...] | None = None
        self._changes: dict[Place, tuple[float, ...]] = {}
        self._kinds: dict[tuple[str, End], tuple[BoundaryKind, Line]] = {}
        self._given: dict[tuple[str, End, BoundaryKind], float] = {}
        self._change_lines: dict[Place, int] = {}
        self._boundary_lines: dict[End, int] = {}
        self._place: End | None = None
        self._warnings: list[str] = []

    def parse(self, data: bytes) -> Flows:
        for line in lines(data):
            self._take(line)
        if not self._count or not self._changes:
            raise ProjectError(f"{self._source.name}:1: no steady flows", "name a flow file with profiles")
        names = self._names or tuple(f"PF {n}" for n in range(1, self._count + 1))
        return Flows(
            self._title,
            names,
            self._changes,
            self._ends("Up"),
            self._ends("Dn"),
            self._change_lines,
            self._boundary_lines,
            tuple(self._warnings),
        )

    def _take(self, line: Line) -> None:
        if line.key in keys.FLOW_REFUSED and (line.rows or set(line.parts()) - {"", "0"}):
            what = f"{keys.FLOW_REFUSED[line.key]} is not modelled by the steady engine"
            raise self._source.error(line, what, "use the hec-ras engine for this plan")
        if line.key in keys.FLOW_MODELLED and line.key != "River Rch & RM":
            self._source.without_rows(line)
        match line.key:
            case "Flow Title":
                self._title = line.value
            case "Number of Profiles":
                self._number(line)
            case "Profile Names":
                self._named(line)
            case "River Rch & RM":
                self._change(line)
            case "Boundary for River Rch & Prof#":
                self._boundary(line)
            case "Up Type" | "Dn Type":
                self._kind(line)
            case "Up Slope" | "Dn Slope" | "Up Known WS" | "Dn Known WS":
                self._value(line)
            case key if keys.flow_bearing(key) is None:
                self._warnings.append(
                    f"{self._source.name}:{line.number}: {key!r} is not known to the steady engine; ignored"
                )
            case _:
                pass

    def _number(self, line: Line) -> None:
        if self._count:
            raise self._source.error(line, "`Number of Profiles=` is given twice", FIX)
        self._count = self._source.count(line, line.value, "the number of profiles")

    def _named(self, line: Line) -> None:
        names = line.parts()
        while names and not names[-1]:
            names.pop()
        if not names:
            return
        if self._names is not None or len(names) != self._count:
            what = "are given twice" if self._names else f"name {len(names)} profiles, not {self._count}"
            raise self._source.error(line, f"the profile names {what}", FIX)
        self._names = tuple(names)

    def _change(self, line: Line) -> None:
        river, reach, station = [*line.parts(), "", "", ""][:3]
        if not self._count:
            raise self._source.error(line, "flows before `Number of Profiles=`", FIX)
        flows = tuple(self._source.filled(line, self._count, "flow", a_row=10))
        if any(flow <= 0 for flow in flows):
            raise self._source.error(line, "a flow is not above 0", "give every profile a flow")
        number = self._source.number(line, station.rstrip("*"), "river station")
        place = (river.casefold(), reach.casefold(), number)
        if place in self._changes:
            what = f"the flow at {river} {reach} {station} is given again; line {self._change_lines[place]} gives it"
            raise self._source.error(line, what, FIX)
        self._changes[place] = flows
        self._change_lines[place] = line.number

    def _boundary(self, line: Line) -> None:
        river, reach, profile = [*line.parts(), "", "", ""][:3]
        number = self._source.count(line, profile, "the profile")
        if not 1 <= number <= self._count:
            what = f"a boundary for profile {number}, and there are {self._count} profiles"
            raise self._source.error(line, what, FIX)
        self._place = (river.casefold(), reach.casefold(), number - 1)
        if self._place in self._boundary_lines:
            what = f"the boundaries of {river} {reach} for profile {number} are given again"
            again = f"{what}; line {self._boundary_lines[self._place]} gives them"
            raise self._source.error(line, again, FIX)
        self._boundary_lines[self._place] = line.number

    def _kind(self, line: Line) -> None:
        kind = line.value.strip()
        if kind == "4":
            what = "a rating curve as boundary is not modelled by the steady engine"
            raise self._source.error(line, what, "use a known water surface, or the hec-ras engine")
        if kind not in _KINDS:
            raise self._source.error(line, f"boundary type {kind!r} is not known here", FIX)
        place = self._within(line)
        if (line.key[:2], place) in self._kinds:
            raise self._source.error(line, f"{line.key!r} of this boundary is given twice", FIX)
        self._kinds[line.key[:2], place] = (_KINDS[kind], line)

    def _value(self, line: Line) -> None:
        place = self._within(line)
        if not line.value:
            return
        kind = _VALUES[line.key[3:]]
        if (line.key[:2], place, kind) in self._given:
            raise self._source.error(line, f"{line.key!r} of this boundary is given twice", FIX)
        self._given[line.key[:2], place, kind] = self._source.number(line, line.value, kind)

    def _within(self, line: Line) -> End:
        if self._place is None:
            raise self._source.error(line, f"{line.key!r} before any `Boundary for River Rch & Prof#=`", FIX)
        return self._place

    def _ends(self, end: str) -> Mapping[End, Boundary]:
        """A value beside another type is a remnant that HEC-RAS does not read either."""
        found = {}
        for (side, place), (kind, line) in self._kinds.items():
            if side != end:
                continue
            value = self._given.get((end, place, kind))
            if kind in _VALUES.values() and value is None:
                raise self._source.error(line, f"{kind} at this boundary has no value", FIX)
            if kind == "normal depth" and (value or 0.0) <= 0:
                what = f"a slope of {value:g} has no normal depth"
                raise self._source.error(line, what, "give a slope above 0")
            found[place] = Boundary(kind, value or 0.0)
        return found
