"""What was wrong once in texts, names, versions and steady profiles: the smallest input of each, and its right value."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rasreconcile.engines.hec_ras.install_search import WantedInstall, places
from rasreconcile.engines.hec_ras.versions import doubt, form_of
from rasreconcile.engines.steady import keys
from rasreconcile.engines.steady.engine import Steady
from rasreconcile.engines.steady.river_model import parse_model
from rasreconcile.engines.steady.solution import solve
from rasreconcile.hecras_versions import means, saved_by, version_in
from rasreconcile.project import decode, is_project
from rasreconcile.project.mentions import mentions_in
from rasreconcile.resolve.folder import Folder
from rasreconcile.resolve.patterns import matches
from rasreconcile.results.tables import parts
from rasreconcile.spelling import foreign

NAMES = {"project": "C.prj", "plan": "C.p01", "geometry": "C.g01", "flow": "C.f01"}
PROFILES = "Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"
ONE_N = "#Mann= 1 ,0,0\n       0    .015       0"
WALL = "#Mann= 3 ,0,0\n       0    .015       0       0    .015       0       4    .015       0"
LEFT_WALL = "#Mann= 2 ,0,0\n       0    .015       0       0    .015       0"
"""A channel 4 m wide; `WALL` is how HEC-RAS writes its roughness."""


def texts(
    *,
    mann: str = ONE_N,
    more: str = "",
    flow: str = "R,A,2",
    lengths: str = "100,100,100",
    method: str = "",
    banks: str = "0,4",
) -> dict[str, bytes]:
    """Two sections of a rectangular channel, 10 m3/s, slope 0.001, normal depth below."""

    def section(station: int, bottom: float, ways: str) -> str:
        points = "".join(f"{v:8g}" for v in (0, bottom + 10, 0, bottom, 4, bottom, 4, bottom + 10))
        head = f"Type RM Length L Ch R = 1 ,{station},{ways}\n#Sta/Elev= 4 \n{points}\n"
        return f"{head}{mann}\nBank Sta={banks}\n{more}\n"

    found = {
        "project": "Proj Title=C\nSI Units\n",
        "plan": f"Geom File=g01\nFlow File=f01\nSubcritical Flow\n{method}\n",
        "geometry": f"River Reach=R,A\n{section(2, 0.1, lengths)}{section(1, 0, '0,0,0')}",
        "flow": f"Number of Profiles=1\nRiver Rch & RM={flow}\n      10\nRiver Rch & RM=R,A,2.0\n      10\n"
        "Boundary for River Rch & Prof#=R,A, 1\nDn Type=3\nDn Slope=0.001\n",
    }
    if flow == "R,A,2":
        found["flow"] = found["flow"].replace("River Rch & RM=R,A,2.0\n      10\n", "")
    return {kind: text.encode() for kind, text in found.items()}


def depth(**given: str) -> float:
    (solved,) = solve(parse_model(texts(**given), NAMES), lambda _: None)
    return round(solved.profiles[0].states[-1].surface, 3)


MIXED_FLOW = [71.86, 70.87, 69.87, 68.87, 67.87, 69.56, 69.49]
"""ft. As the flow file of HEC's example of mixed flow has them: a steep channel becomes flat, with a jump."""


def mixed_flow() -> float:
    """The largest difference from them. The channel is in the form of its geometry: one `Reach=`, no n and no lengths where an overbank has no width."""
    sections = ""
    for station, bottom in ((6, 70), (5, 69), (4, 68), (3, 67), (2, 66), (1, 65), (0, 64.96)):
        points = "".join(f"{v:8g}" for v in (0, bottom + 10, 0, bottom, 20, bottom, 20, bottom + 10))
        sections += f"Type RM Length L Ch R =1,{station:<8},,100,,0,0,0\n#Sta/Elev=       4\n{points}\n"
        sections += (
            f"#Mann=3,0\n{'0':>8}{'0':>16}{'0':>8}{'.015':>8}{'0':>8}{'20':>8}{'0':>16}\nBank Sta=0,20\n"
        )
    geometry = f"Reach=Mixed Reach \nJunct Up Dn=            ,            \nRch Type=0\n{sections}"
    flow = (
        "Number of Profiles= 1 \nRiver Rch & RM=Mixed Reach,Mixed Reach     ,6       \n     500\n"
        "Boundary for River Rch & Prof#=Mixed Reach,Mixed Reach     , 1 \n"
        "Up Type= 3 \nUp Slope=0.01\nDn Type= 1 \nDn Known WS=69.49\n"
    )
    given = {
        "project": "Proj Title=M\n",
        "plan": "Geom File=g01\nFlow File=f01\nMixed Flow\n",
        "geometry": geometry,
    }
    model = parse_model({kind: text.encode() for kind, text in {**given, "flow": flow}.items()}, NAMES)
    (solved,) = solve(model, lambda _: None)
    surfaces = (state.surface for state in solved.profiles[0].states)
    return max(abs(ours - theirs) for ours, theirs in zip(surfaces, MIXED_FLOW, strict=True))


