"""What is read of a result HDF, over versions and spellings."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
from waiting import LONGEST

from rasreconcile.errors import ResultError
from rasreconcile.results import plan_hdf
from rasreconcile.results.chunks import PIECE, pieces

MAXIMA = "Results/Unsteady/Output/Output Blocks/Base Output/Summary Output"
SERIES = "Results/Unsteady/Output/Output Blocks/Base Output/Unsteady Time Series"


def test_a_real_steady_result_says_what_it_is(steady_result: Path) -> None:
    facts = plan_hdf.read(steady_result)
    assert facts.kind == "steady"
    assert facts.file_version == "HEC-RAS 6.3.1 September 2022"
    assert facts.units_system == "US Customary"
    assert facts.plan_filename == "14320639.p02"
    assert facts.short_id == "14320639_nd"
    assert (facts.geometry_filename, facts.flow_filename) == ("14320639.g01", "14320639.f02")
    assert facts.solution == "Steady Finished Successfully"
    assert facts.messages is not None
    assert "Finished Steady Flow Simulation" in facts.messages
    assert facts.processes is not None
    assert "Steady Flow Computations" in facts.processes
    assert facts.run_window == (datetime(2025, 3, 13, 8, 16, 29), datetime(2025, 3, 13, 8, 16, 29))  # noqa: DTZ001
    assert len(facts.profiles) == 21
    assert facts.water_surface is not None
    assert facts.water_surface.shape == (21, 5)
    assert facts.water_surface.maximum == pytest.approx(206.345, abs=1e-3)
    assert facts.unreadable == ()


def test_every_real_result_is_read_whole_without_a_complaint(complete_results: list[Path]) -> None:
    for path in complete_results:
        assert plan_hdf.read(path, thoroughness="every dataset").unreadable == ()


def test_maxima_are_of_row_0_and_of_no_ghost_cells(unsteady_result: Path) -> None:
    surface = plan_hdf.read(unsteady_result).water_surface
    assert surface is not None
    assert (surface.size, surface.finite) == (12, 12)
    assert (surface.minimum, surface.maximum) == (940.0, 951.0)
    assert surface.shape == (2, 15)


def test_a_named_dataset_is_summed_up_without_its_ghost_cells(unsteady_result: Path) -> None:
    place = f"/{SERIES}/2D Flow Areas/Perimeter 1/Water Surface"
    found = plan_hdf.read(
        unsteady_result, datasets=[place, "/Results/Nothing", f"/{SERIES}/Time Date Stamp"]
    ).datasets
    series = found[place]
    assert series is not None
    assert (series.size, series.finite, series.minimum) == (36, 36, 937.0)
    assert found["/Results/Nothing"] is None
    assert found[f"/{SERIES}/Time Date Stamp"] is None


def test_24_00_is_the_midnight_of_the_next_day(unsteady_result: Path) -> None:
    facts = plan_hdf.read(unsteady_result)
    assert facts.last_output == facts.simulation_end == datetime(1900, 1, 3)  # noqa: DTZ001


def test_the_cell_count_of_old_tables_is_found_elsewhere(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        del file["Geometry/2D Flow Areas/Attributes"]
        file["Geometry/2D Flow Areas/Names"] = np.array([b"Perimeter 1"])
    surface = plan_hdf.read(unsteady_result).water_surface
    assert surface is not None
    assert surface.size == 12


def test_a_cell_count_that_cannot_be_is_told(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        table = file["Geometry/2D Flow Areas/Attributes"]
        table[...] = np.array([(b"Perimeter 1", 99)], dtype=table.dtype)
    assert "99 cells" in plan_hdf.read(unsteady_result).unreadable[0]


def test_sections_that_do_not_exist_are_not_counted(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        file[f"{MAXIMA}/Cross Sections/Maximum Water Surface"] = np.zeros((2, 2), dtype="<f4")
    surface = plan_hdf.read(unsteady_result).water_surface
    assert surface is not None
    assert surface.minimum == 940.0


def test_sections_and_areas_of_one_model_are_summed_up_together(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        file["Geometry/Cross Sections/Attributes"] = np.zeros(2, dtype=[("River", "S16")])
        file[f"{MAXIMA}/Cross Sections/Maximum Water Surface"] = np.array([[930, 931], [1, 2]], dtype="<f4")
    surface = plan_hdf.read(unsteady_result).water_surface
    assert surface is not None
    assert (surface.shape, surface.minimum, surface.maximum) == ((14,), 930.0, 951.0)


def test_a_5_0_file_is_read_as_well(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        file.attrs["File Type"] = "HEC-RAS Geometry"
        del file.attrs["Units System"]
        file["Geometry"].attrs["SI Units"] = "True"
        plan = file["Plan Data/Plan Information"].attrs
        del plan["Plan Filename"]
        plan["Plan File"] = "x:/models/Muncie.p04"
        del file["Results/Unsteady/Summary/Volume Accounting"]
        file["Results/Unsteady/Summary"].attrs["Vol Accounting Error Percentage"] = 0.75
        del file["Results/Summary"]
    facts = plan_hdf.read(unsteady_result)
    assert facts.kind == "unsteady"
    assert facts.plan_filename == "x:/models/Muncie.p04"
    assert facts.units_system == "SI Units"
    assert facts.volume_error_percent == 0.75
    assert (facts.messages, facts.processes) == (None, None)


@pytest.mark.parametrize(
    "value",
    [
        "Unsteady Finished Successfully",
        b"Unsteady Finished Successfully",
        np.bytes_(b"Unsteady Finished Successfully\x00\x00"),
        np.array([b"Unsteady Finished Successfully"]),
        np.array(["Unsteady Finished Successfully"], dtype=h5py.string_dtype()),
    ],
    ids=["str", "bytes", "padded", "array of bytes", "array of str"],
)
def test_a_text_is_the_same_in_every_spelling(unsteady_result: Path, value: object) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        attrs = file["Results/Unsteady/Summary"].attrs
        del attrs["Solution"]
        attrs["Solution"] = value
    assert plan_hdf.read(unsteady_result).solution == "Unsteady Finished Successfully"


def test_text_that_is_no_utf_8_is_read_as_windows_wrote_it(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        file["Plan Data/Plan Information"].attrs["Plan ShortID"] = np.bytes_("Überlauf".encode("cp1252"))
    assert plan_hdf.read(unsteady_result).short_id == "Überlauf"


def test_a_value_of_another_type_is_not_taken_for_a_text(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        file["Results/Unsteady/Summary"].attrs["Solution"] = 7
        file["Results/Unsteady/Summary/Volume Accounting"].attrs["Error Percent"] = "none"
    facts = plan_hdf.read(unsteady_result)
    assert facts.solution is None
    assert facts.volume_error_percent is None
    assert "Error Percent" in facts.unreadable[0]


def test_links_and_storage_that_lead_out_of_the_file_are_not_followed(
    unsteady_result: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.hdf"
    unsteady_result.rename(outside)
    with h5py.File(unsteady_result, "w") as file:
        file["Results"] = h5py.ExternalLink(outside.name, "Results")
        file["Plan Data"] = h5py.SoftLink("/nowhere")
        raw = tmp_path / "raw.bin"
        raw.write_bytes(np.ones(4).tobytes())
        file.create_dataset("stored outside", (4,), "f8", external=[(raw.name, 0, 32)])
        virtual = h5py.VirtualLayout((2, 15), "f4")
        virtual[:] = h5py.VirtualSource(
            outside.name, f"{MAXIMA}/2D Flow Areas/Perimeter 1/Maximum Water Surface", (2, 15)
        )
        file.create_virtual_dataset("made of others", virtual)
    facts = plan_hdf.read(unsteady_result, datasets=["stored outside"], thoroughness="every dataset")
    assert facts.kind is None
    assert facts.datasets == {"stored outside": None}
    assert [line.partition(":")[0].strip("/") for line in facts.unreadable] == [
        "stored outside",
        "made of others",
        "stored outside",
    ]


def test_a_group_that_holds_itself_is_read_once(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        file["Results/again"] = file["Results"]
    assert plan_hdf.read(unsteady_result, thoroughness="every dataset").unreadable == ()


def test_a_claim_of_absurd_size_is_refused_without_reading_it(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        file.create_dataset("huge", (1 << 40, 1 << 10), "f8", chunks=(1024, 1024))
        file.create_dataset("huge chunks", (1 << 28,), "f8", chunks=(1 << 28,))
    facts = plan_hdf.read(unsteady_result, thoroughness="every dataset")
    assert [line.partition(":")[0] for line in facts.unreadable] == ["/huge", "/huge chunks"]


WRITER = """
import sys, h5py
with h5py.File(sys.argv[1], "r+") as file:
    print("open", flush=True)
    sys.stdin.readline()
    file["more"] = [1, 2, 3]
