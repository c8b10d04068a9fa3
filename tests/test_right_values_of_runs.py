"""The same of installations, files and results: the smallest input of what was wrong once, and its right value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rasreconcile.engines.hec_ras import windows
from rasreconcile.engines.hec_ras.install_search import FoundInstall, WantedInstall, solvers_in
from rasreconcile.engines.hec_ras.judgement import judge, why_no_start
from rasreconcile.engines.hec_ras.refusal import cause_first
from rasreconcile.errors import Trouble
from rasreconcile.facts import HdfFacts, Identity
from rasreconcile.hecras_messages import has_finished, log_errors
from rasreconcile.jobs import Ended, Job, RunEvidence, RunId
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.adopt import choosing
from rasreconcile.plans import Address, Component, fingerprint
from rasreconcile.project.cross_sections import section_texts
from rasreconcile.project.mentions import mentions_in
from rasreconcile.project.own_files import written_by_run
from rasreconcile.project.prepared import are_prepared, outdated_by, prepared_names
from rasreconcile.project.switches import computations
from rasreconcile.reasons import Cause, Reason, prepared_differences
from rasreconcile.report.seen_from import seen_from
from rasreconcile.resolve.findings import Closure
from rasreconcile.resolve.producers import Producer, published_as
from rasreconcile.results.switched_on import later_water_quality, switched_on
from rasreconcile.runs import RUN_TOKEN, new_run_id
from rasreconcile.workers import rundir
from rasreconcile.workers.local.kind import LOCAL, LocalWorker
from tests.test_right_values import POINTS, Row
from tests.test_right_values import TABLE as NAMES_AND_PROFILES

OF_VERSION_3 = "Reach=R\nType RM Length L Ch R =1 ,7,,5,\n#Sta/Elev=2\n       0       5       9       4\n#Mann=2,0\n       0     .06               9     .04\n"
LIBRARY = (
    "RasUnsteady: error while loading shared libraries: libmkl_core.so.2: cannot open shared object file"
)
PATCH = "/opt/6.4/RAS_v641/Release/RasUnsteady"
SOLVER = "/opt/r/RAS_v66/Release/RasUnsteady"
STEADY = prepared_names("X", "01", "g01", "f01")
PLAN = "Geom File=g01\nFlow File=u01\n"
REFUSED = "The DSS file flow.dss could not be found\nError processing event conditions\n"
BEFORE, NOW = (Component("prepared X.b01", digit * 64) for digit in "ab")
STARTS = "Current executing assembly Folder: C:\\HEC\nServer: C:\\HEC\\PipeServer.exe\nStarting async client on 'a0d1c83f'\nClient connected.\n"
BEGAN = "Message  | PROCESS:RasUnsteady"
WATER_QUALITY = "Performing Water Quality Simulation\nComplete Process\n"


def said(kind: str, text: str) -> list[tuple[str, str]]:
    return [(m.what, m.value) for m in mentions_in(kind, text.encode(), "X.u01")]


def as_dss(name: str) -> str:
    at = Path("/p")
    plan = Producer(
        address=Address("X/p01"), folder=at, stem="X", number="01", output=at / "X.p01.hdf", dss="X.dss"
    )
    return published_as(name, plan)


def lacking(*computes: Any) -> list[str]:
    return list(switched_on(HdfFacts(kind="unsteady"), Identity(plan_filename="X.p01", computes=computes)))


def told_of(lines: int) -> list[Trouble]:
    closure = Closure()
    for line in range(1, lines + 1):
        closure.tell(
            "X.u01", line, Trouble("dss flow.dss is not there", "put it there"), blocks="every program"
        )
    return closure.blocked_by


def judged(messages: str = "", *, data_errors: str = "") -> tuple[str, str]:
    """What is said of a run that left no result, and what follows."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    ended = Ended(exit_code=0, started=at, ended=at, outputs={})
    left = RunEvidence(ended=ended, log="", messages=messages, data_errors=data_errors)
    failure = judge(left, "6.6")
    assert failure is not None
    return failure.kind, failure.trouble.what


def run_id(at: datetime) -> int:
    return len(new_run_id(Address("X/p01"), at, "0" * RUN_TOKEN))


