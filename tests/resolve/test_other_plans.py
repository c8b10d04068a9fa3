"""What other plans computed and a plan reads: an edge where the spec has them, else files that count."""

from __future__ import annotations

from typing import Any

import pytest

from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import SpecError
from rasreconcile.jobs import Install
from rasreconcile.plans import MISSING
from tests.told import told

COMMAND = "{type: command, command: [x]}"
PRIOR = "Prior WS Filename={}\nPrior WS Profile=Max WS\nUse Restart= 0 "


@pytest.fixture
def pair(muncie: Any) -> Any:
    """Plan 01 starts from the water surface that plan 02 computes."""
    muncie.write("Muncie2D.p02", (muncie.folder / "Muncie2D.p01").read_bytes().replace(b"=u01", b"=u02"))
    muncie.write("Muncie2D.u02", (muncie.folder / "Muncie2D.u01").read_bytes())
    muncie.edit("Muncie2D.u01", "Use Restart= 0 ", PRIOR.format("Muncie2D.p02"))
    return muncie


def read(plan: Any) -> list[tuple[str, str, bool, bool]]:
    return [
        (i.kind, i.name, i.counts, i.raw == MISSING)
        for i in plan.inputs
        if i.kind in {"other-plan", "plan-result"}
    ]


@pytest.mark.parametrize(
    "spelled",
    [
        "Muncie2D.p02",
        "muncie2d.P02",
        ".\\Muncie2D.p02",
        "p02",
        "C:\\Models\\Muncie2D.p02",
        "Muncie2D.p02.hdf",
    ],
)
def test_a_prior_water_surface_of_a_plan_of_the_spec_is_an_edge(pair: Any, spelled: str) -> None:
    pair.edit("Muncie2D.u01", "Prior WS Filename=Muncie2D.p02", f"Prior WS Filename={spelled}")
    before = pair.plan("01", engine=COMMAND, others=("02",))
    assert before.needs == ("Muncie2D/p02",)
    found = [(kind, name.casefold(), *rest) for kind, name, *rest in read(before)]
    assert found == [
        ("other-plan", "muncie2d.p02", False, False),
        ("plan-result", "muncie2d.p02.hdf", False, True),
    ]
    assert told(before.blocked_by) == ()
    pair.edit("Muncie2D.p02", "Computation Interval=10SEC", "Computation Interval=5SEC")
    assert pair.plan("01", engine=COMMAND, others=("02",)).fingerprint != before.fingerprint


def test_its_producer_is_asked_for_nothing_but_its_result(pair: Any) -> None:
    assert pair.plan("02", engine=COMMAND, others=("01",)).side_outputs == ()


def test_of_a_plan_that_the_spec_lacks_text_and_result_count_and_stop_hec_ras_where_they_are_missing(
    pair: Any,
) -> None:
    gone = pair.plan("01")
    assert [line for line in told(gone.blocked_by) if "Muncie2D.p02.hdf" in line] == [
        "Muncie2D.u01:3: result Muncie2D.p02.hdf is not there; add its plan to the spec, or compute it in HEC-RAS"
    ]
    pair.write("Muncie2D.p02.hdf", b"one")
    pair.write("Muncie2D.O02", b"older")
    first = pair.plan("01", engine=COMMAND)
    assert (first.needs, read(first)) == (
        (),
        [
            ("other-plan", "Muncie2D.p02", True, False),
            ("plan-result", "Muncie2D.p02.hdf", True, False),
            ("plan-result", "Muncie2D.O02", True, False),
        ],
    )
    pair.write("Muncie2D.p02.hdf", b"two")
    second = pair.plan("01", engine=COMMAND)
    pair.edit("Muncie2D.p02", "Computation Interval=10SEC", "Computation Interval=5SEC")
    third = pair.plan("01", engine=COMMAND)
    assert len({plan.fingerprint for plan in (first, second, third)}) == 3
    pair.edit("Muncie2D.p02", "UNET D2 Cores= 0 ", "UNET D2 Cores= 8 ")
    assert pair.plan("01", engine=COMMAND).fingerprint == third.fingerprint


