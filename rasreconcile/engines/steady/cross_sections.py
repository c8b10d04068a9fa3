"""A cross section as its text gives it, and what is wrong with it as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise


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
    place: float = math.nan
    """The river station as a number."""
    line: int
    lengths: tuple[float, float, float]
    """To the next section downstream: left overbank, channel, right overbank."""
    blank_lengths: tuple[bool, bool, bool] = (False, False, False)
    """Which are blank: all below the last section, and in old files those of overbanks without width."""
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

    @property
    def has_overbanks(self) -> tuple[bool, bool]:
        """Whether there is ground left of the left bank, and right of the right one."""
        return self.points[0][0] < self.banks[0], self.banks[1] < self.points[-1][0]


def lacking(section: CrossSection) -> str | None:
    """What is wrong with a section as a whole."""
    if len(section.points) < 2:
        return "has fewer than two points"
    if section.points[0][0] == section.points[-1][0]:
        return "has no width"
    if not section.roughness:
        return "has no roughness"
    if not section.banks[0] <= section.banks[1]:
        return "has no bank stations, or the left one right of the right one"
    if not section.points[0][0] <= section.banks[0] <= section.banks[1] <= section.points[-1][0]:
        return "has bank stations outside of its points"
    ends = [*(station for station, _ in section.roughness[1:]), section.points[-1][0]]
    for (begin, n), end in zip(section.roughness, ends, strict=True):
        if n == 0 and max(begin, section.points[0][0]) < end:
            return f"has an n value of 0 from station {begin:g} to {end:g}"
    return None


def ground_at(section: CrossSection, station: float) -> float:
    """The elevation of the ground at a station; at a wall that of its top."""
    here = [z for x, z in section.points if x == station]
    if here:
        return max(here)
    for (x0, z0), (x1, z1) in pairwise(section.points):
        if x0 < station < x1:
            return z0 + (z1 - z0) * (station - x0) / (x1 - x0)
    return section.points[0 if station < section.points[0][0] else -1][1]


def has_composite_roughness(section: CrossSection, slope: float) -> bool:
    """Whether HEC-RAS makes one n of the several of this channel: a side is steeper than `slope` (width to height).

    The side slope is taken between stations where n changes, and the banks (Hydraulic Reference Manual, composite
    Manning's n for the main channel).
    """
    left, right = section.banks
    inside = [station for station, _ in section.roughness if left < station < right]
    at_the_left = [n for station, n in section.roughness if station <= left] or [section.roughness[0][1]]
    values = {at_the_left[-1], *(n for station, n in section.roughness if station in inside)}
    stations = [left, *inside, right]
    heights = [ground_at(section, station) for station in stations]
    steep = any(
        x1 - x0 < slope * abs(z1 - z0)
        for x0, x1, z0, z1 in zip(stations, stations[1:], heights, heights[1:], strict=False)
    )
    return bool(inside) and len(values) > 1 and steep
