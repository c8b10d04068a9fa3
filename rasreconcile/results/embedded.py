"""Whether the geometry that a plan HDF holds is that of a geometry text: stations, elevations and Manning's n.

A result may be complete and of other inputs: the file keeps what it was computed from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rasreconcile.plain_files import whole
from rasreconcile.project import decode
from rasreconcile.project.cross_sections import SectionText, section_texts
from rasreconcile.results.surfaces import of_geometry
from rasreconcile.results.tree import Tree

_HOME = "Geometry/Cross Sections"
_NEAR = 0.006
"""In ft or m: HEC-RAS keeps single precision, and a text two or three digits."""
_NEAR_N = 1e-5
_SINGLE = 1e-6

_Rows = np.ndarray[Any, Any]


def other_geometry(tree: Tree, geometry: Path) -> str | None:
    """The first section that differs, and how; None where none does, or the file or the text does not say.

    Raises OSError where the text cannot be read.
    """
    points, roughness = _tables(tree, "Station Elevation"), _tables(tree, "Manning's n")
    if not points:
        return None
    for text in section_texts(decode(whole(geometry))):
        name = _name(text.river, text.reach, text.station)
        said = f"cross section {text.river}, {text.reach}, {text.station}"
        if name not in points:
            return f"{said} of {geometry.name} is not in its geometry"
        how = _other_points(points[name], text.points) or _other_n(roughness.get(name), text)
        if how:
            return f"{said}: {how} in {geometry.name}"
    return None


def _name(*parts: str) -> tuple[str, ...]:
    # HEC-RAS marks interpolated sections with a star, and not everywhere.
    return tuple(part.strip().rstrip("*").casefold() for part in parts)


def _tables(tree: Tree, what: str) -> Mapping[tuple[str, ...], _Rows]:
    spans, values = tree.table(f"{_HOME}/{what} Info"), tree.table(f"{_HOME}/{what} Values")
    if spans is None or values is None or values.ndim != 2 or values.shape[1] < 2 or spans.ndim != 2:
        return {}
    return {
        _name(section.river, section.reach, section.station): values[first : first + count, :2].astype(float)
        for section, (first, count) in zip(of_geometry(tree), spans[:, :2].tolist(), strict=False)
        if count > 0 and 0 <= first <= first + count <= len(values)
    }


def _other_points(here: _Rows, text: Sequence[tuple[float, float]]) -> str | None:
    if len(here) != len(text):
        return f"it has {len(here)} points, {len(text)}"
    there = np.array(text)
    beyond = np.argwhere(np.abs(here - there) > _NEAR + _SINGLE * np.abs(there))
    if not len(beyond):
        return None
    row, column = beyond[0].tolist()
    what = ("station", "elevation")[column]
    return f"its {what} {row + 1} is {here[row, column]:.7g}, {there[row, column]:.7g}"


def _other_n(here: _Rows | None, text: SectionText) -> str | None:
    """n between every two breakpoints: where a break stands twice, or before the first point, means nothing."""
    if here is None or not text.roughness:
        return None
    there = np.array(text.roughness)
    first, last = text.points[0][0], text.points[-1][0]
    breaks = np.unique(np.clip(np.concatenate([here[:, 0], there[:, 0], [first, last]]), first, last))
    for left, right in zip(breaks[:-1].tolist(), breaks[1:].tolist(), strict=True):
        middle = (left + right) / 2
        ours, theirs = _at(here, middle), _at(there, middle)
        if (
            right - left > 2 * _NEAR + _SINGLE * abs(right)
            and abs(ours - theirs) > _NEAR_N + _SINGLE * theirs
        ):
            return f"Manning's n from station {left:.7g} on is {ours:.4g}, {theirs:.4g}"
    return None


def _at(steps: _Rows, station: float) -> float:
    before = np.searchsorted(steps[:, 0], station, side="right")
    return float(steps[max(int(before) - 1, 0), 1])
