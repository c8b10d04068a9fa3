"""What boundaries and other references lead to, and how many of them are followed."""

from __future__ import annotations

from typing import Any

import pytest

from rasreconcile.plans import MISSING
from tests.resolve.test_closure import rows
from tests.told import told

# ---- boundaries


DSS = "DSS File={}\nUse DSS=True"


def use_dss(muncie: Any, path: str) -> None:
    muncie.edit("Muncie2D.u01", "Use DSS=False", DSS.format(path))


def test_a_boundary_dss_that_is_missing_stops_hec_ras_only(muncie: Any) -> None:
    use_dss(muncie, r"C:\Test\100yCC_2024.dss")
    plan = muncie.plan()
    assert ("dss", MISSING, "C:/Test/100yCC_2024.dss") in rows(plan)
    (why,) = [line for line in told(plan.blocked_by) if "100yCC" in line]
    assert why.startswith("Muncie2D.u01:")
    assert why.endswith("put it below the project's folder, or give its folder in `path_map`")
    other = muncie.plan(engine="{type: command, command: [x]}")
    assert (told(other.blocked_by), any("100yCC" in line for line in told(other.warnings))) == ((), True)


def test_a_path_of_another_machine_is_found_by_the_path_map(muncie: Any) -> None:
    use_dss(muncie, r"C:\Test\Sub\flow.dss")
    elsewhere = muncie.folder.parent / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    (elsewhere / "sub" / "Flow.dss").write_bytes(b"1")
    plan = muncie.plan(prefix=r"c:\test", place="elsewhere")
    (dss,) = [i for i in plan.inputs if i.kind == "dss"]
    assert (dss.name, dss.reference) == ("../elsewhere/sub/Flow.dss", r"C:\Test\Sub\flow.dss")
    (elsewhere / "sub" / "Flow.dss").write_bytes(b"2")
    assert muncie.plan(prefix=r"c:\test", place="elsewhere").fingerprint != plan.fingerprint


def test_two_spellings_of_one_file_are_one_input(muncie: Any) -> None:
    muncie.write("dss/flow.dss", b"1")
    use_dss(muncie, r".\dss\flow.dss")
    use_dss(muncie, r"C:\old\DSS\FLOW.dss")
    (dss,) = [i for i in muncie.plan().inputs if i.kind == "dss"]
    assert (dss.name, dss.reference, dss.aliases) == (
        "dss/flow.dss",
        r".\dss\flow.dss",
        (r"C:\old\DSS\FLOW.dss",),
    )


@pytest.mark.parametrize("spelled", ["dss", r".\MUNCIE2D.dss"])
def test_a_boundary_from_the_projects_own_output_is_warned_of_and_counts_as_a_path(
    muncie: Any, spelled: str
) -> None:
    use_dss(muncie, spelled)
    before = muncie.plan()
    assert [row[1] for row in rows(before) if row[0] == "dss"] == ["staged only"]
    assert any("which HEC-RAS writes results into" in warning for warning in told(before.warnings))
    muncie.write("Muncie2D.dss", b"other")
    assert muncie.plan().fingerprint == before.fingerprint


def test_imported_rasters_count_and_so_does_the_file_they_were_imported_into(muncie: Any) -> None:
    muncie.edit("Muncie2D.u01", "Precipitation Mode=Disable", "Precipitation Mode=Enable")
    gdal = "Met BC=Precipitation|Mode=Gridded\nMet BC=Precipitation|Gridded Source=GDAL Raster File(s)\n"
    muncie.edit(
        "Muncie2D.u01",
        "Met BC=Precipitation|Gridded Source=DSS",
        gdal + "Met BC=Precipitation|Gridded GDAL Filename=.\\Precip\\rain.nc",
    )
    muncie.write("precip/Rain.nc", b"1")
    before = muncie.plan()
    assert ("meteorology", "counts", "Precip/rain.nc") in rows(before)
    assert ("flow-hdf", "counts", "Muncie2D.u01.hdf") in rows(before)
    muncie.write("Muncie2D.u01.hdf", b"imported again")
    assert muncie.plan().fingerprint != before.fingerprint


@pytest.mark.parametrize("path", ["nul", "x" * 3000, "a\0b", r"\\.\C:", "..\\" * 300 + "x.dss", "é" * 200])
def test_a_hostile_reference_is_a_finding(muncie: Any, path: str) -> None:
    use_dss(muncie, path)
    (why,) = [line for line in told(muncie.plan().blocked_by) if line.startswith("Muncie2D.u01:")]
    assert len(why) < 1500


def test_a_layer_that_can_be_no_file_is_a_warning(muncie: Any) -> None:
    muncie.edit(
        "Muncie2D.rasmap", "<Features>", '<RASProjectionFilename Filename="http://epsg.io/1" /><Features>'
    )
    before = muncie.plan(engine="{type: command, command: [x]}")
    assert told(before.blocked_by) == ()
    assert any("cannot be a file name" in w or "is not there" in w for w in told(before.warnings))


def test_thousands_of_references_are_bounded(muncie: Any) -> None:
    blocks = "".join(f"Boundary Location=a\nDSS File=d{n}.dss\nUse DSS=True\n" for n in range(10_001))
    muncie.write("Muncie2D.u01", blocks)
    assert any("names more than 10000 files" in w for w in told(muncie.plan().blocked_by))


def test_files_of_other_projects_in_the_folder_are_not_taken(muncie: Any) -> None:
    before = muncie.plan()
    for name in ("Other.prj", "Other.p01", "Other.g01", "Other.u01", "Other.g01.hdf", "Muncie2D2.g01"):
        muncie.write(name, "Proj Title=Other\nPlan File=p01\n")
    assert rows(muncie.plan()) == rows(before)
