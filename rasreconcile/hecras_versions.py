"""Versions of HEC-RAS as people and files spell them: `6.6`, `6.3.1`, `6.7 Beta 5`. PURE."""

from __future__ import annotations

import re

Version = tuple[int, ...]

_NUMBERS = r"\d+(?:\.\d+)+"
SPELLED = rf"{_NUMBERS}(?:\s+[Bb]eta(?:\s+\d+)?)?"
"""A regular expression for one: releases, and betas, which are versions of their own."""
_PARTS = re.compile(rf"({_NUMBERS})(?:\s+beta(?:\s+(\d+))?)?", re.IGNORECASE)


def parsed(version: str) -> Version:
    """`6.3.1` -> (6, 3, 1); zeros at the end do not count. A beta has the numbers of its release."""
    numbers, _ = _halves(version)
    parts = [int(part) for part in numbers.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def version_in(text: str | None) -> str | None:
    """`HEC-RAS 6.6 September 2024` -> `6.6`, `HEC-RAS 6.7 Beta 5 October 2025` -> `6.7 Beta 5`; None where the text
    names none."""
    found = re.search(rf"HEC-RAS\s+({SPELLED})", text or "")
    return " ".join(found[1].split()) if found else None


def same(one: str, other: str) -> bool:
    """Whether two spellings mean one version: `6.6` and `6.6.0` do; `6.3` and `6.3.1`, `6.7` and `6.7 Beta 5` don't."""
    return parsed(one) == parsed(other) and _halves(one)[1] == _halves(other)[1]


def saved_by(program_version: str) -> str | None:
    """What `Program Version=` of a text means: `6.60` -> `6.6`, `5.07` -> `5.0.7`, `6.31` -> `6.3.1`; None: nothing.

    HEC-RAS writes two digits after the point: a minor version, and a patch.
    """
    found = re.fullmatch(r"(\d+)\.(\d)(\d?)", program_version.strip())
    if found is None:
        return None
    major, minor, patch = found.groups()
    return f"{major}.{minor}" + (f".{patch}" if patch not in {"", "0"} else "")


def _halves(version: str) -> tuple[str, str | None]:
    """Numbers, and which beta: `6.7 Beta 5` -> (`6.7`, `5`); None: a release."""
    found = _PARTS.fullmatch(version.strip())
    if found is None:
        raise ValueError(f"{version!r} is not a version of HEC-RAS")
    return found[1], (found[2] or "0") if "beta" in version.casefold() else None
