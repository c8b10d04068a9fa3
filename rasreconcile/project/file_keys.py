"""Every key of a HEC-RAS text that can name a file, another plan's output or a profile of it, with its class. PURE.

The readers of mentions work from these tables, so that a key's class is how it is followed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["input", "output", "other plan's output", "display only"]
"""input: a run reads the file. output: a run, or an export, writes it. other plan's output: what another plan computed,
which a run reads. display only: pictures, lists and editors; no run reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKey:
    """A key, as `Key=value` lines have it."""

    role: Role
    kind: str = ""
    """Of the mention that it makes; empty: none, because no run reads it, or another key names the file."""
    ending: str = ""
    """A regular expression for its value, where that is the ending of a file of the project: `g01`."""
    switch: str = ""
    """The key that says whether it is in use; empty: it is wherever it names something."""
    unless: str = ""
    """A key that puts it out of use where that is on."""
    needs: str = ""
    """A key that must name something for it to be in use: a plan without sediment reads no sediment hotstart."""
    records: tuple[str, ...] = ()
    """Keys that begin a record: the switch is of the same record. Empty: the whole text is one."""
    detail: str = ""
    """A key of the same record that says what of the file is read; its mention carries the line of the file's."""
    without: str = ""
    """What is wrong where the switch is on and nothing is named; empty: nothing."""


_DISPLAY = FileKey(role="display only")
_OUTPUT = FileKey(role="output")

PLAN: Mapping[str, FileKey] = {
    "Geom File": FileKey(role="input", kind="geometry", ending=r"g[0-9]{2}"),
    "Flow File": FileKey(role="input", kind="flow", ending=r"[ufq][0-9]{2}"),
    # One script-made plan in a hundred says so where HEC-RAS itself writes `Flow File=`.
    "Unsteady File": FileKey(role="input", kind="flow", ending=r"u[0-9]{2}"),
    "Sediment File": FileKey(role="input", kind="sediment", ending=r"s[0-9]{2}"),
    "Water Quality File": FileKey(role="input", kind="water-quality", ending=r"w[0-9]{2}"),
    "DSS File": FileKey(role="output", kind="output-dss"),
    "Sediment Hotstart File": FileKey(
        role="other plan's output", kind="plan-output", switch="Read HDF5 Sediment Hotstart", needs="Sediment File",
        without="a sediment hotstart is in use, but no file is named",
    ),
    "Gradation File Name": FileKey(
        role="other plan's output", kind="plan-output", switch="Read Gradation Hotstart", needs="Sediment File",
        without="a gradation hotstart is in use, but no file is named",
    ),
    "Unsteady Encroach Base Plan File": FileKey(role="other plan's output", kind="base-plan"),
    "Specific Gage File": FileKey(role="input", kind="further", switch="Specific Gage Flag"),
    "ADH Filename": FileKey(role="input", kind="further", switch="ADH Link"),
    "Extra Computation Commands": FileKey(role="input", kind="commands"),
    "Write IC File": _OUTPUT, "Write IC File Reoccurance": _OUTPUT, "Write IC File at Sim End": _OUTPUT,
    "Write IC File at Fixed DateTime": _OUTPUT, "IC Time": _OUTPUT, "WQ Create Restart": _OUTPUT,
    "WQ Fixed Restart": _OUTPUT, "WQ Restart Simtime": _OUTPUT, "WQ Restart Date": _OUTPUT, "WQ Restart Hour": _OUTPUT,
    "Write Gradation File": _OUTPUT, "Write HDF5 File": _OUTPUT, "Write Binary Output": _OUTPUT,
    "Write DSS Sediment File": _OUTPUT, "WQ Write To DSS": _OUTPUT, "DSS Sediment Output Type": _OUTPUT,
    "DSS Location": _OUTPUT, "UNET DSS MLevel": _OUTPUT,
}  # fmt: skip
"""Keys of a .pNN."""

_BOUNDARIES = ("Boundary Location",)
_GATES = ("Boundary Location", "Gate Name")

