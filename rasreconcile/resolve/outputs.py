"""Where the plans of a spec publish, by real path: no file has two owners."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rasreconcile.errors import Fault, Trouble
from rasreconcile.output_names import is_pattern, matches
from rasreconcile.plans import MISSING, Address, BroughtBack, InputFile, Plan
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
    """The result first; of patterns, the pattern."""


@dataclass(slots=True)
class RealPaths:
    """Follows the links of each folder once; to look again, make another."""

    _folders: dict[str, str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """The file that is written where `path` is published; a link that leads nowhere counts as its target."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        place = os.path.join(self._folders[folder], name)  # noqa: PTH118  strings: once for each of 10,000 results
        return os.path.normcase(os.path.realpath(place) if os.path.islink(place) else place)  # noqa: PTH114  as above


def shared_files(loaded: LoadedSpec, claims: Iterable[Claim]) -> list[Fault]:
    """One fault for each two entries with plans that publish to one file."""
    real, owners = RealPaths(), dict[str, Claim]()
    clashes: dict[tuple[int, int], list[tuple[Claim, Claim, Path]]] = {}
    claims, patterns = list(claims), _Patterns(real)
    for claim in claims:
        for place in claim.places:
            first = owners.setdefault(real.of(place), claim)
            if first.address != claim.address:
                clashes.setdefault((first.index, claim.index), []).append((first, claim, place))
            elif is_pattern(place.name):
                patterns.add(claim, place)
    for claim in claims if patterns.are_some else ():
        for place in claim.places:
            for other in patterns.meaning(place):
                if other.address != claim.address:
                    clashes.setdefault((claim.index, other.index), []).append((claim, other, place))
    return [_fault(loaded, found) for found in clashes.values()]


@dataclass(slots=True)
class _Patterns:
    """The patterns of all plans, by the folder that they are looked for in."""

    real: RealPaths
    _known: dict[str, list[tuple[str, Claim]]] = field(default_factory=dict)

    @property
    def are_some(self) -> bool:
        return bool(self._known)

    def add(self, claim: Claim, place: Path) -> None:
        folder, _, name = self.real.of(place).rpartition(os.sep)
        self._known.setdefault(folder, []).append((name.casefold(), claim))

    def meaning(self, place: Path) -> Iterator[Claim]:
        """The plans with a pattern that means the file at `place`, or that is written like `place`."""
        folder, _, name = self.real.of(place).rpartition(os.sep)
        for pattern, claim in self._known.get(folder, ()):
            if matches(name.casefold(), pattern):
                yield claim


@dataclass(frozen=True, slots=True)
class Reads:
    """What a plan reads, and which plans it needs because they make some of that."""

    address: Address
    inputs: Sequence[InputFile]
    makers: Collection[Address]


_OVER = (
    "if its runs make that file, name it without a pattern; else name it otherwise, or give the plans a `results`"
    " folder"
)


def inputs_published_over(loaded: LoadedSpec, claims: Iterable[Claim], read: Iterable[Reads]) -> list[Fault]:
    """A fault for each entry whose further outputs would be published over a file that a plan reads.

    What another plan makes is read where it is published. A result is no such file: nothing but its plan makes it.
    """
    real, patterns, owners = RealPaths(), _Patterns(RealPaths()), dict[str, Claim]()
    for claim in claims:
        for place in claim.places[1:]:
            if is_pattern(place.name):
                patterns.add(claim, place)
            else:
                owners[real.of(place).casefold()] = claim
    found: dict[int, tuple[Claim, Address, InputFile]] = {}
    for plan in read if owners or patterns.are_some else ():
        for file in (file for file in plan.inputs if file.raw != MISSING):
            for claim in filter(
                None, (owners.get(real.of(file.source).casefold()), *patterns.meaning(file.source))
            ):
                if claim.address not in plan.makers:
                    found.setdefault(claim.index, (claim, plan.address, file))
    return [
        entry_fault(
            loaded,
            claim.index,
            Trouble(
                f"{claim.address} would publish over {shown(file.source, loaded.folder)}, which {address} reads",
                _OVER,
            ),
            key="outputs",
        )
        for claim, address, file in found.values()
    ]


def _fault(loaded: LoadedSpec, found: list[tuple[Claim, Claim, Path]]) -> Fault:
    first, second, place = found[0]
    more = len({(one.address, other.address) for one, other, _ in found}) - 1
    remedy = "take the plans out of one of the entries, or give one a `results` folder of its own"
    if place not in (first.places[0], second.places[0]):
        remedy = "name it after its plan, `{stem}.O{number}`, or give one entry a `results` folder of its own"
    shared = shown(Path(os.path.realpath(place)), Path(os.path.realpath(loaded.folder)))
    what = (
        f"{second.address} publishes to the same file as {first.address} of plans[{first.index}]"
        f" (line {loaded.line_of(('plans', first.index))}): {shared}"
        f"{f', and {more} more so' if more else ''}"
    )
    return entry_fault(loaded, second.index, Trouble(what, remedy))


def plan_that_brings_back(plan: Plan, brought_back: tuple[BroughtBack, ...]) -> Plan:
    """The plan with its further outputs; blocked where its engine writes none."""
    if not brought_back:
        return plan
    if plan.engine.type != "steady":
        return replace(plan, brought_back=brought_back)
    first = brought_back[0]
    why = "`outputs` names" if first.read_by is None else f"{first.read_by} reads"
    trouble = Trouble(
        f"the steady engine writes nothing but its result, and {why} {first.name}", "leave it out"
    )
    return replace(plan, brought_back=brought_back, blocked_by=(*plan.blocked_by, trouble))
