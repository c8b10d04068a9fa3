"""Where HEC-RAS is looked for, and what finding it, or another version, means."""

from __future__ import annotations

import pytest

from rasreconcile.engines.hec_ras.install_search import (
    FoundInstall,
    NotFound,
    WantedInstall,
    found_in,
    places,
)
from rasreconcile.engines.hec_ras.versions import doubt, form_of
from rasreconcile.hecras_versions import same, version_in


@pytest.mark.parametrize(
    ("platform", "named", "there", "home"),
    [
        ("posix", None, "/opt/hecras/6.6/RasUnsteady", "/opt/hecras/6.6"),
        ("posix", None, "/opt/hecras/RasUnsteady", "/opt/hecras"),
        ("posix", "/apps/ras", "/apps/ras/RasUnsteady", "/apps/ras"),
        ("posix", "/apps/ras/RasUnsteady", "/apps/ras/RasUnsteady", "/apps/ras"),
        ("windows", None, r"C:\Program Files (x86)\HEC\HEC-RAS\6.6\Ras.exe", None),
        ("windows", r"E:\HEC\6.6", r"E:\HEC\6.6\Ras.exe", None),
        ("windows", r"E:\HEC\6.6\ras.EXE", r"E:\HEC\6.6\ras.EXE", None),
    ],
)
def test_it_is_found_in_the_usual_places_and_where_the_spec_says(platform, named, there, home) -> None:
    wanted = WantedInstall("6.6", platform, named)
    assert there in places(wanted)
    assert found_in(wanted, (there,)) == FoundInstall(home or there)


def test_a_windows_program_on_linux_wants_wine() -> None:
    wanted = WantedInstall("6.6", "posix", "/home/ras/.wine/drive_c/HEC/6.6/Ras.exe")
    assert "/usr/bin/wine" in places(wanted)
    assert found_in(wanted, (wanted.named or "", "/usr/lib/wine/wine64")) == FoundInstall(
        wanted.named or "", "/usr/lib/wine/wine64"
    )
    missing = found_in(wanted, (wanted.named or "",))
    assert isinstance(missing, NotFound) and str(missing).endswith("needs Wine; install wine on this worker")


@pytest.mark.parametrize("named", ["/apps/hecras/6.4.1", "/apps/hecras/6.4.1/RasUnsteady"])
def test_another_version_is_refused_with_the_remedy(named: str) -> None:
    found = found_in(WantedInstall("6.6", "posix", named), ("/apps/hecras/6.4.1/RasUnsteady",))
    assert str(found) == (
        "/apps/hecras/6.4.1/RasUnsteady is HEC-RAS 6.4.1, the spec asks for 6.6;"
        " set ras_exe_path to 6.6, or ask for 6.4.1 in `engine`"
    )


def test_what_is_not_there_is_said_with_the_places_that_were_looked_at() -> None:
    found = found_in(WantedInstall("6.6", "windows", None), ())
    assert isinstance(found, NotFound)
    assert r"C:\Program Files (x86)\HEC\HEC-RAS\6.6" in found.why and "ras_exe_path" in found.remedy


def test_versions_are_compared_as_numbers_and_unknown_ones_are_doubted() -> None:
    assert same("6.6", "6.6.0") and not same("6.3", "6.3.1") and not same("6.1", "6.10")
    assert (
        version_in("HEC-RAS 6.7 Beta 5 October 2025") == "6.7" and version_in("rasreconcile steady 1") is None
    )
    assert form_of("6.3").unsteady[1] == "{stem}.c{geometry}" and form_of("6.10").unsteady[1].endswith(
        ".tmp.hdf"
    )
    assert form_of("4.1") is form_of("5.0.7") and form_of("9.0") is form_of("6.6")
    assert doubt("6.6") is None and doubt("7.0.1") is None
    assert "is newer than" in (doubt("7.1") or "") and "is older than" in (doubt("4.1") or "")
