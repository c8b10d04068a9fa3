"""What looks like YAML and is not: quotes and blanks of word processors, merges, colons without a blank. PURE."""

from __future__ import annotations

import re

from rasreconcile.errors import Trouble

_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb"
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_JOINED = re.compile(r"(?:[a-z]+_)*[a-z]{2,}:[^\s/\\:]")
"""A key and its value without a blank between them; neither `C:\\x` nor `http://x`."""

NO_BLANK = Trouble("a colon has no blank after it", "write `key: value`")


def blank_in(text: str) -> Trouble | None:
    """For a blank that only looks like one."""
    found = _BLANK.search(text)
    if found is None:
        return None
    return Trouble(f"holds a blank that YAML does not know (U+{ord(found[0]):04X})", "type a plain blank")


def quoted(text: str) -> Trouble | None:
    """For an unquoted text that its writer took for a quoted one."""
    if text[:1] in set(_QUOTES):
        return Trouble("has curly quotes, which YAML takes for letters", "type \" or '")
    return None


def unquoted(text: str) -> str:
    """What stands between curly quotes."""
    return text.strip(_QUOTES)


def at_an_end(text: str) -> Trouble | None:
    """For an unquoted value that begins or ends as no value is meant to."""
    return quoted(text) or blank_in(text[:1] + text[-1:])


def joined(text: str) -> bool:
    """Whether it is `key:value`, which YAML takes for a word."""
    return _JOINED.match(text) is not None


def cause(lines: list[str], first: int, last: int) -> tuple[int, Trouble] | None:
    """What has made the lines `first` to `last`, from 0, no YAML; with its line, from 1."""
    for n, line in enumerate(lines):
        if line.startswith("<<<<<<< "):
            return n + 1, Trouble(
                "a merge of git is not finished here",
                "keep one side, and remove <<<<<<<, ======= and >>>>>>>",
            )
    for n in range(max(first - 1, 0), min(last + 1, len(lines))):
        if trouble := blank_in(lines[n]):
            return n + 1, trouble
        if joined(lines[n].lstrip(" -")):
            return n + 1, NO_BLANK
    return None