FLOW: Mapping[str, FileKey] = {
    "DSS File": FileKey(
        role="input", kind="dss", switch="Use DSS", records=_BOUNDARIES, detail="DSS Path",
        without="Use DSS is on, but no DSS file is named there",
    ),
    "Gate DSS File": FileKey(
        role="input", kind="dss", switch="Gate Use DSS", records=_GATES, detail="Gate DSS Path",
        without="Gate Use DSS is on, but no DSS file is named there",
    ),
    # The record in a file that another key names: of DSS files the whole file counts.
    "DSS Path": FileKey(role="input"), "DSS Path2": FileKey(role="input"), "Gate DSS Path": FileKey(role="input"),
    "Met BC": FileKey(role="input", kind="meteorology"),
    "Restart Filename": FileKey(
        role="input", kind="restart", switch="Use Restart",
        without="a restart file is in use, but none is named",
    ),
    "Prior WS Filename": FileKey(role="other plan's output", kind="plan-output", unless="Use Restart"),
    # Which profile of that output: it counts as a line of this text.
    "Prior WS Profile": FileKey(role="other plan's output"),
    # Shown beside what was computed. A plan that fits its inflows to it is computed from it: see CALIBRATES.
    "Observed DSS Filename": _DISPLAY, "Observed Time Series": _DISPLAY,
    "Observed DSS Pathname": _DISPLAY, "Observed DSS Loc": _DISPLAY, "Observed DSS Dn Dist": _DISPLAY,
}  # fmt: skip
"""Keys of a .uNN or .qNN."""

MET_FILES: Mapping[str, FileKey] = {
    "Gridded DSS Filename": FileKey(role="input", kind="meteorology"),
    "Gridded GDAL Filename": FileKey(role="input", kind="meteorology"),
    "Gridded GDAL Folder": FileKey(role="input", kind="meteorology-folder"),
    "TS DSS Filename": FileKey(role="input", kind="dss"),
}
"""Settings of a `Met BC=<variable>|<setting>=<value>` line."""

CALIBRATES = ("Ungaged Area Gage Location",)
"""Keys of a plan that make its run read the observed series of its flow file."""

STEADY_FLOW: Mapping[str, FileKey] = {
    # Where the numbers of the text were imported from: nothing is read again.
    "DSS Import StartDate": _DISPLAY, "DSS Import StartTime": _DISPLAY, "DSS Import EndDate": _DISPLAY,
    "DSS Import EndTime": _DISPLAY, "DSS Import GetInterval": _DISPLAY, "DSS Import Interval": _DISPLAY,
    "DSS Import GetPeak": _DISPLAY, "DSS Import FillOption": _DISPLAY, "DSS File": _DISPLAY, "DSS Path": _DISPLAY,
    "Use DSS": _DISPLAY,
}  # fmt: skip
"""Keys of a .fNN."""

GEOMETRY: Mapping[str, FileKey] = {
    "Modified Puls Routing Source PlanID": FileKey(
        role="other plan's output", kind="plan-by-id", switch="Use Modified Puls Routing"
    ),
    # Where the numbers of the text came from, and pictures.
    "Geom Raster": _DISPLAY, "Node Photo": _DISPLAY, "GIS DTM": _DISPLAY, "GIS DTM Type": _DISPLAY,
    "GIS Stream Layer": _DISPLAY, "GIS Cross Section Layer": _DISPLAY, "GIS Map Projection": _DISPLAY,
    # The editor of channel modifications, which makes a new geometry of them.
    "Chan Mod GeomFile": _DISPLAY, "CM Template": _DISPLAY,
}  # fmt: skip
"""Keys of a .gNN. Terrain and layers are named by its .hdf, and by the .rasmap."""

