"""Every key that can name a file has a class, and its class is how it is followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.project import entries, mentions_in
from rasreconcile.project.file_keys import MET_FILES, NAMES_NO_FILE, TABLES, FileKey, sounds_like_a_file

KINDS = {
    "geometry": "geometry",
    "plan": "plan",
    "project": "project",
    "steady flow": "steady flow",
    "unsteady flow": "flow",
    "water quality": "water-quality",
}
SOUNDS = re.compile(
    r"file|path|raster|photo|layer|\bdtm\b|hotstart|restart|template|profile|gradation|dss|background|plan|commands"
    r"|write (ic|hdf5|binary)|observed|prior|export",
    re.IGNORECASE,
)
"""What a key says that has to do with files, with other plans, or with what they left."""


@pytest.fixture(scope="module")
def keys(hecras_data: Path) -> list[tuple[str, str]]:
    """Of the texts of 180 public projects: kind of text, key."""
    table = hecras_data.parent / "hecras-keys.tsv"
    if not table.is_file():
        pytest.skip(f"{table} is not there")
    rows = [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]
    return [(kind, key) for kind, key, _ in rows[1:]]


def test_every_key_of_public_projects_that_sounds_like_a_file_has_a_class(
    keys: list[tuple[str, str]],
) -> None:
    assert len(keys) > 900
    without = [
        (kind, key)
        for kind, key in keys
        if SOUNDS.search(key) and key not in TABLES[KINDS[kind]] and key not in NAMES_NO_FILE
    ]
    assert without == []


def test_what_is_classed_as_naming_no_file_is_classed_as_nothing_else() -> None:
    named = {key for kind, table in TABLES.items() if kind != "steady flow" for key in table}
    assert named & NAMES_NO_FILE == set()


def test_every_value_of_the_real_texts_that_looks_like_a_file_stands_at_a_key_with_a_class(
    hecras_data: Path,
) -> None:
    looks = re.compile(
        r"(?!\d*\.?\d*$)[^,]*[\w)]\.([A-Za-z]{1,2}\d{2}|dss|rst|hdf|tif|vrt|nc|txt|csv|prj|shp|grd)"
    )
    seen = 0
    for path in sorted(hecras_data.glob("*/*")):
        kind = {"p": "plan", "g": "geometry", "u": "flow", "f": "steady flow"}.get(path.suffix[1:2])
        if re.fullmatch(r"\.[pguf]\d\d", path.suffix) is None or kind is None:
            continue
        for entry in entries(path.read_text("cp1252")):
            seen += 1
            if entry.value and looks.fullmatch(entry.value):
                assert entry.key in TABLES[kind] or entry.key in NAMES_NO_FILE, (path.name, entry)
    assert seen > 1000


# ---- the class is how it is followed


def text_for(key: str, row: FileKey, value: str, *, on: bool) -> str:
    """A text where `key` names `value`, switched on or off."""
    lines = [f"{begin}=a" for begin in row.records[:1]]
    if row.needs:
        lines.append(f"{row.needs}=s01")
    if row.switch:
        lines.append(f"{row.switch}={'-1' if on else '0'}")
    if row.unless:
        lines.append(f"{row.unless}={'0' if on else '-1'}")
    return "\n".join([*lines, f"{key}={value}", ""])


ROWS = [(kind, key) for kind in TABLES if kind != "project" for key in TABLES[kind]]
WEATHER = {"Met BC"}


@pytest.mark.parametrize(("kind", "key"), ROWS, ids=[f"{kind}-{key}" for kind, key in ROWS])
def test_a_key_is_followed_as_its_class_says(kind: str, key: str) -> None:
    row = TABLES[kind][key]
    name, read = ("x.f01", "flow") if kind == "steady flow" else ("x.u01", kind)
    value = {"g": "g07", "[": "u07", "u": "u07", "s": "s07", "w": "w07"}.get(row.ending[:1], "some file.p07")
    said = {
        on: [(m.what, m.value) for m in mentions_in(read, text_for(key, row, value, on=on).encode(), name)]
        for on in (True, False)
    }
    mention = (row.kind, value)
    if key in WEATHER:
        return
    if row.role in {"input", "other plan's output"} and row.kind:
        assert mention in said[True]
        assert (mention in said[False]) is not bool(row.switch or row.unless)
    elif row.role == "display only":
        assert (value not in [v for _, v in said[True]], row.kind) == (True, "")


@pytest.mark.parametrize("setting", sorted(MET_FILES))
def test_a_setting_of_the_weather_that_names_a_file_is_followed(setting: str) -> None:
    mode = "Point" if setting.startswith("TS") else "Gridded"
    source = "GDAL Raster File(s)" if "GDAL" in setting else "DSS"
    lines = [
        "Precipitation Mode=Enable",
        *(
            f"Met BC=Precipitation|{line}"
            for line in (f"Mode={mode}", f"Gridded Source={source}", "TS Name=1")
        ),
        *(
            f"Met BC=Precipitation|{line}"
            for line in ("TS Used=-1", "TS Source=DSS", f"{setting}=.\\Rain\\x")
        ),
    ]
    said = mentions_in("flow", "\n".join(lines).encode(), "x.u01")
    assert (MET_FILES[setting].kind, True) in [(m.what, m.value.startswith(".\\Rain\\x")) for m in said]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("TS Name=1\nTS Used=0\nTS Source=DSS\nTS DSS Filename=a.dss", []),
        ("TS Name=1\nTS Used=-1\nTS Source=Table\nTS DSS Filename=a.dss", []),
        (
            "TS Name=1\nTS Used=-1\nTS Source=DSS\nTS DSS Filename=a.dss\nTS Name=2\nTS Used=-1\nTS Source=DSS\n"
            "TS DSS Filename=b.dss",
            [("dss", "a.dss"), ("dss", "b.dss")],
        ),
    ],
)
def test_each_gauge_in_use_names_its_own_file(lines: str, said: list[tuple[str, str]]) -> None:
    text = "Precipitation Mode=Enable\nMet BC=Precipitation|Mode=Point\n"
    text += "".join(f"Met BC=Precipitation|{line}\n" for line in lines.splitlines())
    assert [(m.what, m.value) for m in mentions_in("flow", text.encode(), "x.u01")] == said


@pytest.mark.parametrize(
    ("key", "value", "sounds"),
    [
        ("Rain File", ".\\rain\\x.dss", True),
        ("Gate Rule Filename", "rules.txt", True),
        ("New Hotstart File", "X.p03", True),
        ("Further Flow File", "f02", True),
        ("Rain File", "0", False),
        ("Rain File", "", False),
        ("River Reach", "Elm.old,Main", False),
        ("Table Path", "//A/B/FLOW//1HOUR/X/", False),
    ],
)
def test_a_key_that_no_table_has_is_followed_by_its_sound(key: str, value: str, sounds: bool) -> None:
    assert sounds_like_a_file(key, value) is sounds
    for kind, name in (
        ("plan", "x.p01"), ("flow", "x.u01"), ("flow", "x.f01"), ("geometry", "x.g01"),
        ("sediment", "x.s01"), ("water-quality", "x.w01"),
    ):  # fmt: skip
        said = [m.value for m in mentions_in(kind, f"{key}={value}\n".encode(), name) if m.what == "further"]
        assert said == ([value] if sounds else [])


@given(st.text(max_size=40), st.text(max_size=60))
def test_no_key_and_no_value_break_the_sound(key: str, value: str) -> None:
    assert sounds_like_a_file(key, value) in {True, False}


def test_a_sediment_hotstart_in_use_without_a_file_is_told_with_its_line() -> None:
    text = b"Geom File=g01\nFlow File=u01\nSediment File=s01\nRead HDF5 Sediment Hotstart=-1\n"
    assert [(m.what, m.line) for m in mentions_in("plan", text, "x.p01") if m.line] == [("fault", 4)]


@pytest.mark.parametrize(
    "hotstart",
    [
        "Read HDF5 Sediment Hotstart=-1\nSediment Hotstart File=x.p02.hdf\n",
        "Read HDF5 Sediment Hotstart=-1\n",
        "Read Gradation Hotstart=-1\nGradation File Name=x.p02.tmp.rst.hdf\n",
    ],
)
def test_a_plan_without_a_sediment_file_reads_no_sediment_hotstart(hotstart: str) -> None:
    for sediment in ("", "Sediment File=\n"):
        text = f"Geom File=g01\nFlow File=u01\n{hotstart}{sediment}"
        assert [m for m in mentions_in("plan", text.encode(), "x.p01") if m.line] == []
