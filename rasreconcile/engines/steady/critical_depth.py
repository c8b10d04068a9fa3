"""Critical depth: the minima of specific energy over the water surface, and which of several HEC-RAS takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rasreconcile.engines.steady.roots import minimum
from rasreconcile.engines.steady.section_hydraulics import Array, Properties, SectionHydraulics

CriticalMethod = Literal["parabolic", "secant"]
"""How HEC-RAS looks for critical depth: `Parabolic Critical Depth` (its default) or `Secant Critical Depth`."""

TOLERANCE = 0.01
"""Of energy and of water surfaces, ft or m: HEC-RAS's own default."""
_DOUBLINGS = 5
"""How often a section is made twice as high to find its critical depth, as HEC-RAS does."""
_FINE = 33
"""Points between two steps of the table, where a minimum is looked for: a curve over many n zones has kinks."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """Of specific energy, ft or m."""

    surface: float
    energy: float


def minima(
    section: SectionHydraulics, tabulated: tuple[Array, Properties], flow: float, gravity: float
) -> list[Minimum]:
    """The minima of specific energy, from below; at least one. `tabulated`: water surfaces and properties there.

    Wide overbanks make several, and so do levees and ineffective areas; minima at their triggers count only where
    there is no other.
    """
    grid, energy = _curve(section, tabulated, flow, gravity)

    def energy_at(surface: float) -> float:
        return float(_energies(np.array([surface]), section.at(surface), flow, gravity)[0])

    found = []
    for k in np.flatnonzero((energy[1:-1] < energy[:-2]) & (energy[1:-1] <= energy[2:])) + 1:
        fine = np.linspace(grid[k - 1], grid[k + 1], _FINE)
        least = int(np.argmin(_energies(fine, section.at(fine), flow, gravity)))
        a, b = float(fine[max(least - 1, 0)]), float(fine[min(least + 1, _FINE - 1)])
        surface = minimum(energy_at, a, b)
        found.append(Minimum(surface, energy_at(surface)))
    if not found:
        least = int(np.nanargmin(energy))
        found.append(Minimum(float(grid[least]), float(energy[least])))
    smooth = [low for low in found if not any(abs(low.surface - t) < TOLERANCE for t in section.triggers)]
    return _apart(smooth or found, grid, energy)


def chosen(found: Sequence[Minimum], method: CriticalMethod) -> float:
    """Secant: the minimum of least energy. Parabolic: the first one from below (docs/steady.md)."""
    by_energy = method == "secant"
    return min(found, key=lambda low: low.energy if by_energy else low.surface).surface


def doubt(found: Sequence[Minimum], surface: float) -> tuple[float, ...]:
    """The minima, where there are several and the water surface is at or between them: its regime depends on them."""
    surfaces = sorted(low.surface for low in found)
    apart = surfaces[-1] - surfaces[0] > TOLERANCE
    touched = surfaces[0] - TOLERANCE <= surface <= surfaces[-1] + TOLERANCE
    return tuple(surfaces) if apart and touched else ()


def _curve(
    section: SectionHydraulics, tabulated: tuple[Array, Properties], flow: float, gravity: float
) -> tuple[Array, Array]:
    """Specific energy over the water surface; the section is made higher until the energy rises at its top."""
    grid, table = tabulated
    energy = _energies(grid, table, flow, gravity)
    count = len(grid)
    for _ in range(_DOUBLINGS):
        if energy[-1] > energy.min():
            break
        more = np.linspace(grid[-1], 2 * grid[-1] - section.bottom, count)[1:]
        above = _energies(more, section.at(more), flow, gravity)
        grid, energy = np.concatenate((grid, more)), np.concatenate((energy, above))
    return grid, energy


def _apart(found: Sequence[Minimum], grid: Array, energy: Array) -> list[Minimum]:
    """Without dips that no more than the tolerance of energy parts from a lower one: HEC-RAS would step over them."""
    kept: list[Minimum] = []
    for low in found:
        lowest = low
        while kept and _ridge(kept[-1], lowest, grid, energy) <= TOLERANCE:
            lowest = min(kept.pop(), lowest, key=lambda one: one.energy)
        kept.append(lowest)
    return kept


def _ridge(below: Minimum, above: Minimum, grid: Array, energy: Array) -> float:
    """How far energy rises between two minima over the higher of them."""
    between = energy[(grid >= below.surface) & (grid <= above.surface)]
    higher = max(below.energy, above.energy)
    return float(between.max(initial=higher)) - higher


def _energies(grid: Array, table: Properties, flow: float, gravity: float) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        energy = grid + table.alpha * (flow / table.area) ** 2 / (2 * gravity)
    return np.where(table.area > 0, energy, np.inf)
