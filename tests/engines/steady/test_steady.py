"""The steady engine against HEC-RAS's own results, against theory, and against rubbish."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.engines.steady.__main__ import main
from rasreconcile.engines.steady.cross_sections import CrossSection
from rasreconcile.engines.steady.engine import Steady
from rasreconcile.engines.steady.flow import Boundary, parse_flow
from rasreconcile.engines.steady.geometry import parse_geometry
from rasreconcile.engines.steady.profile import Solver, Units
from rasreconcile.engines.steady.river_model import parse_model
from rasreconcile.engines.steady.section_hydraulics import SectionHydraulics
from rasreconcile.errors import ProjectError

STEADY = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles/Cross Sections"
SI = Units(gravity=9.80665, manning=1.0, largest_error=0.1)


def computed(source: Path, stem: str, number: str, folder: Path) -> h5py.File:
    """Our result for a real project, computed in a folder that holds its texts only."""
    for path in source.glob(f"{stem}.*"):
        if path.suffix in {".prj", f".p{number}"} or (
            path.suffix[:2] in {".g", ".f"} and not path.name.endswith(".hdf")
        ):
            (folder / path.name).write_bytes(path.read_bytes())
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main([f"{stem}.prj", number]) == 0
    finally:
        os.chdir(before)
    return h5py.File(folder / f"{stem}.p{number}.hdf")


def compare(hecras_data: Path, folder: str, stem: str, number: str, tmp_path: Path):
    """Differences in water surface, which points converged, and our file."""
    ours = computed(hecras_data / folder, stem, number, tmp_path)
    with h5py.File(hecras_data / folder / f"{stem}.p{number}.hdf") as theirs:
        wanted = theirs[f"{STEADY}/Water Surface"][()]
    return ours[f"{STEADY}/Water Surface"][()] - wanted, ours[f"{STEADY}/Converged"][()], ours


def test_p02_agrees_with_hec_ras_within_a_hundredth_of_a_foot_everywhere(
    hecras_data: Path, tmp_path: Path
) -> None:
    apart, converged, _ = compare(hecras_data, "14320639-steady", "14320639", "02", tmp_path)
    assert apart.shape == (21, 5)
    assert np.abs(apart).max() <= 0.01
    assert converged.all()


def test_p01_agrees_and_says_where_it_did_not_converge(hecras_data: Path, tmp_path: Path) -> None:
    apart, converged, ours = compare(hecras_data, "14320639-steady", "14320639", "01", tmp_path)
    others = np.delete(np.abs(apart), 27, axis=0)
    assert others.max() <= 0.2
    assert (others <= 0.01).mean() >= 0.95
    assert not converged[27].all()
    assert (~converged).sum() == ours["Results/Steady/Summary"].attrs["Unconverged Points"]
    messages = ours["Results/Summary/Compute Messages (text)"][0].decode()
    assert "WARNING: profile 27, 14320639 14320639 4.0: the energy equation did not converge" in messages


@pytest.mark.parametrize(
    ("folder", "stem"),
    [("meerlustkloof-baseline", "Meerlustkloof"), ("meerlustkloof-conservative", "MeerlustkloofPartB15")],
)
def test_mixed_flow_in_si_units_agrees_within_three_centimetres(
    hecras_data: Path, tmp_path: Path, folder: str, stem: str
) -> None:
    apart, _, ours = compare(hecras_data, folder, stem, "01", tmp_path)
    assert np.abs(apart).max() <= 0.03
    assert ours.attrs["Units System"] == b"SI Units"


def test_rashdf_opens_the_result_and_nobody_takes_it_for_hec_ras(tmp_path: Path, demo: Path) -> None:
    import rashdf

    computed(demo, "Willow", "01", tmp_path).close()
    result = rashdf.RasPlanHdf(tmp_path / "Willow.p01.hdf")
    assert result.steady_flow_names() == ["10-year", "50-year", "100-year"]
    assert result.cross_sections_wsel().shape == (6, 3)
    assert result.attrs["File Version"] == b"rasreconcile steady 4"


# ---- theory


def channel(station: str, bottom: float, length: float, width: float = 10.0) -> CrossSection:
    """A rectangular channel with walls."""
    points = ((0.0, bottom + 20), (0.0, bottom), (width, bottom), (width, bottom + 20))
    return CrossSection(
        river="r",
        reach="r",
        station=station,
        line=1,
        lengths=(length,) * 3,
        points=points,
        roughness=((0.0, 0.03),),
        banks=(0.0, width),
    )


def reach(slope: float, length: float = 100.0, count: int = 12) -> Solver:
    sections = [channel(str(n), slope * length * (count - n), length) for n in range(count)]
    return Solver([SectionHydraulics(s, 1.0) for s in sections], SI)


def normal_depth(flow: float, slope: float) -> float:
    low, high = 1e-6, 20.0
    for _ in range(200):
        y = (low + high) / 2
        carried = 10 * y * (10 * y / (10 + 2 * y)) ** (2 / 3) / 0.03 * math.sqrt(slope)
        low, high = (y, high) if carried < flow else (low, y)
    return low


@pytest.mark.parametrize("flow", [5.0, 50.0, 200.0])
def test_a_prismatic_channel_flows_at_normal_depth(flow: float) -> None:
    slope = 0.001
    ends = Boundary("none"), Boundary("normal depth", slope)
    profile = reach(slope).solve([flow] * 12, ends, "subcritical")
    depths = [s.surface - slope * 100 * (12 - n) for n, s in enumerate(profile.states)]
    assert all(profile.converged)
    assert depths == pytest.approx([normal_depth(flow, slope)] * 12, abs=2e-3)


@pytest.mark.parametrize("flow", [5.0, 50.0, 200.0])
def test_critical_depth_of_a_rectangle_is_that_of_the_textbook(flow: float) -> None:
    critical = reach(0.001).critical(0, flow) - 0.001 * 100 * 12
    assert critical == pytest.approx((flow**2 / 100 / 9.80665) ** (1 / 3), abs=1e-3)


def test_a_steep_reach_flows_fast_and_jumps_to_a_high_tailwater() -> None:
    slope, flow = 0.02, 50.0
    solver = reach(slope)
    ends = Boundary("normal depth", slope), Boundary("known water surface", 9.0)
    profile = solver.solve([flow] * 12, ends, "mixed")
    fast = [
        state.surface < critical for state, critical in zip(profile.states, profile.critical, strict=True)
    ]
    assert fast[0]
    assert not fast[-1]
    jump = fast.index(False)
    assert fast == [True] * jump + [False] * (12 - jump)
    assert profile.states[0].surface - slope * 1200 == pytest.approx(normal_depth(flow, slope), abs=2e-3)


def test_energy_is_conserved_from_section_to_section() -> None:
    profile = reach(0.001).solve(
        [80.0] * 12, (Boundary("none"), Boundary("known water surface", 6.0)), "subcritical"
    )
    for up, down in zip(profile.states, profile.states[1:], strict=False):
        slope = (160 / (up.conveyance + down.conveyance)) ** 2
        coefficient = 0.1 if down.velocity_head > up.velocity_head else 0.3
        lost = 100 * slope + coefficient * abs(down.velocity_head - up.velocity_head)
        assert up.energy - down.energy == pytest.approx(lost, abs=1e-4)


def test_an_obstruction_and_a_levee_take_area_away(demo: Path) -> None:
    plain = parse_geometry((demo / "Willow.g01").read_bytes(), "g01").reaches[0].sections[1]
    levee = parse_geometry((demo / "Willow.g02").read_bytes(), "g02").reaches[0].sections[1]
    left_levee = levee.levees[0]
    assert left_levee is not None
    below, above = left_levee.elevation - 0.5, left_levee.elevation + 0.5
    for water, same in ((below, False), (above, True)):
        left = [float(SectionHydraulics(s, 1.486).at(water).areas[0, 0]) for s in (plain, levee)]
        assert (left[0] == pytest.approx(left[1])) is same
        assert left[1] <= left[0]


# ---- refusals and rubbish


def texts(demo: Path, **changes: tuple[str, str]) -> dict[str, bytes]:
    kinds = {"project": "prj", "plan": "p01", "geometry": "g01", "flow": "f01"}
    found = {kind: (demo / f"Willow.{ending}").read_text() for kind, ending in kinds.items()}
    for kind, (old, new) in changes.items():
        assert old in found[kind]
        found[kind] = found[kind].replace(old, new, 1)
    return {kind: text.encode() for kind, text in found.items()}


NAMES = {"project": "Willow.prj", "plan": "Willow.p01", "geometry": "Willow.g01", "flow": "Willow.f01"}


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        ("geometry", "Ch R = 1 ,1200", "Ch R = 2 ,1200", "a culvert at 1200 is not modelled"),
        ("geometry", "Ch R = 1 ,1200", "Ch R = 5 ,1200", "an inline structure at 1200"),
        ("geometry", "Ch R = 1 ,1200", "Ch R = 6 ,1200", "a lateral structure at 1200"),
        ("geometry", "#XS Ineff= 2 , 0 ", "#XS Ineff= 2 ,-1 ", "multiple-block ineffective areas at 700"),
        ("geometry", "       F       F", "       T       F", "permanent ineffective areas at 700"),
        ("geometry", "XS Rating Curve= 0 ,0", "XS Rating Curve= 3 ,0", "a rating curve at 2400"),
        ("geometry", "Rch Text X Y", "Junct Name=Fork\nRch Text X Y", "a junction is not modelled"),
        ("plan", "Flow File=f01", "Flow File=u01", "unsteady flow (u01) is not modelled"),
        ("plan", "Friction Slope Method= 1", "Friction Slope Method= 3", "friction slope method 3"),
        ("plan", "K Sum by GR= 0", "K Sum by GR=-1", "conveyance summed between all"),
        ("plan", "K Sum by GR", "Encroach Method= 1\nK Sum by GR", "an encroachment"),
        ("flow", "Dn Type= 3", "Dn Type= 4", "a rating curve as boundary"),
        ("flow", "Dn Type= 3", "Dn Type= 0", "no downstream boundary"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name_and_line(
    demo: Path, kind: str, old: str, new: str, said: str
) -> None:
    refused = str(Steady().refuses(texts(demo, **{kind: (old, new)}), NAMES))
    assert refused is not None
    assert said in refused
    assert refused.startswith(f"{NAMES[kind]}:")


def test_the_demo_is_not_refused(demo: Path) -> None:
    assert Steady().refuses(texts(demo), NAMES) is None


def test_a_refusal_costs_neither_numpy_nor_h5py() -> None:
    code = (
        "import sys; from rasreconcile.engines.steady.engine import Steady; Steady().refuses({}, {});"
        "assert not {'numpy', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_error_is_one_line_and_leaves_no_result(tmp_path: Path, demo: Path) -> None:
    for path in demo.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "Willow.g01").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "rasreconcile.engines.steady", "Willow.prj", "01"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "ERROR: Willow.g01 is not in the folder; put it there\n",
        "",
    )
    assert list(tmp_path.glob("*.hdf")) == []


@settings(deadline=None, max_examples=150)
@given(data=st.binary(max_size=300))
def test_no_bytes_break_the_parsers(data: bytes) -> None:
    for parse in (parse_geometry, parse_flow):
        with pytest.raises(ProjectError, match=r"^x:\d+: "):
            parse(data, "x")


@settings(deadline=None, max_examples=200)
@given(cut=st.data())
def test_a_geometry_with_damaged_lines_is_read_or_refused(cut: st.DataObject) -> None:
    demo = Path(__file__).parents[3] / "specs" / "demo"
    kind = cut.draw(st.sampled_from(["geometry", "flow", "plan"]))
    good = texts(demo)
    data = good[kind]
    place = cut.draw(st.integers(0, len(data) - 1))
    what = cut.draw(st.binary(max_size=12))
    end = cut.draw(st.integers(place, min(place + 40, len(data))))
    try:
        parse_model({**good, kind: data[:place] + what + data[end:]}, NAMES)
    except ProjectError as error:
        assert "\n" not in str(error)
