"""The parsers of HEC-RAS text: what they find, and that nothing can break them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.errors import ProjectError
from rasreconcile.project import (
    ENGLISH_UNITS,
    SI_UNITS,
    canonical,
    decode,
    entries,
    parse_plan,
    parse_project,
)

PROJECT = (
    "Proj Title=Muncie\r\nCurrent Plan=p04\r\nSI Units\r\nGeom File=g01\r\nPlan File=p01\r\nPlan File=p04"
)
PLAN = "Plan Title=Base\nShort Identifier=Base    \nGeom File=g01\nFlow File=u02\nUNET D1 Cores= 4 \n"


def test_a_project_lists_its_plans_in_order_even_without_a_last_newline() -> None:
    assert parse_project(PROJECT, "x.prj").plans == ("01", "04")


def test_units_are_english_unless_the_project_says_si() -> None:
    assert parse_project(PROJECT, "x.prj").units == SI_UNITS
    assert parse_project("Proj Title=x\n", "x.prj").units == ENGLISH_UNITS


def test_an_esri_projection_is_no_project() -> None:
    with pytest.raises(ProjectError, match=r"crs\.prj:1: not a HEC-RAS project"):
        parse_project('PROJCS["NAD83"]', "crs.prj")


def test_a_plan_names_its_geometry_and_flow() -> None:
    plan = parse_plan(PLAN, "x.p01")
    assert (plan.geometry, plan.flow, plan.short_id) == ("g01", "u02", "Base")


def test_a_plan_whose_geometry_is_nonsense_is_refused_with_its_line() -> None:
    with pytest.raises(ProjectError, match=r"x\.p01:2: Geom File=banana"):
        parse_plan("Plan Title=x\nGeom File=banana\n", "x.p01")


def test_equals_signs_in_a_description_are_no_entries() -> None:
    text = "BEGIN DESCRIPTION:\nGeom File=g09\nEND DESCRIPTION:\nGeom File=g01\n"
    assert [e.value for e in entries(text)] == ["g01"]


def test_current_plan_does_not_count_and_units_do() -> None:
    other = PROJECT.replace("Current Plan=p04", "Current Plan=p01").replace("\r\n", "\n")
    assert canonical("project", PROJECT.encode()) == canonical("project", other.encode())
    english = PROJECT.replace("SI Units", "English Units")
    assert canonical("project", PROJECT.encode()) != canonical("project", english.encode())


@pytest.mark.parametrize(
    "change", ["UNET D1 Cores= 4 ", "UNET D2 Cores= 8 ", "PS Cores= 2 ", "Write Detailed= 1 "]
)
def test_cores_and_logging_do_not_count(change: str) -> None:
    assert canonical("plan", PLAN.encode()) == canonical("plan", (PLAN + change + "\n").encode())


def test_line_ends_and_trailing_blanks_do_not_count() -> None:
    messy = PLAN.replace("\n", "  \r\n") + "\r\n\r\n"
    assert canonical("plan", PLAN.encode()) == canonical("plan", messy.encode())


def test_every_other_change_counts() -> None:
    assert canonical("plan", PLAN.encode()) != canonical("plan", PLAN.replace("u02", "u03").encode())
    assert canonical("plan", b" Geom File=g01") != canonical("plan", b"Geom File=g01")


@given(st.binary(max_size=400))
def test_no_bytes_break_canonicalisation(data: bytes) -> None:
    for kind in ("project", "plan", "geometry", "flow"):
        assert canonical(kind, data) == canonical(kind, data.replace(b"\r\n", b"\n"))


@given(st.text(max_size=300) | st.binary(max_size=300).map(decode))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_project, parse_plan):
        try:
            parse(text, "x")
        except ProjectError as error:
            assert str(error).startswith("x:")
