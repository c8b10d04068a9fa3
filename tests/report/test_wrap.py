"""Long lines on a terminal."""

from __future__ import annotations

import re

import click
import pytest

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address
from rasreconcile.reconcile.decision import Decision
from rasreconcile.report.changeset import lines
from rasreconcile.report.wrap import folded

LONG = "19:48:06 failed Unst/p01  The solution went unstable at 01JAN1900 00:45:00; shorten the computation interval"


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_what_goes_on_stands_below_the_last_column() -> None:
    assert folded(LONG, 60) == [
        "19:48:06 failed Unst/p01  The solution went unstable at",
        "                          01JAN1900 00:45:00; shorten the",
        "                          computation interval",
    ]


@pytest.mark.parametrize("line", ["", "short", "    indented", "a  b  c", "x" * 300])
def test_what_fits_or_has_no_blanks_stays_as_it_is(line: str) -> None:
    assert folded(line, 100) == [line]


@pytest.mark.parametrize("width", [50, 60, 80, 100])
def test_no_line_is_wider_than_the_terminal_no_word_is_lost_and_colours_take_no_room(width: int) -> None:
    coloured = click.style(LONG[:26], fg="red") + click.style(LONG[26:], dim=True)
    parts = folded(coloured, width)
    assert [plain(part) for part in parts] == folded(LONG, width)
    assert max(len(plain(part)) for part in parts) <= width
    assert " ".join(LONG.split()) == " ".join(" ".join(map(plain, parts)).split())


def test_a_terminal_too_narrow_for_the_columns_folds_by_itself() -> None:
    assert folded(LONG, 44) == [LONG]


def test_a_warning_of_many_plans_is_said_once() -> None:
    warnings = {Address(f"A/p{n:02}"): [Trouble("the terrain is not there")] for n in range(1, 801)}
    told = list(lines("spec.yaml", Decision((), (), (), None), warnings=warnings))
    (said,) = [plain(line) for line in told if "terrain" in line]
    assert said == "  A/p01, A/p02, A/p03 and 797 more: the terrain is not there"


def test_a_command_is_not_cut_in_two() -> None:
    line = "30 x it crashed; once fixed: `rasreconcile retry study.yaml --like Basin/p04`, or not"
    assert folded(line, 60) == [
        "30 x it crashed; once fixed:",
        "`rasreconcile retry study.yaml --like Basin/p04`, or not",
    ]
    assert folded("an accent ` that is none, in a line that is too long", 30) == [
        "an accent ` that is none, in a",
        "line that is too long",
    ]
