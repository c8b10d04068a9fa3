"""What docs/troubleshooting.md quotes is what the program says, or what HEC-RAS is known to say."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "troubleshooting.md"
STANDINS = REPOSITORY / "tests" / "standins"


def quoted(page: str) -> list[str]:
    """The messages in the headings of a page."""
    return [
        text
        for line in page.splitlines()
        if line.startswith("## ")
        for text in re.findall(r"`([^`]+)`", line)
    ]


def texts_of(source: str) -> list[str]:
    """Every string of a module, with … for what an f-string puts in, apart from docstrings."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and not isinstance(node, ast.Constant):
            found.append("".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | inside:
            found.append(node.value)
    return found


@cache
def said() -> list[str]:
    """What the program can say, and what stand-ins say for HEC-RAS."""
    modules = [*(REPOSITORY / "rasreconcile").rglob("*.py"), *STANDINS.glob("*.py")]
    scripts = [p for kind in ("*.sh", "*.cs") for p in (REPOSITORY / "rasreconcile").rglob(kind)]
    texts = [text for module in modules for text in texts_of(module.read_text(encoding="utf-8"))]
    return texts + [line for script in scripts for line in script.read_text(encoding="utf-8").splitlines()]


def is_said(message: str, texts: list[str]) -> bool:
    """Whether each part of a message, as far as `: ` and `; ` divide it, is in one text with the words between its …."""
    parts = [part for part in re.split(r"[:;] ", message) if re.search(r"\w", part)]
    return bool(parts) and all(_is_in_one(part, texts) for part in parts)


def _is_in_one(part: str, texts: list[str]) -> bool:
    words = [word for word in re.split(r"\s*…\s*", part) if re.search(r"\w", word)]
    pattern = re.compile(".*".join(re.escape(word) for word in words), re.DOTALL)
    return any(pattern.search(text) for text in texts)


@pytest.mark.parametrize("message", quoted(PAGE.read_text(encoding="utf-8")))
def test_a_message_of_the_page_is_one_that_the_program_says(message: str) -> None:
    assert is_said(message, said()), f"nothing says {message!r}: quote what is said, or take the heading away"


def test_a_message_that_nothing_says_is_found() -> None:
    texts = texts_of(
        '"""No such host is known."""\nraise E(f"{name}: no worker is called {x}; choose one of " "these")'
    )
    assert texts == ["…: no worker is called …; choose one of these"]
    assert is_said("…: no worker is called …", texts)
    assert is_said("no worker … choose one of these", texts)
    assert not is_said("choose one of these … no worker", texts)
    assert not is_said("No such host is known", texts)
    assert not is_said("…", texts)
