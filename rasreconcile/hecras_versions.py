"""Versions of HEC-RAS as people and files spell them: `6.6`, `6.3.1`, `6.7 Beta 5`. PURE."""

from __future__ import annotations

import re

Version = tuple[int, ...]

_NUMBERS = r"\d+(?:\.\d+)+"
SPELLED = rf"{_NUMBERS}(?:[\s_-]*[Bb]eta(?:[\s_-]*\d+)?)?"
"""A regular expression for one: releases, and betas, which are versions of their own. Folders spell `6.7-beta-5`."""
_PARTS = re.compile(rf"({_NUMBERS})(?:[\s_-]*beta(?:[\s_-]*(\d+))?)?", re.IGNORECASE)

_ANY_BETA = ""


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
    return as_written(found[1]) if found else None


def as_written(version: str) -> str:
    """As a spec and HEC-RAS write it: `6.7-beta-5` -> `6.7 Beta 5`."""
    numbers, beta = _halves(version)
    return numbers if beta is None else f"{numbers} Beta {beta}".rstrip()


def means(wanted: str, found: str) -> bool:
    """Whether a version that was found is the one that is wanted.

    `6.4` means every 6.4.x, `6.4.1` only itself. A beta is a version of its own: `6.7 Beta 5` is not `6.7`; `6.7 Beta`
    means every beta of 6.7.
    """
    (asked, beta), (numbers, its_beta) = _halves(wanted), _halves(found)
    same_beta = beta == its_beta or (beta == _ANY_BETA and its_beta is not None)
    if names_family(wanted):
        return same_beta and asked.split(".") == numbers.split(".")[:2]
    return same_beta and parsed(asked) == parsed(numbers)


def names_family(version: str) -> bool:
    """Whether a version leaves its patch open: `6.4` does, `6.4.1` and `6.4.0` do not."""
    return len(_halves(version)[0].split(".")) == 2


def saved_by(program_version: str) -> str | None:
    """What `Program Version=` of a text means: `6.60` -> `6.6`, `5.07` -> `5.0.7`, `6.31` -> `6.3.1`; None: nothing.

    HEC-RAS writes two digits after the point: a minor version, and a patch. Scripts put a point between them.
    """
    found = re.fullmatch(r"(\d+)\.(\d)(?:\.?(\d))?", program_version.strip())
    if found is None:
        return None
    major, minor, patch = found.groups()
    return f"{major}.{minor}" + (f".{patch}" if patch and patch != "0" else "")


def _halves(version: str) -> tuple[str, str | None]:
    """Numbers, and which beta: `6.7 Beta 5` -> (`6.7`, `5`), `6.7 Beta` -> (`6.7`, ``); None: a release."""
    found = _PARTS.fullmatch(version.strip())
    if found is None:
        raise ValueError(f"{version!r} is not a version of HEC-RAS")
    return found[1], (found[2] or _ANY_BETA) if "beta" in version.casefold() else None
