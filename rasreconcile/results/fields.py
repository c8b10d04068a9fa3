"""Fields of a result by their names: `Water Surface` for the long path of a dataset, and the depth over the ground."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rasreconcile.errors import ResultError
from rasreconcile.results import layout
from rasreconcile.results.surfaces import Surface, ground, surfaces
from rasreconcile.results.tree import Tree

DEPTH = "Maximum Depth"
"""Of steady profiles at each section, of unsteady results at the maxima; `results` gives the largest."""
_MOST = 100_000
"""Objects of a file that are looked through."""
_MOST_NAMED = 8
_OWNERS = {"2D Flow Areas": "area", "SA 2D Area Conn": "connection", "Lateral Structures": "structure",
           "Inline Structures": "structure", "Pumping Stations": "station", "Pipe Networks": "network"}  # fmt: skip
"""Groups that hold a group for each of a kind, and what one of the kind is called."""


@dataclass(frozen=True, slots=True)
class Field:
    """One dataset that is meant."""

    place: str
    names: dict[str, str]
    """What stands for each `*` of `kind`: `area` -> `Perimeter 1`."""
    kind: str
    """The place with `*` for the name of an area or a structure: the datasets of one kind are collected together."""
    depth_of: Surface | None = None
    """Set where the field is computed: the water surface that it is the depth of."""


def meant(tree: Tree, wanted: str) -> list[Field]:
    """Every dataset that a field's name, or the end of a path, fits; `*` stands for any part of a name."""
    return _fitting(_every(tree), wanted)


def find(tree: Tree, path: Path, wanted: str) -> list[Field]:
    """As `meant`. Raises ResultError where that is none, or several of different kinds."""
    every = _every(tree)
    found = _fitting(every, wanted)
    kinds = list(dict.fromkeys(field.kind for field in found))
    if not kinds:
        raise ResultError(f"{path}: {wanted} does not exist, or holds no numbers", _near(wanted, every))
    if len(kinds) > 1:
        listed = "; ".join(f"/{kind}" for kind in kinds[:_MOST_NAMED])
        more = f"; and {len(kinds) - _MOST_NAMED} more" if len(kinds) > _MOST_NAMED else ""
        raise ResultError(
            f"{path}: {wanted} is the name of {len(kinds)} fields: {listed}{more}",
            "name one of them, or as much of the end of its path as only it has",
        )
    return found


def _fitting(every: list[Field], wanted: str) -> list[Field]:
    pattern = "/".join(".*".join(map(re.escape, word.split("*"))) for word in wanted.strip("/").split("/"))
    fits = re.compile(rf"(?:.*/)?{pattern}", re.IGNORECASE)
    return [field for field in every if fits.fullmatch(field.place)]


def _every(tree: Tree) -> list[Field]:
    fields = [field for field in _in_file(tree) if layout.is_numbers(tree, field.place)]
    there = {field.place for field in fields}
    for surface in surfaces(tree, layout.kind_of(tree)):
        place = f"{surface.place.rpartition('/')[0]}/{DEPTH}"
        if place not in there and ground(tree, surface) is not None:
            fields.append(_field(place, surface))
    return fields


def _in_file(tree: Tree) -> Iterator[Field]:
    """Every dataset of the results, from the top down. A group that holds itself is looked into once."""
    waiting, seen, groups = ["Results"], 0, set[int | None]()
    while waiting:
        place = waiting.pop(0)
        address = tree.address(place)
        if address in groups:
            continue
        groups.add(address)
        for name in tree.names(place):
            seen += 1
            below = f"{place}/{name}"
            if seen > _MOST:
                return
            if tree.is_group(below):
                waiting.append(below)
            else:
                yield _field(below)


def _field(place: str, depth_of: Surface | None = None) -> Field:
    words, names = place.split("/"), {}
    for n in range(1, len(words) - 1):
        if (column := _OWNERS.get(words[n - 1])) is not None:
            names[column], words[n] = words[n], "*"
    return Field(place, names, "/".join(words), depth_of)


def _near(wanted: str, every: list[Field]) -> str:
    names = list(dict.fromkeys(field.place.rpartition("/")[2] for field in every))
    by_fold = {name.casefold(): name for name in names}
    near = get_close_matches(wanted.rpartition("/")[2].casefold(), by_fold, n=3, cutoff=0.5)
    if near:
        return f"did you mean {', '.join(by_fold[name] for name in near)}?"
    return "`h5dump -n` lists what exists"
