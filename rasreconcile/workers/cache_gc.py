"""Trimming a cache: what is removed is what no run needs; and what a worker's folder holds, as a host tells it."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from rasreconcile.held_files import is_held
from rasreconcile.jobs import RunId, Trimmed
from rasreconcile.workers import controls, rundir

_CACHED = re.compile(r"(?:[0-9a-f]{2}/)?[0-9a-f]{64}")
_PART = re.compile(r"(?:[0-9a-f]{2}/)?\.[0-9a-f]{64}(\.[0-9a-f]+)?\.part(\.by)?")
_LINE = re.compile(
    r"^(?:now (?P<now>\d{1,11})|run (?P<run>\d{1,11}) (?P<entry>.*?)"
    r"|cached (?P<used>\d{1,11}) (?P<changed>\d{1,11}) (?P<size>\d{1,18}) (?P<links>\d{1,9}) cache/(?P<name>.*?))\r?$",
    re.ASCII | re.MULTILINE,
)
_ABANDONED = 3600.0
"""Seconds after which the part of a file belongs to a process that died."""


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file in a worker's cache. Times are seconds since the epoch, by the worker's clock."""

    name: str
    """Below the cache: `ab/ab12...`, or `ab12...`."""
    used: float
    """When it was last linked (which changes the time of change) or copied (the time of access); mtimes are feigned."""
    changed: float
    size: int
    links: int
    """More than one: a run directory has it too."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a worker's folder holds."""

    now: float
    runs: Mapping[RunId, datetime]
    cached: tuple[CachedFile, ...]


def needless(
    cached: Collection[CachedFile], *, now: float, unused_for: timedelta, at_most: int
) -> tuple[CachedFile, ...]:
    """What was not used for so long, then the longest unused until `at_most` bytes are left; parts nobody writes to."""
    parts = [one for one in cached if _PART.fullmatch(one.name)]
    gone = [part for part in parts if now - part.changed > _ABANDONED]
    whole = [one for one in cached if _CACHED.fullmatch(one.name)]
    total = sum(one.size for one in whole)
    for one in sorted((one for one in whole if one.links == 1), key=lambda one: one.used):
        if now - one.used < unused_for.total_seconds() and total <= at_most:
            break
        gone.append(one)
        total -= one.size
    return tuple(gone)


def batched(names: Sequence[str], most: int = 500) -> Iterator[Sequence[str]]:
    """In parts that fit on a command line."""
    return (names[at : at + most] for at in range(0, len(names), most))


def trimmed(gone: Collection[CachedFile]) -> Trimmed:
    """What they come to."""
    return Trimmed(len(gone), sum(one.size for one in gone))


def trim(cache: Path, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
    """On this machine."""
    gone = needless(tuple(_cached(cache)), now=time.time(), unused_for=unused_for, at_most=at_most)
    if how == "remove":
        gone = tuple(one for one in gone if _is_removed(cache / one.name))
    return trimmed(gone)


def _is_removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except PermissionError as error:
        if not is_held(error):
            raise
        # Windows removes nothing that somebody reads: it is needed after all.
        return False
    return True


def held(printed: str) -> Held:
    """What `upkeep.sh FOLDER list` printed; nothing where there is no such folder."""
    now, runs, cached = 0.0, dict[RunId, datetime](), list[CachedFile]()
    # By one search, and not line by line: a host may send millions of empty ones.
    for found in _LINE.finditer(printed):
        # A file name with a line end in it makes lines that mean nothing.
        if found["now"]:
            now = float(found["now"])
        elif found["run"] and (run := rundir.run_named(found["entry"])):
            # A job can set the time of its folder to what is none: then it is as old as can be.
            changed = controls.moment_or_none(float(found["run"])) or datetime.fromtimestamp(0, UTC)
            runs[run] = max(changed, runs.get(run, changed))
        elif (name := found["name"]) and (_CACHED.fullmatch(name) or _PART.fullmatch(name)):
            used, changed_at, size, links = map(int, found.group("used", "changed", "size", "links"))
            cached.append(CachedFile(name, max(used, changed_at), changed_at, size, links))
    return Held(now, runs, tuple(cached))


def _cached(cache: Path) -> Iterator[CachedFile]:
    for path in cache.glob("*/*"):
        with suppress(FileNotFoundError):
            found = path.stat()
            used = max(found.st_atime, found.st_ctime)
            name = path.relative_to(cache).as_posix()
            yield CachedFile(name, used, found.st_ctime, found.st_size, found.st_nlink)
