"""The geometry: reaches and cross sections from .gNN text; what this engine does not model is refused by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rasreconcile.engines.steady import keys
from rasreconcile.engines.steady.cross_sections import (
    Block,
    CrossSection,
    Levee,
    ground_at,
    has_composite_roughness,
    lacking,
)
from rasreconcile.engines.steady.text import FIX, Line, Source, lines

_STRUCTURES = {
    "2": "a culvert",
    "3": "a bridge",
    "4": "a multiple opening",
    "5": "an inline structure",
    "6": "a lateral structure",
}
_REMEDY = "use the hec-ras engine for this plan"


@dataclass(frozen=True, slots=True)
class Reach:
    """A reach without junctions; its sections from upstream to downstream."""

    river: str
    name: str
    sections: tuple[CrossSection, ...]


@dataclass(frozen=True, slots=True)
class Geometry:
    """All reaches of a geometry."""

    title: str
    reaches: tuple[Reach, ...]
    warnings: tuple[str, ...] = ()
    """Of keys that are not known, with file and line."""


def parse_geometry(data: bytes, name: str) -> Geometry:
    """Raises ProjectError with file and line where it cannot be read, or holds what is not modelled here."""
    return _Parser(Source(name)).parse(data)


class _Parser:
    """Reads line by line; a section is complete when the next one, or the end, comes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._title = ""
        self._reaches: list[tuple[str, str, int, list[CrossSection]]] = []
        self._section: CrossSection | None = None
        self._given: set[str] = set()
        self._slope = 5.0
        """Horizontal to vertical: on a steeper side several n values of a channel become one, as HEC-RAS's default."""
        self._warnings: list[str] = []

    def parse(self, data: bytes) -> Geometry:
        for line in lines(data):
            self._take(line)
        self._complete()
        for river, reach, number, sections in self._reaches:
            if len(sections) < 2:
                raise self._source.error(
                    number, f"reach {river} {reach} has fewer than two cross sections", _REMEDY
                )
            _in_order(self._source, sections)
            for section in sections:
                self._no_composite(section)
        if not self._reaches:
            raise self._source.error(1, "no river reach", "name a geometry with cross sections")
        reaches = tuple(Reach(r, n, tuple(s)) for r, n, _, s in self._reaches)
        return Geometry(self._title, reaches, tuple(self._warnings))

    def _take(self, line: Line) -> None:
        what = keys.refused(line.key)
        if what and not _is_empty(line):
            raise self._source.error(line, f"{what} is not modelled by the steady engine", _REMEDY)
        match line.key:
            case "Geom Title":
                self._title = line.value
            case "River Reach" | "Reach":
                self._complete()
                self._reach(line)
            case "Type RM Length L Ch R":
                self._complete()
                self._begin(line)
            case "Composite Channel Slope":
                self._slope = self._source.number(line, line.value or "5", "channel slope")
            case key if key in _SECTION_KEYS:
                self._of_section(line)
            case key if keys.bearing(key) is None:
                self._warnings.append(
                    f"{self._source.name}:{line.number}: {key!r} is not known to the steady engine; ignored"
                )

    def _reach(self, line: Line) -> None:
        self._source.without_rows(line)
        # HEC-RAS 2 and 3 wrote `Reach=` where there was one: its river is called like it.
        names = f"{line.value},{line.value}" if line.key == "Reach" else line.value
        river, _, reach = (part.strip() for part in names.partition(","))
        for other in self._reaches:
            if (river.casefold(), reach.casefold()) == (other[0].casefold(), other[1].casefold()):
                again = f"reach {river} {reach} is given again; it is in line {other[2]} already"
                raise self._source.error(line, again, FIX)
        self._reaches.append((river, reach, line.number, []))

    def _of_section(self, line: Line) -> None:
        if self._section is None:
            raise self._source.error(line, f"{line.key!r} is outside of a cross section", FIX)
        if line.key in self._given:
            raise self._source.error(line, f"{line.key!r} of {self._section.station} is given twice", FIX)
        if line.key not in _WITH_ROWS:
            self._source.without_rows(line)
        self._given.add(line.key)
        self._section = _SECTION_KEYS[line.key](self._source, line, self._section)

    def _begin(self, line: Line) -> None:
        kind, rest = line.parts()[0], [*line.parts()[1:], "", "", "", ""]
        if kind != "1":
            what = _STRUCTURES.get(kind, f"a node of type {kind}")
            raise self._source.error(
                line, f"{what} at {rest[0]} is not modelled by the steady engine", _REMEDY
            )
        if not self._reaches:
            raise self._source.error(line, "a cross section before any `River Reach=`", FIX)
        self._source.without_rows(line)
        station = rest[0].rstrip("*").strip()
        lengths = [self._source.number(line, text, "reach length") if text else None for text in rest[1:4]]
        if any(length is not None and length < 0 for length in lengths):
            raise self._source.error(line, f"a reach length of cross section {station} is negative", FIX)
        river, reach, _, _ = self._reaches[-1]
        self._given = set()
        self._section = CrossSection(
            river=river,
            reach=reach,
            station=station,
            place=self._source.number(line, station, "river station"),
            line=line.number,
            lengths=(lengths[0] or 0.0, lengths[1] or 0.0, lengths[2] or 0.0),
            blank_lengths=(lengths[0] is None, lengths[1] is None, lengths[2] is None),
            points=(),
            roughness=(),
            banks=(float("nan"), float("nan")),
        )

    def _no_composite(self, section: CrossSection) -> None:
        if has_composite_roughness(section, self._slope):
            what = f"a composite n of the channel at {section.station} (several n values, a steep side)"
            raise self._source.error(section.line, f"{what} is not modelled by the steady engine", _REMEDY)

    def _complete(self) -> None:
        section, self._section = self._section, None
        if section is None:
            return
        fault = lacking(section)
        if fault:
            raise self._source.error(section.line, f"cross section {section.station} {fault}", FIX)
        self._reaches[-1][3].append(replace(section, levees=self._on_the_ground(section)))

    def _on_the_ground(self, section: CrossSection) -> tuple[Levee | None, Levee | None]:
        """A levee without an elevation marks high ground: it is as high as that."""
        found = []
        for given in section.levees:
            levee = given
            if levee is not None and math.isnan(levee.elevation):
                levee = Levee(levee.station, ground_at(section, levee.station))
                self._warnings.append(
                    f"{self._source.name}:{section.line}: the levee of cross section {section.station} has a station"
                    f" ({levee.station:g}) and no elevation; the ground's, {levee.elevation:g}, is taken"
                )
            found.append(levee)
        return found[0], found[1]


