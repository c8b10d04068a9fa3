"""What files say about other files, through a cache that knows when it may trust a stat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from rasreconcile.errors import ResultError, Trouble
from rasreconcile.plain_files import LARGEST_TEXT, whole
from rasreconcile.project import MENTIONING, mentions_in
from rasreconcile.records import FileStat, Mention, Mentions
from rasreconcile.resolve.digests import plain_stat, stat_of, trusted

SCHEMA = 6
"""Raised when more, or other things, are read out of the same file."""


class HdfReader(Protocol):
    """Reads out of an HDF what other files it names: ` Filename` attributes, tiles of a terrain, dependencies.

    Opens without a lock and reads attributes only. Raises ResultError where the file cannot be read.
    """

    def __call__(self, path: Path) -> tuple[Mention, ...]: ...


class Contents:
    """Looks at each file once between two calls of `look_again`; reads those whose stat is new or racy."""

    def __init__(
        self,
        known: Mapping[tuple[Path, str], Mentions],
        clock_ns: Callable[[], int],
        read_hdf: HdfReader,
    ) -> None:
        self._known = {(str(path), kind): mentions for (path, kind), mentions in known.items()}
        self._clock_ns = clock_ns
        self._read_hdf = read_hdf
        self._looked: dict[tuple[str, str], Mentions] = {}
        self._fresh: dict[tuple[str, str], Mentions] = {}

    def look_again(self) -> None:
        """Forget what was looked at: the next question goes to the disk again."""
        self._looked.clear()

    def of(self, path: Path | str, kind: str, seen: FileStat | None = None) -> tuple[Mention, ...]:
        """In the order of the file; a damaged one mentions a `fault`. Raises OSError where there is none.

        `seen`: what `plain_stat` has just said of it, where that is known.
        """
        key = (str(path), f"{kind} {SCHEMA}")
        if key in self._looked:
            return self._looked[key].found
        stat = seen or plain_stat(key[0])
        known = self._known.get(key)
        if known is None or known.stat != stat or not trusted(known.stat, known.read_ns):
            known = self._read(Path(path), kind, stat)
            self._fresh[key] = known
        self._known[key] = self._looked[key] = known
        return known.found

    def take_fresh(self) -> tuple[Mentions, ...]:
        """What was read since the last call, for the store to remember."""
        fresh = tuple(self._fresh.values())
        self._fresh.clear()
        return fresh

    def _read(self, path: Path, kind: str, before: FileStat) -> Mentions:
        began = self._clock_ns()
        found = self._of_text(path, kind, before) if kind in MENTIONING else self._of_hdf(path)
        if stat_of(path.stat()) != before:
            # Never trusted, and so read again at the next look.
            began = 0
        return Mentions(path=path, stat=before, kind=f"{kind} {SCHEMA}", found=found, read_ns=began)

    def _of_text(self, path: Path, kind: str, stat: FileStat) -> tuple[Mention, ...]:
        if stat.size > LARGEST_TEXT:
            what = f"{path.name}: larger than {LARGEST_TEXT >> 20} MiB"
            return (Mention.fault(Trouble(what, "check that this is the right file")),)
        return mentions_in(kind, whole(path), path.name)

    def _of_hdf(self, path: Path) -> tuple[Mention, ...]:
        try:
            return self._read_hdf(path)
        except ResultError as error:
            return (Mention.fault(error.trouble),)