def output_lines(name: str) -> list[str]:
    """What the runner of a POSIX host is told to look for."""
    job = Job(platform="posix", steps=(), inputs=(), outputs=(name,), cores=1, time_limit=timedelta(1))
    return rundir.control_files(RunId("r"), job)[rundir.OUTPUTS].decode().splitlines()


def named_for_adoption(address: str) -> set[str]:
    return set(choosing(NamedPlans((address,)))((Address(address),)).named)


def local_worker(folder: str) -> LocalWorker:
    return LocalWorker.model_validate({"type": "local", "worker_folder": folder})


TABLE = [
    Row(1, "an archive of HEC, named by its top", lambda _: solvers_in(WantedInstall("6.6", "posix", "/opt/r"), f"{SOLVER}\t{SOLVER}\n"),
        FoundInstall("/opt/r/RAS_v66/Release")),
    Row(1, "a patch that only the programs' folder names", lambda _: solvers_in(WantedInstall("6.4.1", "posix", "/opt"), f"{PATCH}\t{PATCH}\n"),
        FoundInstall("/opt/6.4/RAS_v641/Release")),
    Row(1, "a library that is not there is named", lambda _: "libmkl_core.so.2" in str(why_no_start(LIBRARY)), True),
    Row(1, "a program that asks for its arguments began", lambda _: why_no_start("Usage: RasUnsteady plan.tmp.hdf x01"), None),
    Row(2, "what a steady plan needs", lambda _: set(STEADY), {"X.p01.tmp.hdf", "X.r01"}),
    Row(2, "one of them is not enough", lambda _: are_prepared(["X.r01"], STEADY), False),
    Row(2, "post processing is no success", lambda _: has_finished("steady", "Finished Post Processing"), False),
    Row(3, "another prepared file is told", lambda _: prepared_differences([BEFORE], [NOW]),
        (Reason(Cause.INPUT_CHANGED, "X.b01", "prepared, aaaaaaaaaaaa -> bbbbbbbbbbbb"),)),
    Row(3, "and is no part of the fingerprint", lambda _: fingerprint([BEFORE]) == fingerprint([NOW]), True),
    Row(3, "an input that was written later", lambda _: outdated_by(0, [("geometry", "X.g01", 10**12)]), "X.g01"),
    Row(4, "a prior water surface", lambda _: said("flow", "Prior WS Filename=X.p01\n"), [("plan-output", "X.p01")]),
    Row(4, "another plan's result is its own", lambda _: written_by_run("X.p02.hdf", "X", "01", "g01"), False),
    Row(4, "a hotstart without sediment", lambda _: ("plan-output", "X.p02.hdf") in said("plan", f"{PLAN}Read HDF5 Sediment Hotstart=-1\nSediment Hotstart File=X.p02.hdf\n"), False),
    Row(5, "series get their plan's name", lambda _: as_dss("X.dss"), "X.p01.dss"),
    Row(5, "other files keep theirs", lambda _: as_dss("X.O01"), "X.O01"),
    Row(6, "sediment is switched on", lambda _: "sediment" in computations(f"{PLAN}Sediment File=s01\nRun Sediment=-1\n", "X.p01"), True),
    Row(6, "and must be in the result", lambda _: lacking("sediment"),
        ["holds no output of sediment transport, which X.p01 switches on (Run Sediment)"]),
    Row(7, "the cause comes first", lambda _: cause_first(REFUSED),
        "The DSS file flow.dss could not be found, then: Error processing event conditions"),
    Row(7, "without HEC-RAS's column", lambda _: log_errors("Message  | ERROR: no gate"), ("ERROR: no gate",)),
    Row(7, "the reason stands in a file of its own", lambda _: judged(data_errors="River: A   Reach: B  needs a upstream boundary condition.\n"),
        ("permanent", "HEC-RAS refused the input, no solver began: River: A   Reach: B  needs a upstream boundary condition.")),
    Row(7, "the section of a complaint stands above it", lambda _: judged(data_errors='River: "A"   Reach: "R1"   RS:99.5  \n     - No Manning\'s n data or friction heights k set.\n'),
        ("permanent", 'HEC-RAS refused the input, no solver began: River: "A" Reach: "R1" RS:99.5: No Manning\'s n data or friction heights k set.')),
    Row(7, "what did not stop a run", lambda _: judged(f"{BEGAN}\nKilled", data_errors="A needs a boundary condition.\n"), ("retryable", "Killed")),
    Row(7, "a file that another program holds", lambda _: judged(data_errors="Unable to delete temporary results file: X.p01.tmp.hdf\n")[0], "retryable"),
    Row(7, "a crash as the solver reads the geometry", lambda _: judged(f"{BEGAN}\nforrtl: severe (157): Program Exception - access violation\nRasUnsteady.exe   READ_UN_HDF_STRUC   330   Read_UN_HDF_STRUC_GRP.for")[0], "permanent"),
    Row(7, "what Wine prints as it starts", lambda _: judged('wine: configuration in L"/root/.wine" has been updated.')[0], "worker"),
    Row(7, "a file in use", lambda _: judged("Error: The process cannot access the file 'X.p01.hdf' because it is being used by another process.")[0], "retryable"),
    Row(7, "what Ras.exe 7 prints as it starts", lambda _: judged(STARTS), ("worker", "HEC-RAS ended and wrote nothing: no messages, no result")),
    Row(1, "an assembly that is not there", lambda _: judged("Could not load file or assembly 'Geospatial.Core, Version=1.0' or one of its dependencies.")[0], "worker"),
    Row(1, "a program that Wine cannot open", lambda _: judged('wine: failed to open L"Z:\\\\opt\\\\Ras.exe": c0000135')[0], "worker"),
    Row(7, "an error between asterisks", lambda _: judged(f"{BEGAN}\nMessage  |    ****   ERROR:  Solution Solver Failed   ****"), ("permanent", "ERROR:  Solution Solver Failed")),
    Row(7, "is an error where the rest speaks of success", lambda _: log_errors("   ****   ERROR:  Solution Solver Failed   ****"), ("ERROR:  Solution Solver Failed",)),
    Row(10, "a result whose solution gave up", lambda _: log_errors("Simulation went unstable at: 01AUG2026 00:00:45\nComplete Process"), ("Simulation went unstable at: 01AUG2026 00:00:45",)),
    Row(10, "n of a section in the text of HEC-RAS 3", lambda _: [s.roughness for s in section_texts(OF_VERSION_3)], [((0, 0.06), (9, 0.04))]),
    Row(10, "a later water quality run", lambda _: later_water_quality(HdfFacts(kind="steady", messages=WATER_QUALITY)), True),
    Row(10, "one that did not end", lambda _: later_water_quality(HdfFacts(kind="steady", messages=WATER_QUALITY[:-18])), False),
    Row(10, "a complete sediment run", lambda _: has_finished("sediment", "Finished Sediment Transport Simulation"), True),
    Row(12, "every year has four digits", lambda _: run_id(windows._ANY_TIME) == run_id(datetime(2026, 12, 31, 23, tzinfo=UTC)), True),
    Row(12, "a path of 260 characters stops Ras.exe", lambda _: windows.LONGEST_PATH, 259),
    Row(8, "an output named in other case", lambda _: output_lines("x.o01"), ["x.o01", ":[xX].[oO]01"]),
    Row(8, "a plan whose folder has brackets, adopted by its name", lambda _: named_for_adoption("A [1]/X/p01"), {"A [1]/X/p01"}),
    Row(14, "a folder of the spec's worker", lambda at: LOCAL.folder(local_worker("a/./../runs"), at) == str(at / "runs"), True),
    Row(14, "a path below the spec", lambda at: seen_from(at)(f"{at}/a/../X.prj is not there"), "X.prj is not there"),
    Row(14, "one missing file of seven boundaries", lambda _: told_of(7),
        [Trouble("X.u01:1 and 6 more lines: dss flow.dss is not there", "put it there")]),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.point}-{row.what}" for row in TABLE])
def test_the_smallest_input_has_its_right_value(tmp_path: Path, row: Row) -> None:
    assert row.given(tmp_path) == row.value


def test_every_point_has_its_rows() -> None:
    points = {row.point for row in (*NAMES_AND_PROFILES, *TABLE)}
    assert points == set(POINTS)
