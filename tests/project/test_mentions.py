"""What texts say about other files: only what is in use, and nothing that breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.project import MENTIONING, canonical, mentions_in
from rasreconcile.project.prepared import outdated_by, prepared_names, producer_of

BLOCK = "Boundary Location=a,b\nDSS File={file}\nDSS Path=//A/FLOW//1HOUR/RUN/\nUse DSS={on}\n"


def said(kind: str, text: str, name: str = "x.u01") -> list[tuple[str, str]]:
    return [(m.what, m.value) for m in mentions_in(kind, text.encode(), name)]


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        (BLOCK.format(file="a.dss", on="True"), [("dss", "a.dss"), ("dss-record", "//A/FLOW//1HOUR/RUN/")]),
        (BLOCK.format(file="a.dss", on="False"), []),
        (
            BLOCK.format(file="a.dss", on="False") + BLOCK.format(file="b.dss", on="True"),
            [("dss", "b.dss"), ("dss-record", "//A/FLOW//1HOUR/RUN/")],
        ),
        ("Boundary Location=a\nUse DSS=True\nDSS File=.\\late.dss\n", [("dss", ".\\late.dss")]),
        (
            "Boundary Location=a\nGate Name=1\nGate DSS File=g.dss\nGate Use DSS=True\n"
            "Gate Name=2\nGate DSS File=h.dss\nGate Use DSS=False\nDSS File=b.dss\nUse DSS=False\n",
            [("dss", "g.dss")],
        ),
        ("Use Restart= 0 \nRestart Filename=x.rst\n", []),
        (
            "Use Restart=-1 \nRestart Filename=M.p05.02JAN1900 1200.rst\n",
            [("restart", "M.p05.02JAN1900 1200.rst")],
        ),
        ("Observed DSS Filename=C:\\seen.dss\n", []),
        ("BEGIN DESCRIPTION:\nBoundary Location=\nDSS File=a.dss\nUse DSS=True\nEND DESCRIPTION:\n", []),
    ],
)
def test_only_what_is_switched_on_is_an_input(text: str, mentions: list[tuple[str, str]]) -> None:
    assert said("flow", text) == mentions


GRIDDED = (
    "Met BC={v}|Mode={mode}\nMet BC={v}|Gridded Source={source}\nMet BC={v}|Gridded DSS Filename=.\\p.dss\n"
    "Met BC={v}|Gridded GDAL Filename=.\\p.nc\n"
)


@pytest.mark.parametrize(
    ("head", "variable", "mode", "source", "mentions"),
    [
        ("Precipitation Mode=Enable\n", "Precipitation", "Gridded", "DSS", [("meteorology", ".\\p.dss")]),
        ("Precipitation Mode=Disable\n", "Precipitation", "Gridded", "DSS", []),
        ("Precipitation Mode=Enable\n", "Precipitation", "Constant", "DSS", []),
        (
            "Precipitation Mode=Enable\n",
            "Precipitation",
            "Gridded",
            "GDAL Raster File(s)",
            [("meteorology", ".\\p.nc"), ("imported-raster", "Precipitation")],
        ),
        (
            "Precipitation Mode=Disable\n",
            "Evapotranspiration",
            "Gridded",
            "DSS",
            [("meteorology", ".\\p.dss")],
        ),
        ("Wind Mode=No Wind Forces\n", "Wind Speed", "Gridded", "DSS", []),
        ("Wind Mode=Speed/Direction\n", "Wind Speed", "Gridded", "DSS", [("meteorology", ".\\p.dss")]),
    ],
)
def test_weather_is_an_input_where_its_mode_says_so(
    head: str, variable: str, mode: str, source: str, mentions: list[tuple[str, str]]
) -> None:
    text = head + GRIDDED.format(v=variable, mode=mode, source=source)
    assert said("flow", text) == mentions


def test_a_steady_flow_file_keeps_dead_paths_that_are_no_inputs() -> None:
    assert said("flow", BLOCK.format(file="a.dss", on="True"), "x.f01") == []


def test_a_dss_boundary_without_a_file_is_told_with_its_line() -> None:
    (fault,) = mentions_in("flow", b"Boundary Location=a\nUse DSS=True\n", "x.u01")
    assert (fault.what, fault.line) == ("fault", 2)
    assert "no DSS file is named" in fault.value


RASMAP = b"""<RASMapper>
<RASProjectionFilename Filename=".\\crs.prj" />
<Terrains><Layer Name="T" Type="TerrainLayer" Filename=".\\Terrain\\T.hdf" /></Terrains>
<Layer Type="LandCoverLayer" Filename=".\\LC.hdf" /><Layer Type="LandCoverLayer" Filename="" />
<Layer Type="RASResults" Filename=".\\x.p01.hdf" /></RASMapper>"""


def test_a_rasmap_names_projection_and_layers_and_results_are_none() -> None:
    found = mentions_in("rasmap", RASMAP, "x.rasmap")
    assert [(m.what, m.value) for m in found] == [
        ("projection", ".\\crs.prj"),
        ("terrain", ".\\Terrain\\T.hdf"),
        ("land-cover", ".\\LC.hdf"),
    ]


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (BOMB + b"]><x>&j;</x>", "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "DOCTYPE"),
        (b"<x>", "not valid XML"),
        (b"", "not valid XML"),
        (b"\xff\xfe\0<", "not valid XML"),
        (b'<?xml version="1.0" encoding="no-such"?><x/>', "x.rasmap"),
        (b"<x>" * 5000, "nested deeper"),
        (
            b"".join(b'<Layer Type="TerrainLayer" Filename="%d"/>' % n for n in range(10002)).join(
                (b"<x>", b"</x>")
            ),
            "more than",
        ),
    ],
    ids=["bomb", "external", "cut", "empty", "binary", "encoding", "deep", "many"],
)
def test_a_hostile_rasmap_is_one_fault(data: bytes, why: str) -> None:
    (fault,) = mentions_in("rasmap", data, "x.rasmap")
    assert fault.what == "fault"
    assert why in fault.value
    assert len(fault.value) < 300


@given(st.sampled_from(sorted(MENTIONING)), st.binary(max_size=300))
def test_no_bytes_break_a_reader(kind: str, data: bytes) -> None:
    for mention in mentions_in(kind, data, "x.u01"):
        assert mention.what


KEYS = st.sampled_from(
    [
        "Boundary Location",
        "DSS File",
        "Use DSS",
        "Gate Name",
        "Gate Use DSS",
        "Gate DSS File",
        "Met BC",
        "Use Restart",
    ]
)
VALUES = st.sampled_from(["True", "False", "a.dss", "", "Precipitation|Mode=Gridded", "|", "-1", "0"])


@given(st.lists(st.tuples(KEYS, VALUES), max_size=30))
def test_any_order_of_keys_is_read(lines: list[tuple[str, str]]) -> None:
    text = "".join(f"{key}={value}\n" for key, value in lines)
    assert {m.what for m in mentions_in("flow", text.encode(), "x.u01")} <= {
        "dss",
        "fault",
        "restart",
        "meteorology",
    }


def test_a_description_changes_no_result_and_one_without_an_end_is_none() -> None:
    plain = b"Plan Title=x\nGeom File=g01\n"
    noted = b"Plan Title=x\nBEGIN DESCRIPTION:\ntold by Ann=1\nEND DESCRIPTION:\nGeom File=g01\n"
    assert canonical("plan", noted) == canonical("plan", plain)
    open_ended = b"Plan Title=x\nBEGIN DESCRIPTION:\nGeom File=%s\n"
    assert canonical("plan", open_ended % b"g01") != canonical("plan", open_ended % b"g02")
    assert said("plan", (open_ended % b"g01").decode(), "x.p01")[0] == ("geometry", "g01")


def test_a_restart_file_tells_the_plan_that_writes_it() -> None:
    assert producer_of("Muncie.p05.02JAN1900 1200.rst") == ("Muncie", "05")
    assert producer_of("a.b.P07.x.RST") == ("a.b", "07")
    assert producer_of("HBR01.r29") is None
    assert producer_of("Muncie.p05.rst") is None


def test_prepared_files_are_named_after_plan_and_geometry_and_differ_by_the_kind_of_flow() -> None:
    assert prepared_names("M", "04", "g02", "u01") == ("M.p04.tmp.hdf", "M.b04", "M.x02", "M.c02")
    assert prepared_names("M", "04", "g02", "F01") == ("M.p04.tmp.hdf", "M.r04")
    assert prepared_names("M", "04", None, None) == ("M.p04.tmp.hdf", "M.b04")


@pytest.mark.parametrize(
    ("kind", "seconds", "outdated"),
    [
        ("geometry", 3, True),
        ("geometry", 2, False),
        ("geometry", -9, False),
        ("project", 9, False),
        ("dss", 9, True),
    ],
)
def test_what_was_written_after_it_was_prepared_makes_it_useless(
    kind: str, seconds: int, outdated: bool
) -> None:
    inputs = [(kind, "x", 10**18 + seconds * 10**9)]
    assert (outdated_by(10**18, inputs) == "x") is outdated
