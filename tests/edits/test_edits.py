"""Edits: what changes in a run's copy, byte for byte, and that sources never do."""

from __future__ import annotations

import hashlib
import stat
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from rasreconcile.edited_inputs import (
    Edit,
    OfVersion,
    SetAttributes,
    SetKeys,
    SetReferences,
    UnixLines,
    WithoutResults,
)
from rasreconcile.edits import texts
from rasreconcile.edits.spool import Spool
from rasreconcile.errors import InputChanged, ProjectError
from rasreconcile.jobs import Staged


def staged(path: Path, *edits: Edit) -> Staged:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return Staged(source=path, name=path.name, digest=digest, size=len(data), edits=edits)


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (b"a\r\nb\rc\n", UnixLines(), b"a\nb\nc\n"),
        (b"PS Cores= 0 \r\nX=1\r\n", SetKeys((("PS Cores", " 4 "),)), b"PS Cores= 4 \r\nX=1\r\n"),
        (b"D2= 0 \nD2=0\n", SetKeys((("D2", " 4 "),)), b"D2= 4 \nD2= 4 \n"),
        (b"X=1", SetKeys((("Write Detailed", " 1 "),)), b"X=1\nWrite Detailed= 1 \n"),
        (b"X=1\r\n", SetKeys((("Y", "2"),)), b"X=1\r\nY=2\r\n"),
        (
            b"BEGIN DESCRIPTION:\r\nD2=free text\r\nEND DESCRIPTION:\r\nD2=0\r\n",
            SetKeys((("D2", "4"),)),
            b"BEGIN DESCRIPTION:\r\nD2=free text\r\nEND DESCRIPTION:\r\nD2=4\r\n",
        ),
        (
            b"BEGIN DESCRIPTION:\r\nno end\r\nUNET D1 Cores= 0 \r\n",
            SetKeys((("UNET D1 Cores", " 4 "),)),
            b"BEGIN DESCRIPTION:\r\nno end\r\nUNET D1 Cores= 4 \r\n",
        ),
        (b"Title=caf\xe9 \x81\r\nD2=0\r\n", SetKeys((("D2", "4"),)), b"Title=caf\xe9 \x81\r\nD2=4\r\n"),
        (
            b"DSS File=C:\\Data\\a.dss\r\nMet BC=P|Gridded DSS Filename=C:\\Data\\a.dss  \r\nX=C:\\Data\\ab.dss\r\n",
            SetReferences((("C:\\Data\\a.dss", "..\\shared\\a.dss"),)),
            b"DSS File=..\\shared\\a.dss\r\nMet BC=P|Gridded DSS Filename=..\\shared\\a.dss\r\nX=C:\\Data\\ab.dss\r\n",
        ),
    ],
)
def test_a_text_is_changed_where_it_should_and_nowhere_else(before: bytes, edit, after: bytes) -> None:
    assert texts.edited(before, edit) == after


def plan_hdf(path: Path, *, results: bool) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["File Version"] = np.bytes_("HEC-RAS 6.6 September 2024")
        parameters = file.create_group("Plan Data/Plan Parameters")
        parameters.attrs["1D Cores"] = np.int32(0)
        parameters.attrs["2D Cores (per mesh)"] = np.array([0, 0], "i4")
        parameters.attrs["Gravity"] = np.float32(32.17405)
        file["Geometry/x"] = np.arange(10)
        if results:
            file["Results/Unsteady/big"] = np.random.default_rng(1).random(100_000)
    return path


CORES = SetAttributes(
    "Plan Data/Plan Parameters", (("1D Cores", 4), ("2D Cores (per mesh)", 4), ("Absent", 4))
)


def test_the_cores_of_a_prepared_plan_are_set_for_each_mesh_and_its_results_left_out(tmp_path: Path) -> None:
    source = plan_hdf(tmp_path / "X.p01.tmp.hdf", results=True)
    before = source.read_bytes()
    made = Spool(tmp_path / "spool").edited(staged(source, WithoutResults(), CORES))
    assert source.read_bytes() == before
    assert made.edits == () and made.size == made.source.stat().st_size < len(before) / 10
    assert hashlib.sha256(made.source.read_bytes()).hexdigest() == made.digest
    with h5py.File(made.source) as file:
        assert set(file) == {"Geometry", "Plan Data"}
        assert file.attrs["File Version"] == b"HEC-RAS 6.6 September 2024"
        attributes = file["Plan Data/Plan Parameters"].attrs
        assert (attributes["1D Cores"], attributes["1D Cores"].dtype) == (4, np.int32)
        assert attributes["2D Cores (per mesh)"].tolist() == [4, 4]
        assert "Absent" not in attributes


