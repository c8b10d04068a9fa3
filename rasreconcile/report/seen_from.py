"""Paths in messages: what lies below the spec's folder is named as seen from there. The rest stays as it is."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from rasreconcile.printable import printable
from rasreconcile.spelling import legible

Shown = Callable[[str], str]
"""A message as people see it."""

FOR_PEOPLE = frozenset(
    {
        *("what", "remedy", "evidence", "note", "message", "why", "remark", "remarks", "problems", "faults"),
        *("unproven", "left_out", "lacking", "kept_because", "cancelled"),
    }
)
"""Fields of JSON that hold messages. All others hold what a program goes by: a path there is absolute."""

_BEGINS = r"(?:(?<![\w.~/\\-])|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm))"
"""Not in the middle of another path; the end of a colour looks like a letter."""
_UNTIDY = re.compile(r"(?:^|/)\.{1,2}(?:/|$)|//")


def as_it_is(text: str) -> str:
    """Where no spec is known."""
    return text


@lru_cache(maxsize=4)
def seen_from(folder: Path) -> Shown:
    """Takes the folder, as it is spelled and as links resolve it, off the paths of a message; they are normalised."""
    spelled = {os.path.abspath(folder), os.path.realpath(folder)} - {os.path.abspath(os.sep)}  # noqa: PTH100  keeps links
    roots = sorted({printable(legible(root)) for root in spelled} | spelled, key=len, reverse=True)
    if not roots:
        return as_it_is
    below = re.compile(rf"{_BEGINS}(?:{'|'.join(map(re.escape, roots))})[/\\]+([^\s'\"`;,\x1b]+)")

    def shown(text: str) -> str:
        if not any(root in text for root in roots):
            return text
        return below.sub(lambda found: _tidy(found[1]), text)

    return shown


def _tidy(path: str) -> str:
    return posixpath.normpath(path) if _UNTIDY.search(path) else path


def messages_in(value: Any, shown: Shown) -> Any:
    """The same plain values with every message of them as people see it."""
    if isinstance(value, dict):
        return {
            key: _shown(one, shown) if key in FOR_PEOPLE else messages_in(one, shown)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [messages_in(one, shown) for one in value]
    return value


def _shown(value: Any, shown: Shown) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_shown(one, shown) for one in value]
    if isinstance(value, dict):
        return {key: _shown(one, shown) for key, one in value.items()}
    return value