"""


def test_a_file_held_open_by_its_writer_is_read_and_the_writer_is_not_disturbed(
    unsteady_result: Path,
) -> None:
    command = [sys.executable, "-c", WRITER, str(unsteady_result)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        assert plan_hdf.read(unsteady_result).kind == "unsteady"
        writer.communicate("\n", timeout=LONGEST)
    assert writer.returncode == 0
    assert plan_hdf.read(unsteady_result, datasets=["more"]).datasets["more"] is not None


def test_a_writer_can_open_what_is_being_read(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r", locking=False):
        done = subprocess.run(
            [sys.executable, "-c", WRITER, str(unsteady_result)],
            input="\n",
            text=True,
            timeout=LONGEST,
            check=False,
        )
    assert done.returncode == 0


def test_lanes_read_at_the_same_time(complete_results: list[Path]) -> None:
    wrong: list[str] = []

    def look(path: Path) -> None:
        for _ in range(5):
            if plan_hdf.read(path, thoroughness="every dataset").plan_filename != path.name.removesuffix(
                ".hdf"
            ):
                wrong.append(path.name)

    lanes = [threading.Thread(target=look, args=(path,)) for path in complete_results]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    assert wrong == []


def test_what_is_no_result_is_named_with_the_reason_and_the_remedy(tmp_path: Path) -> None:
    text = tmp_path / "text.hdf"
    text.write_text("Plan Title=Base\n")
    pipe = tmp_path / "pipe.hdf"
    os.mkfifo(pipe)
    for path, said in [
        (tmp_path / "absent.hdf", "no such file"),
        (tmp_path, "is not a regular file"),
        (pipe, "is not a regular file"),
        (text / "below", "no such file"),
        (text, "not a sound HDF5 file"),
        (Path("a\0b"), "cannot be examined"),
    ]:
        with pytest.raises(ResultError, match=said) as caught:
            plan_hdf.read(path)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(str(path).replace("\0", "\\x00"))
        assert ";" in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((100, 70_000), None),
        ((3_000_000,), None),
        ((5, 6, 7), (2, 4, 7)),
        ((40, 300_000), (40, 1_000)),
        ((40, 300_000), (1, 300_000)),
        ((9, 2_000_000), (4, 1_500_000)),
        ((0, 5), None),
        ((), None),
    ],
)
def test_pieces_cover_everything_once_and_stay_small(
    shape: tuple[int, ...], chunks: tuple[int, ...] | None
) -> None:
    seen = np.zeros(shape, dtype=np.uint8)
    for piece in pieces(shape, 8, chunks=chunks):
        seen[piece] += 1
        taken = np.empty(shape, dtype=np.bool_)[piece].size * 8
        assert taken <= max(PIECE, math.prod(chunks or (1,)) * 8)
    assert (seen == 1).all()


def test_pieces_of_a_part_cover_that_part_once() -> None:
    seen = np.zeros((2, 50), dtype=np.uint8)
    for piece in pieces((2, 50), 1 << 20, chunks=(2, 8), within=(slice(0, 1), slice(0, 43))):
        seen[piece] += 1
    assert (seen[0, :43] == 1).all()
    assert seen.sum() == 43
