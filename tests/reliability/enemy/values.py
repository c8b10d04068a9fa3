"""What an enemy says: odd numbers and names, and good answers that were changed. Everything follows from one `Random`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

NUMBERS = (
    "0",
    "-0",
    "-1",
    "-7",
    "1e999",
    "-1e999",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "banana",
    "",
    " 1",
    "+5",
    "1_000",
    "1.5",
    "0x10",
    "²",
    "١٢٣",
    "1" + "0" * 30,
    "-1" + "0" * 30,
    "9" * 400,
    "9" * 5000,
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999",
    "1700000000",
    "1700000000.1234567891234",
    "None",
    "true",
    "ffffffffffffffffffffffffffffffff",
)
NAMES = (
    "../x",
    "../../x",
    "/nowhere/x",
    "..",
    ".",
    "",
    "a\0b",
    "C:\\x",
    "C:/x",
    "CON",
    "nul.hdf",
    "a//b",
    "a/",
    "a\nb",
    "a\r\nb",
    "x" * 300,
    "x" * 5000,
    "é",
    "e\u0301",
    "\udcff\udc80",
    "\ud800",
    "work",
    "WORK",
    "cache",
    "-rf",
    "--",
    "a ",
    "a.",
    "*",
    "[a]",
    "$(touch x)",
    "`touch x`",
    "'; touch x; '",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\u202egnp",
    "a\u2028b",
    "\x9b2J",
    "done.json",
    "started",
)
NOISE = (
    b"stty: standard input: Inappropriate ioctl for device",
    b"sh: 1: banana: not found",
    b"Last login: Fri Nov 27 19:28:15 2026 from 10.0.0.1",
    b"\xff\xfe\x00\x00",
    b"\x1b[2J\x1b[H",
    b"{}",
    b"[" * 2000,
    b"null",
    b"HTTP/1.1 500 Internal Server Error",
    b"@rasreconcile",
)
_NUMBER = re.compile(rb"(?<![A-Za-z0-9])-?[0-9]+(?:\.[0-9]+)?(?![A-Za-z0-9])")
_WORD = re.compile(rb"[A-Za-z_./:-]{2,}")


def number(chance: Random) -> str:
    return chance.choice(NUMBERS) if chance.random() < 0.7 else str(chance.randint(-(10**20), 10**20))


def name(chance: Random) -> str:
    if chance.random() < 0.6:
        return chance.choice(NAMES)
    return "".join(
        chance.choice("aAé/\\.. \n\0\t\x1b*?$\u202e字\udc80") for _ in range(chance.randrange(1, 12))
    )


def value(chance: Random, depth: int = 0) -> Any:
    """Any value of JSON."""
    match chance.randrange(9 if depth < 3 else 6):
        case 0:
            return None
        case 1:
            return chance.random() < 0.5
        case 2:
            return chance.choice([0, -1, -7, 2**31, 2**53 + 1, 2**63, 10**30, -(10**30), 1.5, 1e308])
        case 3:
            return chance.choice([float("nan"), float("inf"), float("-inf")])
        case 4:
            return name(chance)
        case 5:
            return number(chance)
        case 6:
            return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
        case 7:
            return {name(chance): value(chance, depth + 1) for _ in range(chance.randrange(4))}
        case _:
            return _nested(chance.choice([10, 200]))


def document(chance: Random, good: Any) -> Any:
    """A JSON document like this one, wrong in one place or in some."""
    if chance.random() < 0.15:
        return value(chance)
    match good:
        case dict():
            changed = {
                key: document(chance, one) if chance.random() < 0.5 else one for key, one in good.items()
            }
            if changed and chance.random() < 0.2:
                del changed[chance.choice(list(changed))]
            if chance.random() < 0.2:
                changed[name(chance)] = value(chance)
            return changed
        case list():
            changed_list = [document(chance, one) if chance.random() < 0.5 else one for one in good]
            return changed_list * chance.choice([0, 1, 1, 1, 2])
        case _:
            return value(chance) if chance.random() < 0.5 else good


def text_of(found: Any) -> bytes:
    """Also what JSON cannot hold: NaN, and half of a character."""
    return json.dumps(found).encode("utf-8", "surrogatepass")


def changed(chance: Random, good: bytes) -> bytes:
    """The answer, wrong in one place or in some; one in twelve stays as it is."""
    for _ in range(chance.choice([0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 6])):
        good = chance.choice(CHANGES)(chance, good)
    return good


def rarely_huge(chance: Random, least: int = 1 << 20, most: int = 6 << 20) -> bytes:
    """Megabytes of something, one time in thirty; mostly nothing."""
    if chance.random() > 1 / 30:
        return b""
    size = chance.randrange(least, most)
    part = chance.choice([b"\n", b"x", b"[", b"{}\n", b"a b c d\n", b"\xff", "字\n".encode(), b"\0", b" "])
    return (part * (size // len(part) + 1))[:size]


def _nested(depth: int) -> Any:
    found: Any = 0
    for _ in range(depth):
        found = [found]
    return found


# ---- ways to change an answer


def _cut(chance: Random, good: bytes) -> bytes:
    return good[: chance.randrange(len(good) + 1)]


def _headless(chance: Random, good: bytes) -> bytes:
    return good[chance.randrange(len(good) + 1) :]


def _lines(change: Callable[[Random, list[bytes]], None]) -> Callable[[Random, bytes], bytes]:
    def changed_lines(chance: Random, good: bytes) -> bytes:
        # Of a huge answer only its beginning: what is tried is the reader, not how fast a list is shuffled.
        lines = good[: 1 << 16].split(b"\n")
        change(chance, lines)
        lines.append(good[1 << 16 :])
        return b"\n".join(lines)

    return changed_lines


def _drop_line(chance: Random, lines: list[bytes]) -> None:
    del lines[chance.randrange(len(lines))]


def _repeat_line(chance: Random, lines: list[bytes]) -> None:
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines) if lines else b"")


def _swap_lines(chance: Random, lines: list[bytes]) -> None:
    chance.shuffle(lines)


def _noise(chance: Random, lines: list[bytes]) -> None:
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(NOISE))


def _stderr_between(chance: Random, good: bytes) -> bytes:
    at = chance.randrange(len(good) + 1)
    return good[:at] + chance.choice(NOISE) + good[at:]


def _odd(pattern: re.Pattern[bytes], instead: Callable[[Random], str]) -> Callable[[Random, bytes], bytes]:
    def changed_token(chance: Random, good: bytes) -> bytes:
        found = list(pattern.finditer(good, 0, 1 << 16))
        if not found:
            return good + instead(chance).encode("utf-8", "surrogatepass")
        one = chance.choice(found)
        return good[: one.start()] + instead(chance).encode("utf-8", "surrogatepass") + good[one.end() :]

    return changed_token


def _flip(chance: Random, good: bytes) -> bytes:
    data = bytearray(good)
    for _ in range(chance.randrange(1, 5) if data else 0):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _twice(chance: Random, good: bytes) -> bytes:
    return good + good


def _many(chance: Random, good: bytes) -> bytes:
    lines = good[: 1 << 16].split(b"\n")
    return good + (b"\n" + chance.choice(lines)) * chance.choice([10, 100, 1000])


def _huge(chance: Random, good: bytes) -> bytes:
    at = chance.randrange(len(good) + 1)
    return good[:at] + rarely_huge(chance) + good[at:]


CHANGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    _cut,
    _headless,
    _lines(_drop_line),
    _lines(_repeat_line),
    _lines(_swap_lines),
    _lines(_noise),
    _stderr_between,
    _odd(_NUMBER, number),
    _odd(_NUMBER, number),
    _odd(_NUMBER, number),
    _odd(_WORD, name),
    _odd(_WORD, name),
    _flip,
    _twice,
    _many,
    _huge,
)
