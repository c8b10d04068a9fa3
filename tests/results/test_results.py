"""What an HDF says, what it should say, and how it takes its place."""

from __future__ import annotations

import random
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services import Service, absent

from rasreconcile.errors import PublishHeld, ResultError
from rasreconcile.facts import Identity
from rasreconcile.hecras_messages import log_errors
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, component
from rasreconcile.records import Published
from rasreconcile.results import plan_hdf, publish
from rasreconcile.spec import Expectations
from tests.told import judge

COMPLETE = [
    "14320639-steady/14320639.p01.hdf",
    "14320639-steady/14320639.p02.hdf",
    "meerlustkloof-baseline/Meerlustkloof.p01.hdf",
    "meerlustkloof-conservative/MeerlustkloofPartB15.p01.hdf",
]
EXTRACTS = {
    "Denton.hdf": "holds no results",
    "ElkMiddle.gridded-precip.p01.hdf": "holds no results",
    "LowerKanawha.p01.bclines.hdf": "nothing says that the computation finished",
}
BASE = "Results/Unsteady/Output/Output Blocks/Base Output"
MESSAGES = b"Simulation started at: 06Aug2025 08:40:48 AM\r\nFinished Unsteady Flow Simulation\r\nComplete Process\t4\r\n"


def lacking(path: Path, **expect: object) -> tuple[str, ...]:
    facts = plan_hdf.read(path, thoroughness="every dataset")
    return judge(Expectations(**expect), facts)  # type: ignore[arg-type]


@pytest.fixture
def unsteady(tmp_path: Path) -> Path:
    """An unsteady result in the layout of HEC-RAS 6."""
    path = tmp_path / "Muncie.p04.hdf"
    with h5py.File(path, "w") as file:
        file.attrs["File Version"] = np.bytes_("HEC-RAS 6.6 September 2024")
        file.attrs["Units System"] = "US Customary"
        plan = file.create_group("Plan Data/Plan Information")
        plan.attrs["Plan Filename"] = np.bytes_("Muncie.p04")
        plan.attrs["Simulation End Time"] = np.bytes_("02Jan1900 24:00:00")
        summary = file.create_group("Results/Unsteady/Summary")
        summary.attrs["Solution"] = np.bytes_("Unsteady Finished Successfully")
        summary.attrs["Time Stamp Solution Went Unstable"] = "Not Applicable"
        summary.attrs["Run Time Window"] = "06AUG2025 08:40:49 to 06AUG2025 08:40:50"
        summary.create_group("Volume Accounting").attrs["Error Percent"] = np.float32(-0.4)
        file["Results/Summary/Compute Messages (text)"] = np.array([MESSAGES])
        rows = [(b"Completing Geometry",), (b"Unsteady Flow Computations",)]
        file["Results/Summary/Compute Processes"] = np.array(rows, dtype=[("Process", "S64")])
        file[f"{BASE}/Unsteady Time Series/Time Date Stamp"] = np.array(
            [b"01Jan1900 00:00:00", b"03Jan1900 00:00:00"]
        )
        area = [(b"Perimeter 1", 3)]
        file["Geometry/2D Flow Areas/Attributes"] = np.array(
            area, dtype=[("Name", "S16"), ("Cell Count", "i4")]
        )
        maximum = np.array([[930.0, 940.0, np.nan, 5000.0], [0.1, 0.2, 0.3, 0.4]], dtype=np.float32)
        file[f"{BASE}/Summary Output/2D Flow Areas/Perimeter 1/Maximum Water Surface"] = maximum
    return path


@pytest.mark.parametrize("name", COMPLETE)
def test_real_complete_results_are_accepted(hecras_data: Path, name: str) -> None:
    assert lacking(hecras_data / name, water_surface={"finite": True}) == ()


@pytest.mark.parametrize("name", EXTRACTS)
def test_extracts_are_judged_incomplete_with_the_reason(hecras_data: Path, name: str) -> None:
    assert any(EXTRACTS[name] in line for line in lacking(hecras_data / "results-only" / name))


def test_an_unsteady_result_is_read_without_times_and_ghost_cells(unsteady: Path) -> None:
    facts = plan_hdf.read(unsteady)
    assert facts.water_surface is not None
    assert (facts.water_surface.minimum, facts.water_surface.maximum) == (930.0, 940.0)
    assert (facts.water_surface.finite, facts.water_surface.size) == (2, 3)
    assert facts.volume_error_percent == pytest.approx(-0.4)
    assert facts.simulation_end == facts.last_output == datetime(1900, 1, 3)  # noqa: DTZ001  HEC-RAS has no zones
    assert lacking(unsteady, volume_error_percent={"at_most": 0.5}) == ()


