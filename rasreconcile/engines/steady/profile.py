"""Water surface profiles: the standard step on energy, subcritical, supercritical and mixed.

A point where the energy equation has no root gets its critical depth and is marked as not converged: a number is
never returned in silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rasreconcile.engines.steady.critical_depth import (
    TOLERANCE,
    CriticalMethod,
    Minimum,
    chosen,
    doubt,
    minima,
)
from rasreconcile.engines.steady.flow import Boundary
from rasreconcile.engines.steady.roots import rising_roots
from rasreconcile.engines.steady.section_hydraulics import Array, Properties, SectionHydraulics

Regime = Literal["subcritical", "supercritical", "mixed"]

_TABLE = 120
_JUST_ABOVE = 1e-7
"""Just above a trigger elevation, where what was ineffective conveys."""


@dataclass(frozen=True, slots=True)
class Units:
    """What depends on the project's units."""

    gravity: float
    manning: float
    largest_error: float
    """Energy imbalance with which a point is still taken where nothing balances, ft or m: `Max Error Tol`."""


@dataclass(frozen=True, slots=True)
class State:
    """The flow at one section: surfaces in ft or m, flow in cfs or m3/s."""

    surface: float
    flow: float
    energy: float
    """Energy grade: surface and velocity head."""
    velocity_head: float
    conveyance: float
    shares: tuple[float, float, float]
    """Of the flow, in left overbank, channel and right overbank."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile over the sections of a reach, from upstream to downstream."""

    states: tuple[State, ...]
    critical: tuple[float, ...]
    converged: tuple[bool, ...]
    """False where the energy equation did not balance, where the flow defaulted to critical depth, and in doubt."""
    doubts: tuple[tuple[float, ...], ...]
    """Water surfaces that critical depth may be, where the choice among them touches this point."""


