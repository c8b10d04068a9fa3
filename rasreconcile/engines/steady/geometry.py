"""The geometry: reaches and cross sections from .gNN text; what this engine does not model is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from rasreconcile.engines.steady.text import Line, Source, lines

_STRUCTURES = {
    "2": "a culvert",
    "3": "a bridge",
    "4": "a multiple opening",
    "5": "an inline structure",
    "6": "a lateral structure",
}
_REFUSED: Mapping[str, str] = {
    "Junct Name": "a junction",
    "Storage Area": "a storage area",
    "Connection": "a connection between areas",
    "Pump Station": "a pump station",
    "Vertical n Elevations": "roughness that varies with elevation",
    "#XS Lid": "a lid",
    "Ice Thickness": "ice",
    "LeveeBreach": "a levee breach",
}
_HARMLESS = frozenset(
    {
        "Geom Title", "Program Version", "Viewing Rectangle", "River Reach", "Reach XY", "Rch Text X Y",
        "Reverse River Text", "Node Last Edited Time", "Node Name", "Description", "BEGIN DESCRIPTION",
        "XS GIS Cut Line", "XS HTab Starting El and Incr", "XS HTab Horizontal Distribution", "Chan Stop Cuts",
        "Use User Specified Reach Order", "Composite Channel Slope", "Foot Print", "Chan Vol Limit",
        "User Defined Cross Section Interpolation", "XS Interpolation", "Rating Curve Extrapolation",
    }
)  # fmt: skip
_HARMLESS_PREFIXES = ("GIS ", "LCMann ", "LandCover", "User Defined", "Node ")
_REMEDY = "use the hec-ras engine for this plan"


@dataclass(frozen=True, slots=True)
class Block:
    """Between two stations, up to an elevation: an obstruction, or an area that does not convey below it."""

    left: float
    right: float
    elevation: float


@dataclass(frozen=True, slots=True)
class Levee:
    """Water stays on the channel's side of `station` until it is above `elevation`."""

    station: float
    elevation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossSection:
    """One cross section, looking downstream; lengths and elevations in ft or m by the project's units."""

    river: str
    reach: str
    station: str
    line: int
    lengths: tuple[float, float, float]
    """To the next section downstream: left overbank, channel, right overbank."""
    points: tuple[tuple[float, float], ...]
    """Station and elevation, from left to right."""
    roughness: tuple[tuple[float, float], ...]
    """Station from which on Manning's n holds."""
    banks: tuple[float, float]
    expansion: float = 0.3
    contraction: float = 0.1
    ineffective: tuple[Block, ...] = ()
    obstructions: tuple[Block, ...] = ()
    levees: tuple[Levee | None, Levee | None] = (None, None)
    """On the left, on the right."""

    @property
    def name(self) -> str:
        return f"{self.river} {self.reach} {self.station}"


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

    def parse(self, data: bytes) -> Geometry:
        for line in lines(data):
            self._take(line)
        self._complete()
        for river, reach, number, sections in self._reaches:
            if len(sections) < 2:
                raise self._source.error(
                    number, f"reach {river} {reach} has fewer than two cross sections", _REMEDY
                )
        if not self._reaches:
            raise self._source.error(1, "no river reach", "name a geometry with cross sections")
        return Geometry(self._title, tuple(Reach(r, n, tuple(s)) for r, n, _, s in self._reaches))

    def _take(self, line: Line) -> None:
        if line.key in _REFUSED and not _is_empty(line):
            raise self._source.error(
                line, f"{_REFUSED[line.key]} is not modelled by the steady engine", _REMEDY
            )
        match line.key:
            case "Geom Title":
                self._title = line.value
            case "River Reach":
                self._complete()
                river, _, reach = line.value.partition(",")
                self._reaches.append((river.strip(), reach.strip(), line.number, []))
            case "Type RM Length L Ch R":
                self._complete()
                self._begin(line)
            case _ if self._section is not None and line.key in _SECTION_KEYS:
                self._section = _SECTION_KEYS[line.key](self._source, line, self._section)
            case key if key not in _HARMLESS and not key.startswith(_HARMLESS_PREFIXES):
                raise self._source.error(line, f"{key!r} is not known to the steady engine", _REMEDY)

    def _begin(self, line: Line) -> None:
        kind, rest = line.parts()[0], [*line.parts()[1:], "", "", "", ""]
        if kind != "1":
            what = _STRUCTURES.get(kind, f"a node of type {kind}")
            raise self._source.error(
                line, f"{what} at {rest[0]} is not modelled by the steady engine", _REMEDY
            )
        if not self._reaches:
            raise self._source.error(line, "a cross section before any `River Reach=`", "mend it in HEC-RAS")
        lengths = [self._source.number(line, text, "reach length") if text else 0.0 for text in rest[1:4]]
        river, reach, _, _ = self._reaches[-1]
        self._section = CrossSection(
            river=river,
            reach=reach,
            station=rest[0].rstrip("*").strip(),
            line=line.number,
            lengths=(lengths[0], lengths[1], lengths[2]),
            points=(),
            roughness=(),
            banks=(float("nan"), float("nan")),
        )

    def _complete(self) -> None:
        section, self._section = self._section, None
        if section is None:
            return
        lacking = None
        if len(section.points) < 2:
            lacking = "has fewer than two points"
        elif not section.roughness:
            lacking = "has no roughness"
        elif not section.banks[0] <= section.banks[1]:
            lacking = "has no bank stations, or the left one right of the right one"
        elif not section.points[0][0] <= section.banks[0] <= section.banks[1] <= section.points[-1][0]:
            lacking = "has bank stations outside of its points"
        if lacking:
            raise self._source.error(
                section.line, f"cross section {section.station} {lacking}", "mend it in HEC-RAS"
            )
        self._reaches[-1][3].append(section)


