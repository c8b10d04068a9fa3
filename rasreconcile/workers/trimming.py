"""Trimming a cache on this machine: what is removed is what no run needs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Literal

from rasreconcile.jobs import Trimmed

_CACHED = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]+\.part")
_ABANDONED = 3600.0
"""Seconds after which the part of a file belongs to a process that died."""


def trim(cache: Path, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
    """Removes, or counts, what was not used for so long, then the longest unused until `at_most` bytes are left."""
    now = time.time()
    unused: list[tuple[float, int, Path]] = []
    total = files = size = 0
    for path in _cached(cache):
        with suppress(FileNotFoundError):
            found = path.stat()
            # To be linked to changes the time of change, to be copied the time of access; the mtime is feigned.
            used = max(found.st_atime, found.st_ctime)
            if _PART.fullmatch(path.name):
                if now - found.st_ctime > _ABANDONED:
                    unused.append((0.0, 0, path))
                continue
            total += found.st_size
            if found.st_nlink == 1:
                unused.append((used, found.st_size, path))
    for used, bytes_, path in sorted(unused):
        if now - used < unused_for.total_seconds() and total <= at_most:
            break
        if how == "remove":
            path.unlink(missing_ok=True)
        total, size, files = total - bytes_, size + bytes_, files + 1
    return Trimmed(files, size)


def _cached(cache: Path) -> Iterator[Path]:
    """Only files whose names are of our own making."""
    for path in cache.glob("*/*"):
        if _CACHED.fullmatch(path.name) or _PART.fullmatch(path.name):
            yield path
