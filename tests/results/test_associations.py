"""What HDFs say about other files, and that no damage breaks the asking."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from rasreconcile.errors import ResultError
from rasreconcile.results.associations import associations


def test_a_real_terrain_names_its_tiles(hecras_data: Path) -> None:
    found = associations(hecras_data / "muncie2d-unsteady" / "Terrain" / "TerrainWithChannel.hdf")
    assert [(m.what, m.value) for m in found] == [
        ("tile", "TerrainWithChannel.ChannelOnly.tif"),
        ("tile", "TerrainWithChannel.muncie_clip.tif"),
    ]


def test_a_real_geometry_names_its_terrain(hecras_data: Path) -> None:
    (found,) = associations(hecras_data / "meerlustkloof-baseline" / "Meerlustkloof.g01.hdf")
    assert (found.what, found.value) == (
        "terrain",
        r"..\UPDATED HEC RAS FILES\ras_project\Terrain\Terrain.hdf",
    )


@pytest.fixture
def geometry(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "x.g01.hdf", "w") as file:
        for place, terrain in (("Geometry", "old.hdf"), ("Geometry/2D Flow Areas/A", "new.hdf")):
            group = file.require_group(place)
            group.attrs["Terrain Filename"] = terrain
            group.attrs["Land Cover Filename"] = b"lc.hdf"
            group.attrs["Geometry Filename"] = b"x.g01.hdf"
            group.attrs["Percent Impervious Filename"] = np.bytes_(b"imp.hdf")
        file["Geometry/2D Flow Areas"].create_dataset("Attributes", data=[1])
    return tmp_path / "x.g01.hdf"


def test_areas_may_disagree_with_the_whole_and_each_file_is_named_once(geometry: Path) -> None:
    assert [(m.what, m.value) for m in associations(geometry)] == [
        ("land-cover", "lc.hdf"),
        ("land-cover", "imp.hdf"),
        ("terrain", "old.hdf"),
        ("terrain", "new.hdf"),
    ]


def test_an_absurdly_long_attribute_is_told_and_not_read(geometry: Path) -> None:
    with h5py.File(geometry, "r+", libver="latest") as file:
        group = file.create_group("Terrain/huge", track_order=True)
        group.attrs["File"] = np.frombuffer(b"x" * (2 << 20), dtype="S2097152")
    (fault,) = [m for m in associations(geometry) if m.what == "fault"]
    assert "is longer than" in fault.value


def test_many_names_are_bounded(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.hdf", "w") as file:
        file.attrs["Virtual Dependencies"] = "\n".join(f"{n}.hdf" for n in range(10_001))
    with pytest.raises(ResultError, match="names more than 10000 files"):
        associations(tmp_path / "x.hdf")


def test_damage_is_an_error_or_a_finding_and_never_a_crash(geometry: Path) -> None:
    data = geometry.read_bytes()
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        geometry.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        try:
            found = associations(geometry)
        except ResultError as error:
            assert "open and save it in HEC-RAS" in str(error)
            continue
        assert all(isinstance(m.value, str) for m in found)


def test_a_file_that_another_program_writes_can_be_asked(geometry: Path) -> None:
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(geometry)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        assert len(associations(geometry)) == 4
