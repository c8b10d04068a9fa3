"""What counts as a result, and what is said of one that does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from rasreconcile.facts import DatasetFacts, HdfFacts, Identity
from rasreconcile.hecras_messages import log_errors
from rasreconcile.resolve.baselines import expectation_digest as digest
from rasreconcile.results import plan_hdf
from rasreconcile.spec import AtMost, DatasetExpectation, Expectations
from tests.told import judge

DEFAULT = Expectations()
SURFACE = DatasetFacts(shape=(2, 15), dtype="float32", finite=12, size=12, minimum=940.0, maximum=951.0)
GOOD = HdfFacts(
    kind="unsteady",
    units_system="US Customary",
    plan_filename="Muncie.p04",
    short_id="Base",
    solution="Unsteady Finished Successfully",
    messages="Simulation started at: 06Aug2025 08:40:46 AM\r\nFinished Unsteady Flow Simulation\r\n",
    processes=("Ras.exe", "Unsteady Flow Computations(64)"),
    run_window=(datetime(2025, 8, 6, 8, 40, 49), datetime(2025, 8, 6, 8, 40, 50)),  # noqa: DTZ001
    simulation_end=datetime(1900, 1, 3),  # noqa: DTZ001
    last_output=datetime(1900, 1, 3),  # noqa: DTZ001
    volume_error_percent=-0.25,
    water_surface=SURFACE,
)


# ---- real results


def test_real_complete_results_meet_the_default_expectations(complete_results: list[Path]) -> None:
    for path in complete_results:
        facts = plan_hdf.read(path, thoroughness="every dataset")
        plan = path.name.removesuffix(".hdf")
        assert judge(DEFAULT, facts, Identity(plan_filename=plan, short_id=facts.short_id)) == ()


def test_a_real_result_meets_what_a_spec_may_ask_of_it(steady_result: Path) -> None:
    place = "/Results/Steady/Output/Output Blocks/Base Output/Steady Profiles/Cross Sections/Flow"
    expect = Expectations(
        units="english",
        profiles=21,
        water_surface=DatasetExpectation(finite=True, between=(179.0, 207.0), shape=(21, 5)),
        datasets={place: DatasetExpectation(finite=True, between=(0.0, 1e6))},
    )
    assert judge(expect, plan_hdf.read(steady_result, datasets=tuple(expect.datasets))) == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Denton.hdf", "holds no results"),
        ("ElkMiddle.gridded-precip.p01.hdf", "holds no results"),
        ("LowerKanawha.p01.bclines.hdf", "nothing says that the computation finished"),
    ],
)
def test_real_extracts_are_incomplete(hecras_data: Path, name: str, reason: str) -> None:
    shortfalls = judge(DEFAULT, plan_hdf.read(hecras_data / "results-only" / name))
    assert any(reason in line for line in shortfalls)


def test_a_real_geometry_hdf_is_no_result(hecras_data: Path) -> None:
    facts = plan_hdf.read(hecras_data / "14320639-steady" / "14320639.g01.hdf")
    assert judge(DEFAULT, facts) == (
        "holds no results: the computation did not begin, or this is an extract",
    )


def test_a_real_log_of_a_good_run_holds_no_errors(hecras_data: Path) -> None:
    text = (hecras_data / "muncie2d-unsteady" / "Muncie2D.p01.computeMsgs.txt").read_text(encoding="latin-1")
    assert "Finished Unsteady Flow Simulation" in text
    assert log_errors(text) == ()


# ---- the trap: a rerun that failed, in the old file


def test_a_failed_rerun_in_a_real_good_file_is_no_result(
    steady_result: Path, tmp_path: Path, fail_again: Callable[[Path], None]
) -> None:
    path = Path(shutil.copy(steady_result, tmp_path / "14320639.p02.hdf"))
    path.chmod(0o644)
    assert judge(DEFAULT, plan_hdf.read(path)) == ()
    fail_again(path)
    facts = plan_hdf.read(path, thoroughness="every dataset")
    assert facts.solution == "Steady Finished Successfully"
    assert facts.unreadable == ()
    said = "\n".join(judge(DEFAULT, facts))
    assert "ERROR: Unable to compute face tables" in said
    assert "Geometry Writer Failed" in said
    assert "do not say 'Finished Steady Flow Simulation'" in said
    assert "messages are of a run that started 2026-02-18 15:15:16" in said
    assert "no solver" in said


def test_a_failed_rerun_in_an_unsteady_file_is_no_result(
    unsteady_result: Path, fail_again: Callable[[Path], None]
) -> None:
    assert (
        judge(DEFAULT, plan_hdf.read(unsteady_result), Identity(plan_filename="Muncie.p04", short_id="Base"))
        == ()
    )
    fail_again(unsteady_result)
    assert len(judge(DEFAULT, plan_hdf.read(unsteady_result))) == 6


@pytest.mark.parametrize(
    ("messages", "processes"),
    [
        (
            "Simulation started at: 06Aug2025 08:40:46 AM\nWriting Geometry...\nComplete Process\t 4\n",
            ["Ras.exe", "Unsteady Flow Computations"],
        ),
        (
            "Simulation started at: 18Feb2026 03:15:16 PM\nFinished Unsteady Flow Simulation\n",
            ["Ras.exe", "Unsteady Flow Computations"],
        ),
        ("Simulation started at: 06Aug2025 08:40:46 AM\nFinished Unsteady Flow Simulation\n", ["Ras.exe"]),
        (
            "Simulation started at: 06Aug2025 08:40:46 AM\nFinished Unsteady Flow Simulation\nError Processing Geometry\n",
            ["Ras.exe", "Unsteady Flow Computations"],
        ),
    ],
    ids=["no finished line", "another run's start", "no solver", "an error line"],
)
def test_each_sign_of_the_trap_is_enough(
    unsteady_result: Path,
    say: Callable[[Path, str, list[str]], None],
    messages: str,
    processes: list[str],
) -> None:
    say(unsteady_result, messages, processes)
    assert len(judge(DEFAULT, plan_hdf.read(unsteady_result))) == 1


# ---- incomplete computations


def test_a_solver_killed_in_the_middle_left_no_result(unsteady_result: Path) -> None:
    with h5py.File(unsteady_result, "r+") as file:
        del file["Results/Summary"]
        del file["Results/Unsteady/Summary"]
        stamps = file["Results/Unsteady/Output/Output Blocks/Base Output/Unsteady Time Series"]
        del stamps["Time Date Stamp"]
        stamps["Time Date Stamp"] = np.array([b"02JAN1900 00:00:00", b"02JAN1900 12:00:00"])
    assert judge(DEFAULT, plan_hdf.read(unsteady_result)) == (
        "has neither a solution record nor compute messages: nothing says that the computation finished",
        "its output ends at 1900-01-02 12:00:00, the simulation was to end at 1900-01-03 00:00:00",
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": None}, "holds no results"),
        ({"solution": "Unsteady failed to run"}, "its solution is 'Unsteady failed to run'"),
        ({"unstable_at": "02JAN1900 03:10:00"}, "went unstable at 02JAN1900 03:10:00"),
        ({"processes": ("Ras.exe", "Steady Flow Computations")}, "no solver"),
        ({"water_surface": None, "last_output": None}, "holds no water surfaces"),
        (
            {"water_surface": replace(SURFACE, finite=0, minimum=None, maximum=None)},
            "none of its 12 water surfaces is finite",
        ),
        ({"water_surface": replace(SURFACE, minimum=-9999.0, maximum=-9999.0)}, "stands for no data"),
        ({"last_output": datetime(1900, 1, 2)}, "its output ends at 1900-01-02"),  # noqa: DTZ001
        ({"messages": "Finished Steady Flow Simulation"}, "do not say 'Finished Unsteady Flow Simulation'"),
        ({"unreadable": ("/Results/x: bad\x1b[31m\nheap",)}, "cannot be read: /Results/x: bad [31m heap"),
    ],
)
def test_each_sign_of_an_incomplete_computation_is_told(changed: dict[str, object], said: str) -> None:
    assert judge(DEFAULT, GOOD) == ()
    shortfalls = judge(DEFAULT, replace(GOOD, **changed))  # type: ignore[arg-type]
    assert len(shortfalls) == 1
    assert said in shortfalls[0]


def test_an_unsteady_solver_is_no_solver_of_a_steady_plan() -> None:
    steady = replace(
        GOOD,
        kind="steady",
        messages=None,
        last_output=None,
        profiles=("PF 1", "PF 2"),
        solution="Steady Finished Successfully",
    )
    assert "no solver" in judge(DEFAULT, steady)[0]


def test_a_steady_result_holds_every_profile_at_every_section() -> None:
    steady = HdfFacts(
        kind="steady",
        solution="Steady Finished Successfully",
        profiles=("PF 1", "PF 2", "PF 3"),
        water_surface=replace(SURFACE, shape=(2, 6), size=12, finite=11),
    )
    assert judge(DEFAULT, steady) == (
        "names 3 profiles and holds water surfaces of 2",
        "1 of 12 water surfaces is not finite",
    )


def test_linux_solvers_leave_no_messages_and_their_solution_is_evidence_enough() -> None:
    assert judge(DEFAULT, replace(GOOD, messages=None, processes=None)) == ()


def test_one_dimensional_models_may_hold_no_maxima_where_their_series_reaches_the_end() -> None:
    assert judge(DEFAULT, replace(GOOD, water_surface=None)) == ()


def test_sediment_results_have_no_solution_record_and_say_it_in_the_messages() -> None:
    facts = HdfFacts(kind="sediment", messages="Finished Sediment Transport Simulation")
    assert judge(DEFAULT, facts) == ()
    assert len(judge(DEFAULT, replace(facts, messages="Computing..."))) == 1


# ---- whose result it is


def test_a_result_of_another_plan_is_told() -> None:
    assert judge(DEFAULT, GOOD, Identity(plan_filename="Muncie.p05")) == (
        "says it is the result of Muncie.p04, not of Muncie.p05",
    )
    assert judge(DEFAULT, GOOD, Identity(plan_filename="Muncie.p04", short_id="Dam break")) == (
        "says its plan's short identifier is 'Base', not 'Dam break'",
    )
    assert judge(Expectations(completed=False), GOOD, Identity(plan_filename="Muncie.p05")) != ()


def test_a_plan_is_itself_in_every_spelling_hec_ras_uses() -> None:
    for name in ("x:/models/Muncie.p04", "X:\\models\\muncie.P04", "Muncie.p04"):
        assert judge(DEFAULT, replace(GOOD, plan_filename=name), Identity(plan_filename="Muncie.p04")) == ()
    assert judge(DEFAULT, GOOD, Identity(plan_filename="Muncie.p04", short_id="Base            ")) == ()
    assert (
        judge(
            DEFAULT,
            replace(GOOD, plan_filename=None, short_id=None),
            Identity(plan_filename="a.p01", short_id="b"),
        )
        == ()
    )


# ---- what a spec may ask beside


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        (Expectations(units="si"), "its units are US Customary, SI Units are expected"),
        (Expectations(profiles=2), "has 0 steady profiles, 2 are expected"),
        (
            Expectations(volume_error_percent=AtMost(at_most=0.1)),
            "volume accounting error is -0.25 %, at most 0.1 % is expected",
        ),
        (
            Expectations(water_surface=DatasetExpectation(shape=(2, 14))),
            "water surface: has shape [2, 15], [2, 14] is expected",
        ),
        (
            Expectations(water_surface=DatasetExpectation(between=(941.0, 960.0))),
            "water surface: lowest value is 940, at least 941 is expected",
        ),
        (
            Expectations(water_surface=DatasetExpectation(between=(900.0, 950.5))),
            "water surface: highest value is 951, at most 950.5 is expected",
        ),
        (Expectations(datasets={"/a/b": DatasetExpectation()}), "/a/b: does not exist, or holds no numbers"),
    ],
)
def test_a_shortfall_says_what_was_found_and_what_was_wanted(expect: Expectations, said: str) -> None:
    assert judge(expect, GOOD) == (said,)


def test_values_that_are_not_finite_are_counted() -> None:
    empty = replace(SURFACE, finite=0, minimum=None, maximum=None)
    expect = Expectations(datasets={"/a": DatasetExpectation(finite=True, between=(0.0, 1.0))})
    assert judge(expect, replace(GOOD, datasets={"/a": empty})) == (
        "/a: 12 of 12 values are not finite",
        "/a: holds no finite value, 0 to 1 are expected",
    )


def test_a_bound_that_is_no_number_is_never_met() -> None:
    nan = float("nan")
    expect = Expectations(water_surface=DatasetExpectation(between=(nan, nan)))
    assert len(judge(expect, GOOD)) == 2


def test_a_missing_volume_error_does_not_meet_a_bound() -> None:
    expect = Expectations(volume_error_percent=AtMost(at_most=2.0))
    assert judge(expect, replace(GOOD, volume_error_percent=None)) == (
        "gives no volume accounting error, at most 2 % is expected",
    )


def test_results_that_are_not_of_hec_ras_are_judged_by_what_the_spec_names() -> None:
    nothing = HdfFacts(kind=None)
    assert judge(Expectations(completed=False), nothing) == ()
    assert judge(Expectations(completed=False, profiles=1), nothing) != ()


# ---- logs and digests


def test_lines_that_tell_of_a_failure_are_found_and_noise_is_not() -> None:
    text = "\r\n".join(
        [
            "Message  | ERROR: Unable to compute face tables.",
            "Unsteady flow encountered an error.",
            "forrtl: severe (159): Program requires",
            "Error with program: RasUnsteady.exe  Process Count = 3  Exit Code = 159",
            "Program execution halted",
            "HDF_ERROR trying to open file",
            "The computations were stopped by the user",
            "Overall Volume Accounting Error in Acre Feet:  0.1",
            "'wmic' is not recognized as an internal or external command",
            "Gravity Value: ERROR: 9.9 above default range",
            "HDF5-DIAG: Error detected in HDF5 fatal error",
            "RAS Mapper error layer written",
            "  Maximum iteration location  failed to converge  ERROR",
        ]
    )
    assert len(log_errors(text)) == 7


def test_the_digest_tells_expectations_apart_and_writes_defaults_out() -> None:
    assert digest(Expectations()) == digest(Expectations(completed=True, datasets={}))
    assert digest(Expectations()) != digest(Expectations(completed=False))
    a, b = DatasetExpectation(finite=True), DatasetExpectation(between=(0, 1))
    assert digest(Expectations(datasets={"/a": a, "/b": b})) == digest(
        Expectations(datasets={"/b": b, "/a": a})
    )
    assert len(digest(Expectations())) == 64