PROJECT: Mapping[str, FileKey] = {
    # What the window lists; a plan names its own files.
    "Geom File": _DISPLAY, "Plan File": _DISPLAY, "Flow File": _DISPLAY, "Unsteady File": _DISPLAY,
    "QuasiSteady File": _DISPLAY, "Sediment File": _DISPLAY, "Water Quality File": _DISPLAY, "HD File": _DISPLAY,
    "Current Plan": _DISPLAY, "Current Geom": _DISPLAY, "Current HD": _DISPLAY, "Current QuasiSteady": _DISPLAY,
    "Current Unsteady": _DISPLAY, "DSS File": _DISPLAY, "Background Map Layer": _DISPLAY,
    # Exports, which a person asks for.
    "DSS Export Filename": _OUTPUT, "DSS Export Rating Curves": _OUTPUT, "DSS Export Rating Curve Sorted": _OUTPUT,
    "DSS Export Volume Flow Curves": _OUTPUT, "DXF Filename": _OUTPUT, "GIS Export Profiles": _OUTPUT,
    "GIS Export Reach": _OUTPUT, "GIS Export SA": _OUTPUT,
}  # fmt: skip
"""Keys of the .prj, of which nothing but the units counts."""

WATER_QUALITY: Mapping[str, FileKey] = {
    "Restart Filename": FileKey(
        role="input", kind="restart", switch="IC Use Restart",
        without="a restart file is in use, but none is named",
    ),
    "Observed Data": _DISPLAY,
}  # fmt: skip
"""Keys of a .wNN."""

SEDIMENT: Mapping[str, FileKey] = {}
"""Keys of a .sNN: none is known that names a file; see `sounds_like_a_file`."""

NAMES_NO_FILE = frozenset(
    {
        # In words they sound as if they did.
        "Program Version", "Version", "UNET D2 Restart Number", "Run RASMapper", "Met Point Raster Parameters",
        "DSS Start Date", "DSS Start Time", "DSS End Date", "DSS End Time", "DSS Caption Additional Text", "Plan Title",
        "Profile Names", "Number of Profiles", "Number of Flows and Profiles and Boundary", "WQ Profile", "Use DSS",
        "Gate Use DSS", "Use Restart", "IC Use Restart", "Read Gradation Hotstart", "Read HDF5 Sediment Hotstart",
        "Sediment Hotstart Type", "Sediment Hotstart Date", "Sediment Hotstart Time", "Profile and TS Output Increment",
        "Specific Locations Profile Table", "Profile Coefficient", "Connection Centerline Profile",
        "X Axis Title(PF)", "Number of Layers", "Min Layer Thickness", "Max Layer Thickness",
        "Initial Layer Thickness", "Warm Up Duration - Gradation", "WQ Output nsm pathways",
        "WQ Output nsm derived pathways", "WQ Pathway Output Fequency", "Observed WS", "Observed HWM",
        "Observed Stage and Flow Hydrograph", "Boundary for River Rch & Prof#", "Boundary for Rch & Prof#",
    }
)  # fmt: skip

TABLES: Mapping[str, Mapping[str, FileKey]] = {
    "plan": PLAN,
    "flow": FLOW,
    "steady flow": STEADY_FLOW,
    "geometry": GEOMETRY,
    "project": PROJECT,
    "water-quality": WATER_QUALITY,
    "sediment": SEDIMENT,
}
"""By kind of text; that of a steady flow file is told apart from `flow`."""

_SAYS_FILE = re.compile(r"file(s|name)?\b|\bpath\b|folder\b|directory\b", re.IGNORECASE)
_IS_FILE = re.compile(r"[^=|]*[^\s./\\=|]\.(?:[A-Za-z][A-Za-z0-9]{1,4}|[A-Za-z][0-9]{2})")
_IS_ENDING = re.compile(r"[gfuqswp][0-9]{2}", re.IGNORECASE)


def sounds_like_a_file(key: str, value: str) -> bool:
    """Whether a key that no table has says that it names a file, and its value looks like one: `dss/x.dss`, `f02`."""
    if _SAYS_FILE.search(key) is None:
        return False
    named = value.strip().strip("\"'")
    return bool(_IS_FILE.fullmatch(named) or _IS_ENDING.fullmatch(named))
