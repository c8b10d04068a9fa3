"""What changed in the water between a result and the one whose place it takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from rasreconcile.errors import ResultError
from rasreconcile.records import WaterChange
from rasreconcile.report import water
from rasreconcile.results.reader_pool import Readers
from rasreconcile.results.water_change import water_change
from tests.results import unsteady

AREA = "2D Flow Areas/Perimeter 1"
MAXIMA = f"{unsteady.SUMMARY}/{AREA}/Maximum Water Surface"
SECTIONS = f"{unsteady.SUMMARY}/Cross Sections/Maximum Water Surface"
CELLS, GHOSTS = unsteady.AREAS["Perimeter 1"]


@pytest.fixture(params=list(unsteady.VERSIONS))
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = unsteady.write(tmp_path / "before.hdf", request.param)
    with h5py.File(path, "r+") as file:
        sizes = np.concatenate([np.arange(1, CELLS + 1) * 100.0, np.full(GHOSTS, 9e9)]).astype("<f4")
        file[f"Geometry/{AREA}/Cells Surface Area"] = sizes
        centres = np.random.default_rng(1).uniform(0, 1000, (CELLS + GHOSTS, 2))
        file[f"Geometry/{AREA}/Cells Center Coordinate"] = centres
    return path


@pytest.fixture
def now(before: Path) -> Path:
    return Path(shutil.copy(before, before.with_name("now.hdf")))


def test_the_same_water_is_as_before(before: Path, now: Path) -> None:
    found = water_change(now, before)
    assert (found.compared, found.changed, found.rise, found.fall) == (20, 0, 0.0, 0.0)
    assert found.not_compared is None
    assert water.shortly(found) == "water as before"
    assert water.lines(found) == ["as before within 0.01 ft, at 20 places"]


def test_rise_fall_wetted_dried_and_their_areas_are_told_and_ghost_cells_are_not(
    before: Path, now: Path
) -> None:
    with h5py.File(before, "r+") as file:
        file[MAXIMA][0, 5] = 935.0  # its lowest ground: dry
    with h5py.File(now, "r+") as file:
        file[MAXIMA][0, 3] += 0.5
        file[MAXIMA][0, 4] += 0.004  # within what solvers iterate to
        file[MAXIMA][0, 7] = -9999.0
        file[MAXIMA][0, CELLS] = 1e6  # a ghost cell
        file[SECTIONS][0, 1] -= 0.25
    found = water_change(now, before)
    assert (found.compared, found.changed, found.wetted, found.dried) == (20, 4, 1, 1)
    assert found.rise == pytest.approx(0.5, abs=1e-3)
    assert found.rise_at == "2D area Perimeter 1, cell 3: 943.00 to 943.50"
    assert found.fall == pytest.approx(0.25, abs=1e-3)
    assert found.fall_at == "White, Muncie, 1000: 947.00 to 946.75"
    assert (found.area_changed, found.area_wetted, found.area_dried) == (400 + 600 + 800, 600, 800)
    assert water.shortly(found) == "up to 0.50 ft higher, up to 0.25 ft lower, 1 wetted, 1 dried"
    assert "area: 1,800 ft² changed, 600 wetted, 800 dried" in water.lines(found)


def test_a_section_more_or_less_leaves_the_others_what_they_are(before: Path, now: Path) -> None:
    """A section was renumbered: what is compared is told by name, and never shifted by one."""
    with h5py.File(now, "r+") as file:
        named = file[f"{unsteady.SERIES}/Cross Sections/Cross Section Attributes"]
        rows = named[()]
        rows["Station"][0] = b"1510"
        named[...] = rows
        file[SECTIONS][0, :] = [999.0, 947.5, 946.0]
    found = water_change(now, before)
    assert found.rise_at == "White, Muncie, 1000: 947.00 to 947.50"
    assert found.compared == 19
    assert found.not_compared == ("section White, Muncie, 1510: not in the one before; and 1 more")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("moved", "2D area Perimeter 1: the cells of its mesh are in other places than before"),
        ("renamed", "2D area Perimeter 9: not in the one before; and 1 more"),
    ],
)
def test_another_mesh_is_not_compared_cell_by_cell(before: Path, now: Path, change: str, said: str) -> None:
    with h5py.File(now, "r+") as file:
        if change == "moved":
            file[f"Geometry/{AREA}/Cells Center Coordinate"][2] += 5.0
            file[MAXIMA][0, 3] += 50.0
        else:
            file.move(f"{unsteady.SUMMARY}/{AREA}", f"{unsteady.SUMMARY}/2D Flow Areas/Perimeter 9")
    found = water_change(now, before)
    assert found.not_compared == said
    assert (found.changed, found.compared) == (0, 20 - CELLS)


def test_a_mesh_with_another_number_of_cells_is_told(before: Path, now: Path) -> None:
    with h5py.File(now, "r+") as file:
        wide = file[MAXIMA][()]
        del file[MAXIMA]
        file[MAXIMA] = np.hstack([wide, wide])
        for name in ("Attributes", "Cell Info"):
            if f"Geometry/2D Flow Areas/{name}" in file:
                table = file[f"Geometry/2D Flow Areas/{name}"]
                rows = table[()]
                if name == "Attributes":
                    rows["Cell Count"][0] = 20
                else:
                    rows[0, 1] = 20
                table[...] = rows
    assert (
        water_change(now, before).not_compared
        == "2D area Perimeter 1: its mesh has 20 cells, before it had 12"
    )


def test_a_result_of_another_kind_or_in_other_units_is_told(
    before: Path, now: Path, complete_results: list[Path]
) -> None:
    found = water_change(now, complete_results[0])
    assert found.not_compared == "the result is unsteady, the one before was steady"
    assert water.shortly(found) == ""
    with h5py.File(now, "r+") as file:
        file.attrs["Units System"] = np.bytes_("SI Units")
    assert water_change(now, before).not_compared == "the two are in different units"


def test_profiles_of_real_steady_results_are_compared_by_name(
    complete_results: list[Path], tmp_path: Path
) -> None:
    before, now = (Path(shutil.copy(complete_results[0], tmp_path / name)) for name in ("a.hdf", "b.hdf"))
    assert water_change(now, before).changed == 0
    place = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"
    with h5py.File(now, "r+") as file:
        names, surfaces = file[f"{place}/Profile Names"], file[f"{place}/Cross Sections/Water Surface"]
        profiles = [name.decode() for name in names[()]]
        names[...] = names[()][::-1]
        surfaces[...] = surfaces[()][::-1]
        surfaces[0, 2] += 1.5
    found = water_change(now, before)
    assert found.changed == 1
    assert found.rise_at is not None and f"profile {profiles[-1]}:" in found.rise_at


def test_it_is_the_same_through_another_process_which_refuses_what_is_no_result(
    before: Path, now: Path, tmp_path: Path
) -> None:
    with h5py.File(now, "r+") as file:
        file[MAXIMA][0, 3] += 0.5
    readers = Readers()
    try:
        assert readers.water_change(now, before) == water_change(now, before)
        (tmp_path / "no.hdf").write_bytes(b"no result" * 100)
        with pytest.raises(ResultError, match=r"no\.hdf: not a sound HDF5 file"):
            readers.water_change(now, tmp_path / "no.hdf")
    finally:
        readers.close()


@pytest.mark.parametrize(
    "values",
    [[], {"rise": "1"}, {"compared": 1.5}, {"rise_at": 3}, {"rise": float("inf")}, {"unit": "\ud800"}],
)
def test_what_a_receipt_says_of_it_is_checked(values: object) -> None:
    with pytest.raises(ValueError, match=r"change of a result|surrogates"):
        WaterChange.of(values)
