"""Lines, keys and values of HEC-RAS text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rasreconcile.errors import ProjectError

ENCODING = "cp1252"
"""HEC-RAS writes the Windows code page; five of its bytes are undefined, so decoding replaces those."""

DESCRIPTION = re.compile(r"^(BEGIN|END) (?:[A-Z]+ )?DESCRIPTION:", re.IGNORECASE)
"""Begins and ends free text, in which nothing is a key: of a file, a geometry, a boundary."""

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """A `Key=Value` line: `line` counts from 1; a line without `=` has the whole line as key and no value."""

    line: int
    key: str
    value: str | None


BOM = b"\xef\xbb\xbf"
"""A byte order mark: editors begin UTF-8 with it. HEC-RAS writes none, and it is no part of the first line."""


_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def refuse_utf_16(data: bytes, name: str) -> None:
    """Raises ProjectError for what Notepad saves as `Unicode`: HEC-RAS reads no line of it."""
    if data.startswith(_UTF_16):
        raise ProjectError(f"{name}: is UTF-16 text", "save it as ANSI or UTF-8")


def encoding_of(data: bytes) -> str:
    """In which a text is written: with a byte order mark UTF-8, else the Windows code page."""
    return "utf-8" if data.startswith(BOM) else ENCODING


def decode(data: bytes) -> str:
    """The text of a HEC-RAS file, without a byte order mark; never fails."""
    return data.removeprefix(BOM).decode(encoding_of(data), errors="replace")


def split(text: str) -> list[str]:
    """The lines, as HEC-RAS counts them: a form feed or a vertical tab ends none."""
    return _LINE_END.split(text)


def described(lines: Sequence[str]) -> frozenset[int]:
    """Places of the lines that are free text. A description that nothing ends is none: what follows it counts."""
    inside: set[int] = set()
    began: int | None = None
    for place, line in enumerate(lines):
        marker = DESCRIPTION.match(line.strip()) if line[:1] in " \tBEbe" else None
        if marker is None:
            continue
        if marker[1].upper() == "BEGIN":
            began = place if began is None else began
        elif began is not None:
            inside.update(range(began, place + 1))
            began = None
    return frozenset(inside)


def entries(text: str) -> Iterator[Entry]:
    """Every line outside description blocks, which hold free text and may contain `=`."""
    lines = split(text)
    free = described(lines)
    for place, line in enumerate(lines):
        if place in free or not line.strip():
            continue
        key, equals, value = line.partition("=")
        yield Entry(place + 1, key.strip(), value.strip() if equals else None)


def is_on(value: str) -> bool:
    """A switch: `-1`, `1` and `True` are on; `0`, `False` and nothing are off."""
    word = value.strip().casefold()
    return word not in {"", "0", "false", "off", "no"}
