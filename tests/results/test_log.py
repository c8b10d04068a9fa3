"""What the growing messages of a run say: on a real log cut everywhere, on both forms, and on rubbish."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.facts import LargestError, LogFacts
from rasreconcile.results.log import (
    LONGEST_LINE,
    Reading,
    done,
    resumed,
    simulation_window,
)

TWO_HOURS = (datetime.fromisoformat("1900-01-01T00:00"), datetime.fromisoformat("1900-01-01T02:00"))


@pytest.fixture(scope="module")
def real(hecras_data: Path) -> bytes:
    return (hecras_data / "muncie2d-unsteady" / "Muncie2D.p01.computeMsgs.txt").read_bytes()


def said(text: str) -> LogFacts:
    return Reading().fed(text.encode()).facts


def test_the_real_log_of_a_good_run(real, hecras_data) -> None:
    facts = Reading().fed(real).facts
    assert facts == LogFacts(
        process="RasUnsteady",
        fraction=1.0,
        simulated=TWO_HOURS[1],
        share=1.0,
        troubles=377,
        worst=LargestError("01JAN1900 01:01:00", "Muncie_Geom Cell # 12674", 1.3, 21),
        volume_error_percent=0.000321,
        finished=True,
    )
    plan = (hecras_data / "muncie2d-unsteady" / "Muncie2D.p01").read_text()
    assert done(facts, simulation_window(plan)) == 1.0


def test_the_real_log_byte_by_byte_never_goes_back_and_ends_the_same(real) -> None:
    reading = Reading()
    before = (0.0, TWO_HOURS[0], 0)
    for n in range(len(real)):
        reading = reading.fed(real[n : n + 1])
        facts = reading.facts
        now = (done(facts, TWO_HOURS) or 0.0, facts.simulated or TWO_HOURS[0], facts.troubles)
        assert now[0] >= before[0] and now[1] >= before[1] and now[2] >= before[2], real[:n][-200:]
        assert now[0] <= 1.0
        assert not facts.unstable
        assert not facts.first_error
        before = now
    assert reading == Reading().fed(real)


def test_the_real_log_cut_anywhere_and_taken_up_from_what_was_kept_says_the_same(real) -> None:
    whole = Reading().fed(real)
    for cut in range(0, len(real), 331):
        first = Reading().fed(real[:cut])
        assert resumed(first.facts, first.kept()).fed(real[cut:]) == whole


def test_half_way_the_share_is_that_of_the_simulated_time_and_not_of_the_stages_before(real) -> None:
    starting = Reading().fed(real[: real.index(b"Maximum iteration")]).facts
    assert (starting.process, starting.fraction) == ("RasUnsteady", 0.7333333)
    assert done(starting, TWO_HOURS) is None
    half = Reading().fed(real[: real.index(b"01JAN1900 01:00")]).facts
    assert done(half, TWO_HOURS) == pytest.approx(0.5, abs=0.02)
    assert done(half, None) == pytest.approx(0.5, abs=0.05), "the solver's own count does without the plan"


def test_what_the_linux_solvers_print_says_the_same_as_the_file(real) -> None:
    printed = real.replace(b"Message  | ", b"").replace(b"\r\n", b"\n")
    assert Reading().fed(printed).facts == Reading().fed(real).facts


def test_a_run_that_never_runs_out_of_iterations_is_known_by_the_solvers_count() -> None:
    facts = said(
        "Message  | PROCESS:RasUnsteady\nProgress | 0.7\nMessage  | Unsteady Input Summary:\nProgress | 0.6\n"
        "Progress | 0.0014\nProgress | 0.25\n"
    )
    assert (facts.simulated, facts.troubles) == (None, 0)
    assert facts.share == 0.25


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (
            "Message  | The solution went unstable at 01JAN1900 00:30:00\n",
            "went unstable at 01JAN1900 00:30:00",
        ),
        (
            "01JAN1900 00:30:00  Muncie_Geom\tCell #\t 17\t NaN\t 0.1\t20\n",
            "Muncie_Geom Cell # 17 NaN 0.1 20",
        ),
        ("01JAN1900 00:30:00  Muncie_Geom\tCell #\t 17\t 944.0\t ******\t20\n", "Cell # 17 944.0 ****** 20"),
    ],
)
def test_signs_of_a_solution_gone_unstable_are_quoted(line, what) -> None:
    assert what in said(line).unstable


def test_ordinary_lines_are_no_sign_of_instability_or_failure() -> None:
    facts = said(
        "Performing Unsteady Flow Simulation\n'wmic' is not recognized as an internal command, operable program\n"
        "Overall Volume Accounting Error in Acre Feet:  0.1\nMaximum iteration location  Cell  WSEL ERROR ITERATIONS\n"
    )
    assert (facts.unstable, facts.first_error) == ("", "")


def test_the_first_line_that_tells_of_a_failure_is_kept() -> None:
    facts = said("Message  | ERROR: Unable to compute face tables.\r\nMessage  | Geometry Writer Failed\r\n")
    assert facts.first_error == "ERROR: Unable to compute face tables."


def test_the_worst_step_is_the_one_with_the_largest_error_of_either_sign_and_none_is_worse_than_no_number() -> (
    None
):
    lines = "01JAN1900 00:00:10  A Cell # 1 1.0 0.2 20\n01JAN1900 00:00:20  B Cell # 2 1.0 -3.5 20\n"
    assert said(lines).worst == LargestError("01JAN1900 00:00:20", "B Cell # 2", -3.5, 20)
    more = lines + "01JAN1900 00:00:30  C Cell # 3 1.0 NaN 20\n01JAN1900 00:00:40  D Cell # 4 1.0 9.0 20\n"
    assert said(more).worst == LargestError("01JAN1900 00:00:30", "C Cell # 3", None, 20)


def test_a_line_without_end_is_held_only_as_far_as_it_is_looked_at() -> None:
    reading = Reading()
    for _ in range(100):
        reading = reading.fed(b"x" * 10_000)
    assert len(reading.rest) == LONGEST_LINE
    assert reading.offset == 1_000_000
    assert reading.fed(b"\nProgress | 0.5\n").facts.fraction == 0.5


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("Simulation Date=01JAN1900,0000,01JAN1900,0200", TWO_HOURS),
        ("Simulation Date=31DEC1899,2400,01JAN1900,02:00", TWO_HOURS),
        ("Simulation Date=,,,", None),
        ("Simulation Date=01/01/1900,0000,01/01/1900,0200", TWO_HOURS),
        ("Simulation Date=01JAN1900,0200,01JAN1900,0200", None),
        ("Plan Title=x", None),
    ],
)
def test_the_window_of_a_simulation_is_read_from_the_plan(text, window) -> None:
    assert simulation_window(text) == window


WORDS = st.sampled_from(
    ["Message  | ", "Progress | ", "PROCESS:RasProcess", "1e999", "-5", "0.5", "NaN", "01JAN1900 00:00:10",
     "99XYZ0000 99:99", "31DEC9999 24:00:00", "\t", "\r", "\n", "²", "*****", "Cell #", "Finished Unsteady Flow Simulation"]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(WORDS.map(str.encode), st.binary(max_size=8)), max_size=40))
def test_rubbish_never_raises_and_never_counts_beyond_the_whole(parts) -> None:
    reading = Reading()
    for part in parts:
        reading = reading.fed(part)
        share = done(reading.facts, TWO_HOURS)
        assert share is None or 0.0 <= share <= 1.0
    assert resumed(reading.facts, reading.kept()) == reading
