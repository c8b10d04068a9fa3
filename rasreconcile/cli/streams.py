"""The two streams that answers go to, whatever letters they can write."""

from __future__ import annotations

import io
import sys


def take_all_letters() -> None:
    """A letter that the encoding of a stream lacks is spelled (`\\xe9`): no answer fails for a name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def has_all_letters() -> bool:
    """Whether stdout can write every character as it is."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-16", "utf-32"}
