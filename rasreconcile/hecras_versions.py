"""Versions of HEC-RAS as people and files spell them. PURE."""

from __future__ import annotations

import re

Version = tuple[int, ...]


def parsed(version: str) -> Version:
    """`6.3.1` -> (6, 3, 1); zeros at the end do not count."""
    parts = [int(part) for part in version.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def version_in(text: str | None) -> str | None:
    """`HEC-RAS 6.6 September 2024` -> `6.6`; None where the text names none."""
    found = re.search(r"HEC-RAS\s+(\d+(?:\.\d+)+)", text or "")
    return found[1] if found else None


def same(one: str, other: str) -> bool:
    """Whether two spellings mean one version: `6.6` and `6.6.0` do, `6.3` and `6.3.1` do not."""
    return parsed(one) == parsed(other)
