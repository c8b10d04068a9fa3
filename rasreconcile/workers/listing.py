"""What lies in a run directory, file by file: names, kinds and sizes, as a look found them and no more than that."""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rasreconcile.jobs import LeftFile
from rasreconcile.plain_files import KINDS
from rasreconcile.workers.controls import LARGEST_SIZE, LATEST

_LINE = re.compile(
    rb"^([0-9a-f]{1,8}) ([0-9]{1,19}) (-?[0-9]{1,19})(?:\.[0-9]{1,19})? (.{1,4096})$", re.MULTILINE
)
_RIGHTS = stat.S_IRUSR | stat.S_IXUSR
MOST_FILES = 100_001
"""That are listed of a run directory; as many as this: there may be more."""
LARGEST_LISTING = 64 << 20
"""Bytes in which a host lists one run directory."""


def listed_here(place: Path) -> tuple[LeftFile, ...]:
    """The files of run directory `place`; no link is followed, no file is opened. Empty where there is no directory."""
    if place.is_symlink() or not place.is_dir():
        return ()
    return tuple(islice(_walked(place), MOST_FILES))


def parse_listing(printed: bytes) -> tuple[LeftFile, ...]:
    """The same from what files.sh, or an agent, printed: lines `MODE SIZE CHANGED NAME`, the mode in hex.

    A name may hold a line end: what a line makes of it is a name like any other, of a file that is not there.
    """
    # By one search, and not line by line: a host may send millions of empty ones.
    entries = (entry for line in _LINE.finditer(printed) if (entry := _entry(line)) is not None)
    found = tuple(islice(entries, MOST_FILES))
    names = sorted(entry.name for entry in found)
    # Of a folder that lets nobody in it is known that it is there: unless what it holds was listed all the same.
    return tuple(entry for entry in found if entry.kind != _CLOSED or not _holds_any(entry.name, names))


_CLOSED = "a folder that cannot be read"


def _walked(place: Path) -> Iterator[LeftFile]:
    closed: list[OSError] = []
    for folder, folders, names in os.walk(place, onerror=closed.append):
        folders.sort()
        for name in sorted(names) + [f for f in folders if Path(folder, f).is_symlink()]:
            path = Path(folder, name)
            try:
                found = path.lstat()
            except OSError:
                # Gone since, or the job took the right to look: nothing of it can be read.
                continue
            yield _left(path.relative_to(place).as_posix(), found.st_mode, found.st_size, found.st_mtime)
    for error in closed:
        name = Path(str(error.filename)).relative_to(place).as_posix()
        yield LeftFile(name=name, size=0, changed=0, kind=_CLOSED)


def _holds_any(folder: str, names: list[str]) -> bool:
    """Whether one of the sorted names lies in the folder."""
    at = bisect(names, f"{folder}/")
    return at < len(names) and names[at].startswith(f"{folder}/")


def _entry(parts: re.Match[bytes]) -> LeftFile | None:
    mode, size, changed = int(parts[1], 16), int(parts[2]), int(parts[3])
    name = parts[4].decode("utf-8", "surrogateescape").removeprefix("./")
    if stat.S_ISDIR(mode):
        return None if mode & _RIGHTS == _RIGHTS else LeftFile(name=name, size=0, changed=0, kind=_CLOSED)
    return _left(name, mode, size, changed)


def _left(name: str, mode: int, size: int, changed: float) -> LeftFile:
    """A job may set the time of a file to anything, and a host say anything."""
    at = int(changed) if 0 <= changed <= LATEST else 0
    kind = KINDS.get(stat.S_IFMT(mode), "a special file")
    return LeftFile(name=name, size=min(max(size, 0), LARGEST_SIZE), changed=at, kind=kind)