def refusal(**given: str) -> str | None:
    said = Steady().refuses(texts(**given), NAMES)
    return said.what if said else None


def warning(**given: str) -> str:
    model = parse_model(texts(**given), NAMES)
    return "; ".join(model.geometry.warnings[:1])


def found(folder: Path, there: str, asked: str) -> list[str]:
    (folder / there).touch()
    return matches(folder, asked)


def sections(folder: Path, field: str) -> list[Any]:
    with h5py.File(folder / "a.hdf", "w") as file:
        file[f"{PROFILES}/Profile Names"] = np.array([b"P"])
        file[f"{PROFILES}/Cross Sections/Water Surface"] = np.array([[12.0]], "f4")
        line = f"{'White River':<16} {'Muncie':<16} {'15*':<8}".encode()
        file["Results/Steady/Output/Geometry Info/Cross Section Only"] = np.array([line], "S42")
        for name, text in (
            ("River Names", b"White River"),
            ("Reach Names", b"Muncie"),
            ("River Stations", b"15*"),
        ):
            file[f"Geometry/Cross Sections/{name}"] = np.array([text])
        file["Geometry/Cross Sections/Station Elevation Info"] = np.array([(0, 2)], "i4")
        file["Geometry/Cross Sections/Station Elevation Values"] = np.array([(0, 11), (9, 10)], "f4")
    return [[*part.index["section"], *part.values.tolist()] for part in parts(folder / "a.hdf", field)]


