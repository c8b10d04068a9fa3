"""Stations, elevations and Manning's n of the cross sections of a .gNN, as its text has them. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rasreconcile.project.text import described, split

_WIDTH = 8
_CROSS_SECTION = "1"
_OF_N = 3
"""Columns: station, n, and one that is 0 or blank."""
_HEAD = re.compile(r"(#Sta/Elev|#Mann)\s*=\s*(\d+)")


@dataclass(frozen=True, slots=True)
class SectionText:
    """A cross section by river, reach and station."""

    river: str
    reach: str
    station: str
    points: tuple[tuple[float, float], ...] = ()
    """Station and elevation, in ft or m."""
    roughness: tuple[tuple[float, float], ...] = ()
    """The station that each n begins at, and n; empty where it varies with more than the station."""


def section_texts(text: str) -> Iterator[SectionText]:
    """In the order of the file; what is no cross section, or holds what is no number, is left out."""
    river = reach = station = ""
    points: tuple[tuple[float, float], ...] = ()
    roughness: tuple[tuple[float, float], ...] = ()
    lines = split(text)
    free = described(lines)
    for at, line in enumerate(lines):
        if at in free:
            continue
        key, _, value = line.partition("=")
        if key in {"River Reach", "Reach"} or key.startswith("Type RM Length"):
            if station and points:
                yield SectionText(river, reach, station, points, roughness)
            station, points, roughness = "", (), ()
        if key == "River Reach":
            river, reach, *_ = [word.strip() for word in f"{value},".split(",")]
        elif key == "Reach":
            # HEC-RAS 2 and 3 wrote so where there was one: its river is called like it.
            river = reach = value.strip()
        elif key.startswith("Type RM Length"):
            kind, name, *_ = [word.strip() for word in f"{value},".split(",")]
            station = name if kind == _CROSS_SECTION else ""
        elif head := _HEAD.match(line):
            columns = 2 if head[1] == "#Sta/Elev" else _OF_N
            rows = _rows(lines, at + 1, int(head[2]), columns)
            if columns == 2:
                points = tuple((row[0], row[1]) for row in rows)
            else:
                roughness = tuple((row[0], row[1]) for row in rows)
    if station and points:
        yield SectionText(river, reach, station, points, roughness)


def _rows(lines: list[str], at: int, count: int, columns: int) -> list[list[float]]:
    """`count` rows of fixed-width numbers from this line on; none where they are not all there."""
    numbers: list[float] = []
    while len(numbers) < count * columns and at < len(lines):
        line = lines[at].rstrip()
        cells = [line[n : n + _WIDTH].strip() for n in range(0, len(line), _WIDTH)]
        if columns == _OF_N:
            # Old texts leave the third column blank, which says nothing.
            cells += [""] * (-len(cells) % _OF_N)
            cells[2::_OF_N] = [cell or "0" for cell in cells[2::_OF_N]]
        try:
            numbers += map(float, cells)
        except ValueError:
            return []
        at += 1
    if len(numbers) < count * columns:
        return []
    return [numbers[n : n + columns] for n in range(0, count * columns, columns)]
