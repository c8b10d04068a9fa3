"""What others wrote, as a terminal may show it: no character of it controls the terminal. PURE."""

from __future__ import annotations

import re
from datetime import datetime

_COMMANDS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
"""Control characters but tab and line end, what turns the direction of writing, and bytes that are no text."""
_CONTROL = re.compile(_COMMANDS)
_COLOUR_OR_CONTROL = re.compile(rf"(\x1b\[[0-9;]*m)|{_COMMANDS}")
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)


def printable(text: str) -> str:
    r"""With each such character in its spelling: `a\x1b[31mb`."""
    return _CONTROL.sub(_spelled, text)


def but_colours(text: str) -> str:
    """The same of a line that we have coloured."""
    return _COLOUR_OR_CONTROL.sub(lambda found: found[1] or _spelled(found), text)


def plain(text: str) -> str:
    """A program's output without its colours and cursor movements; a carriage return begins a line."""
    return printable(without_sequences(text).replace("\r\n", "\n").replace("\r", "\n"))


def without_sequences(text: str) -> str:
    """A text without what moves the cursor, colours, or names a window."""
    return _SEQUENCE.sub("", text)


def local_time(at: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """`2026-04-01 14:30:05 CEST`: in the user's zone, which is named; by its distance where its name has blanks.

    Windows calls it `W. Europe Standard Time`, or that in the language of the machine.
    """
    local = at.astimezone()
    name = f"{local:%Z}"
    return f"{local:{form}} {name if name.isascii() and name.isalnum() else f'{local:%z}'}"


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
