"""Critical depth where specific energy has several minima, what defaults to it, and how a warning is reported."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest

from rasreconcile.engines.steady.cross_sections import Block, CrossSection
from rasreconcile.engines.steady.flow import Boundary
from rasreconcile.engines.steady.profile import Solver, Units
from rasreconcile.engines.steady.section_hydraulics import SectionHydraulics

SI = Units(gravity=9.80665, manning=1.0, largest_error=0.1)


def section(points: list[tuple[float, float]], lift: float = 0.0, **more: Any) -> CrossSection:
    left, right = points[0][0], points[-1][0]
    found: dict[str, Any] = {
        "river": "r",
        "reach": "r",
        "station": "1",
        "line": 1,
        "lengths": (100.0,) * 3,
        "points": tuple((x, z + lift) for x, z in points),
        "roughness": ((left, 0.03),),
        "banks": (left, right),
    }
    return CrossSection(**(found | more))


TERRACED = [
    (-100.0, 9.0),
    (-100.0, 4.0),
    (-5.0, 4.0),
    (-5.0, 0.0),
    (5.0, 0.0),
    (5.0, 4.0),
    (100.0, 4.0),
    (100.0, 9.0),
]
"""A channel 10 m wide and 4 m deep between terraces 95 m wide: two minima for flows about bank-full."""


def terraces(count: int, slope: float) -> Solver:
    return Solver(
        [
            SectionHydraulics(section(TERRACED, slope * 100 * (count - n), banks=(-5.0, 5.0)), 1.0)
            for n in range(count)
        ],
        SI,
    )


def least(solver: Solver, flow: float) -> float:
    """By brute force."""
    surfaces = np.arange(0.05, 20, 0.002)
    return float(surfaces[int(np.argmin([solver.state(0, float(w), flow).energy for w in surfaces]))])


@pytest.mark.parametrize("flow", [100.0, 200.0, 220.0, 240.0, 260.0, 300.0, 500.0])
def test_of_several_minima_the_lowest_is_critical_depth(flow: float) -> None:
    solver = Solver([SectionHydraulics(section(TERRACED, banks=(-5.0, 5.0)), 1.0)], SI)
    assert solver.critical(0, flow) == pytest.approx(least(solver, flow), abs=0.01)


def test_two_minima_are_found_about_bank_full() -> None:
    solver = Solver([SectionHydraulics(section(TERRACED, banks=(-5.0, 5.0)), 1.0)], SI)
    assert any(len(solver.minima(0, float(flow))) == 2 for flow in range(100, 400, 10))


def test_a_minimum_at_a_trigger_is_left_for_another() -> None:
    """Above 2 m the ineffective area opens, and energy falls to a minimum right there."""
    points = [(-200.0, 9.0), (-200.0, 1.9), (-5.0, 1.9), (-5.0, 0.0), (5.0, 0.0), (5.0, 9.0)]
    blocked = section(points, banks=(-5.0, 5.0), ineffective=(Block(-math.inf, -5.0, 6.0),))
    solver = Solver([SectionHydraulics(blocked, 1.0)], SI)
    (low,) = solver.minima(0, 30.0)
    assert low.surface == pytest.approx((30.0**2 / 100 / 9.80665) ** (1 / 3), abs=0.01)


def test_critical_depth_above_the_section_is_found_by_making_it_higher() -> None:
    low = section([(0.0, 1.0), (0.0, 0.0), (10.0, 0.0), (10.0, 1.0)])
    critical = Solver([SectionHydraulics(low, 1.0)], SI).critical(0, 400.0)
    assert critical == pytest.approx((400.0**2 / 100 / 9.80665) ** (1 / 3), abs=0.01)


def test_a_water_surface_among_the_minima_is_in_doubt() -> None:
    solver = terraces(4, 0.001)
    flow = next(float(q) for q in range(100, 400, 10) if len(solver.minima(3, float(q))) == 2)
    lows = [low.surface for low in solver.minima(3, flow)]
    profile = solver.solve([flow] * 4, (Boundary("none"), Boundary("critical depth")), "subcritical")
    assert profile.doubts[-1] == pytest.approx(lows)
    assert not profile.converged[-1]
    high = solver.solve([flow] * 4, (Boundary("none"), Boundary("known water surface", 9.0)), "subcritical")
    assert high.doubts == ((),) * 4
    assert all(high.converged)


@pytest.mark.parametrize("regime", ["subcritical", "mixed"])
def test_what_defaulted_to_critical_depth_did_not_converge(regime: Literal["subcritical", "mixed"]) -> None:
    """A mild reach, and below it a steep one: no subcritical flow on the steep part."""
    bottoms = [20.0, 19.9, 19.8, 19.7, 16.7, 13.7, 10.7, 7.7]
    rectangle = [(0.0, 30.0), (0.0, 0.0), (10.0, 0.0), (10.0, 30.0)]
    solver = Solver([SectionHydraulics(section(rectangle, bottom), 1.0) for bottom in bottoms], SI)
    ends = Boundary("none"), Boundary("critical depth")
    profile = solver.solve([50.0] * 8, ends, regime)
    at_critical = [s.surface == c for s, c in zip(profile.states, profile.critical, strict=True)]
    assert any(at_critical[:-1])
    for critical, converged in list(zip(at_critical, profile.converged, strict=True))[:-1]:
        assert critical is not converged
