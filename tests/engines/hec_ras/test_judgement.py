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
    crashed = evidence("Message  | Unsteady flow encountered an error.\n", hdf=None)
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
