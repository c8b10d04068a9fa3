"""docs/reliability.md names tests that exist, and leaves no fault without one, or without a reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(test_\w+)(?:\[[^\]`]*\])?`")
FILE = re.compile(r"\btests/[\w/]+\.py\b")


def names_there() -> set[str]:
    trees = (
        ast.parse(path.read_text(encoding="utf-8")) for path in (REPOSITORY / "tests").rglob("test_*.py")
    )
    functions = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def rows() -> list[list[str]]:
    """Of the tables of faults; not their heads."""
    lines = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (faults,) = (part for part in lines if part.startswith("Faults\n"))
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in faults.splitlines()
        if line[:1] == "|"
    ]
    return [row for row in cells if row[0] != "fault" and set(row[0]) != {"-"}]


def test_every_test_and_file_that_is_named_is_there() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 40
    assert sorted(set(named) - names_there()) == []
    assert [file for file in FILE.findall(TEXT) if not (REPOSITORY / file).is_file()] == []


def test_every_fault_has_a_test_or_a_reason_for_each_kind_of_worker() -> None:
    assert len(rows()) > 20
    empty = [row[0] for row in rows() if any(not cell for cell in row)]
    assert empty == []
    untested = [row[0] for row in rows() if not any(NAMED.search(cell) or FILE.search(cell) for cell in row)]
    assert untested == []
