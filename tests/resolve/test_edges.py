"""Edges between plans: a DSS file, a result or a further output that another plan of the spec makes."""

from __future__ import annotations

from typing import Any

import pytest

from rasreconcile.errors import SpecError
from rasreconcile.plans import MISSING
from tests.told import told

COMMAND = "{type: command, command: [x]}"
RECORD = "/BCLINE/MUNCIE_GEOM: OUTLET/FLOW/01JAN1900/15MIN/{}/"


@pytest.fixture
def pair(muncie: Any) -> Any:
    """Plan 01 reads a record of the project's DSS file, into which plan 02 (`Upstream`) writes."""
    plan = (muncie.folder / "Muncie2D.p01").read_bytes()
    muncie.write("Muncie2D.p02", plan.replace(b"=u01", b"=u02").replace(b"=Peak flow", b"=Upstream "))
    muncie.write("Muncie2D.p03", plan.replace(b"=u01", b"=u02").replace(b"=Peak flow", b"=Third    "))
    muncie.write("Muncie2D.u02", (muncie.folder / "Muncie2D.u01").read_bytes())
    reads(muncie, "dss", RECORD.format("UPSTREAM"))
    return muncie


def reads(muncie: Any, file: str, record: str) -> None:
    muncie.edit(
        "Muncie2D.u01", "DSS Path=\nUse DSS=False", f"DSS File={file}\nDSS Path={record}\nUse DSS=True"
    )


def reads_instead(muncie: Any, old: str, new: str) -> None:
    muncie.edit("Muncie2D.u01", old, new)


def dss(plan: Any) -> Any:
    (found,) = [i for i in plan.inputs if i.kind == "dss"]
    return found


def both(muncie: Any, extra: str = "", more: tuple[str, ...] = ()) -> Any:
    """Plan 01, with more in its entry of the spec, and plan 02."""
    plans = muncie.plans(
        f"  - {{project: project/Muncie2D.prj, numbers: ['01']{extra}}}\n"
        f"  - {{project: project/Muncie2D.prj, numbers: {['02', *more]}}}\n"
    )
    return plans["Muncie2D/p01"], plans["Muncie2D/p02"]


def test_a_dss_record_of_another_plan_is_an_edge(pair: Any) -> None:
    reader, writer = both(pair)
    assert reader.needs == ("Muncie2D/p02",)
    assert writer.side_outputs == ("Muncie2D.dss",)
    assert [c.digest for c in reader.components if c.name == "upstream Muncie2D/p02"]
    # The project's own DSS file, with what other plans and people wrote into it, stays what it is.
    assert writer.side_paths == (pair.folder / "Muncie2D.p02.dss",)
    found = dss(reader)
    assert (found.name, found.source, found.raw) == (
        "Muncie2D.dss",
        pair.folder / "Muncie2D.p02.dss",
        MISSING,
    )
    assert (found.counts, told(reader.blocked_by)) == (False, ())


def test_what_the_writer_reads_counts_for_the_reader(pair: Any) -> None:
    before = both(pair)[0].fingerprint
    pair.edit("Muncie2D.u02", "   21000", "   21001")
    assert both(pair)[0].fingerprint != before


def test_the_short_identifier_tells_which_of_several_writers_it_is(pair: Any) -> None:
    assert both(pair, more=("03",))[0].needs == ("Muncie2D/p02",)
    assert pair.plan("03", engine=COMMAND, others=("01", "02")).side_outputs == ()
    reads_instead(pair, "UPSTREAM", "Third")
    assert both(pair, more=("03",))[0].needs == ("Muncie2D/p03",)


def test_a_record_of_nobody_holds_the_plan_and_counts(pair: Any) -> None:
    reads_instead(pair, "UPSTREAM", "OBSERVED")
    reader, writer = both(pair)
    (line,) = told(reader.blocked_by)
    assert "Muncie2D.u01:10: it reads from Muncie2D.dss (/BCLINE" in line
    assert "name the plan that writes it in `needs`, or, if the record is kept by hand" in line
    assert (reader.needs, dss(reader).counts, writer.side_outputs) == ((), True, ())


def test_needs_says_who_writes_it(pair: Any) -> None:
    reads_instead(pair, "UPSTREAM", "RENAMED")
    plans = pair.plans(
        "  - {project: project/Muncie2D.prj, numbers: ['01'], needs: [Muncie2D/p02]}\n"
        "  - {project: project/Muncie2D.prj, numbers: ['02', '03']}\n"
    )
    assert plans["Muncie2D/p01"].blocked_by == ()
    assert plans["Muncie2D/p02"].side_outputs == ("Muncie2D.dss",)