@pytest.mark.parametrize(
    ("place", "name", "value", "said"),
    [
        ("Results/Unsteady/Summary", "Solution", "Unsteady failed to run", "its solution is"),
        (
            "Results/Unsteady/Summary",
            "Time Stamp Solution Went Unstable",
            "01Jan1900 01:00:00",
            "went unstable at",
        ),
        ("Plan Data/Plan Information", "Simulation End Time", "05Jan1900 00:00:00", "its output ends at"),
        (
            "Results/Unsteady/Summary",
            "Run Time Window",
            "01JAN2024 08:00:00 to 01JAN2024 09:00:00",
            "of a run that started",
        ),
        (
            "Results/Unsteady/Summary/Volume Accounting",
            "Error Percent",
            3.0,
            "volume accounting error is 3 %",
        ),
        (
            "Results/Unsteady/Summary/Volume Accounting",
            "Error Percent",
            -3.0,
            "volume accounting error is -3 %",
        ),
    ],
)
def test_each_sign_of_failure_is_enough(
    unsteady: Path, place: str, name: str, value: object, said: str
) -> None:
    with h5py.File(unsteady, "r+") as file:
        file[place].attrs[name] = value
    assert any(said in line for line in lacking(unsteady, volume_error_percent={"at_most": 0.5}))


def test_a_failed_rerun_that_writes_into_the_old_result_is_caught(unsteady: Path) -> None:
    failed = (
        b"Simulation started at: 18Feb2026 05:35:18 PM\r\n"
        b"ERROR: Unable to compute face tables.\r\nGeometry Writer Failed\r\nComplete Process\t1\r\n"
    )
    with h5py.File(unsteady, "r+") as file:
        del file["Results/Summary/Compute Messages (text)"], file["Results/Summary/Compute Processes"]
        file["Results/Summary/Compute Messages (text)"] = np.array([failed])
        file["Results/Summary/Compute Processes"] = np.array(
            [(b"Completing Geometry",)], dtype=[("Process", "S64")]
        )
    said = " | ".join(lacking(unsteady))
    assert "messages report a failure: ERROR: Unable" in said
    assert "do not say 'Finished Unsteady Flow Simulation'" in said
    assert "has no solver" in said
    assert "of a run that started 2026-02-18 17:35:18" in said


def test_a_result_of_another_plan_is_not_taken(unsteady: Path) -> None:
    facts = plan_hdf.read(unsteady)
    assert judge(Expectations(), facts, Identity(plan_filename="muncie.P04")) == ()
    assert "not of Muncie.p05" in judge(Expectations(), facts, Identity(plan_filename="Muncie.p05"))[0]


def test_every_expectation_says_what_was_found_and_what_was_wanted(hecras_data: Path) -> None:
    said = lacking(
        hecras_data / COMPLETE[0],
        units="si",
        profiles=3,
        water_surface={"between": (180, 200), "shape": (1, 2)},
        datasets={"/nowhere": {}},
    )
    assert said == (
        "its units are US Customary, SI Units are expected",
        "has 50 steady profiles, 3 are expected",
        "water surface: has shape [50, 5], [1, 2] is expected",
        "water surface: lowest value is 179.583, at least 180 is expected",
        "water surface: highest value is 206.345, at most 200 is expected",
        "/nowhere: does not exist, or holds no numbers",
    )


def test_noise_in_a_good_log_is_no_error_and_errors_are_read_without_their_column() -> None:
    good = "Overall Volume Accounting Error in Acre Feet: 0.1\n'wmic' is not recognized as a command\nerror layer\n"
    assert log_errors(good) == ()
    assert log_errors("Message  | ERROR: bad\nUnsteady flow encountered an error.\n") == (
        "ERROR: bad",
        "Unsteady flow encountered an error.",
    )


def test_links_out_of_the_file_are_not_followed(tmp_path: Path, unsteady: Path) -> None:
    trap = tmp_path / "trap.hdf"
    with h5py.File(trap, "w") as file:
        file["Results"] = h5py.ExternalLink(str(unsteady), "/Results")
    assert plan_hdf.read(trap).kind is None


@pytest.mark.parametrize("name", COMPLETE[:1] + COMPLETE[2:3])
def test_a_real_result_cut_anywhere_is_refused(hecras_data: Path, tmp_path: Path, name: str) -> None:
    whole = (hecras_data / name).read_bytes()
    victim = tmp_path / "cut.hdf"
    for cut in sorted(random.Random(1).sample(range(len(whole)), 150)):
        victim.write_bytes(whole[:cut])
        with pytest.raises(ResultError):
            plan_hdf.read(victim)


