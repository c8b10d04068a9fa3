"""Nothing in geometry or flow text is left out in silence: it counts, it is refused with file and line, or it warns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rasreconcile.engines.steady.engine import Steady
from rasreconcile.engines.steady.flow import Boundary, parse_flow
from rasreconcile.engines.steady.geometry import parse_geometry
from rasreconcile.engines.steady.river_model import parse_model

NAMES = {"project": "Willow.prj", "plan": "Willow.p01", "geometry": "Willow.g01", "flow": "Willow.f01"}
BOUNDARY = "Boundary for River Rch & Prof#=Willow Creek,Main            , "
CHANGE = "River Rch & RM=Willow Creek,Main            ,"


def texts(demo: Path, kind: str, old: str, new: str) -> dict[str, bytes]:
    found = {kind: (demo / name).read_text() for kind, name in NAMES.items()}
    assert old in found[kind], old
    found[kind] = found[kind].replace(old, new, 1)
    return {kind: text.encode() for kind, text in found.items()}


FLOW = [
    (f"{CHANGE}700 ", f"{CHANGE}650 ", 7, "no cross section at 650"),
    (f"{CHANGE}700 ", f"{CHANGE}700.5*", 7, "no cross section at 700.5"),
    (f"{CHANGE}700 ", f"{CHANGE}7,00", 7, "no cross section at 7 "),
    (f"{CHANGE}700 ", f"{CHANGE}RS 700", 7, "river station is 'RS 700', not a number"),
    (f"{CHANGE}700 ", "River Rch & RM=Willow Creek,Upper,700", 7, "no reach 'willow creek upper'"),
    (f"{CHANGE}700 ", "River Rch & RM=Elm Creek,Main,700", 7, "no reach 'elm creek main'"),
    (f"{CHANGE}700 ", f"{CHANGE}2400", 7, "is given again; line 5 gives it"),
    (f"{CHANGE}2400 ", f"{CHANGE}1800 ", 1, "no flow at Willow Creek Main 2400"),
    ("    2100    3500    4400", "    2100    3500", 7, "flow needs 3 numbers, 2 are there"),
    ("    2100    3500    4400", "    2100            4400", 7, "column 2 is blank"),
    ("    2100    3500    4400", "    2100    3500    4400    5000", 7, "flow needs 3 numbers, 4 are there"),
    ("    2100    3500    4400", "    2100    3500\n    4400", 7, "a row is not filled to 10"),
    ("10-year,50-year,100-year", "10-year,50-year", 4, "name 2 profiles, not 3"),
    ("10-year,50-year,100-year", "10-year,50-year,100-year,500-year", 4, "name 4 profiles, not 3"),
    ("Number of Profiles= 3", "Number of Profiles= 2", 4, "name 3 profiles, not 2"),
    ("Profile Names", "Number of Profiles= 3\nProfile Names", 4, "is given twice"),
    (f"{BOUNDARY}3", "Boundary for River Rch & Prof#=Elm,Main, 3", 17, "no reach 'elm main'"),
    (f"{BOUNDARY}3", f"{BOUNDARY}4", 17, "a boundary for profile 4, and there are 3"),
    (f"{BOUNDARY}3", f"{BOUNDARY}0", 17, "a boundary for profile 0, and there are 3"),
    (f"{BOUNDARY}3", f"{BOUNDARY}2", 17, "for profile 2 are given again; line 13 gives them"),
    ("Dn Slope=0.0025", "Dn Known WS=120", 11, "normal depth at this boundary has no value"),
    ("Dn Type= 3 ", "Dn Type= 1 ", 11, "known water surface at this boundary has no value"),
    ("Dn Slope=0.0025", "Dn Slope=-0.0025", 11, "a slope of -0.0025 has no normal depth"),
    (f"{BOUNDARY}1 \n", "", 9, "'Up Type' before any"),
    ("Up Type= 0 \nDn Type= 3", "Dn Type= 3\nDn Type= 2", 11, "'Dn Type' of this boundary is given twice"),
    ("Dn Slope=0.0025", "Dn Slope=0.0025\n     0.3", 12, "'Dn Slope' is followed by an unexpected row"),
    ("Flow Title", "Gate Openings=1\nFlow Title", 1, "an inline structure's gate is not modelled"),
    ("Flow Title", "Rch & RM=Main,2400\nFlow Title", 1, "in the form of HEC-RAS 2"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "said"), FLOW)
def test_what_a_flow_file_says_and_no_profile_would_show_is_refused(
    demo: Path, old: str, new: str, line: int, said: str
) -> None:
    refused = str(Steady().refuses(texts(demo, "flow", old, new), NAMES))
    assert refused is not None
    assert refused.startswith(f"Willow.f01:{line}: ")
    assert said in refused


GEOMETRY = [
    ("1 ,1200    ,500,500,500", "1 ,1200    ,500,-500,500", "a reach length of cross section 1200 is negative"),
    ("1 ,1200    ,500,500,500", "1 ,1200    ,500,500,-1", "a reach length of cross section 1200 is negative"),
    ("1 ,1200    ,500,500,500", "1 ,1200    ,,500,500", "a reach length of cross section 1200 is blank"),
    ("1 ,1200    ,500,500,500", "1 ,upper,500,500,500", "river station is 'upper', not a number"),
    ("1 ,1200    ,500,500,500", "1 ,1800,500,500,500", "cross section 1800 is below 1800"),
    ("1 ,1200    ,500,500,500", "1 ,2000,500,500,500", "cross section 2000 is below 1800"),
    ("River Reach", "Bank Sta=250,316\nRiver Reach", "'Bank Sta' is outside of a cross section"),
    ("Bank Sta=250,316", "Bank Sta=250,316\nBank Sta=0,580", "'Bank Sta' of 2400 is given twice"),
    ("Bank Sta=250,316", "Bank Sta=250,316\n     250     316", "'Bank Sta' is followed by an unexpected row"),
    ("#Sta/Elev= 15", "#Sta/Elev= 14", "station and elevation needs 28 numbers, 30 are there"),
    ("#Sta/Elev= 15", "#Sta/Elev= 16", "station and elevation needs 32 numbers, 30 are there"),
    ("   120.6     281     120", "   120.6             120", "(row 2, column 5 is blank)"),
    ("   130.2     210   128.6     250   128.1\n", "   130.2\n", "(row 1, column 7 is blank)"),
    ("   130.2     210   128.6     250   128.1\n", "   130.2     210   128.6     250   128.1     262\n", "holds 11"),
    ("     250    .035       0", "     250               0", "cross section 2400 has an n value of 0 from station 250 to 316"),
    ("     250    .035       0", "     250       0       0", "an n value of 0 from station 250 to 316"),
    ("     250    .035       0", "     350    .035       0", "n values of cross section 2400 go backwards"),
    ("Exp/Cntr=0.3,0.1", "Exp/Cntr=0.3,-0.1", "a loss coefficient of 2400 is not from 0 to 1"),
    ("    42.2   144.2   126.5   424.6   535.1   126.5", "    42.2   144.2           424.6   535.1   126.5", "the left block"),
    ("    42.2   144.2   126.5   424.6   535.1   126.5", "    42.2   144.2   126.5   424.6   535.1", "the right block"),
    ("    42.2   144.2   126.5   424.6   535.1   126.5", "    42.2   144.2   126.5           535.1   126.5", "the right block"),
    ("#XS Ineff= 2 , 0", "#XS Ineff= 3 , 0", "3 normal blocks"),
    ("#XS Ineff= 2 , 0", "#XS Ineff= 2 , 7", "blocks of type 7"),
    ("Bank Sta=250,316", "#Block Obstruct= 1 ,-1 \n     300             130\nBank Sta=250,316", "a blank station"),
    ("Bank Sta=250,316", "#Block Obstruct= 1 ,-1 \n     300     200     130\nBank Sta=250,316", "goes backwards"),
    ("Bank Sta=250,316", "Levee=2,250,130,0,,\nBank Sta=250,316", "is switched '2'"),
    ("River Reach", "River Reach=willow creek,MAIN\nRiver Reach", "reach Willow Creek Main is given again"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), GEOMETRY)
def test_what_a_geometry_says_and_no_profile_would_show_is_refused(
    demo: Path, old: str, new: str, said: str
) -> None:
    refused = str(Steady().refuses(texts(demo, "geometry", old, new), NAMES))
    assert refused is not None
    assert refused.startswith("Willow.g01:")
    assert said in refused


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("flow", f"{CHANGE}700 ", f"{CHANGE}700.00"),
        ("flow", f"{CHANGE}700 ", "River Rch & RM=WILLOW CREEK,main,700*"),
        ("flow", "10-year,50-year,100-year", "10-year,50-year,100-year,,"),
        ("flow", "Profile Names=10-year,50-year,100-year\n", ""),
        ("flow", "Dn Type= 3 \nDn Slope=0.0025", "Dn Slope=0.0025\nDn Type= 3"),
        ("flow", "Dn Slope=0.0025", "Dn Slope=0.0025\nDn Known WS=127"),
        ("geometry", "1 ,0       ,0,0,0", "1 ,0       ,,,"),
        ("geometry", "1 ,1200    ,500,500,500", "1 ,1200.*  ,500,500,500"),
    ],
)
def test_the_same_thing_in_other_spelling_is_not_refused(demo: Path, kind: str, old: str, new: str) -> None:
    changed = parse_model(texts(demo, kind, old, new), NAMES)
    plain = parse_model(texts(demo, kind, old, old), NAMES)
    assert changed.flows.changes == plain.flows.changes
    assert changed.flows.downstream == plain.flows.downstream
    assert len(changed.flows.profiles) == 3


def test_a_value_of_another_type_is_a_remnant() -> None:
    text = b"Number of Profiles=1\nRiver Rch & RM=R,A,2\n      10\nBoundary for River Rch & Prof#=R,A, 1\n"
    flows = parse_flow(text + b"Dn Slope=0.002\nDn Type=1\nDn Known WS=4.5\n", "C.f01")
    assert flows.downstream == {("r", "a", 0): Boundary("known water surface", 4.5)}


def test_a_long_table_is_read_by_rows_of_ten(demo: Path) -> None:
    """Eleven profiles: ten in the first row."""
    flows = "".join(f"{100 + n:8}" for n in range(10)) + "\n" + f"{110:8}"
    text = f"Number of Profiles=11\nRiver Rch & RM=R,A,2\n{flows}\n"
    assert parse_flow(text.encode(), "C.f01").changes["r", "a", 2.0] == tuple(100.0 + n for n in range(11))
    assert parse_geometry((demo / "Willow.g01").read_bytes(), "x").reaches[0].sections[0].points[14] == (
        580,
        142,
    )


def test_the_command_says_where_a_flow_would_have_been_lost(demo: Path, tmp_path: Path) -> None:
    for kind, data in texts(demo, "flow", f"{CHANGE}700 ", f"{CHANGE}650 ").items():
        (tmp_path / NAMES[kind]).write_bytes(data)
    command = [sys.executable, "-m", "rasreconcile.engines.steady", "Willow.prj", "01"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    wanted = (
        "ERROR: Willow.f01:7: Willow.g01 has no cross section at 650 in reach Willow Creek Main for this flow;"
        " give the flow at a cross section\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, wanted, "")
    assert list(tmp_path.glob("*.hdf")) == []
