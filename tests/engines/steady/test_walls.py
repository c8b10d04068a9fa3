"""Upright walls, wherever they stand: what they wet, and that left and right are mirror images."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rasreconcile.engines.steady.cross_sections import CrossSection
from rasreconcile.engines.steady.geometry import parse_geometry
from rasreconcile.engines.steady.section_hydraulics import SectionHydraulics

SURFACES = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles/Cross Sections/Water Surface"


# ---- a section as text, and its mirror image


@dataclass(frozen=True)
class Sketch:
    """A section from station 0 to `points[-1][0]`, as its text holds it."""

    points: list[tuple[float, float]]
    starts: list[tuple[float, float]]
    """The first begins at 0."""
    banks: tuple[float, float]
    left_levee: tuple[float, float] | None = None
    right_levee: tuple[float, float] | None = None
    left_ineffective: tuple[float, float] | None = None
    right_ineffective: tuple[float, float] | None = None
    obstructions: tuple[tuple[float, float, float], ...] = ()

    def mirrored(self) -> Sketch:
        width = self.points[-1][0]

        def turned(pair: tuple[float, float] | None) -> tuple[float, float] | None:
            return pair and (width - pair[0], pair[1])

        edges = [*(s for s, _ in self.starts), width]
        return replace(
            self,
            points=[(width - x, z) for x, z in reversed(self.points)],
            starts=[(width - edges[i + 1], self.starts[i][1]) for i in reversed(range(len(self.starts)))],
            banks=(width - self.banks[1], width - self.banks[0]),
            left_levee=turned(self.right_levee),
            right_levee=turned(self.left_levee),
            left_ineffective=turned(self.right_ineffective),
            right_ineffective=turned(self.left_ineffective),
            obstructions=tuple((width - b, width - a, z) for a, b, z in reversed(self.obstructions)),
        )

    def lines(self) -> list[str]:
        def levee(pair: tuple[float, float] | None) -> str:
            return f"-1,{pair[0]},{pair[1]}" if pair else "0,,"

        def block(pair: tuple[float, float] | None, side: int) -> list[float | None]:
            if pair is None:
                return [None, None, None]
            return [None, pair[0], pair[1]] if side == 0 else [pair[0], None, pair[1]]

        rows = [
            f"#Sta/Elev= {len(self.points)} ",
            *columns([v for point in self.points for v in point], 10),
            f"#Mann= {len(self.starts)} ,-1,0",
            *columns([v for s, n in self.starts for v in (s, n, 0.0)], 9),
            f"Bank Sta={self.banks[0]},{self.banks[1]}",
            f"Levee={levee(self.left_levee)},{levee(self.right_levee)},,",
            "#XS Ineff= 2 , 0 ",
            *columns([*block(self.left_ineffective, 0), *block(self.right_ineffective, 1)], 9, blank=True),
            "Permanent Ineff=",
            "       F       F",
        ]
        if self.obstructions:
            rows += [
                f"#Block Obstruct= {len(self.obstructions)} ,-1 ",
                *columns([v for b in self.obstructions for v in b], 9),
            ]
        return rows

    def section(self) -> CrossSection:
        head = ["River Reach=R,A", "Type RM Length L Ch R = 1 ,2,100,100,100", *self.lines()]
        # No composite n, which is refused: what is looked at here are walls.
        tail = ["Type RM Length L Ch R = 1 ,1,0,0,0", *self.lines(), "Composite Channel Slope=0"]
        return parse_geometry("\n".join([*head, *tail]).encode(), "C.g01").reaches[0].sections[0]


def columns(values: list[float | None], a_row: int, *, blank: bool = False) -> list[str]:
    cells = [" " * 8 if value is None else f"{value:8g}" for value in values]
    rows = ["".join(cells[i : i + a_row]) for i in range(0, len(cells), a_row)]
    return rows if blank else [row.rstrip() for row in rows]


quarters = st.integers(0, 40).map(lambda n: n / 4)


@st.composite
def sketches(draw: st.DrawFn) -> Sketch:
    """Everything at multiples of a quarter, so that mirroring is exact; many walls, many things at one station."""
    steps = draw(st.lists(st.sampled_from([0.0, 0.0, 0.25, 1.0, 2.5]), min_size=1, max_size=9))
    stations = [0.0, *np.cumsum([*steps, 1.0]).tolist()]
    if draw(st.booleans()):
        stations += [stations[-1]]
    points = [(x, draw(quarters)) for x in stations]
    here = st.sampled_from(stations)
    banks = tuple(sorted((draw(here), draw(here))))
    starts = [0.0, *sorted(draw(st.lists(here, max_size=4)))]
    roughness = [(s, draw(st.sampled_from([0.015, 0.03, 0.1]))) for s in starts]
    pair = st.none() | st.tuples(here, st.integers(0, 48).map(lambda n: n / 4))
    edges = [sorted((draw(here), draw(here))) for _ in range(draw(st.integers(0, 2)))]
    return Sketch(
        points=points,
        starts=roughness,
        banks=(banks[0], banks[1]),
        left_levee=draw(pair),
        right_levee=draw(pair),
        left_ineffective=draw(pair),
        right_ineffective=draw(pair),
        obstructions=tuple((a, b, draw(quarters)) for a, b in edges),
    )


RECTANGLE = Sketch(
    points=[(0, 10), (0, 0), (4, 0), (4, 10)],
    starts=[(0, 0.015), (0, 0.015), (4, 0.015)],
    banks=(0, 4),
)


@settings(deadline=None, max_examples=150)
@given(sketch=sketches(), above=st.lists(st.integers(1, 160), min_size=1, max_size=6))
@example(sketch=RECTANGLE, above=[3, 80])
@example(sketch=replace(RECTANGLE, starts=[(0, 0.1), (0, 0.015), (4, 0.1)]), above=[40, 120])
@example(sketch=replace(RECTANGLE, right_levee=(3, 6), left_ineffective=(1, 5)), above=[40, 85])
def test_left_and_right_are_mirror_images(sketch: Sketch, above: list[int]) -> None:
    section, mirror = (
        SectionHydraulics(sketch.section(), 1.486),
        SectionHydraulics(sketch.mirrored().section(), 1.486),
    )
    levels = np.array([n / 11 for n in above] + [t + d for t in section.triggers for d in (0, 0.01)])
    one, other = section.at(levels), mirror.at(levels)
    assert section.triggers == mirror.triggers
    assert one.areas == pytest.approx(other.areas[::-1], rel=1e-9, abs=1e-9)
    assert one.conveyances == pytest.approx(other.conveyances[::-1], rel=1e-9, abs=1e-9)
    assert one.top_width == pytest.approx(other.top_width, rel=1e-9, abs=1e-9)
    assert one.moment == pytest.approx(other.moment, rel=1e-9, abs=1e-9)


# ---- what a wall wets, against the textbook


def conveyance(sketch: Sketch, surface: float) -> float:
    return float(SectionHydraulics(sketch.section(), 1.0).at(surface).conveyance[0])


def manning(area: float, perimeter: float, n: float = 0.015) -> float:
    return area * (area / perimeter) ** (2 / 3) / n


@pytest.mark.parametrize(
    "starts",
    [
        [(0, 0.015)],
        [(0, 0.015), (4, 0.015)],
        [(0, 0.015), (0, 0.015), (4, 0.015)],
        [(0, 0.09), (0, 0.015), (4, 0.09)],
        [(0, 0.011), (0, 0.015), (4, 0.011)],
    ],
)
@pytest.mark.parametrize("surface", [1.0, 9.5, 12.0])
def test_a_rectangle_has_both_its_walls_however_its_roughness_is_written(
    starts: list[tuple[float, float]], surface: float
) -> None:
    assert conveyance(replace(RECTANGLE, starts=starts), surface) == pytest.approx(
        manning(4 * surface, 4 + 2 * surface)
    )


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_wall_between_two_floors_is_wet_on_the_lower_one(mirrored: bool) -> None:
    """A step up from the channel to an overbank: its wall bounds the channel, not the overbank."""
    steps = Sketch(
        points=[(0, 9), (0, 0), (4, 0), (4, 3), (10, 3), (10, 9)],
        starts=[(0, 0.02), (0, 0.015), (4, 0.05)],
        banks=(0, 4),
    )
    wanted = manning(4 * 5, 5 + 4 + 3) + manning(6 * 2, 6 + 2, 0.05)
    assert conveyance(steps.mirrored() if mirrored else steps, 5) == pytest.approx(wanted)


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_obstruction_at_a_bank_is_a_wall_of_the_channel(mirrored: bool) -> None:
    full = Sketch(
        points=[(0, 9), (0, 0), (4, 0), (10, 0), (10, 9)],
        starts=[(0, 0.02), (0, 0.015), (4, 0.05)],
        banks=(0, 4),
        obstructions=((4, 10, 20),),
    )
    assert conveyance(full.mirrored() if mirrored else full, 5) == pytest.approx(manning(20, 14))


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_levee_on_sloping_ground_is_a_wall_from_the_ground_up(mirrored: bool) -> None:
    sloping = Sketch(
        points=[(0, 9), (0, 0), (4, 0), (10, 6), (10, 9)],
        starts=[(0, 0.015)],
        banks=(0, 10),
        right_levee=(8, 20),
    )
    perimeter = 7 + 4 + math.hypot(4, 4) + 3
    area = 4 * 7 + 4 * (7 + 3) / 2
    assert conveyance(sloping.mirrored() if mirrored else sloping, 7) == pytest.approx(
        manning(area, perimeter)
    )


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_wall_of_an_ineffective_area_adds_nothing_to_the_water_beside_it(mirrored: bool) -> None:
    channel = replace(RECTANGLE, starts=[(0, 0.015)], left_ineffective=(1, 8))
    assert conveyance(channel.mirrored() if mirrored else channel, 5) == pytest.approx(manning(15, 3 + 5))


def test_points_that_stand_outside_of_the_end_wall_add_nothing() -> None:
    plain = replace(RECTANGLE, starts=[(0, 0.015)])
    spiked = replace(plain, points=[(0, 2), *plain.points, (4, 1)])
    assert conveyance(spiked, 7) == conveyance(plain, 7)


# ---- the command, on a channel as HEC-RAS writes it


def computed(folder: Path, sketch: Sketch) -> list[float]:
    """The water surfaces of a two-section channel with a slope of 0.001 and normal depth below."""
    upper = replace(sketch, points=[(x, round(z + 0.1, 2)) for x, z in sketch.points])
    geometry = [
        "Geom Title=C",
        "River Reach=R,A",
        "Type RM Length L Ch R = 1 ,2,100,100,100",
        *upper.lines(),
        "Exp/Cntr=0.3,0.1",
        "Type RM Length L Ch R = 1 ,1,0,0,0",
        *sketch.lines(),
        "Exp/Cntr=0.3,0.1",
    ]
    flow = ["Flow Title=C", "Number of Profiles= 1 ", "Profile Names=P", "River Rch & RM=R,A,2", "      10"]
    flow += ["Boundary for River Rch & Prof#=R,A, 1 ", "Up Type= 0 ", "Dn Type= 3 ", "Dn Slope=0.001"]
    plan = ["Plan Title=C", "Short Identifier=C", "Geom File=g01", "Flow File=f01", "Subcritical Flow"]
    project = ["Proj Title=C", "SI Units", "Geom File=g01", "Flow File=f01", "Plan File=p01"]
    for ending, text in (("g01", geometry), ("f01", flow), ("p01", plan), ("prj", project)):
        (folder / f"C.{ending}").write_text("\n".join(text) + "\n")
    return run(folder)


def run(folder: Path) -> list[float]:
    command = [sys.executable, "-m", "rasreconcile.engines.steady", "C.prj", "01"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    with h5py.File(folder / "C.p01.hdf") as file:
        return [float(value) for value in file[SURFACES][0]]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    "starts", [RECTANGLE.starts, [(0, 0.015)], [(0, 0.05), (0, 0.015), (4, 0.05)], [(0, 0.015), (4, 0.02)]]
)
def test_a_rectangular_channel_flows_at_its_normal_depth(
    tmp_path: Path, starts: list[tuple[float, float]], mirrored: bool
) -> None:
    channel = replace(RECTANGLE, starts=starts)
    surfaces = computed(tmp_path, channel.mirrored() if mirrored else channel)
    assert surfaces == pytest.approx([1.4638, 1.3638], abs=2e-4)


def test_the_case_of_the_lost_right_wall_is_computed_right(hecras_data: Path, tmp_path: Path) -> None:
    case = hecras_data.parent / "cases" / "right-wall"
    if not case.is_dir():
        pytest.skip(f"{case} is not there")
    for path in case.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert run(tmp_path) == pytest.approx([1.4638, 1.3638], abs=2e-4)
