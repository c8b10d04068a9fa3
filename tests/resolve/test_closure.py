"""The closures of real projects, row by row, and what changes their fingerprints."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from rasreconcile.plans import MISSING, Plan
from tests.told import told

MUNCIE = """\
project     counts      Muncie2D.prj
plan        counts      Muncie2D.p01
geometry    counts      Muncie2D.g01
flow        counts      Muncie2D.u01
flow-hdf    staged only  Muncie2D.u01.hdf
rasmap      staged only  Muncie2D.rasmap
land-cover  counts      ManningNFromZonePolygons.hdf
land-cover  counts      ManningNFromZonePolygons.tif
terrain     counts      Terrain/TerrainWithChannel.hdf
terrain     counts      Terrain/TerrainWithChannel.ChannelOnly.tif
terrain     MISSING     Terrain/TerrainWithChannel.muncie_clip.tif
terrain     counts      Terrain/TerrainWithChannel.vrt
prepared    staged only  Muncie2D.b01
prepared    staged only  Muncie2D.x01
prepared    staged only  Muncie2D.c01
"""
STEADY = """\
project       counts      14320639.prj
plan          counts      14320639.p02
geometry      counts      14320639.g01
flow          counts      14320639.f02
geometry-hdf  staged only  14320639.g01.hdf
rasmap        staged only  14320639.rasmap
projection    counts      crs.prj
prepared      staged only  14320639.r02
"""
BASELINE = """\
project       counts      Meerlustkloof.prj
plan          counts      Meerlustkloof.p01
geometry      counts      Meerlustkloof.g01
flow          counts      Meerlustkloof.f01
geometry-hdf  staged only  Meerlustkloof.g01.hdf
terrain       MISSING     ../UPDATED HEC RAS FILES/ras_project/Terrain/Terrain.hdf
rasmap        staged only  Meerlustkloof.rasmap
projection    MISSING     ../../../cjkoe/Downloads/REF/Projection files/Meerlustkloof_Projection.prj
"""
CONSERVATIVE = """\
project       counts      MeerlustkloofPartB15.prj
plan          counts      MeerlustkloofPartB15.p01
geometry      counts      MeerlustkloofPartB15.g01
flow          counts      MeerlustkloofPartB15.f01
geometry-hdf  staged only  MeerlustkloofPartB15.g01.hdf
terrain       MISSING     ../../UPDATED HEC RAS FILES/ras_project/Terrain/Terrain.hdf
rasmap        staged only  MeerlustkloofPartB15.rasmap
projection    MISSING     ../../../../cjkoe/Downloads/REF/Projection files/Meerlustkloof_Projection.prj
prepared      staged only  MeerlustkloofPartB15.r01
"""


def rows(plan: Plan) -> list[tuple[str, ...]]:
    return [
        (i.kind, MISSING if i.raw == MISSING else "counts" if i.counts else "staged only", i.name)
        for i in plan.inputs
    ]


@pytest.mark.parametrize(
    ("folder", "project", "number", "table"),
    [
        ("muncie2d-unsteady", "Muncie2D.prj", "01", MUNCIE),
        ("14320639-steady", "14320639.prj", "02", STEADY),
        ("meerlustkloof-baseline", "Meerlustkloof.prj", "01", BASELINE),
        ("meerlustkloof-conservative", "MeerlustkloofPartB15.prj", "01", CONSERVATIVE),
    ],
)
def test_the_closure_of_a_real_plan_is_exactly_this(
    model: Callable[[str, str], Any], folder: str, project: str, number: str, table: str
) -> None:
    found = model(folder, project).plan(number)
    assert rows(found) == [tuple(re.split(r" {2,}", line)) for line in table.splitlines()]
    counted = {c.subject for c in found.components if c.sort == "input"}
    assert counted == {i.name for i in found.inputs if i.counts}


def test_the_built_in_engine_reads_the_texts_and_nothing_else(muncie: Any) -> None:
    assert [row[0] for row in rows(muncie.plan(engine="{type: steady}"))] == [
        "project",
        "plan",
        "geometry",
        "flow",
    ]


# ---- what changes the fingerprint, and what does not


def touch(name: str) -> Callable[[Any], object]:
    return lambda m: os.utime(m.folder / name)


def edit(name: str, old: str, new: str) -> Callable[[Any], object]:
    return lambda m: m.edit(name, old, new)


def append(name: str, data: bytes) -> Callable[[Any], object]:
    return lambda m: m.write(name, (m.folder / name).read_bytes() + data)


def rewrite(name: str, change: Callable[[bytes], bytes]) -> Callable[[Any], object]:
    return lambda m: m.write(name, change((m.folder / name).read_bytes()))


def remove(name: str) -> Callable[[Any], object]:
    return lambda m: (m.folder / name).unlink()


def write(name: str, data: bytes | str = "x") -> Callable[[Any], object]:
    return lambda m: m.write(name, data)


def padded(data: bytes) -> bytes:
    return b"".join(line.rstrip() + b"   \r\n" for line in data.splitlines()) + b"\r\n"


UNCHANGED = {
    "touched": touch("Muncie2D.g01"),
    "another current plan": edit("Muncie2D.prj", "Current Plan=p01", "Current Plan=p07"),
    "another plan in the project": append("Muncie2D.prj", b"Plan File=p02\n"),
    "a title of the project": edit("Muncie2D.prj", "Proj Title=Muncie2D", "Proj Title=Other"),
    "cores": edit("Muncie2D.p01", "UNET D2 Cores= 0 ", "UNET D2 Cores= 8 "),
    "1D cores": edit("Muncie2D.p01", "UNET D1 Cores= 0 ", "UNET D1 Cores= 8 "),
    "write detailed": append("Muncie2D.p01", b"Write Detailed= 1 \n"),
    "log level": edit("Muncie2D.p01", "Global Log Level= 0 ", "Global Log Level= 4 "),
    "maps after the run": edit("Muncie2D.p01", "Run RASMapper= 0 ", "Run RASMapper=-1 "),
    "padding of the plan": rewrite("Muncie2D.p01", padded),
    "padding of the geometry": rewrite("Muncie2D.g01", padded),
    "padding of the flow": rewrite("Muncie2D.u01", padded),
    "the view of the geometry": edit("Muncie2D.g01", "Viewing Rectangle=", "Viewing Rectangle= 1 ,"),
    "a description": append("Muncie2D.p01", b"BEGIN DESCRIPTION:\nasked by Ann\nEND DESCRIPTION:\n"),
    "a result": write("Muncie2D.p01.hdf"),
    "messages": append("Muncie2D.p01.computeMsgs.txt", b"more"),
    "run files": append("Muncie2D.bco01", b"x"),
    "prepared files": append("Muncie2D.b01", b"x"),
    "prepared files gone": remove("Muncie2D.x01"),
    "results in the project's DSS": append("Muncie2D.dss", b"x"),
    "event data without rasters": append("Muncie2D.u01.hdf", b"x"),
    "event data gone": remove("Muncie2D.u01.hdf"),
    "result layers in RAS Mapper": edit(
        "Muncie2D.rasmap", '<Results Checked="True"', '<Results Checked="False"'
    ),
    "a DSS file that is off": edit("Muncie2D.u01", "DSS Path=", "DSS Path="),
    "files of nobody": write("notes.txt"),
    "another terrain order": append("Terrain/TerrainWithChannel_reverse_order.vrt", b"x"),
}
CHANGED = {
    "units": edit("Muncie2D.prj", "English Units", "SI Units"),
    "a time step": edit("Muncie2D.p01", "Computation Interval=10SEC", "Computation Interval=5SEC"),
    "the plan's title": edit("Muncie2D.p01", "Plan Title=Peak_flow_plan", "Plan Title=Peak"),
    "a cell": edit("Muncie2D.g01", "Storage Area Is2D=-1", "Storage Area Is2D= 0"),
    "a boundary": edit("Muncie2D.u01", "   21000   20000", "   21000   20001"),
    "a blank inside a line": edit("Muncie2D.u01", "   21000", "  21000 "),
    "the terrain's values": append("Terrain/TerrainWithChannel.ChannelOnly.tif", b"x"),
    "the terrain itself": append("Terrain/TerrainWithChannel.vrt", b"x"),
    "a tile that arrives": write("Terrain/TerrainWithChannel.muncie_clip.tif"),
    "a tile that goes": remove("Terrain/TerrainWithChannel.ChannelOnly.tif"),
    "land cover": append("ManningNFromZonePolygons.tif", b"x"),
    "land cover gone": remove("ManningNFromZonePolygons.hdf"),
    "another terrain in the map": edit(
        "Muncie2D.rasmap", 'Filename=".\\Terrain\\TerrainWithChannel.hdf"', 'Filename=".\\Other.hdf"'
    ),
    "a projection": edit(
        "Muncie2D.rasmap", "<Features>", '<RASProjectionFilename Filename=".\\no.prj" /><Features>'
    ),
    "a DSS file in use": edit("Muncie2D.u01", "Use DSS=False", "DSS File=.\\flows.dss\nUse DSS=True"),
    "a restart file in use": edit(
        "Muncie2D.u01", "Use Restart= 0 ", "Use Restart=-1 \nRestart Filename=old.rst"
    ),
    "a sediment file": append("Muncie2D.p01", b"Sediment File=s01\n"),
}


@pytest.mark.parametrize(
    ("change", "changes"),
    [pytest.param(c, False, id=f"not by {n}") for n, c in UNCHANGED.items()]
    + [pytest.param(c, True, id=f"by {n}") for n, c in CHANGED.items()],
)
def test_the_fingerprint_changes(muncie: Any, change: Callable[[Any], object], changes: bool) -> None:
    before = muncie.plan()
    change(muncie)
    after = muncie.plan()
    assert (after.fingerprint != before.fingerprint) is changes


# ---- a geometry HDF


def geometry_hdf(path: Path, *, when: str, **layers: str) -> None:
    with h5py.File(path, "w") as file:
        area = file.create_group("Geometry/2D Flow Areas/Perimeter 1")
        file["Geometry"].attrs["Geometry Time"] = when
        area.attrs["Property Tables Last Computed"] = when
        area.attrs["Terrain File Date"] = when
        file["Geometry/2D Flow Areas"].create_dataset("Attributes", data=[1.0])
        for name, value in layers.items():
            area.attrs[name.replace("_", " ")] = value.encode()


def test_what_a_run_rewrites_in_the_geometry_hdf_does_not_count_and_its_terrain_does(muncie: Any) -> None:
    terrain = r".\Terrain\TerrainWithChannel.hdf"
    hdf = muncie.folder / "Muncie2D.g01.hdf"
    geometry_hdf(hdf, when="01JAN2024 00:00:00", Terrain_Filename=terrain)
    before = muncie.plan()
    assert ("geometry-hdf", "staged only", "Muncie2D.g01.hdf") in rows(before)
    assert not any(row[0] == "land-cover" for row in rows(before))
    assert not any("2D area" in warning for warning in told(before.warnings))
    geometry_hdf(hdf, when="02FEB2025 00:00:00", Terrain_Filename=terrain)
    assert muncie.plan().fingerprint == before.fingerprint
    geometry_hdf(hdf, when="02FEB2025 00:00:00", Terrain_Filename=r".\Terrain\Other.hdf")
    assert muncie.plan().fingerprint != before.fingerprint


def test_infiltration_leads_to_the_layers_it_is_made_of(muncie: Any) -> None:
    geometry_hdf(
        muncie.folder / "Muncie2D.g01.hdf", when="x", Infiltration_Filename=r".\Soil\Infiltration.hdf"
    )
    (muncie.folder / "Soil").mkdir()
    with h5py.File(muncie.folder / "Soil" / "Infiltration.hdf", "w") as file:
        file.attrs["Virtual Dependencies"] = [rb".\LandCover.hdf", rb".\Infiltration.hdf"]
    with h5py.File(muncie.folder / "Soil" / "LandCover.hdf", "w") as file:
        file.attrs["File Type"] = b"HEC Land Cover"
    muncie.write("Soil/landcover.TIF", "x")
    layers = [row for row in rows(muncie.plan()) if row[0] in {"infiltration", "land-cover"}]
    assert layers == [
        ("infiltration", "counts", "Soil/Infiltration.hdf"),
        ("land-cover", "counts", "Soil/LandCover.hdf"),
        ("land-cover", "counts", "Soil/LandCover.tif"),
    ]


def test_a_damaged_geometry_hdf_is_a_finding_and_the_map_is_asked_instead(muncie: Any) -> None:
    muncie.write("Muncie2D.g01.hdf", b"\x89HDF\r\n\x1a\n" + b"\0" * 40)
    plan = muncie.plan()
    assert any("Muncie2D.g01.hdf: not a sound HDF5 file" in warning for warning in told(plan.warnings))
    assert ("terrain", "counts", "Terrain/TerrainWithChannel.hdf") in rows(plan)


def test_prepared_files_older_than_a_text_are_left_out_and_told(muncie: Any) -> None:
    os.utime(muncie.folder / "Muncie2D.u01")
    plan = muncie.plan()
    assert not any(row[0] == "prepared" for row in rows(plan))
    assert (
        "Muncie2D.b01 was prepared before Muncie2D.u01 was written, and is left out; prepare it again"
        in told(plan.warnings)
    )
    assert not any(row[0] == "prepared" for row in rows(muncie.plan(engine="{type: command, command: [x]}")))
