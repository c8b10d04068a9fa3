"""Patterns of file names: whatever the case of the names on disk, and each real folder below a `**` once."""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

from rasreconcile.errors import ProjectError
from rasreconcile.resolve.folder import Folder
from rasreconcile.resolve.search import Search
from rasreconcile.spelling import name_key


class Names(Protocol):
    """The names in a folder."""

    @property
    def names(self) -> list[str]: ...
    def find(self, name: str) -> Path | None: ...


Listing = Callable[[Path], Names | None]
"""The names in a folder; None where there is no such folder."""


class Types(Protocol):
    """What a path is; links are followed."""

    def exists(self, path: Path) -> bool: ...
    def is_dir(self, path: Path) -> bool: ...


class _OfTheDisk:
    """Asked of the disk each time."""

    def exists(self, path: Path) -> bool:
        return os.path.exists(path)  # noqa: PTH110  Path.exists raises for a name that is too long

    def is_dir(self, path: Path) -> bool:
        return path.is_dir()


_OF_THE_DISK = _OfTheDisk()


def listed(path: Path, seen_from: Path | None = None) -> Folder | None:
    """Looks each time. `seen_from`: the spec's folder, for messages."""
    return Folder(path, seen_from) if path.is_dir() else None


def matches(
    root: Path,
    pattern: str,
    listing: Listing = listed,
    search: Search | None = None,
    *,
    types: Types = _OF_THE_DISK,
) -> list[str]:
    """The names below `root` that a pattern means, sorted; `**` is any number of folders, `*` no hidden
    name. A link back up leads nowhere new.

    A part that is a name as it stands, brackets and all, is that name. One without a wildcard is else the name that
    differs in case only: raises ProjectError where there are several. `search`: how far it goes, and what it left out;
    raises ProjectError too where it is ended.
    """
    matching = _Matching(listing, search or Search(pattern), types)
    found = matching.below(root, PurePath(), PurePath(pattern).parts)
    return sorted(dict.fromkeys(name.as_posix() for name in found))


def each_once(root: Path, matches: Iterable[PurePath]) -> list[PurePath]:
    """One spelling for each real folder and name, sorted: the one without links where there is one, else the first.

    The file itself may be a link: a project's other files are those beside the link.
    """
    top = Path(os.path.realpath(root))
    found: dict[str, PurePath] = {}
    for match in sorted(matches, key=str):
        folder = Path(os.path.realpath(root / match.parent))
        place = os.path.normcase(folder / match.name)
        straight = folder == top / match.parent
        if place not in found or straight:
            found[place] = match
    return sorted(found.values(), key=str)


@dataclass(frozen=True, slots=True)
class _Matching:
    """One pattern on its way down. `name`: of the folder, as far as it was matched."""

    listing: Listing
    search: Search
    types: Types

    def below(self, folder: Path, name: PurePath, parts: tuple[str, ...]) -> Iterator[PurePath]:
        if not parts:
            yield name
            return
        part, *rest = parts
        below = tuple(rest)
        if part == "**":
            yield from self._anywhere(folder, name, below)
            return
        if self.types.exists(folder / part):
            yield from self._step(folder, name, part, below)
        elif not glob.has_magic(part):
            there = self.listing(folder)
            if there is not None and (found := there.find(part)) is not None:
                yield from self._step(folder, name, found.name, below)
        if glob.has_magic(part):
            for entry in self._names(folder, hidden=part.startswith(".")):
                # `Reach [1].txt` is also that name in other case.
                if name_key(entry) == name_key(part) or fnmatch.fnmatchcase(name_key(entry), name_key(part)):
                    yield from self._step(folder, name, entry, below)

    def _step(self, folder: Path, name: PurePath, part: str, below: tuple[str, ...]) -> Iterator[PurePath]:
        here = folder / part
        if not below or self.types.is_dir(here):
            yield from self.below(here, name / part, below)

    def _anywhere(self, folder: Path, name: PurePath, below: tuple[str, ...]) -> Iterator[PurePath]:
        """This folder and all below it."""
        for inner in self._folders(folder):
            here = folder / inner
            if below:
                yield from self.below(here, name / inner, below)
                continue
            if (name / inner).parts:
                yield name / inner
            yield from (name / inner / entry for entry in self._names(here) if not (here / entry).is_dir())

    def _folders(self, start: Path) -> Iterator[PurePath]:
        """Every real folder at and below `start` once, relative to it; those that no link leads to come first.

        Only a link leads into another file system.
        """
        seen: set[str] = set()
        top = _device(start)
        if top is None:
            return
        self.search.begin(start)
        plain, links = [(PurePath(), top)], list[tuple[PurePath, int]]()
        while plain or links:
            inner, device = plain.pop() if plain else links.pop(0)
            real = os.path.realpath(start / inner)
            if real in seen:
                continue
            seen.add(real)
            self.search.look_into(start / inner)
            yield inner
            for entry in self._names(start / inner):
                place = start / inner / entry
                if (there := _device(place)) is None:
                    continue
                if place.is_symlink():
                    if self.search.is_made_up(place):
                        continue
                    links.append((inner / entry, there))
                elif self.search.may_enter(place, there, device):
                    plain.append((inner / entry, there))

    def _names(self, folder: Path, *, hidden: bool = False) -> list[str]:
        try:
            there = self.listing(folder)
        except ProjectError:
            # As every shell does: a folder that nobody may read is on the way of `**` only.
            return []
        names = there.names if there is not None else []
        return [name for name in names if hidden or not name.startswith(".")]


def _device(place: Path) -> int | None:
    """Of a folder; None where it is none, or cannot be looked at."""
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_dev if stat.S_ISDIR(found.st_mode) else None
