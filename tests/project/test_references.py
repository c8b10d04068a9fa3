"""Paths as HEC-RAS spells them: what they lead to, and that none leads astray."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.errors import ProjectError
from rasreconcile.project.references import mapped, parse_reference
from rasreconcile.resolve import Contents, Digests
from rasreconcile.resolve.asked import Asked
from rasreconcile.resolve.look import Look
from rasreconcile.resolve.places import Place, Places
from rasreconcile.results.associations import associations


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("models") / "Muncie"
    for name in (
        "Flow.dss",
        "Dss Files/Peak.dss",
        "Terrain/T.hdf",
        "../shared/rain.nc",
        "../elsewhere/Flow.dss",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    return home


def asked() -> Asked:
    digests, contents = Digests({}, time.time_ns), Contents({}, time.time_ns, associations)
    return Asked(Look(digests, contents))


def find(text: str, home: Path, below: str = "", **path_map: str) -> Place:
    places = Places(asked(), {key.replace("_", ":"): home / value for key, value in path_map.items()})
    return places.find(parse_reference(text), home, below)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Flow.dss", "Flow.dss"),
        (r".\Flow.dss", "Flow.dss"),
        ('  "flow.DSS"  ', "flow.DSS"),
        (r"DSS files\PEAK.dss", "DSS files/PEAK.dss"),
        (r"Terrain\..\Flow.dss", "Flow.dss"),
        (r"..\shared\RAIN.nc", "../shared/rain.nc"),
        (r"..\Muncie\Flow.dss", "Flow.dss"),
        (r"C:\Users\me\Muncie\Dss Files\Peak.dss", "Dss Files/Peak.dss"),
        (r"\\server\share\old\Flow.dss", "Flow.dss"),
        (r"\\?\D:\x\Flow.dss", "Flow.dss"),
        (r"D:Flow.dss", "Flow.dss"),
        ("/srv/Flow.dss", "Flow.dss"),
    ],
)
def test_a_file_is_found_as_windows_would_find_it(home: Path, text: str, name: str) -> None:
    place = find(text, home)
    assert place.name == name
    assert place.path is not None
    assert place.path.is_file()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("gone.dss", "gone.dss"),
        (r"Terrain", "Terrain"),
        (r"Flow.dss\x.dss", "Flow.dss/x.dss"),
        (r"..\..\far\x.dss", "../../far/x.dss"),
        (r"C:\Test\100yCC_2024.dss", "C:/Test/100yCC_2024.dss"),
        (r"\\host\share\x\gone.dss", "//host/share/x/gone.dss"),
    ],
)
def test_what_leads_nowhere_keeps_a_name(home: Path, text: str, name: str) -> None:
    assert find(text, home) == Place(name, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        ".",
        r"..\..",
        "C:\\",
        "nul",
        r"x\COM1.dss",
        "a\0b",
        "a\nb",
        "x.dss:stream",
        "a|b",
        "*.dss",
        "x" * 5000,
        "y" * 300,
        r"\\.\PhysicalDrive0",
    ],
)
def test_what_can_be_no_file_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse_reference(text)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_a_file_beside_the_one_that_names_it_is_found_there(home: Path) -> None:
    assert find("t.HDF", home, below="Terrain").name == "Terrain/t.HDF"
    assert find(r"..\Flow.dss", home, below="Terrain").path == home / "Flow.dss"


def test_a_mapped_folder_wins_over_a_guess_below_the_project(home: Path) -> None:
    assert find(r"C:\Models\Flow.dss", home, **{"c_/models": "../elsewhere"}).name == "../elsewhere/Flow.dss"
    assert find(r"C:\Models\Peak.dss", home, **{"c_/models": "../elsewhere"}).path is None


def test_the_longest_entry_of_a_path_map_counts() -> None:
    reference = parse_reference(r"C:\Models\dss\a.dss")
    assert mapped(reference, {"C:\\": "root", r"c:\models\DSS": "deep", r"C:\Models": "shallow"}) == (
        "deep",
        ("a.dss",),
    )
    assert mapped(reference, {r"C:\Model": "x", "D:": "y"}) is None


def test_names_that_differ_in_case_only_are_refused_unless_one_is_meant(tmp_path: Path) -> None:
    for name in ("a.dss", "A.dss"):
        (tmp_path / name).touch()
    assert find("A.dss", tmp_path).path == tmp_path / "A.dss"
    with pytest.raises(ProjectError, match="differ in case only"):
        find("a.DSS", tmp_path)


def test_pipes_and_folders_are_no_files(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.dss")
    (tmp_path / "folder.dss").mkdir()
    assert find("pipe.dss", tmp_path).path is None
    assert find("folder.dss", tmp_path).path is None


WORDS = st.sampled_from(
    ["..", ".", "Flow.dss", "Terrain", "T.hdf", "shared", "rain.nc", "C:", "", "Muncie", "nul"]
)
SPELLINGS = st.lists(WORDS, max_size=8).map("\\".join) | st.text(max_size=40)


@given(SPELLINGS)
def test_no_reference_leads_out_of_the_project_but_through_its_parents(home: Path, text: str) -> None:
    try:
        reference = parse_reference(text)
        place = Places(asked()).find(reference, home)
    except ProjectError:
        return
    if place.path is None:
        return
    assert place.path.is_file()
    inside = home.resolve() in place.path.resolve().parents
    assert inside or (".." in reference.parts and not reference.root)
    assert inside == (".." not in place.name.split("/"))


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_else(home: Path, data: bytes) -> None:
    for text in (data.decode("cp1252", "replace"), data.decode("utf-8", "surrogateescape")):
        try:
            find(text, home)
        except ProjectError as error:
            assert str(error)


def test_a_link_is_followed_to_be_read(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "copy")
    (tmp_path / "copy" / "linked.dss").symlink_to(home / "Flow.dss")
    assert find("linked.dss", tmp_path / "copy").path == tmp_path / "copy" / "linked.dss"
