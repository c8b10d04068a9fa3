"""One dataset of a result as rows that name what each value is of: cell, section, profile, time. Read in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rasreconcile.errors import ResultError
from rasreconcile.results import layout
from rasreconcile.results.surfaces import PROFILES, SERIES, SUMMARY, of_output
from rasreconcile.results.tree import Tree, opened


@dataclass(frozen=True, slots=True)
class Part:
    """Some values of a dataset. `index` holds a column for each axis, as long as `values`."""

    index: dict[str, list[Any]]
    values: np.ndarray[Any, Any]


def parts(path: Path, place: str) -> Iterator[Part]:
    """The dataset in pieces, ghost cells and times of maxima left out. Raises ResultError where there is none.

    A `*` in `place` stands for every name that fits; which it was is one column more: `area` of 2D areas.
    """
    with opened(path) as tree:
        found = [one for one in _matching(tree, place) if _is_numbers(tree, one[0])]
        if not found:
            raise ResultError(
                f"{path}: {place} does not exist, or holds no numbers", "`h5dump -n` lists what exists"
            )
        for exact, names in found:
            shape = tree.shape(exact) or ()
            axes = _axes(tree, exact, shape)
            for where, piece in tree.cut(exact, layout.what_counts(tree, exact, shape)):
                part = _part(axes, where, piece)
                matched = {name: [value] * part.values.size for name, value in names.items()}
                yield Part({**matched, **part.index}, part.values)
        if tree.unreadable:
            raise ResultError(f"{path}: {next(iter(tree.unreadable))}", "compute it again")


def _matching(tree: Tree, place: str) -> list[tuple[str, dict[str, str]]]:
    """Each place that is meant, with the names that stand for its `*`."""
    found: list[tuple[str, dict[str, str]]] = [("", {})]
    owner = ""
    for word in place.strip("/").split("/"):
        if "*" in word:
            fits = re.compile(".*".join(map(re.escape, word.split("*"))))
            column = "area" if owner == "2D Flow Areas" else f"name{len(found[0][1])}" if found else ""
            found = [
                (f"{above}/{name}".lstrip("/"), {**names, column: name})
                for above, names in found
                for name in tree.names(above)
                if fits.fullmatch(name)
            ]
        else:
            found = [(f"{above}/{word}".lstrip("/"), names) for above, names in found]
        owner = word
    return found


def _is_numbers(tree: Tree, place: str) -> bool:
    shape = tree.shape(place)
    return bool(shape) and tree.sums(place, tuple(slice(0, 0) for _ in shape or ())) is not None


def _part(
    axes: list[tuple[str, tuple[str, ...]]], where: tuple[slice, ...], piece: np.ndarray[Any, Any]
) -> Part:
    index: dict[str, list[Any]] = {}
    grids = np.indices(piece.shape).reshape(piece.ndim, -1)
    for n, (name, labels) in enumerate(axes):
        if name:
            numbers = (grids[n] + where[n].start).tolist()
            index[name] = [labels[i] for i in numbers] if labels else numbers
    return Part(index, piece.ravel())


def _axes(tree: Tree, place: str, shape: tuple[int, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Name and labels of each axis; an axis without a name has one value that matters."""
    axes: list[tuple[str, tuple[str, ...]]] = [(f"index{n}", ()) for n in range(len(shape))]
    if len(shape) != 2:
        return axes
    sections = tuple(str(section) for section in of_output(tree))
    if place.startswith(PROFILES):
        axes[0] = ("profile", _fitting(tree.texts(f"{PROFILES}/Profile Names"), shape[0]))
    elif place.startswith(SERIES):
        axes[0] = ("time", _fitting(tree.texts(f"{SERIES}/Time Date Stamp"), shape[0]))
    elif place.startswith(SUMMARY) and shape[0] == 2:
        axes[0] = ("", ())
    if "/Cross Sections/" in place:
        axes[1] = ("section", _fitting(sections, shape[1]))
    elif "/2D Flow Areas/" in place:
        axes[1] = ("face" if "Face" in place.rpartition("/")[2] else "cell", ())
    return axes


def _fitting(labels: tuple[str, ...] | None, length: int) -> tuple[str, ...]:
    return labels if labels is not None and len(labels) == length else ()
