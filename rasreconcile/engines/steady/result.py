"""The result HDF, in the layout of HEC-RAS's own, and plainly marked as not being one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rasreconcile import held_files
from rasreconcile.engines.steady.cross_sections import CrossSection
from rasreconcile.engines.steady.profile import State
from rasreconcile.engines.steady.river_model import RiverModel, Solved

FILE_VERSION = "rasreconcile steady 4"
FINISHED = "Finished Steady Flow Simulation"
_PROFILES = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"


def write(
    path: Path,
    model: RiverModel,
    solved: Sequence[Solved],
    *,
    names: dict[str, str],
    messages: Sequence[str],
    window: tuple[datetime, datetime],
) -> None:
    """Writes aside, then renames: `path` is whole or not there."""
    aside = path.with_name(path.name.removesuffix(".hdf") + ".tmp.hdf")
    with h5py.File(aside, "w") as file:
        _root(file, model)
        _plan(file, model, names)
        sections = [section for part in solved for section in part.reach.sections]
        _geometry(file, model, sections)
        _profiles(file, model, solved)
        _summary(file, solved, messages, window)
    # For writing: Windows flushes no other.
    with aside.open("rb+") as written:
        os.fsync(written.fileno())
    held_files.replace(aside, path)


def _attrs(group: Any, **values: object) -> None:
    for name, value in values.items():
        group.attrs[name.replace("_", " ")] = np.bytes_(value.encode()) if isinstance(value, str) else value


def _root(file: h5py.File, model: RiverModel) -> None:
    units = "SI Units" if model.si_units else "US Customary"
    _attrs(file, File_Type="HEC-RAS Results", File_Version=FILE_VERSION, Units_System=units)


def _plan(file: h5py.File, model: RiverModel, names: dict[str, str]) -> None:
    group = file.create_group("Plan Data/Plan Information")
    _attrs(
        group,
        Plan_Filename=names["plan"],
        Plan_ShortID=model.short_id,
        Plan_Name=model.title,
        Plan_Title=model.title,
        Geometry_Filename=names["geometry"],
        Geometry_Title=model.geometry.title,
        Flow_Filename=names["flow"],
        Flow_Title=model.flows.title,
        Project_Filename=names["project"],
    )
    _attrs(file.create_group("Plan Data/Plan Parameters"), Flow_Regime=model.settings.regime)


def _geometry(file: h5py.File, model: RiverModel, sections: Sequence[CrossSection]) -> None:
    geometry = file.create_group("Geometry")
    _attrs(geometry, Title=model.geometry.title, Complete_Geometry="True")
    kind = np.dtype(
        [("River", "S16"), ("Reach", "S16"), ("RS", "S8"), ("Name", "S16"), ("Description", "S64")]
        + [(name, "f4") for name in ("Len Left", "Len Channel", "Len Right", "Left Bank", "Right Bank")]
        + [("Contr", "f4"), ("Expan", "f4")]
    )
    rows = [(*_named(s), b"", b"", *s.lengths, *s.banks, s.contraction, s.expansion) for s in sections]
    group = geometry.create_group("Cross Sections")
    group.create_dataset("Attributes", data=np.array(rows, dtype=kind))
    points = np.array([point for s in sections for point in s.points], dtype=np.float32)
    counts = np.array([len(s.points) for s in sections], dtype=np.int32)
    info = np.stack((np.concatenate(([0], np.cumsum(counts)[:-1])), counts), axis=1).astype(np.int32)
    group.create_dataset("Station Elevation Info", data=info)
    group.create_dataset("Station Elevation Values", data=points)


def _profiles(file: h5py.File, model: RiverModel, solved: Sequence[Solved]) -> None:
    sections = [section for part in solved for section in part.reach.sections]
    info = file.create_group("Results/Steady/Output/Geometry Info")
    kind = np.dtype([("River", "S16"), ("Reach", "S16"), ("Station", "S8"), ("Name", "S16")])
    rows = np.array([(*_named(s), b"") for s in sections], dtype=kind)
    info.create_dataset("Cross Section Attributes", data=rows)
    info.create_dataset("Cross Section Only", data=np.array([_padded(s) for s in sections], dtype="S42"))
    _attrs(file["Results/Steady/Output"], Program_Name="rasreconcile steady", Program_Version=FILE_VERSION)
    group = file.create_group(_PROFILES)
    group.create_dataset(
        "Profile Names", data=np.array([n.encode()[:16] for n in model.flows.profiles], dtype="S16")
    )
    length, rate = ("m", "m^3/s") if model.si_units else ("ft", "cfs")
    places = group.create_group("Cross Sections")

    def put(owner: h5py.Group, name: str, unit: str, value: Callable[[State], float]) -> None:
        table = [[value(s) for part in solved for s in part.profiles[n].states] for n in _numbers(model)]
        owner.create_dataset(name, data=np.array(table, dtype=np.float32)).attrs["Variable_Unit"] = _unit(
            name, unit
        )

    put(places, "Water Surface", length, lambda s: s.surface)
    put(places, "Energy Grade", length, lambda s: s.energy)
    put(places, "Flow", rate, lambda s: s.flow)
    more = places.create_group("Additional Variables")
    put(more, "Conveyance Total", rate, lambda s: s.conveyance)
    critical = [[c for part in solved for c in part.profiles[n].critical] for n in _numbers(model)]
    name = "Critical Water Surface"
    more.create_dataset(name, data=np.array(critical, dtype=np.float32)).attrs["Variable_Unit"] = _unit(
        name, length
    )
    places.create_dataset("Converged", data=_converged(solved))


def _summary(
    file: h5py.File, solved: Sequence[Solved], messages: Sequence[str], window: tuple[datetime, datetime]
) -> None:
    span = " to ".join(f"{t:%d%b%Y %H:%M:%S}".upper() for t in window)
    unconverged = int(np.size(_converged(solved)) - np.count_nonzero(_converged(solved)))
    summary = file.create_group("Results/Steady/Summary")
    _attrs(
        summary,
        Solution="Steady Finished Successfully",
        Run_Time_Window=span,
        Unconverged_Points=np.int32(unconverged),
    )
    text = "\r\n".join(messages).encode()
    group = file.create_group("Results/Summary")
    group.create_dataset("Compute Messages (text)", data=np.array([text], dtype=f"S{max(len(text), 1)}"))
    kind = np.dtype([("Process", "S64"), ("Filename", "S64"), ("Compute Time (ms)", "i4")])
    took = int((window[1] - window[0]).total_seconds() * 1000)
    row = [(b"Steady Flow Computations", FILE_VERSION.encode(), took)]
    group.create_dataset("Compute Processes", data=np.array(row, dtype=kind))


def _numbers(model: RiverModel) -> range:
    return range(len(model.flows.profiles))


def _converged(solved: Sequence[Solved]) -> np.ndarray[Any, Any]:
    """bool[n_profiles, n_sections]."""
    count = len(solved[0].profiles)
    return np.array(
        [[ok for part in solved for ok in part.profiles[n].converged] for n in range(count)], dtype=bool
    )


def _named(section: CrossSection) -> tuple[bytes, bytes, bytes]:
    return section.river.encode()[:16], section.reach.encode()[:16], section.station.encode()[:8]


def _padded(section: CrossSection) -> bytes:
    return f"{section.river:<16} {section.reach:<16} {section.station:<8}".encode()[:42]


def _unit(name: str, unit: str) -> np.ndarray[Any, Any]:
    return np.array([[name.encode(), unit.encode()]], dtype="S32")
