"""Where HEC-RAS is looked for, and what finding it, or another version, means."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rasreconcile.engines.hec_ras.install_search import (
    FoundInstall,
    NotFound,
    WantedInstall,
    found_in,
    places,
    question,
    solvers_in,
    started,
    trial,
)
from rasreconcile.engines.hec_ras.scripts import script
from rasreconcile.engines.hec_ras.versions import doubt, form_of
from rasreconcile.hecras_versions import means, version_in


@pytest.mark.parametrize(
    ("version", "named", "there"),
    [
        ("6.6", None, r"C:\Program Files (x86)\HEC\HEC-RAS\6.6\Ras.exe"),
        ("6.6", r"E:\HEC\6.6", r"E:\HEC\6.6\Ras.exe"),
        ("6.6", r"E:\HEC\6.6\ras.EXE", r"E:\HEC\6.6\ras.EXE"),
        ("6.7 Beta 5", None, r"C:\Program Files (x86)\HEC\HEC-RAS\6.7 Beta 5\Ras.exe"),
        ("6.6", r"E:\2024.1", r"E:\2024.1\Ras.exe"),
        ("5.0", None, r"C:\Program Files (x86)\HEC\HEC-RAS\5.0.7\Ras.exe"),
        ("5.0", r"E:\HEC\5.0.3", r"E:\HEC\5.0.3\Ras.exe"),
        ("6.4", None, r"C:\Program Files\HEC\HEC-RAS\6.4.1\Ras.exe"),
        ("6.7 Beta", None, r"C:\Program Files (x86)\HEC\HEC-RAS\6.7 Beta 4\Ras.exe"),
        ("6.7 Beta 5", r"E:\HEC\6.7-beta-5", r"E:\HEC\6.7-beta-5\Ras.exe"),
    ],
)
def test_ras_exe_is_found_in_the_usual_places_and_where_the_spec_says(version, named, there) -> None:
    wanted = WantedInstall(version, "windows", named)
    assert there in places(wanted)
    assert found_in(wanted, (there,)) == FoundInstall(there)


def test_a_beta_is_not_its_release() -> None:
    place = r"E:\HEC\6.7 Beta 5\Ras.exe"
    assert "is HEC-RAS 6.7 Beta 5, the spec asks for 6.7" in str(
        found_in(WantedInstall("6.7", "windows", place), (place,))
    )
    assert isinstance(found_in(WantedInstall("6.7 Beta 4", "windows", place), (place,)), NotFound)


# ---- the Linux solvers, in real folders


def look(version: str, named: Path | str | None) -> FoundInstall | NotFound:
    """As a worker of this machine answers."""
    wanted = WantedInstall(version, "posix", str(named) if named is not None else None)
    done = subprocess.run(
        ["sh", "-c", script("solvers.sh"), "sh", *question([wanted])],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return solvers_in(wanted, done.stdout)


LAID_OUT = [
    ("5.0.7", None),
    ("6.1", None),
    ("6.3.1", None),
    ("6.6", None),
    ("7.0.1", None),
    ("6.6", "bin"),
    ("6.5", "flat"),
]


@pytest.mark.parametrize(("version", "layout"), LAID_OUT)
def test_each_archive_of_hec_is_found_from_its_top_its_programs_folder_and_a_program(
    standins, tmp_path: Path, version: str, layout: str | None
) -> None:
    ras = standins.linux(tmp_path / "hec ras", version, layout)
    for named in (ras.home, ras.programs, *ras.programs.glob("[rR]as*"), f"{ras.home}/"):
        assert look(version, named) == FoundInstall(str(ras.programs)), named


@pytest.mark.parametrize("above", ["HEC-RAS_610_Linux/RAS_Linux_test_setup", "6.1/RAS_Linux_test_setup"])
def test_an_archive_is_found_as_deep_as_it_unpacks(standins, tmp_path: Path, above: str) -> None:
    ras = standins.linux(tmp_path / above, "6.1")
    assert look("6.1", tmp_path) == FoundInstall(str(ras.programs))
    assert "Debug" not in str(ras.programs)


def test_of_several_versions_below_one_folder_the_one_asked_for_is_taken(standins, tmp_path: Path) -> None:
    old = standins.linux(tmp_path / "6.1", "6.1", "flat")
    new = standins.linux(tmp_path / "Linux_RAS_v66", "6.6", "bin")
    (tmp_path / "current").symlink_to("6.1")
    assert look("6.6", tmp_path) == FoundInstall(str(new.programs))
    assert look("6.1", tmp_path) == FoundInstall(str(old.programs))
    assert "is HEC-RAS 6." in str(look("6.5", tmp_path))


@pytest.mark.parametrize(
    ("top", "layout", "says"),
    [
        ("6.4.1", "flat", "6.4.1"),
        ("hec", "6.1", "6.1"),
        ("Linux_RAS_v65", "bin", "6.5"),
        ("6.4.1", "6.6", "6.4.1"),
    ],
)
def test_solvers_of_another_version_are_refused_with_the_remedy(
    standins, tmp_path: Path, top: str, layout: str, says: str
) -> None:
    ras = standins.linux(tmp_path / top, "6.6", layout)
    for named in (ras.home, ras.programs / "RasUnsteady"):
        assert str(look("6.6", named)).endswith(
            f"RasUnsteady is HEC-RAS {says}, the spec asks for 6.6; set ras_exe_path to 6.6, or ask for {says} in `engine`"
        )


def test_the_folder_of_the_archive_counts_more_than_the_one_of_its_programs(standins, tmp_path: Path) -> None:
    ras = standins.linux(tmp_path / "Linux_RAS_v66", "6.6", "6.5")
    assert look("6.6", tmp_path) == FoundInstall(str(ras.programs))


@pytest.mark.parametrize("top", ["Linux_RAS_v64", "6.4"])
def test_the_folder_of_the_programs_says_which_patch_a_family_is(standins, tmp_path: Path, top: str) -> None:
    ras = standins.linux(tmp_path / top, "6.4.1", "6.4.1")
    for version in ("6.4.1", "6.4"):
        assert look(version, tmp_path) == FoundInstall(str(ras.programs))
    assert "is HEC-RAS 6.4.1, the spec asks for 6.4.0" in str(look("6.4.0", tmp_path))


def test_where_no_solver_is_that_is_said_with_the_place_and_the_name_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "RasUnsteady").mkdir()
    for named in (tmp_path, tmp_path / "nowhere", tmp_path / "a'b $HOME"):
        assert str(look("6.6", named)) == (
            f"HEC-RAS 6.6 is not at {named}, or below it (RasUnsteady);"
            " install it there, or set ras_exe_path to the place where it is"
        )
    assert "/opt/hecras/6.6, " in str(look("6.6", None))


# ---- whether they start


def start(ras, version: str, **environment: str) -> FoundInstall | NotFound:
    wanted, found = WantedInstall(version, "posix", str(ras.home)), FoundInstall(str(ras.programs))
    done = subprocess.run(
        ["sh", "-c", script("solvers.sh"), "sh", *trial(wanted, found)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | environment,
    )
    return started(wanted, found, done.stdout)


@pytest.mark.parametrize(("version", "layout"), LAID_OUT)
def test_an_install_that_is_whole_starts_with_its_libraries_before_those_of_the_environment(
    standins, tmp_path: Path, version: str, layout: str | None
) -> None:
    ras = standins.linux(tmp_path / "hec ras", version, layout)
    assert start(ras, version, LD_LIBRARY_PATH="/of/the/image") == FoundInstall(str(ras.programs))
    own = dict.fromkeys(str(place.parent) for place in ras.libraries.values())
    for call in ras.calls():
        assert call["libraries"].split(":") == [*own, "/of/the/image"]
        soft, hard = call["stack"]
        assert soft == hard, "the stack is as large as it may be"
    assert start(ras, version, LD_LIBRARY_PATH="") == FoundInstall(str(ras.programs))
    assert ras.calls()[-1]["libraries"].split(":") == [*own], "an empty part would mean the present folder"


@pytest.mark.parametrize(("version", "layout"), LAID_OUT)
@pytest.mark.parametrize("library", ["libifcoremt.so.5", "libmkl_core.so.1", "libgfortran.so.5"])
def test_where_a_library_is_missing_it_is_named_and_the_install_is_as_good_as_missing(
    standins, tmp_path: Path, version: str, layout: str | None, library: str
) -> None:
    ras = standins.linux(tmp_path / "hec", version, layout)
    ras.loses(library)
    found = start(ras, version)
    assert isinstance(found, NotFound)
    assert f"error while loading shared libraries: {library}: cannot open shared object file" in found.why
    assert found.why.startswith(f"{ras.programs}/") and "`libs` folder must contain this file" in found.remedy
    (tmp_path / "of the image").mkdir()
    shutil.copy(standins.linux(tmp_path / "other", version).libraries[library], tmp_path / "of the image")
    assert start(ras, version, LD_LIBRARY_PATH=str(tmp_path / "of the image")) == FoundInstall(
        str(ras.programs)
    )


def test_libraries_are_found_in_folders_that_hec_calls_otherwise_and_through_a_link(
    standins, tmp_path: Path
) -> None:
    ras = standins.linux(tmp_path / "hec", "6.6", "bin")
    (ras.home / "libs").rename(ras.home / "runtime")
    assert start(ras, "6.6") == FoundInstall(str(ras.programs))
    (tmp_path / "links").mkdir()
    for name in ("RasUnsteady", "RasGeomPreprocess", "RasSteady"):
        (tmp_path / "links" / name).symlink_to(ras.programs / name)
    wanted, found = WantedInstall("6.6", "posix", None), FoundInstall(str(tmp_path / "links"))
    done = subprocess.run(
        ["sh", "-c", script("solvers.sh"), "sh", *trial(wanted, found)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert started(wanted, found, done.stdout) == found


@pytest.mark.parametrize(
    ("spoil", "why", "remedy"),
    [
        (lambda p: (p / "RasUnsteady").chmod(0o644), "RasUnsteady may not be executed", "chmod a+x"),
        (lambda p: (p / "RasGeomPreprocess").unlink(), "RasGeomPreprocess is not there", "in one folder"),
        (
            lambda p: (p / "RasUnsteady").write_bytes(b"\x7fELF\x02 of another machine"),
            "does not start",
            "another system",
        ),
        (
            lambda p: (p / "RasSteady").write_text(
                '#!/bin/sh\necho "/lib64/libc.so.6: version \\`GLIBC_2.28\' not found (required by $0)" >&2; exit 1\n'
            ),
            "version `GLIBC_2.28' not found",
            "another system",
        ),
    ],
    ids=["no right to execute", "not whole", "another machine's", "an old system"],
)
def test_whatever_keeps_a_program_from_starting_is_told_with_the_remedy(
    standins, tmp_path: Path, spoil, why: str, remedy: str
) -> None:
    ras = standins.linux(tmp_path / "hec", "6.6")
    spoil(ras.programs)
    found = start(ras, "6.6")
    assert isinstance(found, NotFound)
    assert why in found.why and remedy in found.remedy


def test_an_install_without_the_steady_program_is_whole_for_unsteady_plans(standins, tmp_path: Path) -> None:
    ras = standins.linux(tmp_path / "hec", "6.6")
    (ras.programs / "RasSteady").unlink()
    assert start(ras, "6.6") == FoundInstall(str(ras.programs))


def test_a_windows_program_on_linux_wants_wine() -> None:
    wanted = WantedInstall("6.6", "posix", "/home/ras/.wine/drive_c/HEC/6.6/Ras.exe")
    assert "/usr/bin/wine" in places(wanted)
    assert found_in(wanted, (wanted.named or "", "/usr/lib/wine/wine64")) == FoundInstall(
        wanted.named or "", "/usr/lib/wine/wine64"
    )
    missing = found_in(wanted, (wanted.named or "",))
    assert isinstance(missing, NotFound) and str(missing).endswith("needs Wine; install wine on this worker")


def test_what_is_not_there_is_said_with_the_places_that_were_looked_at() -> None:
    found = found_in(WantedInstall("6.6", "windows", None), ())
    assert isinstance(found, NotFound)
    assert r"C:\Program Files (x86)\HEC\HEC-RAS\6.6" in found.why and "ras_exe_path" in found.remedy


def test_versions_are_compared_as_numbers_and_unknown_ones_are_doubted() -> None:
    assert (
        version_in("HEC-RAS 6.7 Beta 5 October 2025") == "6.7 Beta 5"
        and version_in("rasreconcile steady 1") is None
    )
    assert form_of("6.7 Beta 5") is form_of("6.6") and doubt("6.7 Beta 5") is None
    assert form_of("6.3.0").unsteady[1] == "{stem}.c{geometry}" and form_of("6.3") is form_of("6.3.1")
    assert form_of("6.0") is form_of("6.2") is form_of("6.3.0") and form_of("5.0") is form_of("5.0.7")
    assert form_of("6.10").unsteady[1].endswith(".tmp.hdf")
    assert form_of("4.1") is form_of("5.0.7") and form_of("9.0") is form_of("6.6")
    assert doubt("6.6") is None and doubt("7.0.1") is None
    assert "is newer than" in str(doubt("7.1")) and "is older than" in str(doubt("4.1"))


MEANT = [
    ("6.4", "6.4", True),
    ("6.4", "6.4.1", True),
    ("6.4", "6.4.0", True),
    ("6.4", "6.40", False),
    ("6.4", "6.5", False),
    ("6.4.0", "6.4", True),
    ("6.4.0", "6.4.1", False),
    ("6.4.1", "6.4", False),
    ("6.3.1", "6.3.1", True),
    ("5.0", "5.0.7", True),
    ("5.0.7", "5.0.3", False),
    ("6.1", "6.10", False),
    ("6.7", "6.7 Beta 5", False),
    ("6.7 Beta 5", "6.7", False),
    ("6.7 Beta 5", "6.7 Beta 5", True),
    ("6.7 Beta 5", "6.7-beta-5", True),
    ("6.7 Beta 5", "6.7 Beta 4", False),
    ("6.7 Beta", "6.7 Beta 5", True),
    ("6.7 Beta", "6.7", False),
    ("6.0 Beta 2", "6.0.0 Beta 2", True),
]


@pytest.mark.parametrize(("wanted", "found", "meant"), MEANT)
def test_a_version_of_two_numbers_means_all_its_patches_and_a_beta_only_itself(
    wanted: str, found: str, meant: bool
) -> None:
    assert means(wanted, found) is meant


@pytest.mark.parametrize(("wanted", "taken"), [("6.4", "6.4"), ("6.3", "6.3.1"), ("6.4.1", "6.4.1")])
def test_of_several_patches_the_one_named_exactly_is_taken_else_the_newest(
    standins, tmp_path: Path, wanted: str, taken: str
) -> None:
    made = {v: standins.linux(tmp_path / v, v, "flat") for v in ("6.3.1", "6.4", "6.4.1")}
    assert look(wanted, tmp_path) == FoundInstall(str(made[taken].programs))


def test_a_folder_of_a_beta_is_not_its_release_however_it_is_spelled(standins, tmp_path: Path) -> None:
    ras = standins.linux(tmp_path / "6.7_beta5", "6.7 Beta 5", "flat")
    assert look("6.7 Beta 5", tmp_path) == FoundInstall(str(ras.programs))
    assert "RasUnsteady is HEC-RAS 6.7 Beta 5, the spec asks for 6.7;" in str(look("6.7", tmp_path))


def test_a_missing_install_names_the_usual_places_once() -> None:
    missing = str(found_in(WantedInstall("6.6", "windows", None), ()))
    assert missing.count("HEC-RAS\\6.6") == 4 and "6.6.1" not in missing
