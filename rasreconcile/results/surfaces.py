"""The water surfaces of a result: where they are, over what they lie, and which areas and reaches lack them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasreconcile.facts import NO_DATA, DatasetFacts, FlowKind
from rasreconcile.results.chunks import Sums
from rasreconcile.results.outputs import sediment_surface
from rasreconcile.results.tree import Tree

AREAS = "2D Flow Areas"
BASE = "Results/Unsteady/Output/Output Blocks/Base Output"
SUMMARY = f"{BASE}/Summary Output"
SERIES = f"{BASE}/Unsteady Time Series"
PROFILES = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"
_SECTIONS = "Geometry/Cross Sections"
_NAMED = (
    "Results/Steady/Output/Geometry Info/Cross Section Attributes",
    f"{SERIES}/Cross Sections/Cross Section Attributes",
    f"{SUMMARY}/Cross Sections/Cross Section Attributes",
    "Results/Unsteady/Geometry Info/Cross Section Attributes",
    "Results/Sediment/Geometry Info/Cross Section Attributes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A dataset with a row for each profile (or one, of maxima) and a column for each cell or section."""

    name: str
    """`2D area Perimeter 1`, `cross sections`."""
    place: str
    rows: slice
    columns: slice
    row_names: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    """`River, Reach, 1200`; empty for cells, which have numbers only."""

    def at(self, row: int, column: int) -> str:
        """A place in words."""
        where = (
            self.column_names[column] if column < len(self.column_names) else f"{self.name}, cell {column}"
        )
        if not self.column_names and not self.name.startswith("2D"):
            where = f"section number {column + 1}"
        return f"{where}, profile {self.row_names[row]}" if row < len(self.row_names) else where


@dataclass(frozen=True, slots=True)
class Section:
    """A cross section as a table names it."""

    river: str
    reach: str
    station: str

    @property
    def of(self) -> str:
        return f"{self.river}, {self.reach}"

    def __str__(self) -> str:
        return f"{self.of}, {self.station}"


def surfaces(tree: Tree, kind: FlowKind | None) -> Iterator[Surface]:
    """Steady: every profile. Unsteady: the maxima, which come from the summary and never from the series: they are
    over computation steps, not over output steps.
    """
    if kind == "steady":
        place = f"{PROFILES}/Cross Sections/Water Surface"
        if shape := tree.shape(place):
            profiles = tree.texts(f"{PROFILES}/Profile Names") or ()
            yield _sections(place, slice(None), profiles, section_names(tree, shape[-1]))
        return
    if kind == "sediment":
        if found := sediment_surface(tree):
            # A row for each output time.
            width = (tree.shape(found) or (0,))[-1]
            yield _sections(found, slice(None), (), section_names(tree, width))
        return
    for area in tree.names(f"{SUMMARY}/{AREAS}"):
        place = f"{SUMMARY}/{AREAS}/{area}/Maximum Water Surface"
        if (shape := tree.shape(place)) and len(shape) == 2:
            cells = columns(tree, area, place, shape[1])
            yield Surface(name=f"2D area {area}", place=place, rows=slice(0, 1), columns=cells)
    place = f"{SUMMARY}/Cross Sections/Maximum Water Surface"
    shape = tree.shape(place)
    # 5.0.7 writes two sections that do not exist for models that are 2D alone.
    dummies = bool(tree.names(f"{SUMMARY}/{AREAS}")) and count(tree) != (shape or (0,))[-1]
    if shape and len(shape) == 2 and not dummies:
        yield _sections(place, slice(0, 1), (), section_names(tree, shape[1]))


def _sections(place: str, rows: slice, profiles: tuple[str, ...], names: tuple[str, ...]) -> Surface:
    return Surface(
        name="cross sections",
        place=place,
        rows=rows,
        columns=slice(None),
        row_names=profiles,
        column_names=names,
    )


# ---- the geometry that the file holds


