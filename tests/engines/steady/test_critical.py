"""Critical depth where specific energy has several minima, what defaults to it, and how a warning is reported."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest

from rasreconcile.engines.steady.cross_sections import Block, CrossSection
from rasreconcile.engines.steady.flow import Boundary
from rasreconcile.engines.steady.profile import Solver, Units
from rasreconcile.engines.steady.river_model import parse_model
from rasreconcile.engines.steady.section_hydraulics import SectionHydraulics
from rasreconcile.engines.steady.solution import solve

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


def energies(solver: Solver, flow: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Water surfaces and their specific energies, by brute force."""
    surfaces = np.arange(0.05, 10, 0.01)
    return surfaces, np.array([solver.state(0, float(w), flow).energy for w in surfaces])


FLOWS = [100.0, 200.0, 220.0, 240.0, 260.0, 300.0, 500.0]


@pytest.mark.parametrize("flow", FLOWS)
def test_the_secant_method_takes_the_lowest_of_several_minima(flow: float) -> None:
    solver = Solver([SectionHydraulics(section(TERRACED, banks=(-5.0, 5.0)), 1.0)], SI, "secant")
    surfaces, energy = energies(solver, flow)
    assert solver.critical(0, flow) == pytest.approx(surfaces[int(energy.argmin())], abs=0.02)


@pytest.mark.parametrize("flow", [100.0, 150.0, 180.0, 200.0, 220.0])
def test_the_parabolic_method_takes_the_first_minimum_from_below(flow: float) -> None:
    """Within the channel, whose critical depth the textbook gives, although the terraces have a lower one."""
    solver = Solver([SectionHydraulics(section(TERRACED, banks=(-5.0, 5.0)), 1.0)], SI, "parabolic")
    assert solver.critical(0, flow) == pytest.approx((flow**2 / 100 / 9.80665) ** (1 / 3), abs=0.001)


def test_a_dip_of_less_than_the_tolerance_of_energy_is_no_minimum_of_its_own() -> None:
    """At 240 m3/s energy rises by 5 mm from critical depth in the channel to its banks."""
    solver = Solver([SectionHydraulics(section(TERRACED, banks=(-5.0, 5.0)), 1.0)], SI)
    surfaces, energy = energies(solver, 240.0)
    (low,) = solver.minima(0, 240.0)
    assert low.surface == pytest.approx(surfaces[int(energy.argmin())], abs=0.02)


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


# ---- the plan says which method


def critical_of(folder: Path, method: str) -> tuple[list[float], list[bool]]:
    """Critical water surface and `Converged` of two terraced sections, as the command writes them."""
    rows = "".join(f"{value:8g}" for point in TERRACED for value in point)
    ground = [
        "#Sta/Elev= 8 ",
        rows[:80],
        rows[80:],
        "#Mann= 1 , 0 , 0 ",
        "    -100     .03       0",
        "Bank Sta=-5,5",
    ]
    ends = "Up Type= 0 ", "Dn Type= 2 "
    texts = {
        "prj": ["Proj Title=T", "SI Units", "Plan File=p01"],
        "p01": ["Plan Title=T", "Short Identifier=T", "Geom File=g01", "Flow File=f01", "Subcritical Flow", method],
        "g01": ["River Reach=R,A", *(f"Type RM Length L Ch R = 1 ,{n},{n},{n},{n}\n" + "\n".join(ground) for n in (2, 1))],
        "f01": ["Number of Profiles= 1 ", "River Rch & RM=R,A,2", "     200", "Boundary for River Rch & Prof#=R,A, 1 ", *ends],
    }  # fmt: skip
    for ending, lines in texts.items():
        (folder / f"T.{ending}").write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "rasreconcile.engines.steady", "T.prj", "01"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    with h5py.File(folder / "T.p01.hdf") as file:
        places = file["Results/Steady/Output/Output Blocks/Base Output/Steady Profiles/Cross Sections"]
        found = places["Additional Variables/Critical Water Surface"][0]
        return found.tolist(), places["Converged"][0].tolist()


@pytest.mark.parametrize(
    ("method", "surface"),
    [
        ("Parabolic Critical Depth", 3.4423),
        ("", 3.4423),
        ("Secant Critical Depth", 4.4524),
        ("secant critical depth ", 4.4524),
    ],
)
def test_the_plan_chooses_the_method_and_a_surface_among_the_minima_is_in_doubt(
    tmp_path: Path, method: str, surface: float
) -> None:
    critical, converged = critical_of(tmp_path, method)
    assert critical == pytest.approx([surface, surface], abs=0.002)
    assert not converged[-1]


def test_critical_depths_of_the_parabolic_method_are_those_of_hec_ras(hecras_data: Path) -> None:
    """14320639: where energy has several minima HEC-RAS takes the first from below, but for 2 of 355 points."""
    apart = []
    for number in ("01", "02"):
        ends = {"project": "prj", "plan": f"p{number}", "geometry": "g01", "flow": f"f{number}"}
        names = {kind: f"14320639.{end}" for kind, end in ends.items()}
        folder = hecras_data / "14320639-steady"
        model = parse_model({kind: (folder / name).read_bytes() for kind, name in names.items()}, names)
        (solved,) = solve(model, lambda _: None)
        with h5py.File(folder / f"{names['plan']}.hdf") as file:
            base = file["Results/Steady/Output/Output Blocks/Base Output/Steady Profiles/Cross Sections"]
            theirs = base["Additional Variables/Critical Water Surface"][()]
        apart += np.abs(np.array([p.critical for p in solved.profiles]) - theirs).ravel().tolist()
    assert (len(apart), sum(a > 0.5 for a in apart), sum(a > 1 for a in apart)) == (355, 4, 2)
