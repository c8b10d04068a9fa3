"""The two streams that answers go to, whatever letters they can write."""

from __future__ import annotations

import io
import os
import sys


def open_all() -> None:
    """A stream that was closed by whoever called (`>&-`) leads nowhere, and no file takes its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        mode = os.O_WRONLY if number else os.O_RDONLY
        opened = os.open(os.devnull, mode)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def let_go_of_stdout() -> None:
    """What is still to be flushed goes nowhere, and cannot fail when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)


def take_all_letters() -> None:
    """A letter that the encoding of a stream lacks is spelled (`\\xe9`): no answer fails for a name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def has_all_letters() -> bool:
    """Whether stdout can write every character as it is."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-16", "utf-32"}