def cells(tree: Tree) -> Mapping[str, int | None]:
    """How many cells of each 2D area are no ghost cells; None where the table does not say."""
    attributes = f"Geometry/{AREAS}/Attributes"
    names = tree.texts(attributes, of="Name") or tree.texts(f"Geometry/{AREAS}/Names") or ()
    table = tree.table(attributes)
    if table is not None and "Cell Count" in (table.dtype.names or ()):
        return {name: int(n) for name, n in zip(names, table["Cell Count"].ravel(), strict=False)}
    # Older tables lack the column; here a row is the first cell and the number of cells.
    spans = tree.table(f"Geometry/{AREAS}/Cell Info")
    known = {}
    if spans is not None and spans.ndim == 2 and spans.shape[1] >= 2:
        known = {name: int(spans[n][1]) for n, name in enumerate(names) if n < len(spans)}
    # An area that was drawn and never got a mesh has a line in the table, and nothing else.
    return {name: known.get(name, None if _has_mesh(tree, name) else 0) for name in names}


def _has_mesh(tree: Tree, area: str) -> bool:
    return any(name.startswith("Cells ") for name in tree.names(f"Geometry/{AREAS}/{area}"))


def columns(tree: Tree, area: str, place: str, width: int) -> slice:
    """The columns of cells that are no ghost cells."""
    known = cells(tree).get(area)
    if known == 0:
        # It owes no output; what stands there in its name is of no cell.
        return slice(0, 0)
    if known is not None and not 0 < known <= width:
        tree.note(place, f"has {width} columns, the geometry says {known} cells")
        known = None
    return slice(0, known)


def count(tree: Tree) -> int | None:
    """How many cross sections the geometry has."""
    shapes = (tree.shape(f"{_SECTIONS}/{name}") for name in ("Attributes", "River Stations"))
    return next((shape[0] for shape in shapes if shape), None)


def of_geometry(tree: Tree) -> tuple[Section, ...]:
    """The cross sections of the geometry, in its order."""
    table = f"{_SECTIONS}/Attributes"
    parts = [tree.texts(table, of=name) for name in ("River", "Reach", "RS")]
    if parts[0] is None:
        old = ("River Names", "Reach Names", "River Stations")
        parts = [tree.texts(f"{_SECTIONS}/{name}") for name in old]
    return _zipped(parts)


def of_output(tree: Tree) -> tuple[Section, ...]:
    """The cross sections that have output, in the order of its columns; empty where the file does not name them."""
    for table in _NAMED:
        found = _zipped([tree.texts(table, of=name) for name in ("River", "Reach", "Station")])
        if found:
            return found
    for table in _NAMED:
        # 5.0.x has no such table: a line for each section, in columns of 16, 16 and 8 characters.
        lines = tree.texts(f"{table.rpartition('/')[0]}/Cross Section Only")
        if lines and all(len(line) > _STATION for line in lines):
            return tuple(_in_columns(line) for line in lines)
    return ()


_REACH, _STATION = 17, 34
"""Where reach and station begin in a line of `Cross Section Only`."""


def _in_columns(line: str) -> Section:
    return Section(line[:_REACH].strip(), line[_REACH:_STATION].strip(), line[_STATION:].strip())


def section_names(tree: Tree, width: int) -> tuple[str, ...]:
    """River, reach and station of each of `width` columns: those the output names, else the geometry's, whose order
    HEC-RAS keeps; empty where neither has as many."""
    for named in (of_output(tree), of_geometry(tree)):
        if len(named) == width:
            return tuple(str(section) for section in named)
    return ()


def _zipped(parts: Sequence[tuple[str, ...] | None]) -> tuple[Section, ...]:
    rivers, reaches, stations = parts
    if rivers is None or reaches is None or stations is None:
        return ()
    return tuple(Section(*each) for each in zip(rivers, reaches, stations, strict=False))


# ---- what has output


def of_areas(tree: Tree, found: Mapping[str, DatasetFacts | None]) -> dict[str, DatasetFacts | None]:
    """Water surface of each 2D area with cells: its maxima in `found` by place, else the last of its series."""
    result: dict[str, DatasetFacts | None] = {}
    for area, known in cells(tree).items():
        if known is None or known > 0:
            maxima = found.get(f"{SUMMARY}/{AREAS}/{area}/Maximum Water Surface")
            result[area] = maxima or _last_row(tree, area, f"{SERIES}/{AREAS}/{area}/Water Surface")
    return result


