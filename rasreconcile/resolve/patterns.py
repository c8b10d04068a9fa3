"""The files that a pattern of a spec matches: each real file once, and each real folder below a `**` once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath


def matching(root: Path, parts: Sequence[str]) -> Iterator[PurePath]:
    """Relative to `root`; `**` means any folder at any depth, and a link back up leads nowhere new."""
    if "**" not in parts:
        pattern = str(PurePath(*parts))
        yield from (PurePath(match) for match in glob.glob(pattern, root_dir=root))
        return
    at = parts.index("**")
    rest = parts[at + 1 :] or ("*",)
    bases = matching(root, parts[:at]) if at else iter([PurePath()])
    for base in bases:
        for folder in _folders(root / base):
            yield from (base / folder / match for match in matching(root / base / folder, rest))


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


def _folders(start: Path) -> Iterator[PurePath]:
    """Every real folder at and below `start` once, relative to it; those that no link leads to come first."""
    seen: set[str] = set()
    plain, links = [PurePath()], list[PurePath]()
    while plain or links:
        here = plain.pop() if plain else links.pop(0)
        real = os.path.realpath(start / here)
        if real in seen:
            continue
        seen.add(real)
        yield here
        for name, is_link in _below(start / here):
            (links if is_link else plain).append(here / name)


def _below(folder: Path) -> list[tuple[str, bool]]:
    """The folders in a folder, and whether each is a link; as for `*`, hidden ones are not meant."""
    try:
        with os.scandir(folder) as entries:
            found = [(e.name, e.is_symlink()) for e in entries if e.name[:1] != "." and e.is_dir()]
    except OSError:
        # As glob has it: what may not be looked into holds nothing that is meant.
        return []
    return sorted(found)