def test_what_a_sediment_run_leaves_at_the_root_is_left_out_too_and_nothing_else(tmp_path: Path) -> None:
    source = plan_hdf(tmp_path / "X.p01.tmp.hdf", results=False)
    left = ("Bed Time Series", "DSS Time Series", "Transport Time Series", "Unsteady Time Series")
    with h5py.File(source, "r+") as file:
        for name in (*left, "Sediment", "Event Conditions"):
            file[f"{name}/values"] = np.zeros(3)
    made = Spool(tmp_path / "spool").edited(staged(source, WithoutResults()))
    with h5py.File(made.source) as file:
        assert set(file) == {"Geometry", "Plan Data", "Sediment", "Event Conditions"}


def test_an_edited_copy_is_made_once_and_made_again_where_it_was_damaged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    source = plan_hdf(tmp_path / "X.p01.tmp.hdf", results=False)
    first = spool.edited(staged(source, CORES))
    assert spool.edited(staged(source, CORES)) == first
    assert len(list(spool.folder.iterdir())) == 1
    first.source.write_bytes(b"rubbish")
    again = spool.edited(staged(source, CORES))
    assert hashlib.sha256(again.source.read_bytes()).hexdigest() == again.digest
    assert stat.S_IMODE((spool.folder).stat().st_mode) == 0o700


def test_several_threads_that_want_the_same_copy_all_get_it_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    source = tmp_path / "X.p01"
    source.write_bytes(b"PS Cores= 0 \r\n" * 10_000)
    made: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: made.append(spool.edited(staged(source, UnixLines())).source.read_bytes())
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [b"PS Cores= 0 \n" * 10_000] * 8
    assert [path.name for path in spool.folder.glob(".*")] == []


def test_a_source_that_changed_since_it_was_hashed_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    source = tmp_path / "X.p01"
    source.write_bytes(b"one\r\n")
    asked = staged(source, UnixLines())
    source.write_bytes(b"two\r\n")
    with pytest.raises(InputChanged, match="changed after it was hashed"):
        spool.edited(asked)
    source.unlink()
    with pytest.raises(InputChanged, match="No such file"):
        spool.edited(asked)
    assert list(spool.folder.iterdir()) == []


@pytest.mark.parametrize("said", [b"HEC-RAS 6.6 September 2024", "HEC-RAS 6.6.0", None, "made by hand"])
def test_a_prepared_file_of_the_version_asked_for_or_of_none_stays_as_it_is(tmp_path: Path, said) -> None:
    source = tmp_path / "X.p01.tmp.hdf"
    with h5py.File(source, "w") as file:
        if said is not None:
            file.attrs["File Version"] = said
    edited = Spool(tmp_path / "spool").edited(staged(source, OfVersion("6.6")))
    assert edited.source.read_bytes() == source.read_bytes()


def test_a_prepared_file_of_another_version_is_refused_before_anything_runs(tmp_path: Path) -> None:
    source = tmp_path / "X.p01.tmp.hdf"
    with h5py.File(source, "w") as file:
        file.attrs["File Version"] = np.bytes_("HEC-RAS 6.4.1 June 2023")
    with pytest.raises(
        ProjectError, match=r"prepared by HEC-RAS 6\.4\.1, the spec asks for 6\.6; prepare the plan again"
    ):
        Spool(tmp_path / "spool").edited(staged(source, OfVersion("6.6")))


@pytest.mark.parametrize("edit", [CORES, WithoutResults(), OfVersion("6.6")])
def test_what_is_no_hdf_is_named_with_the_remedy(tmp_path: Path, edit: Edit) -> None:
    source = tmp_path / "X.p01.tmp.hdf"
    source.write_bytes(b"no HDF")
    spool = Spool(tmp_path / "spool")
    with pytest.raises(
        ProjectError, match=r"X\.p01\.tmp\.hdf: cannot be edited as HDF5: .*; let HEC-RAS write it"
    ):
        spool.edited(staged(source, edit))
    assert list(spool.folder.iterdir()) == []


def test_copies_nobody_asked_for_in_a_month_are_swept_and_what_was_begun_at_once(tmp_path: Path) -> None:
    now = [0.0]
    spool = Spool(tmp_path / "spool", clock=lambda: now[0])
    source = tmp_path / "X.p01"
    source.write_bytes(b"one\r\n")
    made = spool.edited(staged(source, UnixLines()))
    now[0] = made.source.stat().st_mtime + 29 * 86400
    for begun in (".a.0.part", ".a.0.part.without"):
        (spool.folder / begun).write_bytes(b"of a process that died")
    spool.sweep()
    assert list(spool.folder.iterdir()) == [made.source]
    now[0] += 2 * 86400
    spool.sweep()
    assert not made.source.exists()