def _in_order(source: Source, sections: Sequence[CrossSection]) -> None:
    """River stations fall downstream, and every section but the last says how far the next one is."""
    for above, below in pairwise(sections):
        if not above.place > below.place:
            order = f"cross section {below.station} is below {above.station}; river stations fall downstream"
            raise source.error(below.line, order, FIX)
        left, right = (any(side) for side in zip(above.has_overbanks, below.has_overbanks, strict=True))
        # Where nothing flows in an overbank, its length weighs nothing.
        if any(blank and used for blank, used in zip(above.blank_lengths, (left, True, right), strict=True)):
            raise source.error(above.line, f"a reach length of cross section {above.station} is blank", FIX)


def _is_empty(line: Line) -> bool:
    return not line.rows and not any(part not in {"", "0"} for part in line.parts())


def _points(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count = source.count(line, line.value or "0", "the number of points")
    values = source.filled(line, 2 * count, "station and elevation", a_row=10)
    points = tuple(zip(values[::2], values[1::2], strict=True))
    if any(b[0] < a[0] for a, b in pairwise(points)):
        raise source.error(line, f"stations of cross section {section.station} go backwards", FIX)
    return replace(section, points=points)


def _roughness(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count = source.count(line, line.parts()[0] or "0", "the number of n values")
    values = source.columns(line, 3 * count, "station and n", a_row=9)
    if None in values[::3]:
        raise source.error(line, f"a station of an n value of cross section {section.station} is blank", FIX)
    roughness = tuple(zip((s or 0.0 for s in values[::3]), (n or 0.0 for n in values[1::3]), strict=True))
    if any(not 0 <= n < 10 for _, n in roughness):
        raise source.error(line, f"an n value of cross section {section.station} is not from 0 to 10", FIX)
    if any(b[0] < a[0] for a, b in pairwise(roughness)):
        raise source.error(line, f"n values of cross section {section.station} go backwards", FIX)
    return replace(section, roughness=roughness)


def _banks(source: Source, line: Line, section: CrossSection) -> CrossSection:
    left, right = [*line.parts(), "", ""][:2]
    found = source.number(line, left, "left bank"), source.number(line, right, "right bank")
    return replace(section, banks=found)


def _losses(source: Source, line: Line, section: CrossSection) -> CrossSection:
    parts = [*line.parts(), "", ""][:2]
    expansion = source.number(line, parts[0] or "0.3", "expansion coefficient")
    contraction = source.number(line, parts[1] or "0.1", "contraction coefficient")
    if not (0 <= expansion <= 1 and 0 <= contraction <= 1):
        raise source.error(line, f"a loss coefficient of {section.station} is not from 0 to 1", FIX)
    return replace(section, expansion=expansion, contraction=contraction)


def _ineffective(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count, kind = _count_and_kind(source, line)
    if count and kind != 0:
        what = f"multiple-block ineffective areas at {section.station} are not modelled by the steady engine"
        raise source.error(line, what, _REMEDY)
    values = source.columns(line, 3 * count, "ineffective area", a_row=9)
    return replace(section, ineffective=_sides(source, line, values))


def _permanent(source: Source, line: Line, section: CrossSection) -> CrossSection:
    if any("T" in row.split() for row in line.rows):
        what = f"permanent ineffective areas at {section.station} are not modelled by the steady engine"
        raise source.error(line, what, _REMEDY)
    return section


def _obstructions(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count, kind = _count_and_kind(source, line)
    values = source.columns(line, 3 * count, "obstruction", a_row=9)
    if kind == 0:
        return replace(section, obstructions=_sides(source, line, values))
    blocks = []
    for left, right, elevation in zip(values[::3], values[1::3], values[2::3], strict=True):
        if left is None and right is None and elevation is None:
            continue
        if left is None or right is None or elevation is None:
            blank = f"an obstruction of cross section {section.station} has a blank station or elevation"
            raise source.error(line, blank, FIX)
        if left > right:
            raise source.error(line, f"an obstruction of {section.station} goes backwards", FIX)
        blocks.append(Block(left, right, elevation))
    return replace(section, obstructions=tuple(blocks))


def _levees(source: Source, line: Line, section: CrossSection) -> CrossSection:
    parts = [*line.parts(), "", "", "", "", "", ""][:6]

    def side(on: str, station: str, elevation: str) -> Levee | None:
        if on in {"", "0"}:
            return None
        if on != "-1":
            raise source.error(line, f"a levee of {section.station} is switched {on!r}, not -1 or 0", FIX)
        height = source.number(line, elevation, "levee elevation") if elevation else math.nan
        return Levee(source.number(line, station, "levee station"), height)

    return replace(section, levees=(side(*parts[:3]), side(*parts[3:])))


def _rating(source: Source, line: Line, section: CrossSection) -> CrossSection:
    if source.count(line, line.parts()[0] or "0", "the number of rating points"):
        raise source.error(
            line, f"a rating curve at {section.station} is not modelled by the steady engine", _REMEDY
        )
    return section


def _skew(source: Source, line: Line, section: CrossSection) -> CrossSection:
    if source.number(line, line.parts()[0] or "0", "skew"):
        raise source.error(line, f"skew of {section.station} is not modelled by the steady engine", _REMEDY)
    return section


def _count_and_kind(source: Source, line: Line) -> tuple[int, int]:
    """How many blocks, and whether they are normal (0) or multiple (-1)."""
    count, kind = [*line.parts(), "0"][:2]
    if kind not in {"", "0", "-1"}:
        raise source.error(line, f"blocks of type {kind} are not known to the steady engine", _REMEDY)
    number = source.count(line, count or "0", "the number of blocks")
    if number > 2 and kind != "-1":
        raise source.error(line, f"{number} normal blocks; HEC-RAS has one on either side", FIX)
    return number, int(kind or "0")


def _sides(source: Source, line: Line, values: list[float | None]) -> tuple[Block, ...]:
    """Normal blocks: the first reaches from the section's left end to a station, the second on to its right end."""
    padded = [*values, *[None] * 6][:6]
    blocks = []
    for station, elevation, side in ((padded[1], padded[2], "left"), (padded[3], padded[5], "right")):
        if elevation is None and station:
            what = f"the {side} block below {line.key!r} has a station and no elevation"
            raise source.error(line, what, "give it an elevation in HEC-RAS")
        if elevation is not None and station is None:
            what = f"the {side} block below {line.key!r} has an elevation and no station"
            raise source.error(line, what, "give it a station in HEC-RAS")
        if elevation is not None and station is not None:
            left, right = (-math.inf, station) if side == "left" else (station, math.inf)
            blocks.append(Block(left, right, elevation))
    return tuple(blocks)


_SECTION_KEYS = {
    "#Sta/Elev": _points,
    "#Mann": _roughness,
    "Bank Sta": _banks,
    "Exp/Cntr": _losses,
    "#XS Ineff": _ineffective,
    "Permanent Ineff": _permanent,
    "#Block Obstruct": _obstructions,
    "Levee": _levees,
    "XS Rating Curve": _rating,
    "Skew Angle": _skew,
}
_WITH_ROWS = frozenset({"#Sta/Elev", "#Mann", "#XS Ineff", "Permanent Ineff", "#Block Obstruct"})
