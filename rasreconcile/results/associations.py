"""What a geometry, terrain or land cover HDF says about other files: a few attributes, read without a lock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.errors import ResultError, Trouble
from rasreconcile.records import Mention

if TYPE_CHECKING:
    from rasreconcile.results.tree import Tree

MOST = 10_000
"""Files that one HDF may name, and objects that are asked for them."""

_AREAS = "Geometry/2D Flow Areas"
_ENDING = " Filename"


def associations(path: Path) -> tuple[Mention, ...]:
    """In the order of the file, each once. Raises ResultError where it cannot be read."""
    from rasreconcile.results.tree import opened  # noqa: PLC0415  h5py is a quarter of a second of import

    with opened(path, remedy="open and save it in HEC-RAS") as tree:
        return _mentions(tree)


def _mentions(tree: Tree) -> tuple[Mention, ...]:
    found = tuple(islice(dict.fromkeys(_of(tree)), MOST + 1))
    if len(found) > MOST:
        raise ResultError(f"{tree.name}: names more than {MOST} files", "check that this is the right file")
    troubles = (Trouble(f"{tree.name}: {why}", "open and save it in HEC-RAS") for why in tree.unreadable)
    faults = map(Mention.fault, troubles)
    return (*found, *faults)


def _of(tree: Tree) -> Iterator[Mention]:
    # HEC-RAS keeps a table or two in this group, beside one group for each area.
    areas = [name for name in islice(tree.names(_AREAS), MOST) if tree.is_group(f"{_AREAS}/{name}")]
    for place in ("Geometry", *(f"{_AREAS}/{name}" for name in areas)):
        for attribute in tree.attribute_names(place):
            kind = _kind(attribute)
            if kind is not None and (value := tree.text_attribute(place, attribute)):
                yield Mention(kind, value)
    for name in islice(tree.names("Terrain"), MOST):
        if value := tree.text_attribute(f"Terrain/{name}", "File"):
            yield Mention("tile", value)
    for value in (tree.text_attribute("", "Virtual Dependencies") or "").splitlines():
        if value.strip():
            yield Mention("dependency", value.strip())


def _kind(attribute: str) -> str | None:
    """Of the layer that an attribute names; None for what names no layer."""
    if not attribute.endswith(_ENDING) or attribute.startswith(("Geometry", "Plan", "Flow")):
        return None
    words = attribute.removesuffix(_ENDING).casefold()
    if "terrain" in words:
        return "terrain"
    return "infiltration" if "infiltration" in words else "land-cover"
