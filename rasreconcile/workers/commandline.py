"""Command lines of Windows: the one place where arguments are quoted for it. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PureWindowsPath

from rasreconcile.errors import Refused

_SHELL = {"cmd", "cmd.exe"}
_BATCH = {".cmd", ".bat"}
PER_CENT = "RASRECONCILE_PER_CENT"
"""A variable that holds a per cent sign: cmd has no other way to write one that never begins a variable's name."""


def program_and_arguments(step: Sequence[str]) -> tuple[str, str]:
    """The program and the rest of its command line, as CreateProcess takes them.

    A batch file, and whatever is given to `cmd /c`, is written by cmd's rules; every other program by those of
    CommandLineToArgvW.
    """
    if not step or not step[0] or step[0].startswith("-"):
        raise Refused(f"{list(step)!r} names no program", "correct the command in the spec")
    for word in step:
        # cmd ends its line there, and a line of the steps file too.
        if re.search(r"[\0\r\n]", word):
            raise Refused(f"{word!r} holds a line end or a NUL byte", "correct the command in the spec")
        if any("\ud800" <= c <= "\udfff" for c in word):
            raise Refused(f"{word!r} holds bytes that are not text", "correct the command in the spec")
    name = PureWindowsPath(step[0])
    if name.suffix.casefold() in _BATCH:
        return "cmd.exe", f"/e:on /v:off /d /s /c {_for_cmd(step)}"
    if name.name.casefold() in _SHELL:
        return _shell(step)
    return step[0], " ".join(quoted(word) for word in step[1:])


def quoted(word: str) -> str:
    """The word as CommandLineToArgvW and the C runtime read it back; in quotes only where it must be."""
    if word and not re.search(r'[\s"]', word):
        return word
    # Backslashes count only before a quote: there each is written twice, and the quote gets one of its own.
    inner = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(\\+)$", r"\1\1", inner) + '"'


def _shell(step: Sequence[str]) -> tuple[str, str]:
    """`cmd` with switches of its own and, behind /c, a command that is quoted word by word."""
    at = next((n for n, word in enumerate(step) if word.casefold() in {"/c", "/k"}), None)
    switches = [word for word in step[1:at] if word.casefold() not in {"/s", "/d"}]
    if at is None or step[at].casefold() == "/k" or any(not re.fullmatch(r"/\w(:\w+)?", w) for w in switches):
        raise Refused(f"{list(step)!r}: cmd would wait for input", "write `cmd /c` and the command")
    wanted = " ".join(["/e:on", "/v:off", *switches, "/d", "/s"])
    return step[0], f"{wanted} /c {_for_cmd(step[at + 1 :])}"


def _for_cmd(words: Sequence[str]) -> str:
    # /s takes off the outer quotes, and those only. In quotes & | < > ^ ( ) mean nothing, `!` is off by /v:off.
    return f'"{" ".join(map(_cmd_word, words))}"'


def _cmd_word(word: str) -> str:
    # A switch in quotes is none to a command of cmd's own.
    if re.fullmatch(r"/?[A-Za-z0-9_.:\\+-]+", word):
        return word
    # cmd counts no backslashes, but the program that the batch file gives its words to does.
    inner = re.sub(r'(\\*)"', r'\1\1""', word)
    inner = re.sub(r"(\\+)$", r"\1\1", inner)
    return f'"{inner.replace("%", f"%{PER_CENT}%")}"'