def test_inputs_say_that_it_is_kept_by_hand(pair: Any) -> None:
    reads_instead(pair, "UPSTREAM", "OBSERVED")
    reader, writer = both(pair, extra=", inputs: [muncie2d.DSS]")
    assert (told(reader.blocked_by), reader.needs, writer.side_outputs) == ((), (), ())
    assert (dss(reader).counts, dss(reader).source) == (True, pair.folder / "Muncie2D.dss")


def test_a_plan_that_reads_its_own_series_is_no_circle(pair: Any) -> None:
    reads_instead(pair, "UPSTREAM", "PEAK FLOW")
    reader, _ = both(pair)
    assert (reader.needs, told(reader.blocked_by)) == ((), ())
    assert any("which HEC-RAS writes results into" in warning for warning in told(reader.warnings))


def test_records_of_two_plans_in_one_file_hold_the_plan(pair: Any) -> None:
    reads(pair, "Muncie2D.dss", RECORD.format("THIRD"))
    reader, _ = both(pair, more=("03",))
    assert any("give one of them another DSS file" in line for line in told(reader.blocked_by))


def test_plans_that_read_each_others_series_are_a_fault_with_the_files(pair: Any) -> None:
    pair.edit(
        "Muncie2D.u02",
        "DSS Path=\nUse DSS=False",
        "DSS File=dss\nDSS Path=/A/B/C/D/E/PEAK FLOW/\nUse DSS=True",
    )
    with pytest.raises(
        SpecError, match=r"a cycle; remove one `needs`, or stop using one file of Muncie2D\.dss"
    ):
        both(pair)


def test_a_dss_file_outside_of_the_project_cannot_be_brought_back_and_holds_its_reader(pair: Any) -> None:
    for spelled in (r"..\shared\out.dss", r"C:\Models\out.dss"):
        pair.edit("Muncie2D.p02", "DSS File=", f"DSS File={spelled}\nWas=")
        pair.edit("Muncie2D.u01", "DSS File=", f"DSS File={spelled}\nWas=")
        reader, writer = both(pair)
        assert any("from where no run can bring it back" in line for line in told(reader.blocked_by)), spelled
        assert writer.side_outputs == ()


def test_a_dss_file_of_its_own_is_brought_back_under_the_plans_name(pair: Any) -> None:
    pair.edit("Muncie2D.p02", "DSS File=dss", r"DSS File=.\Base\Series.dss")
    pair.edit("Muncie2D.u01", "DSS File=dss", r"DSS File=Base\Series.dss")
    reader, writer = both(pair)
    assert (writer.side_outputs, writer.side_paths) == (
        ("Base/Series.dss",),
        (pair.folder / "Muncie2D.p02.Series.dss",),
    )
    assert dss(reader).name == "Base/Series.dss"


def test_a_writer_that_publishes_it_under_its_own_name_publishes_it_once(pair: Any) -> None:
    plans = pair.plans(
        "  - {project: project/Muncie2D.prj, numbers: ['01']}\n"
        "  - {project: project/Muncie2D.prj, numbers: ['02'], outputs: ['{stem}.dss'], results: out}\n"
    )
    out = pair.folder.parent / "out" / "Muncie2D"
    assert plans["Muncie2D/p02"].side_paths == (out / "Muncie2D.dss",)
    assert dss(plans["Muncie2D/p01"]).source == out / "Muncie2D.dss"


def test_a_result_that_inputs_name_is_an_edge(pair: Any) -> None:
    reader = both(pair, extra=", inputs: [Muncie2D.p03.hdf]", more=("03",))[0]
    (found,) = [i for i in reader.inputs if i.kind == "made"]
    assert set(reader.needs) == {"Muncie2D/p02", "Muncie2D/p03"}
    assert (found.name, found.counts, found.raw, told(reader.blocked_by)) == (
        "Muncie2D.p03.hdf",
        False,
        MISSING,
        (),
    )
    assert pair.plan("03", engine=COMMAND).side_outputs == ()


def test_an_output_that_inputs_name_is_brought_back(pair: Any) -> None:
    plans = pair.plans(
        "  - {project: project/Muncie2D.prj, numbers: ['01'], inputs: [Muncie2D.O03, maps/depth.tif]}\n"
        "  - {project: project/Muncie2D.prj, numbers: ['02']}\n"
        "  - {project: project/Muncie2D.prj, numbers: ['03'], outputs: ['maps/depth.tif', 'maps/*.asc']}\n"
    )
    assert plans["Muncie2D/p03"].side_outputs == ("maps/*.asc", "maps/depth.tif", "Muncie2D.O03")
    assert "Muncie2D/p03" in plans["Muncie2D/p01"].needs


