"""Where references lead on this disk, found as Windows would find them. Folders are listed; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from rasreconcile.project.references import Reference, joined, mapped, tails
from rasreconcile.resolve.asked import Asked, Listed
from rasreconcile.spelling import composed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reference leads."""

    name: str
    """Relative to the project's folder, forward slashes; `../` where it lies outside. Of an absolute reference that
    leads nowhere: as it is spelled."""
    path: Path | None
    """The file; None where there is none."""


class Places:
    """Lists each folder once, and follows each reference once; to look again, make another."""

    def __init__(self, asked: Asked, path_map: Mapping[str, Path] | None = None) -> None:
        self._asked = asked
        self._path_map = {prefix: str(place) for prefix, place in (path_map or {}).items()}
        self._folders: dict[Path, Listed | None] = {}
        self._found: dict[tuple[Reference, Path, str], Place] = {}
        self._links: dict[tuple[Path, PurePath], tuple[str, str] | None] = {}

    def folder(self, path: Path) -> Listed | None:
        """None where there is no such folder. Raises ProjectError where it cannot be read."""
        if path not in self._folders:
            self._folders[path] = self._asked.folder(path)
        return self._folders[path]

    def find(self, reference: Reference, home: Path, below: str = "") -> Place:
        """`home`: the project's folder. `below`: the folder of the file that names it, relative to that.

        Raises ProjectError where names differ in case only, or a folder cannot be read.
        """
        key = (reference, home, below)
        if key not in self._found:
            self._found[key] = self._find(reference, home, below)
        return self._found[key]

    def candidates(self, reference: Reference, home: Path, below: str = "") -> tuple[Path, ...]:
        """Where the file is, or else where it might come to be, most likely first. Raises ProjectError."""
        found = self.find(reference, home, below)
        if found.path is not None:
            return (found.path,)
        if not reference.root:
            return (Path(os.path.normpath(home / joined(below, reference.parts))),)
        places = [home.joinpath(*tail) for tail in tails(reference)]
        if (elsewhere := mapped(reference, self._path_map)) is not None:
            places.insert(0, Path(elsewhere[0]).joinpath(*elsewhere[1]))
        return tuple(places)

    def _find(self, reference: Reference, home: Path, below: str) -> Place:
        if not reference.root:
            name = joined(below, reference.parts)
            path = self._walk(home, tuple(part for part in below.split("/") if part) + reference.parts)
            return Place(name if path is None or ".." not in name.split("/") else name_from(home, path), path)
        path = self._absolute(reference, home)
        return Place(str(reference), None) if path is None else Place(name_from(home, path), path)

    def find_folder(self, reference: Reference, home: Path) -> str | None:
        """The name of the folder that it leads to, as of a file; None where there is none. Raises as `find` does."""
        if reference.root:
            path = self._absolute(reference, home, self._asked.is_dir)
        else:
            path = self._walk(home, reference.parts, self._asked.is_dir)
        return None if path is None else name_from(home, path)

    def link_out(self, home: Path, below: PurePath) -> tuple[str, str] | None:
        """The first part of `below` that is a link out of the folder `home`, and where it leads; None where none is."""
        key = (home, below)
        if key not in self._links:
            self._links[key] = _link_out(home, below, self._asked)
        return self._links[key]

    def _absolute(
        self, reference: Reference, home: Path, wanted: Callable[[Path], bool] | None = None
    ) -> Path | None:
        wanted = wanted or self._asked.is_file
        if os.name == "nt" and wanted(Path(str(reference))):
            return Path(str(reference))
        found = mapped(reference, self._path_map)
        if found is not None:
            folder, parts = found
            path = self._walk(Path(folder), parts, wanted)
            if path is not None:
                return path
        # Projects travel as folders: what stood at C:\Models\Muncie\dss\flow.dss stands below the folder as it is now.
        return next((path for tail in tails(reference) if (path := self._walk(home, tail, wanted))), None)

    def _walk(
        self, start: Path, parts: tuple[str, ...], wanted: Callable[[Path], bool] | None = None
    ) -> Path | None:
        here = start
        for number, part in enumerate(parts, start=1):
            if part == "..":
                here = here.parent
                continue
            folder = self.folder(here)
            found = folder.find(part) if folder is not None else None
            if found is None:
                return None
            here = found
            if number < len(parts) and not self._asked.is_dir(here):
                return None
        return here if (wanted or self._asked.is_file)(here) else None


def name_from(home: Path, path: Path) -> str:
    """The path from that folder on, forward slashes, each accented letter as one character."""
    try:
        return composed(Path(os.path.relpath(path, home)).as_posix())
    except ValueError:
        # Two drives of Windows have no way from one to the other.
        return path.as_posix()


def _link_out(home: Path, below: PurePath, asked: Asked) -> tuple[str, str] | None:
    top, here = asked.real(home), home
    for part in below.parts:
        here = here / part
        if part != ".." and asked.is_link(here):
            real = asked.real(here)
            if real != top and not real.startswith(os.path.join(top, "")):  # noqa: PTH118
                return str(here.relative_to(home)), real
    return None
