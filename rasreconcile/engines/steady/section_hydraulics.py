"""Hydraulic properties of a cross section at many water surfaces at once.

Conveyance is summed over subsections: n-value zones, cut at the banks. In the overbanks a dry gap cuts a subsection
too, in the channel it does not. There are vertical walls at the section's ends and no perimeter between subsections.
Source of the rules: comparison with conveyances and areas in HEC-RAS's own results (docs/steady.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rasreconcile.engines.steady.geometry import CrossSection, Levee

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
        middle = (x0 + x1) / 2
        left, right = section.banks
        self._part = np.where(middle < left, LEFT, np.where(middle > right, RIGHT, CHANNEL))
        # A vertical segment right at a bank belongs to the side it bounds from outside.
        zone_starts = np.array([s for s, _ in section.roughness])
        values = np.array([n for _, n in section.roughness])
        zone = np.clip(np.searchsorted(zone_starts, middle, side="right") - 1, 0, len(values) - 1)
        self._k = manning / values[zone]
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
        self._walls = _walls(section, stations, elevations)

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
        for index, elevation in self._walls:
            perimeter[:, index] += np.clip(w[:, 0], None, elevation) - np.minimum(w[:, 0], self._z0[index])
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
    return stations, elevations


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


def _walls(section: CrossSection, stations: Array, elevations: Array) -> list[tuple[int, float]]:
    """For each levee the segment on the water's side, and the elevation up to which it is a wall."""
    walls = []
    for side, levee in enumerate(section.levees):
        if levee is None:
            continue
        place = int(np.searchsorted(stations, levee.station))
        index = min(place, len(stations) - 2) if side == 0 else max(place - 1, 0)
        if elevations[min(place, len(elevations) - 1)] < levee.elevation:
            walls.append((index, levee.elevation))
    return walls
