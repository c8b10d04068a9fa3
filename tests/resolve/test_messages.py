"""Paths in messages: normalised, and relative to the spec."""

from __future__ import annotations

from typing import Any

import pytest

from rasreconcile.errors import SpecError
from rasreconcile.resolve.shown import shown
from tests.told import told


@pytest.mark.parametrize("spelled", ["project/Muncie2D.prj", "./project/../project//Muncie2D.prj"])
def test_a_missing_text_is_told_with_its_folder_as_seen_from_the_spec(muncie: Any, spelled: str) -> None:
    (muncie.folder / "Muncie2D.g01").unlink()
    muncie.project = spelled.partition("project/")[2]
    plan = muncie.plan(engine="{type: command, command: [x]}")
    assert told(plan.blocked_by) == ("Muncie2D.g01, named by Muncie2D.p01, is not in project; put it there",)


def test_two_names_that_differ_in_case_only_are_told_so_too(muncie: Any) -> None:
    (muncie.folder / "Muncie2D.g01").rename(muncie.folder / "MUNCIE2D.G01")
    muncie.write("muncie2d.G01", b"x")
    (why,) = told(muncie.plan(engine="{type: command, command: [x]}").blocked_by)
    assert why.startswith(
        "Muncie2D.g01 cannot be read: project: MUNCIE2D.G01 and muncie2d.G01 differ in case only"
    )


def test_a_project_that_is_none_is_told_so_too(muncie: Any) -> None:
    muncie.write("Muncie2D.prj", "Another Title=x")
    with pytest.raises(SpecError) as told:
        muncie.plan()
    assert ": project/Muncie2D.prj:1: not a HEC-RAS project" in str(told.value)


def test_a_pattern_that_matches_nothing_is_told_so_too(muncie: Any) -> None:
    assert "inputs: *.xyz matches nothing in project" in told(muncie.plan(extra='"*.xyz"').warnings)


def test_a_path_outside_the_study_is_still_relative(tmp_path: Any) -> None:
    assert shown(tmp_path / "a" / ".." / "b" / "x.prj", tmp_path / "study") == "../b/x.prj"


def test_a_text_that_cannot_be_read_is_told_with_what_to_do(muncie: Any) -> None:
    (muncie.folder / "Muncie2D.g01").unlink()
    (muncie.folder / "Muncie2D.g01").mkdir()
    plan = muncie.plan(engine="{type: command, command: [x]}")
    assert told(plan.blocked_by) == (
        "Muncie2D.g01 cannot be read: Is a directory; make Muncie2D.g01 a readable file",
    )


@pytest.mark.parametrize("name", ["Muncie2D.p01", "Muncie2D.g01", "Muncie2D.u01"])
def test_a_text_that_notepad_has_saved_as_unicode_is_told(muncie: Any, name: str) -> None:
    text = (muncie.folder / name).read_text()
    (muncie.folder / name).write_text(text, encoding="utf-16")
    plan = muncie.plan(engine="{type: command, command: [x]}")
    assert f"{name}: is UTF-16 text; save it as ANSI or UTF-8" in told(plan.blocked_by)


def test_a_project_that_notepad_has_saved_as_unicode_is_told(muncie: Any) -> None:
    (muncie.folder / "Muncie2D.prj").write_text("Proj Title=x\n", encoding="utf-16")
    with pytest.raises(SpecError) as told:
        muncie.plan()
    assert str(told.value).endswith("project/Muncie2D.prj: is UTF-16 text; save it as ANSI or UTF-8")