def _last_row(tree: Tree, area: str, place: str) -> DatasetFacts | None:
    shape = tree.shape(place)
    if shape is None or len(shape) != 2 or not shape[0]:
        return None
    return tree.sums(place, (slice(shape[0] - 1, None), columns(tree, area, place, shape[1])))


def of_reaches(tree: Tree, kind: FlowKind | None) -> dict[str, DatasetFacts | None]:
    """Water surface of each reach with sections. Where the output does not name its sections nothing is claimed."""
    wanted = dict.fromkeys(section.of for section in of_geometry(tree))
    there = of_output(tree)
    if not wanted or not there:
        return {}
    values = _of_sections(tree, kind, len(there))
    if values is None:
        return {} if kind == "steady" else dict.fromkeys(wanted)
    found: dict[str, DatasetFacts | None] = {}
    for reach in wanted:
        part = values[:, [n for n, section in enumerate(there) if section.of == reach]]
        found[reach] = _facts(part) if part.size else None
    return found


def _of_sections(tree: Tree, kind: FlowKind | None, width: int) -> np.ndarray[Any, Any] | None:
    places = (f"{SUMMARY}/Cross Sections/Maximum Water Surface", f"{SERIES}/Cross Sections/Water Surface")
    if kind == "steady":
        places = (f"{PROFILES}/Cross Sections/Water Surface",) * 2
    for place, rows in zip(
        places, (slice(0, 1) if kind == "unsteady" else slice(None), slice(-1, None)), strict=True
    ):
        shape = tree.shape(place)
        if shape and len(shape) == 2 and shape[0] and shape[1] == width:
            return tree.part(place, (rows, slice(None)))
    return None


def _facts(values: np.ndarray[Any, Any]) -> DatasetFacts:
    sums = Sums()
    sums.add(values)
    return DatasetFacts(
        shape=values.shape,
        dtype=str(values.dtype),
        finite=sums.finite,
        size=sums.size,
        minimum=sums.minimum,
        maximum=sums.maximum,
    )


# ---- depth


def maximum_depth(tree: Tree, found: Sequence[Surface]) -> float | None:
    """The largest water surface above the lowest point of its cell or section, in the unit of the results."""
    depths = [depth for surface in found if (depth := _depth(tree, surface)) is not None]
    return max(depths, default=None)


def _depth(tree: Tree, surface: Surface) -> float | None:
    bottom = ground(tree, surface)
    if bottom is None:
        return None
    deepest: float | None = None
    for where, piece in tree.cut(surface.place, (surface.rows, surface.columns)):
        under = bottom[where[1]]
        if piece.dtype.kind != "f" or under.shape != piece.shape[1:]:
            return None
        with np.errstate(all="ignore"):
            depths = piece.astype(np.float64) - under
            wet = depths[np.isfinite(depths) & (piece > NO_DATA)]
        if wet.size:
            deepest = max(float(wet.max()), deepest if deepest is not None else -np.inf)
    return deepest


def ground(tree: Tree, surface: Surface) -> np.ndarray[Any, Any] | None:
    """The lowest point of each cell or section: float64[n_columns], NaN where it is not known; None: of none."""
    if surface.name.startswith("2D"):
        area = surface.name.removeprefix("2D area ")
        place = f"Geometry/{AREAS}/{area}/Cells Minimum Elevation"
        shape = tree.shape(place)
        lowest = tree.part(place, (slice(None),)) if shape and len(shape) == 1 else None
        return None if lowest is None or lowest.dtype.kind != "f" else lowest.astype(np.float64)
    spans = tree.table(f"{_SECTIONS}/Station Elevation Info")
    points = tree.table(f"{_SECTIONS}/Station Elevation Values")
    sections = of_geometry(tree)
    if spans is None or points is None or points.ndim != 2 or points.shape[1] < 2 or spans.ndim != 2:
        return None
    lowest_of = {
        str(section): float(np.nanmin(points[first : first + length, 1]))
        for section, (first, length) in zip(sections, spans[:, :2].tolist(), strict=False)
        if length > 0 and 0 <= first <= first + length <= len(points)
    }
    found = np.array([lowest_of.get(name, np.nan) for name in surface.column_names], dtype=np.float64)
    return found if np.isfinite(found).any() else None
