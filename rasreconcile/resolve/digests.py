"""Digests of files, through a cache that knows when it may trust a stat."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from rasreconcile.plain_files import LARGEST_TEXT, opened, refuse_special
from rasreconcile.project import canonical
from rasreconcile.records import RACY_NS, FileStat, Hashed

TEXT_KINDS = frozenset(
    {"project", "plan", "geometry", "flow", "sediment", "water-quality", "projection", "other-plan"}
)
"""Kinds whose semantic digest is over what HEC-RAS makes of them."""

_COARSE_NS = 10_000_000
"""Times that are whole hundredths of a second come from a file system that keeps no finer ones."""

_CHUNK = 1 << 20


class Unstable(OSError):
    """A file changed each time it was being read."""


class Digests:
    """Looks at each file once between two calls of `look_again`, and reads only those whose stat is new or racy."""

    def __init__(self, known: Mapping[tuple[Path, str], Hashed], clock_ns: Callable[[], int]) -> None:
        # By text: a path that is made again for each question costs more to hash than the question.
        self._known = {(str(path), kind): hashed for (path, kind), hashed in known.items()}
        self._clock_ns = clock_ns
        self._looked: dict[tuple[str, str], Hashed] = {}
        self._fresh: dict[tuple[str, str], Hashed] = {}
        self.bytes_read = 0

    def look_again(self) -> None:
        """Forget what was looked at: the next question goes to the disk again."""
        self._looked.clear()

    def of(self, path: Path | str, kind: str, seen: FileStat | None = None) -> Hashed:
        """Digests of the file. Raises OSError where it cannot be read, Unstable where it never holds still.

        `seen`: what `plain_stat` has just said of it, where that is known.
        """
        key = (str(path), kind)
        looked = self._looked.get(key)
        if looked is not None:
            return looked
        found = seen or plain_stat(key[0])
        known = self._known.get(key)
        if known is not None and known.stat == found and trusted(known.stat, known.hashed_ns):
            self._looked[key] = known
            return known
        hashed = self._read(Path(path), kind)
        self._known[key] = self._looked[key] = self._fresh[key] = hashed
        return hashed

    def trust(self, path: Path, kind: str, digest: str) -> None:
        """The file has just been written by us and hashed on the way: its stat may be trusted from now on.

        Where the file system keeps coarse times another write could hide behind the same time: then the racy rule
        stays in force.
        """
        now = stat_of(path.stat())
        fine = now.mtime_ns % _COARSE_NS != 0
        hashed_ns = max(now.mtime_ns, now.ctime_ns) + RACY_NS if fine else self._clock_ns()
        hashed = Hashed(path=path, stat=now, kind=kind, raw=digest, semantic=digest, hashed_ns=hashed_ns)
        key = (str(path), kind)
        self._known[key] = self._looked[key] = self._fresh[key] = hashed

    def take_fresh(self) -> tuple[Hashed, ...]:
        """What was read since the last call, for the store to remember."""
        fresh = tuple(self._fresh.values())
        self._fresh.clear()
        return fresh

    def _read(self, path: Path, kind: str) -> Hashed:
        for _ in range(3):
            with opened(path) as file:
                before = stat_of(os.fstat(file.fileno()))
                began = self._clock_ns()
                raw, semantic = _digests(file, kind, before.size)
                self.bytes_read += before.size
                if stat_of(os.fstat(file.fileno())) == before:
                    return Hashed(
                        path=path, stat=before, kind=kind, raw=raw, semantic=semantic, hashed_ns=began
                    )
        raise Unstable(f"{path.name} changed each time it was read; wait until it is complete")


def stat_of(found: os.stat_result) -> FileStat:
    """The part of a stat that tells whether a file was touched."""
    return FileStat.of(found)


def plain_stat(path: str) -> FileStat:
    """Of a regular file. Raises OSError where there is none, NotPlain for a pipe or a device: it would be read for
    ever."""
    found = os.stat(path)  # noqa: PTH116  once for each of ten thousand files
    refuse_special(path, found)
    return stat_of(found)


def trusted(seen: FileStat, taken_ns: int) -> bool:
    """Whether a file with this stat is what it was when it was read at `taken_ns`."""
    return seen.is_trusted(taken_ns)


def _digests(file: BinaryIO, kind: str, size: int) -> tuple[str, str]:
    # No more than it had when it was looked at: a file that grows as it is read has no end.
    if kind in TEXT_KINDS and size <= LARGEST_TEXT:
        data = file.read(size + 1)
        return hashlib.sha256(data).hexdigest(), hashlib.sha256(canonical(kind, data)).hexdigest()
    whole, left = hashlib.sha256(), size + 1
    while chunk := file.read(min(_CHUNK, left)):
        whole.update(chunk)
        left -= len(chunk)
    digest = whole.hexdigest()
    return digest, digest