def test_another_profile_of_it_is_another_input(pair: Any) -> None:
    before = pair.plan("01", engine=COMMAND, others=("02",))
    pair.edit("Muncie2D.u01", "Prior WS Profile=Max WS", "Prior WS Profile=02JAN1900 1200")
    assert pair.plan("01", engine=COMMAND, others=("02",)).fingerprint != before.fingerprint


def test_a_restart_file_in_use_puts_the_prior_water_surface_out_of_use(pair: Any) -> None:
    pair.edit("Muncie2D.u01", "Use Restart= 0 ", "Use Restart=-1\nRestart Filename=old.rst")
    plan = pair.plan("01", engine=COMMAND, others=("02",))
    assert (plan.needs, read(plan)) == ((), [])


def test_a_plan_that_reads_its_own_result_is_blocked_with_its_line(pair: Any) -> None:
    pair.edit("Muncie2D.u01", "=Muncie2D.p02", "=Muncie2D.p01")
    assert told(pair.plan("01", engine=COMMAND).blocked_by) == (
        "Muncie2D.u01:3: the plan reads Muncie2D.p01.hdf, which it computes itself; choose another plan in HEC-RAS",
    )


def test_plans_that_read_each_others_results_are_a_fault_of_the_spec(pair: Any) -> None:
    pair.edit("Muncie2D.u02", "Use Restart= 0 ", PRIOR.format("p01"))
    with pytest.raises(SpecError, match="a cycle"):
        pair.plan("01", engine=COMMAND, others=("02",))


SEDIMENT = "Sediment File=s01\n"


@pytest.mark.parametrize(
    ("name", "text", "edge"),
    [
        (
            "p01",
            f"{SEDIMENT}Read HDF5 Sediment Hotstart=-1\nSediment Hotstart File=.\\Muncie2D.p02.hdf\n",
            True,
        ),
        (
            "p01",
            f"{SEDIMENT}Read HDF5 Sediment Hotstart= 0\nSediment Hotstart File=.\\Muncie2D.p02.hdf\n",
            False,
        ),
        ("p01", "Read HDF5 Sediment Hotstart=-1\nSediment Hotstart File=.\\Muncie2D.p02.hdf\n", False),
        ("p01", "Unsteady Encroach Base Plan File=Muncie2D.p02\n", True),
        ("p01", "Start State File=.\\Muncie2D.p02.hdf\n", True),
        ("p01", "Start State File=.\\Muncie2D.p03.hdf\n", False),
        ("g01", "Use Modified Puls Routing=-1\nModified Puls Routing Source PlanID=Second\n", True),
        ("g01", "Use Modified Puls Routing=-1\nModified Puls Routing Source PlanID=Nobody\n", False),
        ("g01", "Use Modified Puls Routing=0\nModified Puls Routing Source PlanID=Second\n", False),
    ],
)
def test_every_key_that_names_another_plans_output_makes_the_edge(
    muncie: Any, name: str, text: str, edge: bool
) -> None:
    second = (muncie.folder / "Muncie2D.p01").read_text().replace("=u01", "=u02")
    head, _, rest = second.partition("Short Identifier=")
    muncie.write("Muncie2D.p02", f"{head}Short Identifier=Second   {chr(10)}{rest.partition(chr(10))[2]}")
    muncie.write("Muncie2D.u02", (muncie.folder / "Muncie2D.u01").read_bytes())
    path = muncie.folder / f"Muncie2D.{name}"
    muncie.write(path.name, path.read_bytes() + text.encode())
    plan = muncie.plan("01", engine=COMMAND, others=("02",))
    assert plan.needs == (("Muncie2D/p02",) if edge else ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p01", "Unsteady Encroach Base Plan File=Muncie2D.p{}\n"),
        ("g01", "Use Modified Puls Routing=-1\nModified Puls Routing Source PlanID={}\n"),
    ],
)
def test_what_a_run_may_look_at_stops_nothing_and_counts_once_it_is_there(
    muncie: Any, name: str, text: str
) -> None:
    own = next(i for i in muncie.plan().inputs if i.kind == "plan")
    short = own.source.read_text().partition("Short Identifier=")[2].partition("\n")[0].strip()
    path = muncie.folder / f"Muncie2D.{name}"
    before = path.read_bytes()
    muncie.write(path.name, before + text.format("01" if name == "p01" else short).encode())
    assert [
        w for w in (*told(muncie.plan().blocked_by), *told(muncie.plan().warnings)) if "p01.hdf" in w
    ] == []
    muncie.write("Muncie2D.p02", own.source.read_bytes().replace(short.encode(), b"Second"))
    muncie.write(path.name, before + text.format("02" if name == "p01" else "Second").encode())
    gone = muncie.plan()
    assert (
        told(gone.blocked_by),
        [w for w in told(gone.warnings) if "Muncie2D.p02.hdf is not there" in w] != [],
    ) == (
        (),
        True,
    )
    muncie.write("Muncie2D.p02.hdf", b"1")
    assert muncie.plan().fingerprint != gone.fingerprint