@pytest.mark.parametrize("name", COMPLETE[2:])
def test_changed_bytes_and_zero_tails_never_break_the_reader(
    hecras_data: Path, tmp_path: Path, name: str
) -> None:
    whole = (hecras_data / name).read_bytes()
    victim = tmp_path / "changed.hdf"
    chance = random.Random(2)
    for _ in range(50):
        place = chance.randrange(len(whole))
        changed = bytes([whole[place] ^ (1 << chance.randrange(8))])
        tail = chance.random() < 0.2
        victim.write_bytes(
            whole[:place] + bytes(len(whole) - place)
            if tail
            else whole[:place] + changed + whole[place + 1 :]
        )
        try:
            judge(Expectations(), plan_hdf.read(victim, thoroughness="every dataset"))
        except ResultError as error:
            assert "\n" not in str(error)


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=300))
def test_no_bytes_break_the_readers(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.hdf"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + data)
    publish.receipt_path(path).write_bytes(data)
    for read in (plan_hdf.read, publish.read_receipt):
        with pytest.raises(ResultError):
            read(path)


def make_published(path: Path) -> Published:
    return Published(
        address=Address("Muncie/p04"),
        run=RunId("r1"),
        path=path,
        size=3,
        digest="ab" * 32,
        fingerprint="cd" * 32,
        components=(component("engine", "steady 1"),),
        expectation_digest="e",
        provenance="computed",
        engine="steady 1",
        worker="desk",
        at=datetime(2026, 1, 2, tzinfo=UTC),
        summary="Größe",
    )


def test_a_receipt_comes_back_as_it_was_written_wherever_its_folder_went(tmp_path: Path) -> None:
    published = make_published(tmp_path / "a" / "x.p04.hdf")
    publish.make_folder(published.path)
    publish.write_receipt(published)
    (tmp_path / "a").rename(tmp_path / "b")
    moved = tmp_path / "b" / "x.p04.hdf"
    assert publish.read_receipt(moved) == make_published(moved)
    assert publish.read_receipt(tmp_path / "none.hdf") is None


@pytest.mark.parametrize(
    "change", [{"size": "3"}, {"provenance": "guessed"}, {"sha256": "x"}, {"components": 5}, {"plan": None}]
)
def test_a_receipt_with_a_wrong_field_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    import json

    published = make_published(tmp_path / "x.hdf")
    publish.write_receipt(published)
    path = publish.receipt_path(published.path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ResultError):
        publish.read_receipt(published.path)


def test_the_last_good_result_is_never_missing_or_short(tmp_path: Path) -> None:
    output = tmp_path / "x.hdf"
    size = 200_000
    output.write_bytes(b"0" * size)
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            data = output.read_bytes()
            seen.add((len(data), len(set(data))))

    reader = threading.Thread(target=look)
    reader.start()
    for n in range(200):
        temporary = publish.temporary_name(output, RunId(f"r{n}"))
        temporary.write_bytes(str(n % 10).encode() * size)
        publish.replace(temporary, output)
    stop.set()
    reader.join()
    assert seen == {(size, 1)}


def test_only_temporary_files_of_runs_that_are_over_are_swept(tmp_path: Path) -> None:
    output = tmp_path / "x.p04.hdf"
    for run in ("over", "live"):
        publish.temporary_name(output, RunId(run)).touch()
    for other in (".x.p05.hdf.over.part", "x.p04.hdf", ".x.p04.hdf.part", "over.part"):
        (tmp_path / other).touch()
    removed = publish.sweep(tmp_path, ["x.p04.hdf"], {RunId("live")})
    assert [path.name for path in removed] == [".x.p04.hdf.over.part"]


def test_a_full_disk_and_a_read_only_one_hold_the_result_and_keep_the_old_one(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        absent(Service.DISKS, "this machine lets nobody mount a small disk")
    try:
        output = small / "x.hdf"
        output.write_bytes(b"old")
        temporary = publish.temporary_name(output, RunId("r1"))
        temporary.write_bytes(b"new")
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
        with pytest.raises(PublishHeld, match="writable"):
            publish.replace(temporary, output)
        assert output.read_bytes() == b"old"
        subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
        with pytest.raises(OSError, match="space"):
            (small / "fill").write_bytes(bytes(100_000))
        with pytest.raises(PublishHeld, match="disk full or quota exceeded"):
            publish.write_receipt(make_published(output))
        publish.replace(temporary, output)
        assert output.read_bytes() == b"new"
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
