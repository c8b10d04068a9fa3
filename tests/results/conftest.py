"""What the tests of results share: real results, and an unsteady result in HEC-RAS's own layout."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component
from rasreconcile.records import Published

GOOD_MESSAGES = """Plan: 'Base' (Muncie.p04)
Simulation started at: 06Aug2025 08:40:46 AM

Writing Geometry...
Completed Writing Geometry

Unsteady Flow Simulation HEC-RAS 6.6 September 2024

Maximum iteration location   RS   WSEL   ERROR   ITERATIONS
Overall Volume Accounting Error as percentage:  0.000321
Finished Unsteady Flow Simulation

Computations Summary

Computation Task\tTime(hh:mm:ss)
Completing Geometry\t       2
Unsteady Flow Computations\t<1
Complete Process\t       4
"""

FAILED_MESSAGES = """Plan: 'Base' (Muncie.p04)
Simulation started at: 18Feb2026 03:15:16 PM

Writing Geometry...
ERROR: Unable to compute face tables. The terrain associated with this geometry does not completely cover the 2D Flow Area 'Perimeter 1'
Geometry Writer Failed
Error Processing Geometry

Computations Summary

Computation Task\tTime(hh:mm:ss)
Completing Geometry\t       3
Complete Process\t       4
"""

CELLS, GHOSTS = 12, 3


@pytest.fixture(scope="session")
def steady_result(hecras_data: Path) -> Path:
    return hecras_data / "14320639-steady" / "14320639.p02.hdf"


@pytest.fixture(scope="session")
def complete_results(hecras_data: Path) -> list[Path]:
    """Every plan HDF of the real data that a finished HEC-RAS computation left."""
    return [
        hecras_data / "14320639-steady" / "14320639.p01.hdf",
        hecras_data / "14320639-steady" / "14320639.p02.hdf",
        hecras_data / "meerlustkloof-baseline" / "Meerlustkloof.p01.hdf",
        hecras_data / "meerlustkloof-conservative" / "MeerlustkloofPartB15.p01.hdf",
    ]


@pytest.fixture
def unsteady_result(tmp_path: Path) -> Path:
    """A complete 2D unsteady result as HEC-RAS 6.6 lays it out: one area, ghost cells at the end of each row."""
    path = tmp_path / "Muncie.p04.hdf"
    make_unsteady(path)
    return path


def make_unsteady(path: Path) -> None:
    """Writes that result."""
    with h5py.File(path, "w") as file:
        _root_and_plan(file)
        _geometry(file)
        _summary(file)
        _output(file)


@pytest.fixture
def say() -> Callable[[Path, str, list[str]], None]:
    """Writes messages and processes into a result, as a run of HEC-RAS that reuses the file does."""
    return _say_in


@pytest.fixture
def fail_again(say: Callable[[Path, str, list[str]], None]) -> Callable[[Path], None]:
    """A rerun that fails in preprocessing: its messages and processes are new, everything else is left."""
    return lambda path: say(path, FAILED_MESSAGES, ["Ras.exe", "RasMapper(64)", "Completing Geometry"])


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(
        address=Address("Muncie/p04"),
        run=RunId("20261124-120000-muncie-p04-00c0ffee"),
        path=tmp_path / "Muncie.p04.hdf",
        size=400852,
        digest="a" * 64,
        fingerprint="b" * 64,
        components=(Component("engine", "c" * 64, "HEC-RAS 6.6"), Component("input Muncie.g01", "MISSING")),
        expectation_digest="d" * 64,
        provenance="computed",
        engine="HEC-RAS 6.6",
        worker="Büro",
        at=datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC),
        summary="max WS 956.12 ft",
    )


def _say_in(path: Path, messages: str, processes: list[str]) -> None:
    with h5py.File(path, "r+") as file:
        _write_messages(file, messages, processes)


def _write_messages(file: h5py.File, messages: str, processes: list[str]) -> None:
    summary = file.require_group("Results/Summary")
    for name in ("Compute Messages (text)", "Compute Processes"):
        if name in summary:
            del summary[name]
    text = messages.replace("\n", "\r\n").encode("cp1252")
    summary.create_dataset("Compute Messages (text)", data=np.array([text]))
    table = np.zeros(len(processes), dtype=[("Process", "S34"), ("Compute Time (ms)", "<i4")])
    table["Process"] = [name.encode() for name in processes]
    summary.create_dataset("Compute Processes", data=table)


def _root_and_plan(file: h5py.File) -> None:
    file.attrs["File Type"] = np.bytes_("HEC-RAS Results")
    file.attrs["File Version"] = np.bytes_("HEC-RAS 6.6 September 2024")
    file.attrs["Units System"] = np.bytes_("US Customary")
    plan = file.create_group("Plan Data/Plan Information").attrs
    plan["Plan Filename"] = np.bytes_("Muncie.p04")
    plan["Plan ShortID"] = np.bytes_("Base")
    plan["Geometry Filename"] = np.bytes_("Muncie.g01")
    plan["Flow Filename"] = np.bytes_("Muncie.u01")
    plan["Simulation Start Time"] = np.bytes_("02Jan1900 00:00:00")
    plan["Simulation End Time"] = np.bytes_("02Jan1900 24:00:00")


def _geometry(file: h5py.File) -> None:
    areas = np.array([(b"Perimeter 1", CELLS)], dtype=[("Name", "S16"), ("Cell Count", "<i4")])
    file["Geometry/2D Flow Areas/Attributes"] = areas
    file["Geometry/2D Flow Areas/Cell Info"] = np.array([[0, CELLS]], dtype="<i4")


def _summary(file: h5py.File) -> None:
    summary = file.create_group("Results/Unsteady/Summary")
    summary.attrs["Solution"] = np.bytes_("Unsteady Finished Successfully")
    summary.attrs["Run Time Window"] = np.bytes_("06AUG2025 08:40:49 to 06AUG2025 08:40:50")
    summary.attrs["Time Solution Went Unstable"] = np.float32("nan")
    summary.attrs["Time Stamp Solution Went Unstable"] = np.bytes_("Not Applicable")
    summary.create_group("Volume Accounting").attrs["Error Percent"] = np.float32(-0.25)
    _write_messages(file, GOOD_MESSAGES, ["Ras.exe", "Completing Geometry", "Unsteady Flow Computations"])


def _output(file: h5py.File) -> None:
    base = file.create_group("Results/Unsteady/Output/Output Blocks/Base Output")
    surfaces = np.linspace(940.0, 951.0, CELLS, dtype="<f4")
    row = np.concatenate([surfaces, np.full(GHOSTS, np.nan, dtype="<f4")])
    days = np.full(CELLS + GHOSTS, 0.5, dtype="<f4")
    area = "2D Flow Areas/Perimeter 1"
    base[f"Summary Output/{area}/Maximum Water Surface"] = np.stack([row, days])
    series = base.create_group("Unsteady Time Series")
    series["Time Date Stamp"] = np.array(
        [b"02JAN1900 00:00:00", b"02JAN1900 12:00:00", b"02JAN1900 24:00:00"]
    )
    series.create_dataset(f"{area}/Water Surface", data=np.stack([row - 3, row, row - 1]), compression="gzip")
