"""Progress on a terminal: what it says, how long it is, and how wide."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from rasreconcile.facts import LogFacts
from rasreconcile.plans import Address
from rasreconcile.reconcile.durations import Estimate
from rasreconcile.records import Event
from rasreconcile.report.live import Lines
from rasreconcile.report.progress import ASCII, LETTERS, Line, drawn
from tests.report.test_live import LEFT, MINUTE, Moment, going

SIMULATED = datetime.fromisoformat("1900-01-01T00:44:20")
FAILURE = "12:00:00 CEST failed Muncie/p07  ERROR: the solution went unstable; shorten the interval"


def text(lines: list[Line]) -> list[str]:
    return ["".join(part for part, _ in line).rstrip() for line in lines]


def one_run(*, width: int = 120, **about) -> str:
    return text(drawn(Moment([going(**about)], workers={}), "", width))[2]


def test_the_first_lines_tell_how_much_is_done_and_how_long_it_takes() -> None:
    assert text(drawn(Moment([], remaining=LEFT, workers={}), "", 100)) == [
        "3 of 40 plans current (7 %); 28 queued, 9 running",
        "  ━───────────────  12 min 00 s so far, about 31 min left (24 min to 1 h 20 min)",
    ]
    whole = Moment([], syncs={"current": 40}, phases={}, workers={})
    assert text(drawn(whole, "", 100)) == [
        "40 of 40 plans current (100 %); nothing in progress",
        "  ━━━━━━━━━━━━━━━━  12 min 00 s so far",
    ]


def test_a_run_that_says_how_far_it_is_has_a_bar_and_its_own_pace() -> None:
    said = LogFacts(process="RasUnsteady", fraction=0.37, simulated=SIMULATED, troubles=212)
    assert one_run(said=said, done=0.25, minutes=60) == (
        "  Muncie/p04  desk  ━━╸───────   25 %  3 min 00 s  about 9 min 00 s left; RasUnsteady 37 %;"
        " 01JAN1900 00:44:20; 21…"
    )
    assert one_run(said=LogFacts(process="RASGeomPreprocess", fraction=0.3)) == (
        "  Muncie/p04  desk  3 min 00 s  RASGeomPreprocess 30 %"
    )
    assert one_run(said=LogFacts(), done=1.0) == "  Muncie/p04  desk  ━━━━━━━━━━  100 %  3 min 00 s  computed"
    assert one_run(minutes=5) == "  Muncie/p04  desk  3 min 00 s  of about 5 min 00 s"
    assert one_run(said=LogFacts()) == "  Muncie/p04  desk  3 min 00 s"


def test_an_alarm_comes_before_everything_else_once_and_in_red() -> None:
    run = going(LogFacts(unstable="it went unstable", process="RasUnsteady"), 0.5)
    line = drawn(Moment([run], workers={}), "", 120)[2]
    assert text([line])[0].endswith("3 min 00 s  it went unstable; about 3 min 00 s left; RasUnsteady")
    assert {style for part, style in line if "unstable" in part or "Muncie" in part} == {"red"}


def test_columns_stand_below_each_other() -> None:
    runs = [
        going(LogFacts(process="RasUnsteady"), 0.5, plan="Muncie/p04"),
        going(minutes=5, plan="Muncie-of-2080/p11", worker="night"),
    ]
    first, second = text(drawn(Moment(runs, workers={}), "", 100))[2:]
    assert first.index("desk") == second.index("night")
    assert first.index("3 min 00 s") == second.index("3 min 00 s")
    many = Moment([], workers={"desk": (2, 2), "lab-of-the-office": (1, 4), "c": (0, 8), "d": (1, 8)})
    assert text(drawn(many, "", 100))[2:] == [
        "  desk               2 of 2 slots",
        "  lab-of-the-office  1 of 4 slots",
        "  and 2 more workers  1 of 16 slots",
    ]


def test_of_a_long_address_the_end_stays() -> None:
    shown = one_run(plan="a-study-with-a-very-long-name-indeed/Muncie/p04", width=80)
    assert "…" in shown and "Muncie/p04  desk  3 min" in shown


ADDRESSES = st.sampled_from(
    ["M/p04", "desk", "realization-0123/basin/of/the/Great-River/p12", "洪水模型" * 12 + "/p01", "x" * 70]
)
RUNS = st.builds(
    going,
    st.builds(LogFacts, process=st.just("RasUnsteady"), unstable=st.sampled_from(["", "unstable " * 20])),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0.1, 5000),
    plan=ADDRESSES,
    worker=ADDRESSES,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(RUNS, max_size=9),
    st.dictionaries(ADDRESSES, st.tuples(st.integers(0, 9), st.integers(1, 999)), max_size=5),
    st.integers(30, 200),
    st.sampled_from(["", FAILURE]),
    st.sampled_from([LETTERS, ASCII]),
)
def test_there_are_never_more_than_twelve_lines_and_none_wraps(runs, workers, width, failure, marks) -> None:
    remaining = Estimate(31 * MINUTE, 24 * MINUTE, timedelta(days=30))
    lines = drawn(Moment(runs, workers=workers, remaining=remaining), failure, width, marks)
    assert len(lines) <= 12
    assert max(cell_len("".join(part for part, _ in line)) for line in lines) <= width - len("^C^C")
    if marks is ASCII and all(
        name.isascii() for name in [*workers, *(r.run.address + r.run.worker for r in runs)]
    ):
        assert "".join(text(lines)).isascii()


class Terminal(io.StringIO):
    """A stream that is a terminal of 60 columns."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_an_event_is_folded_below_its_last_column(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("COLUMNS", "60"), ("TERM", "xterm"), ("NO_COLOR", "1"), ("TZ", "UTC")):
        monkeypatch.setenv(name, value)
    out = Terminal()
    at = datetime.fromisoformat("2026-04-01T12:00:00+00:00")
    with Lines(out) as lines:
        lines.event(
            Event(
                at=at,
                kind="failed",
                address=Address("M/p04"),
                run=None,
                message="[2, 3] is no shape of it; " * 4,
            )
        )
        lines.progress(Moment([going(LogFacts(), 0.5)] * 9))
    shown = [part for part in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).splitlines() if part]
    assert shown[0].startswith("12:00:00 UTC failed M/p04  [2, 3] is no shape")
    assert shown[1].startswith(" " * 27) and shown[1][27] != " "
    assert max(map(len, shown)) <= 60
