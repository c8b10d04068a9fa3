"""A result that was computed from other sections than today's text has: the first that differs is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.project import decode
from rasreconcile.project.cross_sections import section_texts
from rasreconcile.results import plan_hdf

STEADY = "14320639-steady/14320639"


@pytest.mark.parametrize(
    ("result", "geometry", "count"),
    [
        (f"{STEADY}.p01.hdf", f"{STEADY}.g01", 5),
        (f"{STEADY}.p02.hdf", f"{STEADY}.g01", 5),
        ("meerlustkloof-baseline/Meerlustkloof.p01.hdf", "meerlustkloof-baseline/Meerlustkloof.g01", 9),
        (
            "meerlustkloof-conservative/MeerlustkloofPartB15.p01.hdf",
            "meerlustkloof-conservative/MeerlustkloofPartB15.g01",
            9,
        ),
    ],
)
def test_real_results_are_of_their_real_geometry(hecras_data: Path, result, geometry, count) -> None:
    texts = list(section_texts(decode((hecras_data / geometry).read_bytes())))
    assert len(texts) == count and all(text.points and text.roughness for text in texts)
    facts = plan_hdf.read(hecras_data / result, geometry=hecras_data / geometry)
    assert facts.other_geometry is None


def test_a_text_of_hec_ras_3_is_read_with_its_blank_columns_its_notes_and_its_only_reach() -> None:
    rows = f"{0:8}{'.06':>8}{'':8}{9:8}{'.04':>8}\n"
    text = f"Reach=Elm Creek\nType RM Length L Ch R =1 ,7,,50,\n#Sta/Elev=2\n{0:8}{5:8}{9:8}{4:8}\n#Mann=2,0\n{rows}"
    notes = "BEGIN DESCRIPTION:\nRiver Reach=as surveyed,1998\n#Mann=1,0\nEND DESCRIPTION:\n"
    (found,) = section_texts(text.replace("#Sta", f"{notes}#Sta"))
    assert (found.river, found.reach, found.station) == ("Elm Creek", "Elm Creek", "7")
    assert found.roughness == ((0, 0.06), (9, 0.04))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "-210.61     .06",
            "-210.61     .08",
            "Manning's n from station -210.61 on is 0.06, 0.08 in Meerlustkloof.g01",
        ),
        ("-10.751     .04", "-10.751    .045", "Manning's n from station -10.751 on is 0.04, 0.045"),
        (" -10.751     .04", "  -9.751     .04", "Manning's n from station -10.751 on is 0.04, 0.06"),
    ],
)
def test_another_roughness_is_named_with_its_station(hecras_data, tmp_path: Path, old, new, told) -> None:
    home = hecras_data / "meerlustkloof-baseline"
    text = (home / "Meerlustkloof.g01").read_bytes()
    edited = tmp_path / "Meerlustkloof.g01"
    edited.write_bytes(text.replace(old.encode(), new.encode(), 1))
    assert edited.read_bytes() != text
    found = plan_hdf.read(home / "Meerlustkloof.p01.hdf", geometry=edited).other_geometry
    assert found is not None and told in found, found


def test_another_elevation_and_a_point_more_are_named(hecras_data: Path, tmp_path: Path) -> None:
    result, text = hecras_data / f"{STEADY}.p01.hdf", (hecras_data / f"{STEADY}.g01").read_bytes()
    edited = tmp_path / "14320639.g01"
    edited.write_bytes(text.replace(b"       0  195.33", b"       0  196.33", 1))
    assert plan_hdf.read(result, geometry=edited).other_geometry == (
        "cross section 14320639, 14320639, 5.0: its elevation 1 is 195.33, 196.33 in 14320639.g01"
    )
    edited.write_bytes(text.replace(b"#Sta/Elev= 445", b"#Sta/Elev= 444", 1))
    found = plan_hdf.read(result, geometry=edited).other_geometry
    assert found == "cross section 14320639, 14320639, 5.0: it has 445 points, 444 in 14320639.g01"
    edited.write_bytes(text.replace(b"= 1 ,5.0     ,", b"= 1 ,6.0     ,", 1))
    found = plan_hdf.read(result, geometry=edited).other_geometry
    assert found == "cross section 14320639, 14320639, 6.0 of 14320639.g01 is not in its geometry"


def test_nothing_is_claimed_where_the_file_holds_no_sections(hecras_data: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(hecras_data / f"{STEADY}.p01.hdf", tmp_path / "x.hdf"))
    path.chmod(0o644)
    with h5py.File(path, "r+") as file:
        del file["Geometry/Cross Sections/Station Elevation Info"]
    assert plan_hdf.read(path, geometry=hecras_data / f"{STEADY}.g01").other_geometry is None


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="#Sta/Elev= 0123456789.-Mn\n\tRiverRch,TypeM", max_size=300))
def test_no_text_makes_the_sections_fail(text: str) -> None:
    for section in section_texts(f"River Reach=a,b\nType RM Length L Ch R = 1 ,1,2,3,4\n{text}"):
        assert section.points