def test_a_gradation_that_another_plan_leaves_is_brought_back_as_a_restart_file_is(muncie: Any) -> None:
    muncie.write("Muncie2D.p02", (muncie.folder / "Muncie2D.p01").read_bytes())
    text = (muncie.folder / "Muncie2D.p01").read_text()
    hot = f"{SEDIMENT}Read Gradation Hotstart=-1\nGradation File Name=.\\Muncie2D.p02.tmp.rst.hdf\n"
    muncie.write("Muncie2D.p01", text + hot)
    assert muncie.plan("01", engine=COMMAND, others=("02",)).needs == ("Muncie2D/p02",)
    producer = muncie.plan("02", engine=COMMAND, others=("01",))
    assert producer.side_outputs == ("Muncie2D.p02.tmp.rst.hdf",)


# ---- files of other keys


def test_a_key_nobody_knows_that_names_a_file_counts_and_is_not_missed(muncie: Any) -> None:
    text = (muncie.folder / "Muncie2D.p01").read_text()
    muncie.write("Muncie2D.p01", text + "Gate Rule File=.\\rules\\gates.txt\n")
    gone = muncie.plan()
    assert (told(gone.blocked_by), [w for w in told(gone.warnings) if "gates.txt" in w]) == (
        (),
        [
            f"Muncie2D.p01:{len(text.splitlines()) + 1}: file rules/gates.txt is not there; put it at project/rules/gates.txt"
        ],
    )
    muncie.write("rules/gates.txt", b"1")
    first = muncie.plan()
    muncie.write("rules/gates.txt", b"2")
    assert len({plan.fingerprint for plan in (gone, first, muncie.plan())}) == 3


def test_a_key_nobody_knows_that_names_the_plans_own_output_does_not_count(muncie: Any) -> None:
    text = (muncie.folder / "Muncie2D.p01").read_text()
    muncie.write("Muncie2D.p01", text + "Results File=.\\Muncie2D.p01.hdf\n")
    muncie.write("Muncie2D.p01.hdf", b"1")
    assert "Muncie2D.p01.hdf" not in [i.name for i in muncie.plan().inputs]


def test_commands_that_hec_ras_runs_too_are_told_with_what_to_do(muncie: Any) -> None:
    text = (muncie.folder / "Muncie2D.p01").read_text()
    muncie.write("Muncie2D.p01", text + "Extra Computation Commands=python fill.py\n")
    (line,) = [w for w in told(muncie.plan().warnings) if "fill.py" in w]
    assert line.endswith("HEC-RAS runs `python fill.py` too; name the files that it reads under `inputs`")