POINTS = {
    1: "installations as HEC ships them", 2: "steady plans on the Linux solvers", 3: "prepared files",
    4: "every key that names a file", 5: "edges through outputs", 6: "what a plan switches on",
    7: "a refusal is not a crash", 8: "texts and names", 9: "versions", 10: "verdicts on found results",
    11: "fields of results", 12: "the length of paths", 13: "the steady engine", 14: "paths in messages",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`value`: what must come of `given`. `point`: which of the fourteen kinds of field it is, as POINTS lists them."""

    point: int
    what: str
    given: Callable[[Path], Any]
    value: Any


ACCENT = unicodedata.normalize("NFD", "é")
LEVEE = (
    "C.g01:2: the levee of cross section 2 has a station (1) and no elevation; the ground's, 0.1, is taken"
)
TABLE = [
    # ---- the steady engine
    Row(13, "one n", lambda _: depth(), 1.364),
    Row(13, "the last n begins at the right wall", lambda _: depth(mann=WALL), 1.364),
    Row(13, "the same at the left", lambda _: depth(mann=LEFT_WALL), 1.364),
    Row(13, "a flow at a station without a section", lambda _: refusal(flow="R,A,1.5"),
        "C.f01:2: C.g01 has no cross section at 1.5 in reach R A for this flow"),
    Row(13, "a flow of a reach that does not exist", lambda _: refusal(flow="R,B,2"),
        "C.f01:2: C.g01 has no reach 'r b' (it has R A)"),
    Row(13, "a negative reach length", lambda _: refusal(lengths="100,-100,100"),
        "C.g01:2: a reach length of cross section 2 is negative"),
    Row(13, "the parabolic method", lambda _: parse_model(texts(method="Parabolic Critical Depth"), NAMES).settings.critical_method, "parabolic"),
    Row(13, "the secant method", lambda _: parse_model(texts(method="Secant Critical Depth"), NAMES).settings.critical_method, "secant"),
    Row(13, "a reach order that is not used", lambda _: refusal(more="Use User Specified Reach Order=0\nUser Specified Reach Order= 1 ,R,A"), None),
    Row(13, "no roughness where an overbank has no width",
        lambda _: depth(mann="#Mann= 3 ,0,0\n       0       0       0       0    .015       0       4       0       0"), 1.364),
    Row(13, "a levee without an elevation", lambda _: warning(more="Levee=-1,1,,0,,,,"), LEVEE),
    Row(13, "blank columns of an ineffective block", lambda _: refusal(more="#XS Ineff= 2 , 0 \n" + " " * 48), None),
    Row(13, "a reach as HEC-RAS 3 wrote it", lambda _: mixed_flow() < 0.01, True),
    Row(13, "a blank length where nothing flows", lambda _: refusal(lengths=",100,"), None),
    Row(13, "a blank length where something may flow", lambda _: refusal(lengths=",100,", banks="1,4"), "C.g01:2: a reach length of cross section 2 is blank"),
    Row(13, "a key nobody knows", lambda _: warning(more="Bed Lining=2"), "C.g01:8: 'Bed Lining' is not known to the steady engine; ignored"),
    Row(13, "a plan for a part of a reach", lambda _: parse_model(texts(method="Starting Rch & RM=R,A,2"), NAMES).settings.warnings,
        ("C.p01:4: 'Starting Rch & RM' is not modelled by the steady engine; ignored",)),
    Row(13, "a key of ice", lambda _: (keys.bearing("Ice Thickness"), refusal(more="Ice Thickness=0,0.5,0")),
        ("refused", "C.g01:8: ice is not modelled by the steady engine")),
    # ---- versions
    Row(9, "a beta is not its release", lambda _: means("6.7", "6.7 Beta 5"), False),
    Row(9, "nor another beta", lambda _: means("6.7 Beta 4", "6.7 Beta 5"), False),
    Row(9, "a beta's result", lambda _: version_in("HEC-RAS 6.7 Beta 5 Development"), "6.7 Beta 5"),
    Row(9, "6.4 means 6.4.1", lambda _: means("6.4", "6.4.1"), True),
    Row(9, "5.0 means 5.0.7", lambda _: means("5.0", "5.0.7"), True),
    Row(9, "6.4.1 is not 6.4", lambda _: means("6.4.1", "6.4"), False),
    Row(9, "where 5.0 is looked for", lambda _: r"C:\HEC\HEC-RAS\5.0.7\Ras.exe" in places(WantedInstall("5.0", "windows", None)), True),
    Row(9, "5.0 is not older than 5.0", lambda _: (doubt("5.0"), doubt("5.0.0"), doubt("7.0"), doubt("4.1") is None), (None, None, None, False)),
    Row(9, "6.0.0 is called as 6.0", lambda _: form_of("6.0.0").since, (6, 0)),
    Row(9, "what saved a plan", lambda _: saved_by("5.07"), "5.0.7"),
    Row(9, "as scripts write it", lambda _: (saved_by("6.4.1"), saved_by("6.5"), saved_by("6.5.0")), ("6.4.1", "6.5", "6.5")),
    # ---- texts and names
    Row(8, "a byte order mark", lambda _: is_project(decode(b"\xef\xbb\xbfProj Title=C")), True),
    Row(8, "free text of a boundary", lambda _: [m.what for m in mentions_in("flow", b"BEGIN BOUNDARY DESCRIPTION:\nRestart File=a.rst\nEND BOUNDARY DESCRIPTION:\n", "C.u01")], []),
    Row(8, "free text of a geometry", lambda _: refusal(more="BEGIN GEOM DESCRIPTION:\nJunct Name=none here\nEND GEOM DESCRIPTION:"), None),
    Row(8, "free text without an end", lambda _: depth(more="BEGIN DESCRIPTION:"), 1.364),
    Row(8, "another case", lambda folder: found(folder, "Flow.DSS", "*.dss"), ["Flow.DSS"]),
    Row(8, "brackets that exist", lambda folder: found(folder, "a [1].txt", "a [1].txt"), ["a [1].txt"]),
    Row(8, "accents apart", lambda folder: found(folder, f"{ACCENT}.txt", "é.txt"), [f"{ACCENT}.txt"]),
    Row(8, "accents apart in a text", lambda folder: found(folder, f"{ACCENT}.p01", "x") or Folder(folder).find("é.P01").name, f"{ACCENT}.p01"),  # type: ignore[union-attr]
    Row(8, "bytes that are not UTF-8", lambda _: str(foreign("old/\udce9.prj")), "old/\\xe9.prj: this name is not UTF-8; rename it (it may mean é.prj)"),
    # ---- fields of results
    Row(11, "a field's name, and a section of 5.0.x", lambda folder: sections(folder, "Water Surface"), [["White River, Muncie, 15*", 12.0]]),
    Row(11, "the depth over the ground", lambda folder: sections(folder, "Maximum Depth"), [["White River, Muncie, 15*", 2.0]]),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[row.what for row in TABLE])
def test_the_smallest_input_has_its_right_value(tmp_path: Path, row: Row) -> None:
    assert row.given(tmp_path) == row.value
