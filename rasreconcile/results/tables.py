"""One dataset of a result as rows that name what each value is of: cell, section, profile, time. Read in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rasreconcile.errors import ResultError
from rasreconcile.facts import NO_DATA, DatasetFacts
from rasreconcile.results import fields, layout
from rasreconcile.results.chunks import Sums
from rasreconcile.results.fields import Field
from rasreconcile.results.surfaces import PROFILES, SERIES, SUMMARY, Surface, ground, section_names
from rasreconcile.results.tree import Tree, as_text, opened


@dataclass(frozen=True, slots=True)
class Part:
    """Some values of a dataset. `index` holds a column for each axis, as long as `values`."""

    index: dict[str, list[Any]]
    values: np.ndarray[Any, Any]


def parts(path: Path, place: str) -> Iterator[Part]:
    """The dataset in pieces, ghost cells and times of maxima left out. Raises ResultError where there is none.

    `place`: a path, the end of one, or a field's name (`Water Surface`). A `*` stands for every name that fits; which
    it was is one column more: `area` of 2D areas.
    """
    with opened(path) as tree:
        found = [Field(*one, place) for one in _matching(tree, place) if layout.is_numbers(tree, one[0])]
        for field in found or fields.find(tree, path, place):
            pieces = _values(tree, field) if field.depth_of is None else _depths(tree, path, field.depth_of)
            for part in pieces:
                matched = {name: [value] * part.values.size for name, value in field.names.items()}
                yield Part({**matched, **part.index}, part.values)
        if tree.unreadable:
            raise ResultError(f"{path}: {next(iter(tree.unreadable))}", "compute it again")


def sums(tree: Tree, path: Path, name: str) -> DatasetFacts | None:
    """A field by its name, summed up over all areas that have it; None where there is none, or several kinds."""
    found = fields.meant(tree, name)
    if len({field.kind for field in found}) != 1:
        return None
    return layout.together([one for field in found if (one := _sums(tree, path, field)) is not None])


def _sums(tree: Tree, path: Path, field: Field) -> DatasetFacts | None:
    if field.depth_of is None:
        return tree.sums(field.place, layout.what_counts(tree, field.place, tree.shape(field.place) or ()))
    counted = Sums()
    for part in _depths(tree, path, field.depth_of):
        counted.add(part.values)
    return DatasetFacts(
        shape=(counted.size,),
        dtype="float64",
        finite=counted.finite,
        size=counted.size,
        minimum=counted.minimum,
        maximum=counted.maximum,
    )


def _values(tree: Tree, field: Field) -> Iterator[Part]:
    shape = tree.shape(field.place) or ()
    axes = _axes(tree, field.place, shape)
    for where, piece in tree.cut(field.place, layout.what_counts(tree, field.place, shape)):
        yield _part(axes, where, piece)


def _depths(tree: Tree, path: Path, surface: Surface) -> Iterator[Part]:
    """Water surface above the lowest point of each cell or section; NaN where it is dry or one of them is not known."""
    bottom = ground(tree, surface)
    axes = _axes(tree, surface.place, tree.shape(surface.place) or ())
    for where, piece in tree.cut(surface.place, (surface.rows, surface.columns)):
        if bottom is None or len(bottom[where[1]]) != piece.shape[1]:
            raise ResultError(f"{path}: {surface.place} has no ground of its width", "compute it again")
        with np.errstate(all="ignore"):
            wet = np.isfinite(piece) & (piece > NO_DATA)
            depths = np.where(wet, np.maximum(piece.astype(np.float64) - bottom[where[1]], 0.0), np.nan)
        yield _part(axes, where, depths)


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
    if place.endswith(f"/{_VARIABLES}") and len(shape) == 3:
        axes[0] = ("profile", _fitting(tree.texts(f"{PROFILES}/Profile Names"), shape[0]))
        axes[1] = ("variable", _variables(tree, place, shape[1]))
        axes[2] = ("section", section_names(tree, shape[2]))
        return axes
    if "/Cross Sections/" in place and len(shape) == 1 and (labels := section_names(tree, shape[0])):
        return [("section", labels)]
    if len(shape) != 2:
        return axes
    if place.startswith(PROFILES):
        axes[0] = ("profile", _fitting(tree.texts(f"{PROFILES}/Profile Names"), shape[0]))
    elif place.startswith(SERIES):
        axes[0] = ("time", _fitting(tree.texts(f"{SERIES}/Time Date Stamp"), shape[0]))
    elif place.startswith(SUMMARY) and shape[0] == 2:
        axes[0] = ("", ())
    if "/Cross Sections/" in place:
        axes[1] = ("section", section_names(tree, shape[1]))
    elif "/2D Flow Areas/" in place:
        axes[1] = ("face" if "Face" in place.rpartition("/")[2] else "cell", ())
    return axes


_VARIABLES = "Cross Section Variables"
"""Where 5.0.x keeps most of what it computes of steady profiles: profile, variable, section."""


def _variables(tree: Tree, place: str, width: int) -> tuple[str, ...]:
    """Their names, which an attribute of the dataset lists: alone, or each before its unit."""
    listed = np.asarray(tree.attribute(place, "Variables"))
    names = listed[:, 0] if listed.ndim == 2 else listed.ravel()
    return _fitting(tuple(as_text(name) or "" for name in names), width)


def _fitting(labels: tuple[str, ...] | None, length: int) -> tuple[str, ...]:
    return labels if labels is not None and len(labels) == length else ()