def test_rasters_in_a_folder_count_each_and_one_that_arrives_makes_the_plan_stale(muncie: Any) -> None:
    muncie.edit("Muncie2D.u01", "Precipitation Mode=Disable", "Precipitation Mode=Enable")
    muncie.edit(
        "Muncie2D.u01",
        "Met BC=Precipitation|Gridded Source=DSS",
        "Met BC=Precipitation|Mode=Gridded\nMet BC=Precipitation|Gridded Source=GDAL Raster File(s)\n"
        "Met BC=Precipitation|Gridded GDAL Folder=C:\\Old\\Rain\nMet BC=Precipitation|Gridded GDAL Filter=*.tif",
    )
    assert any("C:/Old/Rain holds no *.tif" in line for line in told(muncie.plan().blocked_by))
    muncie.write("rain/01.TIF", b"1")
    muncie.write("rain/notes.txt", b"1")
    first = muncie.plan()
    assert [i.name for i in first.inputs if i.kind == "meteorology"] == ["rain/01.TIF"]
    muncie.write("rain/02.tif", b"2")
    assert muncie.plan().fingerprint != first.fingerprint


@pytest.mark.parametrize(
    "key", ["Observed DSS Filename=.\\seen.dss", "Observed Time Series=Flow|TS DSS Filename=seen.dss"]
)
def test_observed_series_count_only_where_the_plan_fits_its_inflows_to_them(muncie: Any, key: str) -> None:
    muncie.write("seen.dss", b"1")
    flow = (muncie.folder / "Muncie2D.u01").read_text()
    muncie.write("Muncie2D.u01", flow + key + "\n")
    assert "observed" not in [i.kind for i in muncie.plan().inputs]
    plan = (muncie.folder / "Muncie2D.p01").read_text()
    muncie.write("Muncie2D.p01", plan + "Ungaged Area Gage Location=Elm,Main,3\n")
    assert [(i.name, i.counts) for i in muncie.plan().inputs if i.kind == "observed"] == [("seen.dss", True)]


def test_one_missing_file_that_seven_boundaries_read_is_one_line(muncie: Any) -> None:
    blocks = "".join(f"Boundary Location=a{n}\nDSS File=flow.dss\nUse DSS=True\n" for n in range(7))
    muncie.write("Muncie2D.u01", "Flow Title=x\n" + blocks)
    assert [line for line in told(muncie.plan().blocked_by) if "flow.dss" in line] == [
        "Muncie2D.u01:3 and 6 more lines: dss flow.dss is not there; put it at project/flow.dss"
    ]
    own = muncie.folder / "Muncie2D.u01"
    muncie.write(own.name, own.read_text().replace("=flow.dss", "=dss"))
    assert len([w for w in told(muncie.plan().warnings) if "HEC-RAS writes results into" in w]) == 1


def test_inputs_may_name_the_result_of_another_plan_and_not_its_own(muncie: Any) -> None:
    for number in ("01", "02"):
        muncie.write(f"Muncie2D.p{number}.hdf", b"1")
    plan = muncie.plan(extra='"*.hdf"')
    assert {"Muncie2D.p02.hdf"} <= {i.name for i in plan.inputs if i.counts}
    assert "Muncie2D.p01.hdf" not in {i.name for i in plan.inputs}
    install = Install(platform="windows", cores=2, home="C:\\Ras.exe", worker_folder="C:\\R")
    staged = {s.name: s.writable for s in engine_for(plan.engine).job(plan, install).inputs}
    assert staged["Muncie2D.p02.hdf"] == "own copy"
    named = muncie.plan(extra='"muncie2d.P01.hdf"')
    assert [w for w in told(named.warnings) if w.startswith("inputs:")] == [
        "inputs: Muncie2D.p01.hdf is written by the plan's own run, and is left out; remove it from `inputs`"
    ]