def test_a_pattern_of_inputs_leaves_the_plans_own_result_out(pair: Any) -> None:
    pair.write("Muncie2D.p01.hdf", b"result")
    pair.write("Muncie2D.p01.hdf.receipt.json", b"{}")
    extra = ", inputs: ['Muncie2D.p01.*']"
    before = both(pair, extra)[0].fingerprint
    pair.write("Muncie2D.p01.hdf", b"another result")
    pair.write("Muncie2D.p01.hdf.receipt.json", b"{} ")
    reader = both(pair, extra)[0]
    assert (reader.fingerprint, told(reader.blocked_by)) == (before, ())
    assert any(
        "is written by the plan's own run, and is left out" in line
        for line in told(both(pair, ", inputs: [Muncie2D.p01.hdf]")[0].warnings)
    )


def test_a_plan_of_another_project_is_found_by_where_it_writes(pair: Any) -> None:
    for name in ("Up.prj", "Up.p05", "Up.g01", "Up.u02"):
        ending = name.split(".")[1].replace("p05", "p02")
        text = (pair.folder / f"Muncie2D.{ending}").read_bytes()
        pair.write(f"../up/{name}", text)
    pair.edit("Muncie2D.u01", "DSS File=dss", r"DSS File=..\up\Up.dss")
    plans = pair.plans(
        "  - {project: project/Muncie2D.prj, numbers: ['01']}\n  - {project: up/Up.prj, numbers: ['05']}\n"
    )
    reader = plans["Muncie2D/p01"]
    assert (reader.needs, dss(reader).name) == (("Up/p05",), "../up/Up.dss")
    assert plans["Up/p05"].side_paths == (pair.folder.parent / "up" / "Up.p05.dss",)


def test_two_plans_that_bring_back_one_name_are_a_fault_with_both_lines(pair: Any) -> None:
    with pytest.raises(SpecError) as raised:
        pair.plans(
            "  - project: project/Muncie2D.prj\n    numbers: ['01', '02']\n    outputs: ['{stem}.dss']\n"
        )
    assert "Muncie2D/p02 publishes to the same file as Muncie2D/p01 of plans[0] (line 5)" in str(raised.value)
    assert "name it after its plan, `{stem}.O{number}`" in str(raised.value)
    pair.plans("  - {project: project/Muncie2D.prj, numbers: ['01', '02'], outputs: ['{stem}.O{number}']}\n")


@pytest.mark.parametrize("pattern", ["*.O02", "{stem}.O0?", "*.hdf"])
def test_a_pattern_that_means_what_another_plan_publishes_is_a_fault(pair: Any, pattern: str) -> None:
    with pytest.raises(SpecError, match="publishes to the same file as"):
        pair.plans(
            f"  - {{project: project/Muncie2D.prj, numbers: ['01'], outputs: ['{pattern}']}}\n"
            "  - {project: project/Muncie2D.prj, numbers: ['02'], outputs: ['{stem}.O{number}']}\n"
        )


@pytest.mark.parametrize("name", ["muncie2d.u01.hdf", "Terrain/*.tif", "*.dss"])
def test_what_plans_read_is_not_published_over(pair: Any, name: str) -> None:
    """The project's folder is where results go; the DSS file is read by plan 01, and kept by hand."""
    entries = (
        "  - {project: project/Muncie2D.prj, numbers: ['01'], inputs: [Muncie2D.dss]}\n"
        f"  - {{project: project/Muncie2D.prj, numbers: ['02'], outputs: ['{name}']%s}}\n"
    )
    reads_instead(pair, "UPSTREAM", "OBSERVED")
    with pytest.raises(SpecError, match=r"would publish over .*, which Muncie2D/p0[12] reads"):
        pair.plans(entries % "")
    pair.plans(entries % ", results: out")


def test_a_plan_that_reads_and_publishes_one_file_is_a_fault(pair: Any) -> None:
    reads_instead(pair, "UPSTREAM", "PEAK FLOW")
    entry = "  - {project: project/Muncie2D.prj, numbers: ['01'], outputs: ['{stem}.dss']%s}\n"
    with pytest.raises(
        SpecError, match=r"Muncie2D/p01 would publish over .*Muncie2D\.dss, which Muncie2D/p01 reads"
    ):
        pair.plans(entry % "")
    assert pair.plans(entry % ", results: out")["Muncie2D/p01"].blocked_by == ()


def test_the_steady_engine_writes_nothing_else(pair: Any) -> None:
    plans = pair.plans(
        "  - {project: project/Muncie2D.prj, numbers: ['01'], outputs: ['{stem}.O{number}']}\n",
        engine="{type: steady}",
    )
    assert "the steady engine writes nothing but its result" in told(plans["Muncie2D/p01"].blocked_by)[-1]
