"""What the end of a HEC-RAS run means: every sign alone, what is no sign, and which of several explains the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rasreconcile.engines.hec_ras.judgement import judge
from rasreconcile.facts import HdfFacts
from rasreconcile.failures import Failure
from rasreconcile.jobs import Ended, RunEvidence

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FINISHED = "Message  | Finished Unsteady Flow Simulation\n"
GOOD_HDF = HdfFacts(
    kind="unsteady", file_version="HEC-RAS 6.6 September 2024", solution="Unsteady Finished Successfully"
)


def evidence(
    messages: str = FINISHED, *, code: int = 0, cause="exited", hdf=GOOD_HDF, log: str = ""
) -> RunEvidence:
    ended = Ended(exit_code=code, started=NOW, ended=NOW, outputs={}, cause=cause)
    return RunEvidence(ended=ended, log=log, messages=messages, hdf=hdf)


def test_a_good_run_is_good_whatever_its_exit_code() -> None:
    assert judge(evidence(), "6.6") is None
    assert judge(evidence(code=1), "6.6") is None


@pytest.mark.parametrize(
    "noise",
    [
        "Overall Volume Accounting Error as percentage:   0.000321",
        "'wmic' is not recognized as an internal or external command",
        "Gravity Value: 32.2 above default range",
        "HDF5-DIAG: Error detected in HDF5",
        "Maximum iteration location   WSEL ERROR   0.02",
        "Progress | 0.0803",
    ],
)
def test_noise_of_good_runs_is_no_sign(noise: str) -> None:
    assert judge(evidence(f"Message  | {noise}\n{FINISHED}", log=noise), "6.6") is None


@pytest.mark.parametrize(
    ("line", "kind", "cause"),
    [
        ("ERROR: Unable to compute face tables. The terrain ...", "permanent", "geometry error"),
        ("Geometry Writer Failed", "permanent", "geometry error"),
        (" - There are no flow values in the steady flow data.", "permanent", "input refused"),
        ("There are no rivers in the geometry data.", "permanent", "input refused"),
        ("The Restart file is not from HEC-RAS 7.0.1 June 2026", "permanent", "restart of another version"),
        ("HDF_ERROR trying to open HDF output file", "permanent", "refused by HEC-RAS"),
        ("forrtl: severe (29): file not found, unit 3", "permanent", "file not found by HEC-RAS"),
        ("forrtl: severe (159)", "retryable", "solver crashed"),
        ("Unsteady flow encountered an error.", "retryable", "solver crashed"),
        (
            "Error with program: RasUnsteady.exe  Process Count = 3  Exit Code = 159",
            "retryable",
            "solver crashed",
        ),
        ("The computations did not complete", "retryable", "computation failed"),
        ("RasUnsteady: error while loading shared libraries: libiomp5.so: ...", "worker", "missing library"),
        (
            "Error loading shared library libiomp5.so: No such file (needed by RasUnsteady)",
            "worker",
            "missing library",
        ),
        ("INTEL MKL FATAL ERROR: Cannot load libmkl_avx2.so or libmkl_def.so.", "worker", "missing library"),
        (
            "/lib64/libc.so.6: version `GLIBC_2.28' not found (required by RasUnsteady)",
            "worker",
            "missing library",
        ),
        ("RasUnsteady: symbol lookup error: RasUnsteady: undefined symbol: x", "worker", "missing library"),
        (
            "rasreconcile-solvers.sh: 66: exec: /opt/x/RasUnsteady: Permission denied",
            "worker",
            "program missing",
        ),
        (
            "rasreconcile-solvers.sh: line 66: /opt/x/RasSteady: No such file or directory",
            "worker",
            "program missing",
        ),
        ("File: Brook.r01 Not Found", "permanent", "file not found by HEC-RAS"),
    ],
)
def test_each_sign_of_failure_has_its_class_and_a_remedy_also_beside_a_successful_hdf(
    line, kind, cause
) -> None:
    for messages, log in ((f"Message  | {line}\n{FINISHED}", ""), (FINISHED, line)):
        failure = judge(evidence(messages, log=log), "6.6")
        assert failure is not None and (failure.kind, failure.cause) == (kind, cause)
        assert line.strip(" -") in failure.trouble.what and failure.trouble.remedy


def test_steady_words_in_three_lines_are_one_and_post_processing_is_no_result() -> None:
    failure = judge(evidence("", log="File:\nBrook.p01.tmp.hdf\nNot Found\n", hdf=None), "6.6")
    assert failure is not None and failure.trouble.what == "File: Brook.p01.tmp.hdf Not Found"
    for hdf in (None, replace(GOOD_HDF, kind=None), replace(GOOD_HDF, kind="steady")):
        failure = judge(evidence("", log="Finished Post Processing", hdf=hdf), "6.6")
        assert failure is not None and (failure.kind, failure.cause) == ("permanent", "nothing computed")
    assert judge(evidence(f"{FINISHED}Finished Post Processing\n"), "6.6") is None


def test_a_beta_is_another_version_than_its_release() -> None:
    beta = replace(GOOD_HDF, file_version="HEC-RAS 6.7 Beta 5 October 2025")
    assert judge(evidence(hdf=beta), "6.7 Beta 5") is None
    for version in ("6.7", "6.7 Beta 4"):
        failure = judge(evidence(hdf=beta), version)
        assert failure is not None and failure.cause == "wrong version"


def test_the_great_trap_is_seen_in_the_messages_inside_the_old_result() -> None:
    spoiled = replace(GOOD_HDF, messages="ERROR: Unable to compute face tables.\nComplete Process\t4")
    failure = judge(evidence("", hdf=spoiled), "6.6")
    assert failure is not None and failure.cause == "geometry error"


@pytest.mark.parametrize(
    ("hdf", "kind", "cause"),
    [
        (None, "retryable", "no result"),
        (replace(GOOD_HDF, kind=None), "retryable", "no results"),
        (replace(GOOD_HDF, file_version="HEC-RAS 6.4.1 June 2023"), "worker", "wrong version"),
        (replace(GOOD_HDF, solution="Unsteady failed to run"), "retryable", "did not finish"),
        (replace(GOOD_HDF, unstable_at="01JAN1900 00:45:00"), "permanent", "unstable"),
        (replace(GOOD_HDF, kind="steady"), "retryable", "did not finish"),
    ],
)
def test_the_hdf_has_a_word_of_its_own(hdf, kind: str, cause: str) -> None:
    failure = judge(evidence(hdf=hdf), "6.6")
    assert failure is not None and (failure.kind, failure.cause) == (kind, cause)


def test_no_word_and_no_file_is_the_workers_fault_however_it_ended() -> None:
    for cause in ("exited", "time limit"):
        failure = judge(evidence("", cause=cause, hdf=None), "6.6")
        assert failure is not None and (failure.kind, failure.cause) == ("worker", "no sign of life")
        assert "desktop session" in failure.trouble.remedy
    assert judge(evidence("Message  | Writing Geometry...", cause="time limit", hdf=None), "6.6") is None


def test_complete_process_without_the_finished_line_is_no_success() -> None:
    failure = judge(evidence("Message  | Complete Process\t   4\n"), "6.6")
    assert failure is not None and failure.cause == "did not finish"


def failure_of(left: RunEvidence) -> Failure:
    found = judge(left, "6.6")
    assert found is not None
    return found


def test_the_solvers_own_log_gives_the_reason_that_the_messages_do_not() -> None:
    crashed = evidence("PROCESS:RasUnsteady\nMessage  | Unsteady flow encountered an error.\n", hdf=None)
    assert failure_of(crashed).cause == "solver crashed"
    table = "        Error   Percent Error\n      0.01870        0.000321\n"
    told = failure_of(replace(crashed, solver_log=f"{table} ERROR - Could not open restart file X.rst\n"))
    assert told.cause == "solver crashed"
    assert told.trouble.what.startswith(
        "ERROR - Could not open restart file X.rst (in its solver's log, .bco); Unsteady"
    )
    assert judge(replace(crashed, solver_log=table), "6.6") == judge(crashed, "6.6")
    known = failure_of(replace(crashed, solver_log="The Restart file is not from HEC-RAS 6.6\n"))
    assert (known.kind, known.cause) == ("permanent", "restart of another version")


def test_the_solvers_own_log_proves_no_failure() -> None:
    noise = "ERROR: minimum error exceeded, went unstable, failed to converge\n"
    assert judge(replace(evidence(), solver_log=noise), "6.6") is None


def test_a_run_that_wrote_its_solvers_log_was_no_run_without_a_sign_of_life() -> None:
    silent = evidence("", hdf=None)
    assert failure_of(silent).cause == "no sign of life"
    told = failure_of(replace(silent, solver_log=" Performing the simulation\n"))
    assert (told.kind, told.cause) == ("retryable", "no result")
    assert "only its solver's log (.bco): Performing the simulation" in told.trouble.what


# ---- refusals: HEC-RAS says something, and no solver ever begins

PREPARING = """\
Message  | Plan: 'Base' (Muncie.p04)
Message  | Simulation started at: 13Mar2026 09:38:46 AM
Message  | PROCESS:RasProcess
Message  | Writing Geometry...
Progress | 100
Message  | Completed Writing Geometry
Message  | Writing Event Conditions ...
"""
SUMMARY = "Message  | Computations Summary\nMessage  | Complete Process\t   4\n"
NO_SOLVER = replace(GOOD_HDF, kind=None, solution=None, processes=("Ras.exe", "Completing Geometry"))


@pytest.mark.parametrize("hdf", [None, NO_SOLVER])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Error processing event conditions", "Error processing event conditions"),
        (
            "The DSS record //A/FLOW/ could not be found\nError processing event conditions",
            "The DSS record //A/FLOW/ could not be found, then: Error processing event conditions",
        ),
        ("Storage area Low has no elevation volume data", "Storage area Low has no elevation volume data"),
        ("Come back tomorrow", "its last message: Come back tomorrow"),
    ],
)
def test_words_without_a_solver_are_a_refusal_whatever_they_are(said: str, told: str, hdf) -> None:
    lines = "".join(f"Message  | {line}\n" for line in said.splitlines())
    for messages in (PREPARING + lines + SUMMARY, lines):
        failure = judge(evidence(messages, hdf=hdf), "6.6")
        assert failure is not None and (failure.kind, failure.cause) == ("permanent", "input refused")
        assert failure.trouble.what == f"HEC-RAS refused the input, no solver began: {told}"
        assert failure.trouble.remedy and "Message" not in str(failure.trouble)


def test_an_hdf_without_messages_and_without_a_solver_is_a_refusal_too() -> None:
    failure = judge(evidence("", hdf=replace(NO_SOLVER, messages="Geometry is empty")), "6.6")
    assert failure is not None and (failure.kind, failure.cause) == ("permanent", "input refused")


@pytest.mark.parametrize(
    "begins",
    [
        "PROCESS:RasUnsteady",
        "PROCESS:RasQuasiSediment",
        "Performing Unsteady Flow Simulation  HEC-RAS 6.6 September 2024",
        "Steady Flow Simulation HEC-RAS 6.3.1 October 2022",
        "01JAN1900 00:00:10  Muncie_Geom\tCell #\t 17768\t 944.00\t 1.267\t20",
    ],
)
def test_a_solver_that_began_and_gave_up_is_no_refusal(begins: str) -> None:
    for last in ("Error Processing the output", "Program execution halted", "nothing of note"):
        failure = judge(
            evidence(f"{PREPARING}Message  | {begins}\nMessage  | {last}\n", hdf=NO_SOLVER), "6.6"
        )
        assert failure is not None and failure.kind == "retryable", failure


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"cause": "time limit"}, None),
        ({"cause": "out of memory"}, None),
        ({"cause": "stalled"}, None),
        ({"code": 137}, "retryable"),
        ({"code": -1073741819}, "retryable"),
        ({"code": 3221225477}, "retryable"),
        ({"code": 1}, "retryable"),
        ({"log": "rasreconcile: Ras.exe hangs: it has written nothing for 1800 s"}, "worker"),
        ({"log": "RasGeomPreprocess: error while loading shared libraries: libiomp5.so: ..."}, "worker"),
        (
            {"log": "Error with program: RasGeomPreprocess.exe  Process Count = 1  Exit Code = 157"},
            "retryable",
        ),
        ({"log": "Segmentation fault (core dumped)"}, "retryable"),
        ({"log": "forrtl: severe (174): SIGSEGV, segmentation fault occurred"}, "retryable"),
    ],
)
def test_what_was_ended_from_outside_or_crashed_before_its_solver_is_no_refusal(changed, kind) -> None:
    failure = judge(evidence(PREPARING, hdf=None, **changed), "6.6")
    assert (failure.kind if failure else None) == kind


def test_an_error_line_makes_a_refusal_of_a_small_exit_code_too() -> None:
    failure = judge(evidence(f"{PREPARING}Error processing event conditions", code=1, hdf=None), "6.6")
    assert failure is not None and failure.cause == "input refused"


def test_another_version_is_the_workers_fault_before_it_is_a_refusal() -> None:
    other = replace(NO_SOLVER, file_version="HEC-RAS 6.4.1 June 2023")
    failure = judge(evidence(f"{PREPARING}Error processing event conditions", hdf=other), "6.6")
    assert failure is not None and (failure.kind, failure.cause) == ("worker", "wrong version")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            ["HDF5-DIAG: Error detected in HDF5 (1.10.6) thread 3:", "  #000: H5D.c line 451", "Error computing Structures connectivity", "Geometry Writer Failed", "Error Processing Geometry"],
            "Error computing Structures connectivity, then: Geometry Writer Failed",
        ),
        (["ERROR: Unable to compute face tables.", "Geometry Writer Failed"], "ERROR: Unable to compute face tables."),
        (
            ["PROCESS:RasUnsteady", "2D number of Solver Cores: 4", "Gate 3 is not connected", "Program execution halted"],
            "Gate 3 is not connected, then: Program execution halted",
        ),
        (["PROCESS:RasUnsteady", "2D number of Solver Cores: 4", "Program execution halted"], "Program execution halted"),
        (["PROCESS:RasUnsteady", "The computations did not complete"], "The computations did not complete"),
    ],
)  # fmt: skip
def test_the_cause_comes_first_and_the_column_of_the_messages_file_never(lines, told) -> None:
    failure = judge(evidence("".join(f"Message  | {line}\n" for line in lines), hdf=None), "6.6")
    assert failure is not None and failure.trouble.what == told


def test_a_line_of_noise_alone_is_no_sign_of_life() -> None:
    noise = "'wmic' is not recognized as an internal or external command"
    failure = judge(evidence("", log=noise, hdf=None), "6.6")
    assert failure is not None and failure.cause == "no sign of life"
