"""The keys of geometry and steady flow files: modelled, refused, or without bearing on a steady profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Bearing = Literal["modelled", "refused", "none"]

MODELLED: Mapping[str, str] = {
    "River Reach": "begins a reach",
    "Reach": "begins the only reach, as HEC-RAS 2 and 3 wrote it; its river is called like it",
    "Type RM Length L Ch R": "begins a cross section; any other node is refused",
    "#Sta/Elev": "the ground",
    "#Mann": "Manning's n; a composite n of the channel is refused",
    "Composite Channel Slope": "side slope from which on several n values in the channel are refused",
    "Bank Sta": "bank stations",
    "Exp/Cntr": "expansion and contraction coefficients",
    "#XS Ineff": "ineffective areas; multiple blocks are refused",
    "Permanent Ineff": "permanent ineffective areas are refused",
    "#Block Obstruct": "blocked obstructions",
    "Levee": "levees",
    "XS Rating Curve": "a rating curve with points is refused",
    "Skew Angle": "a skew other than 0 is refused",
}
"""Keys of a geometry that are read."""

_JUNCTION, _AREA, _CONNECTION = "a junction", "a storage area", "a connection between areas"
_LATERAL, _INLINE = "a lateral structure", "an inline structure"
_BRIDGE, _CULVERT, _PUMP, _ICE = "a bridge", "a culvert", "a pump station", "ice"

REFUSED: Mapping[str, str] = {
    "Junct Name": _JUNCTION, "Junct Desc": _JUNCTION, "Junct X Y & Text X Y": _JUNCTION, "Junct Up Dn": _JUNCTION,
    "Up River,Reach": _JUNCTION, "Dn River,Reach": _JUNCTION, "Junc L&A": _JUNCTION,
    "Junction": _JUNCTION, "Upstream Reach": _JUNCTION, "Downstream Reach": _JUNCTION,
    "Reach Upstream Storage Area": _AREA, "Reach Downstream Storage Area": _AREA,
    "Weir Crest Elev": _INLINE, "Weir Coeff": _INLINE, "Type": "a node in this form",
    "WSPro": _BRIDGE, "Pier Skew, UpSta & Num, DnSta & Num": _BRIDGE, "Abutment Skew #Up #Dn": _BRIDGE,
    "BC Design": _BRIDGE, "BC Use User HTab Curves": _BRIDGE, "BC User HTab FreeFlow(D)": _BRIDGE,
    "BC HTab HWMax": _BRIDGE, "BC HTab TWMax": _BRIDGE, "BC HTab MaxFlow": _BRIDGE, "BC HTab Sub Flow Pts": _BRIDGE,
    "BC Culvert Barrel": _CULVERT, "BC Mult": "a multiple opening", "Multiple Barrel Culv": _CULVERT,
    "Ice Thickness": _ICE, "Ice Is Channel": _ICE, "Ice Is OB": _ICE,
    "Vertical n Elevations": "roughness that varies with elevation",
    "#XS Lid": "a lid",
    "LeveeBreach": "a levee breach",
    "Sediment Elevation": "a section filled with sediment",
    "Minor Loss Coefficient": "a minor loss",
    "Pilot Channel": "a pilot channel",
    "Rch Type": "a reach of another type",
}  # fmt: skip
"""Keys of a geometry that change a steady profile and are not modelled, and what they stand for."""

REFUSED_PREFIXES: Mapping[str, str] = {
    "Storage Area": _AREA, "Connection": _CONNECTION, "Conn ": _CONNECTION,
    "Lateral Weir": _LATERAL, "LW ": _LATERAL,
    "Inline Weir": _INLINE, "Inline Structure": _INLINE, "#Inline Weir": _INLINE, "IW ": _INLINE,
    "BR ": _BRIDGE, "Bridge": _BRIDGE, "Deck ": _BRIDGE, "Culvert": _CULVERT, "Pump ": _PUMP,
}  # fmt: skip

WITHOUT_BEARING = frozenset(
    {
        "Geom Title", "Program Version", "Version", "Viewing Rectangle", "ViewRect", "Description",
        "BEGIN DESCRIPTION", "Reach XY", "Rch Text X Y", "Rch X Y Up & X Y Dn", "Rch Arrow X Y Up & X Y Dn",
        "Reverse River Text", "River Text Location", "XS GIS Cut Line", "Chan Stop Cuts", "Geom Raster",
        "Use User Specified Reach Order", "User Specified Reach Order", "Foot Print", "Chan Vol Limit",
        "XS HTab Starting El and Incr", "XS HTab Horizontal Distribution", "Exp/Cntr(USF)",
        "Use Modified Puls Routing", "Rating Curve Extrapolation", "XS Interpolation", "Stream Node",
        "User Defined Cross Section Interpolation",
        # Of the ice, only what stands beside its thickness.
        "Ice Mann", "Ice Specific Gravity", "Ice Friction Angle", "Ice Porosity", "Ice K1", "Ice Max Mean Vel",
        "Ice Cohesion", "Ice Fixed Mann",
    }
)  # fmt: skip
"""Keys of a geometry that no steady profile depends on: names, the map, unsteady flow, two dimensions, design tools."""

PREFIXES_WITHOUT_BEARING = (
    "GIS ", "LCMann ", "LandCover", "Node ", "BC Line ", "BreakLine ", "Reference Line ", "Reference Point ",
    "IC Point ", "Modified Puls Routing ", "CM ", "Chan Mod ",
)  # fmt: skip

FLOW_MODELLED = frozenset(
    {
        "Flow Title", "Number of Profiles", "Profile Names", "River Rch & RM", "Boundary for River Rch & Prof#",
        "Up Type", "Dn Type", "Up Slope", "Dn Slope", "Up Known WS", "Dn Known WS",
    }
)  # fmt: skip
"""Keys of a steady flow file that are read."""

_OLD = "a flow file in the form of HEC-RAS 2"
FLOW_REFUSED: Mapping[str, str] = {
    "Storage Area Elev": "a storage area",
    "Set Internal Change": "an internal change of water surface or energy",
    "Initial Split Optimization": "split flow optimisation",
    "Initial Flow Split": "split flow optimisation",
    "Gate Openings": "an inline structure's gate",
    "Number of Flows and Profiles and Boundary": _OLD, "Rch & RM": _OLD, "Boundary for Rch & Prof#": _OLD,
    "Up Value": _OLD, "Dn Value": _OLD,
}  # fmt: skip

FLOW_WITHOUT_BEARING = frozenset(
    {"Program Version", "Version", "Observed WS", "Dn Rating Curve # Pts", "Up Rating Curve # Pts"}
)
FLOW_PREFIXES_WITHOUT_BEARING = ("DSS Import ",)


def refused(key: str) -> str | None:
    """What a geometry's key stands for that is not modelled; None where nothing speaks against it."""
    if key in REFUSED:
        return REFUSED[key]
    if bearing(key) == "none":
        return None
    return next((what for prefix, what in REFUSED_PREFIXES.items() if key.startswith(prefix)), None)


def bearing(key: str) -> Bearing | None:
    """Of a geometry's key on a steady profile; None for a key that is not known."""
    if key in MODELLED:
        return "modelled"
    if key in WITHOUT_BEARING or key.startswith(PREFIXES_WITHOUT_BEARING):
        return "none"
    if key in REFUSED or key.startswith(tuple(REFUSED_PREFIXES)):
        return "refused"
    return None


def flow_bearing(key: str) -> Bearing | None:
    """Of a steady flow file's key; None for a key that is not known."""
    if key in FLOW_MODELLED:
        return "modelled"
    if key in FLOW_REFUSED:
        return "refused"
    known = key in FLOW_WITHOUT_BEARING or key.startswith(FLOW_PREFIXES_WITHOUT_BEARING)
    return "none" if known else None
