"""Long lines, folded at blanks for a terminal; what goes on stands below what it goes on from."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_GAP = re.compile(r" {2,}(?=\S)")
_WORD = re.compile(r" *(?:`[^`]*`|[^ ])+")
"""A command is one, so that it can be copied from a terminal."""
_NARROWEST = 20
"""Columns that text needs to be read at all: a terminal that leaves less folds by itself."""


def folded(line: str, width: int) -> list[str]:
    """Lines of at most `width` columns; a word that is longer than that stays whole. Colours take no room."""
    seen = _COLOUR.sub("", line)
    hang = _hang(seen, width)
    if len(seen) <= width or width - hang < _NARROWEST:
        return [line]
    lines, now, column = [], "", 0
    # Blanks stay with the word after them: within a line they are kept, at its end they go.
    for part in _WORD.findall(line):
        if column > hang and column + _columns(part) > width:
            lines.append(now)
            now = " " * hang + part.lstrip(" ")
            column = _columns(now)
        else:
            now += part
            column += _columns(part)
    return [*lines, now]


def _columns(text: str) -> int:
    return len(_COLOUR.sub("", text))


def _hang(seen: str, width: int) -> int:
    """Where the last column of the line begins, unless that is far to the right."""
    gaps = [gap.end() for gap in _GAP.finditer(seen) if gap.end() <= 0.6 * width]
    return gaps[-1] if gaps else 0
