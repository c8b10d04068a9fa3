"""Fields of results by name: what `--dataset` means, how sections are named, and the depth over the ground."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rasreconcile.errors import ResultError
from rasreconcile.results import plan_hdf
from rasreconcile.results.tables import parts
from rasreconcile.spec import DatasetExpectation, Expectations
from tests.results import unsteady
from tests.told import judge

PROFILES = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"
INFO = "Results/Steady/Output/Geometry Info"
SECTIONS = ("White River", "Muncie", "1500"), ("White River", "Muncie", "1000.5*")


def rows(path: Path, field: str) -> list[dict[str, Any]]:
    found = []
    for part in parts(path, field):
        columns = {**part.index, "value": part.values.tolist()}
        found += [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return found


def steady(path: Path, *, named: str, station: str = "") -> Path:
    """Two profiles at two sections; `named`: how the output names its sections, as versions of HEC-RAS differ."""
    with h5py.File(path, "w") as file:
        file.attrs["File Version"] = np.bytes_("HEC-RAS 5.0.5 June 2018")
        file[f"{PROFILES}/Profile Names"] = np.array([b"10-year", b"50-year"])
        file[f"{PROFILES}/Cross Sections/Water Surface"] = np.array([[102, 101], [104, 103]], "<f4")
        file[f"{PROFILES}/Cross Sections/Flow"] = np.array([[10, 10], [20, 20]], "<f4")
        sections = [(r, h, s + station) for r, h, s in SECTIONS]
        match named:
            case "6.x":
                kind = [("River", "S16"), ("Reach", "S16"), ("Station", "S8"), ("Name", "S16")]
                file[f"{INFO}/Cross Section Attributes"] = np.array(
                    [(*(text.encode() for text in s), b"") for s in sections], kind
                )
            case "5.0.5":
                lines = [f"{r:<16} {h:<16} {s:<8}".encode() for r, h, s in sections]
                file[f"{INFO}/Cross Section Only"] = np.array(lines, "S42")
            case _:
                file[f"{INFO}/Node Info"] = np.array([b"White River Muncie 1500 XS"] * 2)
        if named == "6.x":
            kind = [("River", "S16"), ("Reach", "S16"), ("RS", "S8")]
            file["Geometry/Cross Sections/Attributes"] = np.array(
                [tuple(text.encode() for text in s) for s in SECTIONS], kind
            )
        else:
            for name, texts in zip(
                ("River Names", "Reach Names", "River Stations"), zip(*SECTIONS, strict=True), strict=True
            ):
                file[f"Geometry/Cross Sections/{name}"] = np.array([text.encode() for text in texts], "S16")
        file["Geometry/Cross Sections/Station Elevation Info"] = np.array([(0, 2), (2, 2)], "<i4")
        points = np.array([(0, 100), (9, 97), (0, 99), (9, 98)], "<f4")
        file["Geometry/Cross Sections/Station Elevation Values"] = points
    return path


@pytest.mark.parametrize("named", ["6.x", "5.0.5", "5.0.0"])
def test_sections_are_named_by_river_reach_and_station_in_every_version(tmp_path: Path, named: str) -> None:
    path = steady(tmp_path / "a.hdf", named=named)
    assert rows(path, "water surface") == [
        {"profile": "10-year", "section": "White River, Muncie, 1500", "value": 102},
        {"profile": "10-year", "section": "White River, Muncie, 1000.5*", "value": 101},
        {"profile": "50-year", "section": "White River, Muncie, 1500", "value": 104},
        {"profile": "50-year", "section": "White River, Muncie, 1000.5*", "value": 103},
    ]


@pytest.mark.parametrize("units", [False, True])
def test_the_variables_of_50_are_named_with_their_profiles_and_sections(tmp_path: Path, units: bool) -> None:
    path = steady(tmp_path / "a.hdf", named="5.0.5")
    with h5py.File(path, "a") as file:
        place = f"{PROFILES}/Cross Sections/Cross Section Variables"
        file[place] = np.arange(8, dtype="<f4").reshape(2, 2, 2)
        names = [[b"Flow Total", b"cfs"], [b"Top Width", b"ft"]] if units else [b"Flow Total", b"Top Width"]
        file[place].attrs["Variables"] = np.array(names, "S16")
        file[f"{PROFILES}/Cross Sections/Lowest"] = np.array([97, 98], "<f4")
    found = rows(path, "Cross Section Variables")
    where = {"profile": "10-year", "section": "White River, Muncie, 1000.5*"}
    assert [row for row in found if where.items() <= row.items()] == [
        {**where, "variable": "Flow Total", "value": 1},
        {**where, "variable": "Top Width", "value": 3},
    ]
    assert len(found) == 8
    assert rows(path, "Lowest")[0] == {"section": "White River, Muncie, 1500", "value": 97}


@pytest.mark.parametrize("named", ["6.x", "5.0.5", "5.0.0"])
def test_depth_is_taken_from_the_ground_in_every_version(tmp_path: Path, named: str) -> None:
    path = steady(tmp_path / "a.hdf", named=named)
    assert [row["value"] for row in rows(path, "Maximum Depth")] == [5, 3, 7, 5]
    assert plan_hdf.read(path).maximum_depth == 7


def test_without_the_ground_there_is_no_depth(tmp_path: Path) -> None:
    path = steady(tmp_path / "a.hdf", named="6.x")
    with h5py.File(path, "a") as file:
        del file["Geometry/Cross Sections/Station Elevation Values"]
    assert plan_hdf.read(path).maximum_depth is None
    with pytest.raises(ResultError, match="Maximum Depth does not exist, or holds no numbers"):
        rows(path, "Maximum Depth")


def test_a_depth_that_the_file_holds_is_taken_as_it_is(tmp_path: Path) -> None:
    path = steady(tmp_path / "a.hdf", named="6.x")
    with h5py.File(path, "a") as file:
        file[f"{PROFILES}/Cross Sections/Maximum Depth"] = np.full((2, 2), 9.0)
    assert [row["value"] for row in rows(path, "maximum depth")] == [9, 9, 9, 9]


@pytest.mark.parametrize("version", list(unsteady.VERSIONS))
def test_a_name_means_every_area_and_its_end_of_a_path_tells_areas_from_sections(
    tmp_path: Path, version: str
) -> None:
    path = unsteady.write(tmp_path / "a.hdf", version)
    with pytest.raises(ResultError) as ambiguous:
        rows(path, "Maximum Water Surface")
    assert "Maximum Water Surface is the name of 2 fields: " in str(ambiguous.value)
    for kind in ("2D Flow Areas/*/Maximum Water Surface", "Cross Sections/Maximum Water Surface"):
        assert f"/{unsteady.SUMMARY}/{kind}" in str(ambiguous.value)
    cells = rows(path, "2D Flow Areas/*/Maximum Water Surface")
    assert len(cells) == sum(count for count, _ in unsteady.AREAS.values())
    assert {row["area"] for row in cells} == set(unsteady.AREAS)
    sections = rows(path, "cross sections/maximum water surface")
    assert sections == [
        {"section": ", ".join(section), "value": value}
        for section, value in zip(unsteady.SECTIONS, (948, 947, 946), strict=True)
    ]
    assert rows(path, f"/{unsteady.SUMMARY}/Cross Sections/Maximum Water Surface") == sections
    depths = rows(path, "2D Flow Areas/*/Maximum Depth")
    assert max(row["value"] for row in depths) == 951 - 935
    assert [row["value"] for row in rows(path, "Cross Sections/Maximum Depth")] == [18, 17, 16]
    assert plan_hdf.read(path).maximum_depth == 18


def test_sections_of_5_0_7_are_named_where_only_the_geometry_names_them(tmp_path: Path) -> None:
    path = unsteady.write(tmp_path / "a.hdf", "5.0.7")
    with h5py.File(path, "a") as file:
        del file[f"{unsteady.SERIES}/Cross Sections/Cross Section Attributes"]
    sections = rows(path, "Summary Output/Cross Sections/Maximum Water Surface")
    assert [row["section"] for row in sections] == [", ".join(section) for section in unsteady.SECTIONS]
    assert plan_hdf.read(path).maximum_depth == 18


def test_a_dry_cell_has_no_depth_and_a_name_that_is_nearly_right_is_suggested(tmp_path: Path) -> None:
    path = unsteady.write(tmp_path / "a.hdf", "6.6")
    with h5py.File(path, "a") as file:
        file[f"{unsteady.SUMMARY}/2D Flow Areas/Upper basin/Maximum Water Surface"][0, :2] = (-9999, 934)
    upper = [row["value"] for row in rows(path, "Upper basin/Maximum Depth")]
    assert math.isnan(upper[0]) and upper[1] == 0 and upper[2] > 0
    with pytest.raises(ResultError, match=r"did you mean Maximum Water Surface"):
        rows(path, "Maximum Water Surfaces")


def test_real_results_give_their_fields_by_name(hecras_data: Path) -> None:
    path = hecras_data / "meerlustkloof-baseline" / "Meerlustkloof.p01.hdf"
    found = rows(path, "Water Surface")
    assert len(found) == 9
    assert found[0]["section"] == "Meerlustkloof, Main, 3905.000"
    assert found[0]["value"] == pytest.approx(289.187, abs=0.001)
    assert max(row["value"] for row in rows(path, "Maximum Depth")) == pytest.approx(
        max(row["value"] for row in rows(path, "Maximum Depth Total")), abs=0.001
    )


def test_an_expectation_may_name_a_field(tmp_path: Path) -> None:
    path = steady(tmp_path / "a.hdf", named="6.x")
    read = plan_hdf.read(path, datasets=("Water Surface", "Maximum Depth", "No Such", "/Results/No"))
    surface, depth = read.datasets["Water Surface"], read.datasets["Maximum Depth"]
    assert surface is not None and (surface.shape, surface.minimum, surface.maximum) == ((2, 2), 101, 104)
    assert depth is not None and (depth.size, depth.minimum, depth.maximum) == (4, 3, 7)
    assert read.datasets["No Such"] is read.datasets["/Results/No"] is None
    wanted = Expectations(completed=False, datasets={"Maximum Depth": DatasetExpectation(between=(0, 6))})
    (said,) = judge(wanted, read)
    assert said == "Maximum Depth: highest value is 7, at most 6 is expected"


def test_an_expectation_of_a_name_that_means_several_fields_fails_and_says_so(tmp_path: Path) -> None:
    path = unsteady.write(tmp_path / "a.hdf", "6.6")
    name = "Maximum Water Surface"
    read = plan_hdf.read(path, datasets=(name, "2D Flow Areas/*/Maximum Water Surface"))
    areas = read.datasets["2D Flow Areas/*/Maximum Water Surface"]
    assert areas is not None and (areas.size, areas.maximum) == (17, 951)
    wanted = Expectations(completed=False, datasets={name: DatasetExpectation(finite=True)})
    assert "is the name of several fields; give its path" in "".join(judge(wanted, read))


def test_a_group_that_holds_itself_is_looked_into_once(tmp_path: Path) -> None:
    path = steady(tmp_path / "x.hdf", named="6.x")
    with h5py.File(path, "a") as file:
        for name in "abcdefgh":
            file[f"Results/Steady/Output/{name}"] = file["Results"]
    assert [row["value"] for row in rows(path, "Flow")] == [10, 10, 20, 20]
