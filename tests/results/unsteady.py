"""Unsteady results, 2D and 1D in one model, as HEC-RAS 5.0.7, 6.3.1 and 6.6 lay them out."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import h5py
import numpy as np

VERSIONS = {
    "5.0.7": "HEC-RAS 5.0.7 March 2019",
    "6.3.1": "HEC-RAS 6.3.1 September 2022",
    "6.6": "HEC-RAS 6.6 September 2024",
}
BASE = "Results/Unsteady/Output/Output Blocks/Base Output"
SUMMARY, SERIES = f"{BASE}/Summary Output", f"{BASE}/Unsteady Time Series"
AREAS = {"Perimeter 1": (12, 3), "Upper basin": (5, 2)}
"""Cells and ghost cells."""
SECTIONS = [("White", "Muncie", "1500"), ("White", "Muncie", "1000"), ("Buck Creek", "Lower", "300")]
BEGAN = datetime(1900, 1, 2)  # noqa: DTZ001
HOURS = 24
MESSAGES = "Simulation started at: 06Aug2025 08:40:46 AM\r\nFinished Unsteady Flow Simulation\r\nComplete Process\t4\r\n"


def write(path: Path, version: str, *, messages: str | None = MESSAGES) -> Path:
    """`messages` None: as a Linux solver leaves it."""
    old = version.startswith("5")
    with h5py.File(path, "w") as file:
        file.attrs["File Type"] = np.bytes_("HEC-RAS Geometry" if old else "HEC-RAS Results")
        file.attrs["File Version"] = np.bytes_(VERSIONS[version])
        file.attrs["Units System"] = np.bytes_("US Customary")
        _plan(file)
        _geometry(file, old)
        summary = file.create_group("Results/Unsteady/Summary")
        summary.attrs["Solution"] = np.bytes_("Unsteady Finished Successfully")
        summary.attrs["Run Time Window"] = np.bytes_("06AUG2025 08:40:49 to 06AUG2025 08:40:50")
        summary.attrs["Time Stamp Solution Went Unstable"] = np.bytes_("Not Applicable")
        if old:
            summary.attrs["Vol Accounting Error Percentage"] = np.float32(0.1)
        else:
            summary.create_group("Volume Accounting").attrs["Error Percent"] = np.float32(0.1)
        if messages is not None:
            file["Results/Summary/Compute Messages (text)"] = np.array([messages.encode()])
            solver = b"Unsteady Flow Computations(64)" if old else b"Unsteady Flow Computations"
            rows = np.array([(b"Completing Geometry",), (solver,)], dtype=[("Process", "S64")])
            file["Results/Summary/Compute Processes"] = rows
        _output(file, old)
    return path


def _plan(file: h5py.File) -> None:
    plan = file.create_group("Plan Data/Plan Information").attrs
    end = BEGAN + timedelta(hours=HOURS)
    for name, text in {
        "Plan Filename": "Muncie.p04",
        "Plan ShortID": "Base",
        "Geometry Filename": "Muncie.g01",
        "Flow Filename": "Muncie.u01",
        "Simulation Start Time": f"{BEGAN:%d%b%Y %H:%M:%S}",
        "Simulation End Time": f"{end:%d%b%Y %H:%M:%S}",
        "Base Output Interval": "1HOUR",
    }.items():
        plan[name] = np.bytes_(text)


def _geometry(file: h5py.File, old: bool) -> None:
    names = [(name.encode(), cells) for name, (cells, _) in AREAS.items()]
    if old:
        file["Geometry/2D Flow Areas/Names"] = np.array([name for name, _ in names])
        spans = np.cumsum([0, *(cells for _, cells in names[:-1])])
        file["Geometry/2D Flow Areas/Cell Info"] = np.array(
            [(a, n) for a, (_, n) in zip(spans, names, strict=True)], "<i4"
        )
        parts = zip(
            ("River Names", "Reach Names", "River Stations"), zip(*SECTIONS, strict=True), strict=True
        )
        for name, texts in parts:
            file[f"Geometry/Cross Sections/{name}"] = np.array([text.encode() for text in texts])
    else:
        file["Geometry/2D Flow Areas/Attributes"] = np.array(
            names, dtype=[("Name", "S16"), ("Cell Count", "<i4")]
        )
        kind = [("River", "S16"), ("Reach", "S16"), ("RS", "S8")]
        file["Geometry/Cross Sections/Attributes"] = np.array(
            [tuple(t.encode() for t in s) for s in SECTIONS], kind
        )
    for name, (cells, ghosts) in AREAS.items():
        low = np.concatenate([np.full(cells, 935.0), np.full(ghosts, np.nan)]).astype("<f4")
        file[f"Geometry/2D Flow Areas/{name}/Cells Minimum Elevation"] = low
    file["Geometry/Cross Sections/Station Elevation Info"] = np.array([(0, 2), (2, 2), (4, 2)], "<i4")
    file["Geometry/Cross Sections/Station Elevation Values"] = np.array([(0, 940), (9, 930)] * 3, "<f4")


def _output(file: h5py.File, old: bool) -> None:
    stamps = [f"{BEGAN + timedelta(hours=n):%d%b%Y %H:%M:%S}".upper().encode() for n in range(HOURS + 1)]
    file[f"{SERIES}/Time Date Stamp"] = np.array(stamps)
    file[f"{SERIES}/Time"] = np.arange(HOURS + 1) / 24.0
    for name, (cells, ghosts) in AREAS.items():
        row = np.concatenate([np.linspace(940, 951, cells), np.full(ghosts, np.nan)]).astype("<f4")
        _maxima(file, f"2D Flow Areas/{name}", row, old)
        file[f"{SERIES}/2D Flow Areas/{name}/Water Surface"] = np.tile(row - 1, (HOURS + 1, 1))
    row = np.array([948.0, 947.0, 946.0], "<f4")
    _maxima(file, "Cross Sections", row, old)
    file[f"{SERIES}/Cross Sections/Water Surface"] = np.tile(row - 1, (HOURS + 1, 1))
    kind = [("River", "S16"), ("Reach", "S16"), ("Station", "S8"), ("Name", "S16")]
    named = np.array([(*(text.encode() for text in s), b"") for s in SECTIONS], kind)
    file[f"{SERIES}/Cross Sections/Cross Section Attributes"] = named


def _maxima(file: h5py.File, where: str, row: np.ndarray, old: bool) -> None:
    data = file.create_dataset(
        f"{SUMMARY}/{where}/Maximum Water Surface", data=np.stack([row, np.full_like(row, 0.5)])
    )
    if old:
        data.attrs["Row 0:  WSEL"] = np.bytes_("Feet")
    else:
        data.attrs["Units"] = np.array([b"ft", b"days"])
