"""Where the plans of a spec publish, by real path: no file has two owners."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rasreconcile.errors import Fault
from rasreconcile.plans import Address
from rasreconcile.resolve.projects import entry_fault
from rasreconcile.resolve.shown import shown
from rasreconcile.specfile import LoadedSpec


@dataclass(frozen=True, slots=True)
class Claim:
    """The files that a plan publishes: its result, and its side outputs."""

    address: Address
    index: int
    """The place of its entry in `plans`."""
    places: tuple[Path, ...]


@dataclass(slots=True)
class RealPaths:
    """Follows the links of each folder once; to look again, make another."""

    _folders: dict[Path, Path] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """The file that is written where `path` is published; a link that leads nowhere counts as its target."""
        if path.parent not in self._folders:
            self._folders[path.parent] = Path(os.path.realpath(path.parent))
        place = self._folders[path.parent] / path.name
        return os.path.normcase(os.path.realpath(place) if place.is_symlink() else place)


def shared_files(loaded: LoadedSpec, claims: Iterable[Claim]) -> list[Fault]:
    """One fault for each two entries with plans that publish to one file."""
    real, owners = RealPaths(), dict[str, Claim]()
    clashes: dict[tuple[int, int], list[tuple[Claim, Claim, Path]]] = {}
    for claim in claims:
        for place in claim.places:
            first = owners.setdefault(real.of(place), claim)
            if first.address != claim.address:
                clashes.setdefault((first.index, claim.index), []).append((first, claim, place))
    return [_fault(loaded, found) for found in clashes.values()]


def _fault(loaded: LoadedSpec, found: list[tuple[Claim, Claim, Path]]) -> Fault:
    first, second, place = found[0]
    more = len({(one.address, other.address) for one, other, _ in found}) - 1
    shared = shown(Path(os.path.realpath(place)), Path(os.path.realpath(loaded.folder)))
    what = (
        f"{second.address} publishes to the same file as {first.address} of plans[{first.index}]"
        f" (line {loaded.line_of(('plans', first.index))}): {shared}"
        f"{f', and {more} more so' if more else ''}; take the plans out of one of the entries,"
        " or give one a `results` folder of its own"
    )
    return entry_fault(loaded, second.index, what)