class Solver:
    """Solves profiles of one reach; what is tabulated of its sections serves every profile."""

    def __init__(
        self, sections: Sequence[SectionHydraulics], units: Units, method: CriticalMethod = "parabolic"
    ) -> None:
        self._sections = tuple(sections)
        self._units = units
        self._method = method
        self._tables = [_table(section) for section in sections]

    def solve(self, flows: Sequence[float], ends: tuple[Boundary, Boundary], regime: Regime) -> Profile:
        """`flows`: at each section. `ends`: the boundaries upstream and downstream."""
        energies = [self.minima(i, flow) for i, flow in enumerate(flows)]
        critical = [chosen(found, self._method) for found in energies]
        if regime == "supercritical":
            states, converged = self._downwards(flows, critical, ends[0])
        else:
            states, converged = self._upwards(flows, critical, ends[1])
        if regime == "mixed":
            states, converged = self._mixed(flows, critical, ends[0], states, converged)
        doubts = [doubt(found, state.surface) for found, state in zip(energies, states, strict=True)]
        sure = [ok and not lows for ok, lows in zip(converged, doubts, strict=True)]
        return Profile(tuple(states), tuple(critical), tuple(sure), tuple(doubts))

    # ---- single sections

    def critical(self, i: int, flow: float) -> float:
        """The water surface of least specific energy; of several, the one that the method takes."""
        return chosen(self.minima(i, flow), self._method)

    def minima(self, i: int, flow: float) -> list[Minimum]:
        """The minima of specific energy over the water surface, from below; at least one."""
        return minima(self._sections[i], self._tables[i], flow, self._units.gravity)

    def state(self, i: int, surface: float, flow: float) -> State:
        """The flow at a water surface."""
        found = self._sections[i].at(surface)
        return _state(found, surface, flow, self._units.gravity)

    def normal(self, i: int, flow: float, slope: float) -> float | None:
        """The water surface at which friction eats the slope; None where there is none."""
        grid, table = self._tables[i]
        root = math.sqrt(slope)

        def excess(w: float) -> float:
            return float(self._sections[i].at(w).conveyance[0]) * root - flow

        found = rising_roots(excess, grid, table.conveyance * root - flow, flow * 1e-4)
        return found[0] if found else None

    def momentum(self, i: int, state: State) -> float:
        """Specific force, ft3 or m3: Q2 / (g A) and the first moment of the area."""
        found = self._sections[i].at(state.surface)
        return state.flow**2 / (self._units.gravity * float(found.area[0])) + float(found.moment[0])

    # ---- passes

    def _upwards(
        self, flows: Sequence[float], critical: Sequence[float], end: Boundary
    ) -> tuple[list[State], list[bool]]:
        last = len(flows) - 1
        surface, ok = self._boundary(last, flows[last], critical[last], end, "subcritical")
        states, converged = [self.state(last, surface, flows[last])], [ok]
        for i in range(last - 1, -1, -1):
            surface, ok = self._step(i, flows[i], critical[i], states[0], "subcritical")
            states.insert(0, self.state(i, surface, flows[i]))
            converged.insert(0, ok)
        return states, converged

    def _downwards(
        self, flows: Sequence[float], critical: Sequence[float], end: Boundary
    ) -> tuple[list[State], list[bool]]:
        surface, ok = self._boundary(0, flows[0], critical[0], end, "supercritical")
        states, converged = [self.state(0, surface, flows[0])], [ok]
        for i in range(1, len(flows)):
            surface, ok = self._step(i, flows[i], critical[i], states[-1], "supercritical")
            states.append(self.state(i, surface, flows[i]))
            converged.append(ok)
        return states, converged

    def _mixed(
        self,
        flows: Sequence[float],
        critical: Sequence[float],
        end: Boundary,
        states: list[State],
        converged: list[bool],
    ) -> tuple[list[State], list[bool]]:
        """Supercritical reaches begin where the subcritical pass found no root, and end in a jump."""
        states, converged = list(states), list(converged)
        above: State | None = None
        if end.kind != "none":
            surface, ok = self._boundary(0, flows[0], critical[0], end, "supercritical")
            candidate = self.state(0, surface, flows[0])
            if ok and surface < critical[0] and self._wins(0, candidate, states[0], converged[0]):
                states[0], converged[0] = candidate, True
                above = candidate
        for i in range(0 if above is None else 1, len(flows)):
            if above is not None:
                surface, ok = self._step(i, flows[i], critical[i], above, "supercritical")
                above = self.state(i, surface, flows[i])
                if ok and self._wins(i, above, states[i], converged[i]):
                    states[i], converged[i] = above, True
                    continue
            # A section that defaulted to critical depth is a control: supercritical flow may begin there.
            control = not converged[i] and states[i].surface == critical[i]
            above = states[i] if control else None
        return states, converged

    def _wins(self, i: int, fast: State, slow: State, slow_is_valid: bool) -> bool:
        """Whether the supercritical flow pushes the subcritical one away."""
        return not slow_is_valid or self.momentum(i, fast) >= self.momentum(i, slow)

    def _boundary(
        self, i: int, flow: float, critical: float, end: Boundary, regime: Regime
    ) -> tuple[float, bool]:
        match end.kind:
            case "known water surface":
                wrong = end.value < critical if regime == "subcritical" else end.value > critical
                return (critical, False) if wrong else (end.value, True)
            case "critical depth":
                return critical, True
            case "normal depth":
                normal = self.normal(i, flow, end.value)
                if normal is None:
                    return critical, False
                wrong = normal < critical if regime == "subcritical" else normal > critical
                return (critical, False) if wrong else (normal, True)
            case "none":
                return critical, False

    def _step(self, i: int, flow: float, critical: float, known: State, regime: Regime) -> tuple[float, bool]:
        """The water surface at section i that balances energy with its neighbour; critical depth where none does."""
        grid, table = self._tables[i]
        upper = i if regime == "subcritical" else i - 1
        section = self._sections[upper].source

        def imbalance(w: float) -> float:
            return self._imbalance(self.state(i, w, flow), known, section.lengths, regime, upper)

        values = self._imbalances(i, flow, known, regime, upper)
        inside = grid >= critical if regime == "subcritical" else (grid <= critical) & (table.area > 0)
        scan = np.append(grid[inside], critical)
        order = np.argsort(scan)
        scan, tabled = scan[order], np.append(values[inside], imbalance(critical))[order]
        roots = rising_roots(imbalance, scan, tabled, TOLERANCE)
        if roots:
            return (min(roots), True) if regime == "subcritical" else (max(roots), True)
        nearest = self._nearest(scan, tabled)
        return (critical if nearest is None else nearest), False

    def _nearest(self, scan: Array, imbalances: Array) -> float | None:
        """Where the balance jumps over 0, the side of the jump that is nearer to it; None where neither is near."""
        jumps = np.flatnonzero((imbalances[:-1] < 0) & (imbalances[1:] >= 0))
        sides = [(abs(float(imbalances[k])), float(scan[k])) for i in jumps for k in (i, i + 1)]
        error, surface = min(sides, default=(np.inf, 0.0))
        return surface if error <= self._units.largest_error else None

    def _imbalance(
        self, trial: State, known: State, lengths: tuple[float, float, float], regime: Regime, upper: int
    ) -> float:
        """Upstream energy less downstream energy and losses."""
        up, down = (trial, known) if regime == "subcritical" else (known, trial)
        flow = (up.flow + down.flow) / 2
        carried = [(a * up.flow + b * down.flow) / 2 for a, b in zip(up.shares, down.shares, strict=True)]
        length = sum(part * way for part, way in zip(carried, lengths, strict=True)) / flow
        slope = ((up.flow + down.flow) / (up.conveyance + down.conveyance)) ** 2
        coefficient = self._coefficient(upper, up.velocity_head, down.velocity_head)
        lost = length * slope + coefficient * abs(down.velocity_head - up.velocity_head)
        return up.energy - down.energy - lost

    def _coefficient(self, upper: int, up: float, down: float) -> float:
        source = self._sections[upper].source
        return source.contraction if down > up else source.expansion

    def _imbalances(self, i: int, flow: float, known: State, regime: Regime, upper: int) -> Array:
        """As `_imbalance`, over the whole table of section i."""
        grid, table = self._tables[i]
        source = self._sections[upper].source
        with np.errstate(divide="ignore", invalid="ignore"):
            head = table.alpha * (flow / table.area) ** 2 / (2 * self._units.gravity)
            shares = table.conveyances / table.conveyance
            carried = (shares * flow + np.array(known.shares)[:, None] * known.flow) / 2
            length = (carried * np.array(source.lengths)[:, None]).sum(axis=0) / ((flow + known.flow) / 2)
            slope = ((flow + known.flow) / (table.conveyance + known.conveyance)) ** 2
            up, down = (head, known.velocity_head) if regime == "subcritical" else (known.velocity_head, head)
            coefficient = np.where(np.asarray(down) > np.asarray(up), source.contraction, source.expansion)
            lost = length * slope + coefficient * np.abs(np.asarray(down) - np.asarray(up))
            own = grid + head
            values = own - known.energy - lost if regime == "subcritical" else known.energy - own - lost
        return np.where(np.isfinite(values), values, np.inf if regime == "subcritical" else -np.inf)


def _table(section: SectionHydraulics) -> tuple[Array, Properties]:
    """Properties over the section's height and as much above it, with both sides of every trigger."""
    height = max(section.top - section.bottom, 1e-3)
    grid = section.bottom + height * np.linspace(0, np.sqrt(2.0), _TABLE + 1)[1:] ** 2
    triggers = np.array([t for t in section.triggers if section.bottom < t < grid[-1]], dtype=np.float64)
    grid = np.unique(np.concatenate((grid, triggers, triggers + _JUST_ABOVE)))
    return grid, section.at(grid)


def _state(found: Properties, surface: float, flow: float, gravity: float) -> State:
    area, conveyance = float(found.area[0]), float(found.conveyance[0])
    if area <= 0 or conveyance <= 0:
        return State(surface, flow, np.inf, np.inf, 1e-12, (0.0, 1.0, 0.0))
    head = float(found.alpha[0]) * (flow / area) ** 2 / (2 * gravity)
    left, channel, right = (float(k) / conveyance for k in found.conveyances[:, 0])
    return State(surface, flow, surface + head, head, conveyance, (left, channel, right))
