"""Hydraulic properties of a cross section at many water surfaces at once.

Conveyance is summed over subsections: n-value zones, cut at the banks. In the overbanks a dry gap cuts a subsection
too, in the channel it does not. There are vertical walls at the section's ends and no perimeter between subsections.
A wall belongs to the subsection of the ground at its foot. Left and right are mirror images.
Source of the rules: comparison with conveyances and areas in HEC-RAS's own results (docs/steady.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rasreconcile.engines.steady.cross_sections import CrossSection, Levee

Array = npt.NDArray[np.float64]

MANNING_US = 1.48592
"""HEC-RAS's own constant, cube root of feet per metre in single precision; 1.486 is off in the fifth digit."""
LEFT, CHANNEL, RIGHT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Properties:
    """At m water surfaces; conveyance and area are float64[3, m] for left overbank, channel, right overbank."""

    conveyances: Array
    areas: Array
    top_width: Array
    """Active, float64[m]."""
    moment: Array
    """First moment of the active area about the water surface, float64[m]: the pressure term of specific force."""

    @property
    def conveyance(self) -> Array:
        return np.asarray(self.conveyances.sum(axis=0))

    @property
    def area(self) -> Array:
        return np.asarray(self.areas.sum(axis=0))

    @property
    def alpha(self) -> Array:
        """Velocity coefficient, float64[m]; 1 where dry."""
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(self.areas > 0, self.conveyances**3 / self.areas**2, 0.0).sum(axis=0)
            alpha = parts * self.area**2 / self.conveyance**3
        return np.where(np.isfinite(alpha), alpha, 1.0)


class SectionHydraulics:
    """The ground of a cross section as straight segments, cut wherever anything changes."""

    def __init__(self, section: CrossSection, manning: float) -> None:
        self.source = section
        stations, elevations = _ground(section)
        x0, x1 = stations[:-1], stations[1:]
        self._z0, self._z1 = elevations[:-1], elevations[1:]
        self._dx, self._dz = x1 - x0, np.abs(self._z1 - self._z0)
        self._slant = np.hypot(self._dx, self._dz)
        middle = _places(stations, elevations)
        left, right = section.banks
        self._part = np.where(middle < left, LEFT, np.where(middle > right, RIGHT, CHANNEL))
        zone_starts = np.array([s for s, _ in section.roughness])
        values = np.array([n for _, n in section.roughness])
        zone = np.clip(np.searchsorted(zone_starts, middle, side="right") - 1, 0, len(values) - 1)
        # An n of 0 stands where its zone has no width.
        self._k = manning / np.where(values > 0, values, np.inf)[zone]
        key = self._part * (len(values) + 1) + zone
        self._cuts = np.concatenate(([True], key[1:] != key[:-1]))
        self._overbank = self._part != CHANNEL
        self._blocks = [(middle > b.left) & (middle < b.right) for b in section.ineffective]
        self._levees = [_behind(levee, side, middle) for side, levee in enumerate(section.levees) if levee]
        self.triggers: tuple[float, ...] = tuple(
            sorted({b.elevation for b in section.ineffective} | {v.elevation for v in section.levees if v})
        )
        self.bottom = float(elevations.min())
        self.top = float(elevations.max())
        self._walls = _walls(section, stations, elevations, middle)

    def at(self, surfaces: Array | float) -> Properties:
        """Properties at every water surface given."""
        w = np.atleast_1d(np.asarray(surfaces, dtype=np.float64))[:, None]
        d0, d1 = np.maximum(w - self._z0, 0.0), np.maximum(w - self._z1, 0.0)
        deepest = np.maximum(d0, d1)
        with np.errstate(divide="ignore", invalid="ignore"):
            wet = np.where((d0 > 0) & (d1 > 0) | (self._dz == 0), 1.0, deepest / self._dz)
        wet = np.where(deepest > 0, wet, 0.0)
        width = self._dx * wet
        area = width * (d0 + d1) / 2
        moment = width * (d0 * d0 + d0 * d1 + d1 * d1) / 6
        perimeter = self._slant * wet
        perimeter[:, 0] += d0[:, 0]
        perimeter[:, -1] += d1[:, -1]
        for index, foot, elevation in self._walls:
            perimeter[:, index] += np.clip(w[:, 0], foot, elevation) - foot
        active = self._active(w)
        found = self._sum(area * active, perimeter * active, d0)
        return Properties(*found, (width * active).sum(axis=1), (moment * active).sum(axis=1))

    def _active(self, w: Array) -> Array:
        active = np.ones((len(w), len(self._dx)))
        for block, inside in zip(self.source.ineffective, self._blocks, strict=True):
            active *= ~(inside & (w <= block.elevation))
        for levee, behind in zip([v for v in self.source.levees if v], self._levees, strict=True):
            active *= ~(behind & (w <= levee.elevation))
        return active

    def _sum(self, area: Array, perimeter: Array, d0: Array) -> tuple[Array, Array]:
        """Conveyances and areas of left overbank, channel and right overbank."""
        rows, columns = area.shape
        begins = self._cuts | (self._overbank & (d0 <= 0))
        begins[:, 0] = True
        first = np.flatnonzero(begins)
        areas = np.add.reduceat(area.ravel(), first)
        perimeters = np.add.reduceat(perimeter.ravel(), first)
        segment = first % columns
        with np.errstate(divide="ignore", invalid="ignore"):
            conveyance = self._k[segment] * areas * np.cbrt(areas / perimeters) ** 2
        conveyance = np.where(areas > 0, conveyance, 0.0)
        place = self._part[segment] * rows + first // columns

        def by_part(values: Array) -> Array:
            return np.asarray(np.bincount(place, values, 3 * rows), dtype=np.float64).reshape(3, rows)

        return by_part(conveyance), by_part(areas)