def _is_empty(line: Line) -> bool:
    return not line.rows and not any(part not in {"", "0"} for part in line.parts())


def _points(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count = source.count(line, line.value or "0", "the number of points")
    values = source.filled(line, 2 * count, "station and elevation")
    points = tuple(zip(values[::2], values[1::2], strict=True))
    if any(b[0] < a[0] for a, b in pairwise(points)):
        raise source.error(
            line, f"stations of cross section {section.station} go backwards", "mend it in HEC-RAS"
        )
    return replace(section, points=points)


def _roughness(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count = source.count(line, line.parts()[0] or "0", "the number of n values")
    values = source.filled(line, 3 * count, "station and n")
    roughness = tuple(zip(values[::3], values[1::3], strict=True))
    if any(not 0 < n < 10 for _, n in roughness):
        raise source.error(
            line, f"an n value of cross section {section.station} is not above 0", "mend it in HEC-RAS"
        )
    return replace(section, roughness=tuple(sorted(roughness)))


def _banks(source: Source, line: Line, section: CrossSection) -> CrossSection:
    left, right = [*line.parts(), "", ""][:2]
    found = source.number(line, left, "left bank"), source.number(line, right, "right bank")
    return replace(section, banks=found)


def _losses(source: Source, line: Line, section: CrossSection) -> CrossSection:
    expansion, contraction = [*line.parts(), "", ""][:2]
    return replace(
        section,
        expansion=source.number(line, expansion or "0.3", "expansion coefficient"),
        contraction=source.number(line, contraction or "0.1", "contraction coefficient"),
    )


def _ineffective(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count, kind = _count_and_kind(source, line)
    if count and kind != 0:
        what = f"multiple-block ineffective areas at {section.station} are not modelled by the steady engine"
        raise source.error(line, what, _REMEDY)
    return replace(section, ineffective=_sides(source.columns(line, 3 * count, "ineffective area"), section))


def _permanent(source: Source, line: Line, section: CrossSection) -> CrossSection:
    if any("T" in row.split() for row in line.rows):
        what = f"permanent ineffective areas at {section.station} are not modelled by the steady engine"
        raise source.error(line, what, _REMEDY)
    return section


def _obstructions(source: Source, line: Line, section: CrossSection) -> CrossSection:
    count, kind = _count_and_kind(source, line)
    values = source.columns(line, 3 * count, "obstruction")
    if kind == 0:
        return replace(section, obstructions=_sides(values, section))
    triples = zip(values[::3], values[1::3], values[2::3], strict=True)
    blocks = tuple(Block(a or 0.0, b or 0.0, e) for a, b, e in triples if e is not None)
    return replace(section, obstructions=blocks)


def _levees(source: Source, line: Line, section: CrossSection) -> CrossSection:
    parts = [*line.parts(), "", "", "", "", "", ""][:6]

    def side(on: str, station: str, elevation: str) -> Levee | None:
        if on != "-1":
            return None
        return Levee(
            source.number(line, station, "levee station"), source.number(line, elevation, "levee elevation")
        )

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
    count, kind = [*line.parts(), "0"][:2]
    return source.count(line, count or "0", "the number of blocks"), int(
        source.number(line, kind or "0", "kind")
    )


def _sides(values: list[float | None], section: CrossSection) -> tuple[Block, ...]:
    """Normal blocks: the first reaches from the section's left end to a station, the second on to its right end."""
    first, last = (
        section.points[0][0] if section.points else 0.0,
        section.points[-1][0] if section.points else 0.0,
    )
    blocks = []
    if len(values) >= 3 and values[2] is not None:
        blocks.append(Block(first, values[1] or 0.0, values[2]))
    if len(values) >= 6 and values[5] is not None:
        blocks.append(Block(values[3] or 0.0, last, values[5]))
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
