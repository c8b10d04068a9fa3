"""The keys of a plan's text: read, refused, in doubt, or without bearing on a steady profile. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Bearing = Literal["modelled", "refused", "doubtful", "none"]

MODELLED = frozenset(
    {
        "Plan Title", "Short Identifier", "Geom File", "Flow File", "Subcritical Flow", "Supercritical Flow",
        "Mixed Flow", "Parabolic Critical Depth", "Secant Critical Depth", "Max Error Tol",
    }
)  # fmt: skip
"""Read; of lines without `=` the whole line."""

REFUSED: Mapping[str, str] = {
    "Friction Slope Method": "friction slope method {value}",
    "K Sum by GR": "conveyance summed between all coordinate points",
}
"""Refused where their value is not HEC-RAS's default."""
DEFAULTS: Mapping[str, frozenset[str]] = {
    "Friction Slope Method": frozenset({"", "1"}),
    "K Sum by GR": frozenset({"", "0"}),
}
ENCROACHMENTS = ("Encroach Method", "Encroach Node", "Encroach Reach", "Encroach River", "Encroach Val")
"""Beginnings of keys that are refused wherever they are."""

DOUBTFUL = frozenset({"Starting Rch & RM", "Ending Rch & RM", "Roughness Change"})
"""A part of the reach, as HEC-RAS 2 and 3 let a plan choose it, and other roughness: ignored with a warning."""

WITHOUT_BEARING = frozenset(
    {
        # How close HEC-RAS's trials come. Here roots are found to the last digit.
        "Std Step Tol", "Critical Tol", "Num of Std Step Trials", "Flow Tol Ratio",
        # Flow that structures and junctions divide; those are refused.
        "Split Flow NTrial", "Split Flow Tol", "Split Flow Ratio", "Optimized Weir", "Optimized Junction",
        "Optimized Pump",
        # What is written, and when.
        "Program Version", "Version", "Simulation Date", "CheckData", "Global Vel Dist", "Vel Dist Location",
        "Global Log Level", "Output Interval", "Output Increment", "Output Increment Type", "Instantaneous Interval",
        "Mapping Interval", "IC Time", "Detailed Time", "Detailed Automatic Start", "Summary Reach",
        "Stage Flow Hydrograph", "Extra Computation Commands", "HTab Param Time",
        # An encroachment's settings, which every plan has.
        "Encroach Param",
        # Sediment and water quality.
        "Sorting and Armoring Iterations", "XS Update Threshold", "Hydraulics Update Threshold",
        "Energy Slope Method", "Volume Change Method", "XS Weighting Method", "Upstream XS Weight", "Main XS Weight",
        "Downstream XS Weight", "Upstream Boundary Weight", "Weight of XSs Associated with US Boundary",
        "Downstream Boundary Weight", "Weight of XSs Associated with DS Boundary", "Mass or Volume Output",
        "Profile and TS Output Increment", "XS Output Flag", "XS Output Increment", "Bed Roughness Predictor",
        "Read Gradation Hotstart", "Gradation File Name", "Percentile Method", "Read HDF5 Sediment Hotstart",
        "Advection Scheme", "Matrix Solver", "Implicit Weighting Factor", "Min Layer Thickness",
        "Max Layer Thickness", "Initial Layer Thickness", "Maximum Outer Loop Convergence Iterations",
        "Grain Fractions Max Abs Error", "Processes Affected by Predictor", "Water Quality File",
        # Two dimensions, and breaches.
        "Starting Notch Depth", "Initial Piping Diameter", "Secondary Flow Approach", "Flow Smoothing Iterations",
        "Minimum Radius Of Flow Curvature",
    }
)  # fmt: skip
"""Of other computations, of output, or of how HEC-RAS searches."""

PREFIXES_WITHOUT_BEARING = (
    "UNET ", "HDF ", "WQ ", "Breach ", "DLBreach ", "Dredge ", "PS ", "Computation ", "Calibration ", "Write ", "Echo ",
    "Log ", "Run ", "Unsteady ", "Ungaged ", "Flow Ratio ", "Sediment ", "DSS ", "Warm Up ", "SV ", "Max Subgrid ",
    "Disregard all ", "Momentum ", "Spiral ", "Mass Wasting ", "Number of ", "Subcell ", "Convergence ",
    "Simplified Physical Breach ", "Specific Gage ", "ADH ",
)  # fmt: skip


def bearing(key: str) -> Bearing | None:
    """Of a plan's key on a steady profile; None for a key that is not known."""
    if key in MODELLED:
        return "modelled"
    if key in REFUSED or key.startswith(ENCROACHMENTS):
        return "refused"
    if key in DOUBTFUL:
        return "doubtful"
    return "none" if key in WITHOUT_BEARING or key.startswith(PREFIXES_WITHOUT_BEARING) else None


def refused(key: str, value: str) -> str | None:
    """What a line stands for that is not modelled; None where nothing speaks against it."""
    if key.startswith(ENCROACHMENTS):
        return "an encroachment"
    if key in REFUSED and value not in DEFAULTS[key]:
        return REFUSED[key].format(value=value)
    return None