def _ground(section: CrossSection) -> tuple[Array, Array]:
    """Stations and elevations with obstructions filled in, and a point wherever something changes."""
    points = np.array(section.points, dtype=np.float64)
    cuts: set[float] = {*section.banks, *(s for s, _ in section.roughness)}
    cuts |= {edge for b in (*section.ineffective, *section.obstructions) for edge in (b.left, b.right)}
    cuts |= {v.station for v in section.levees if v}
    stations, elevations = _cut(points[:, 0], points[:, 1], cuts)
    for block in section.obstructions:
        stations, elevations = _filled(stations, elevations, block.left, block.right, block.elevation)
    return _upright(stations, elevations)


def _upright(stations: Array, elevations: Array) -> tuple[Array, Array]:
    """Of the points at one station the first, the highest and the last: between them stand the walls.

    At either end of the section what stands outside of the highest is left out: no water of the section touches it.
    """
    xs: list[float] = []
    zs: list[float] = []
    values = np.unique(stations)
    for x in values:
        here = elevations[stations == x]
        heights = [here[0], here.max(), here[-1]][0 if x != values[0] else 1 : 3 if x != values[-1] else 2]
        for n, z in enumerate(heights):
            if n == 0 or z != heights[n - 1]:
                xs.append(float(x))
                zs.append(float(z))
    return np.array(xs), np.array(zs)


def _cut(stations: Array, elevations: Array, cuts: set[float]) -> tuple[Array, Array]:
    """Inserts points on the ground at the given stations, where none are yet."""
    new = np.array(
        sorted(c for c in cuts if stations[0] < c < stations[-1] and c not in stations), dtype=np.float64
    )
    if not len(new):
        return stations, elevations
    places = np.searchsorted(stations, new)
    return np.insert(stations, places, new), np.insert(
        elevations, places, np.interp(new, stations, elevations)
    )


def _filled(stations: Array, elevations: Array, left: float, right: float, top: float) -> tuple[Array, Array]:
    """Raises the ground between two stations to `top`, with vertical sides."""
    if left >= right:
        return stations, elevations
    crossing = [
        float(
            stations[i]
            + (top - elevations[i]) * (stations[i + 1] - stations[i]) / (elevations[i + 1] - elevations[i])
        )
        for i in np.flatnonzero((elevations[:-1] < top) != (elevations[1:] < top))
        if left < stations[i + 1] and stations[i] < right
    ]
    stations, elevations = _cut(stations, elevations, {c for c in crossing if left < c < right})
    inside = (stations >= left) & (stations <= right)
    xs: list[float] = []
    zs: list[float] = []
    for i, (x, z) in enumerate(zip(stations, elevations, strict=True)):
        raised = max(float(z), top)
        if not inside[i]:
            xs.append(float(x))
            zs.append(float(z))
            continue
        enters = x == left and i > 0 and not inside[i - 1]
        leaves = x == right and i + 1 < len(stations) and not inside[i + 1]
        heights = [float(z), raised] if enters else [raised, float(z)] if leaves else [raised]
        for height in dict.fromkeys(heights):
            xs.append(float(x))
            zs.append(height)
    return np.array(xs), np.array(zs)


def _behind(levee: Levee, side: int, middle: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(middle < levee.station if side == 0 else middle > levee.station)


def _places(stations: Array, elevations: Array) -> Array:
    """Where each segment counts: its middle; for a wall that of the ground at its foot, whose water wets it.

    A wall may stand right at a change of n, a bank, or the end of an ineffective area or the section: its own station
    would not tell on which side of that it is.
    """
    middle = (stations[:-1] + stations[1:]) / 2
    level = np.flatnonzero(np.diff(stations) > 0)
    for wall in np.flatnonzero((np.diff(stations) == 0) if len(level) else []):
        after = int(np.searchsorted(level, wall))
        on_the_right = elevations[wall] > elevations[wall + 1]
        foot = min(after, len(level) - 1) if on_the_right else max(after - 1, 0)
        middle[wall] = middle[level[foot]]
    return np.asarray(middle)


def _walls(
    section: CrossSection, stations: Array, elevations: Array, middle: Array
) -> list[tuple[int, float, float]]:
    """For each levee the segment on the water's side, and between which elevations it is a wall above the ground."""
    walls = []
    for side, levee in enumerate(section.levees):
        wet = (
            np.flatnonzero(~_behind(levee, side, middle) & (np.diff(stations) > 0)) if levee else np.array([])
        )
        if levee is None or not len(wet):
            continue
        index = int(wet[0] if side == 0 else wet[-1])
        at_the_levee = elevations[stations == levee.station]
        if len(at_the_levee) and at_the_levee.max() < levee.elevation:
            walls.append((index, float(at_the_levee.max()), levee.elevation))
    return walls
