"""How the water surfaces of a result differ from those of another result of the same model. Read in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rasreconcile.facts import NO_DATA, Difference, FlowKind
from rasreconcile.results.surfaces import Surface, surfaces
from rasreconcile.results.tree import Tree


@dataclass(slots=True)
class _Comparison:
    within: float
    mismatched: list[str] = field(default_factory=list)
    compared: int = 0
    beyond: int = 0
    largest: float = 0.0
    worst: str = ""
    one_sided: int = 0
    one_sided_at: str = ""


def difference(
    tree: Tree, base: Tree, kind: FlowKind | None, base_kind: FlowKind | None, within: float
) -> Difference:
    """`base` is the baseline. Steady: every profile at every section. Unsteady: maxima of every cell and section."""
    found = _Comparison(within)
    here = {surface.name: surface for surface in surfaces(tree, kind)}
    there = {surface.name: surface for surface in surfaces(base, base_kind)}
    if kind != base_kind:
        found.mismatched.append(f"the result is {kind or 'empty'}, the baseline {base_kind or 'empty'}")
        here, there = {}, {}
    elif not there:
        found.mismatched.append("the baseline holds no water surfaces")
    found.mismatched += [f"{name}: the baseline has none" for name in here if name not in there]
    found.mismatched += [
        f"{name}: the baseline has one, the result none" for name in there if name not in here
    ]
    for name in (name for name in here if name in there):
        mismatch = _mismatch(tree, base, here[name], there[name])
        if mismatch:
            found.mismatched.append(f"{name}: {mismatch}")
        else:
            _compare(found, tree, base, (here[name], there[name]))
    if base.unreadable:
        found.mismatched.append(f"part of the baseline cannot be read: {next(iter(base.unreadable))}")
    return Difference(
        mismatched=tuple(found.mismatched),
        compared=found.compared,
        beyond=found.beyond,
        largest=found.largest,
        worst=found.worst,
        one_sided=found.one_sided,
        one_sided_at=found.one_sided_at,
    )


def _mismatch(tree: Tree, base: Tree, here: Surface, there: Surface) -> str | None:
    shapes = _extent(tree, here), _extent(base, there)
    if shapes[0] != shapes[1]:
        return f"has shape {list(shapes[0])}, the baseline {list(shapes[1])}"
    for what, ours, theirs in (
        ("profile", here.row_names, there.row_names),
        ("section", here.column_names, there.column_names),
    ):
        if ours != theirs:
            pairs = [(a, b) for a, b in zip(ours, theirs, strict=False) if a != b]
            first = f"{pairs[0][0]!r} is {pairs[0][1]!r} in the baseline" if pairs else "some are missing"
            return f"its {what}s are not those of the baseline: {first}"
    return None


def _extent(tree: Tree, surface: Surface) -> tuple[int, ...]:
    shape = tree.shape(surface.place) or (0, 0)
    bounds = (surface.rows, surface.columns)
    return tuple(len(range(*part.indices(n))) for part, n in zip(bounds, shape, strict=True))


def _compare(found: _Comparison, tree: Tree, base: Tree, pair: tuple[Surface, Surface]) -> None:
    here, there = pair
    for where, ours, theirs in _both(tree, base, here, there):
        wet, base_wet = _wet(ours), _wet(theirs)
        alone = np.argwhere(wet != base_wet)
        if len(alone):
            found.one_sided += len(alone)
            row, column = alone[0]
            which = "the result" if wet[row, column] else "the baseline"
            place = here.at(where[0].start + int(row), where[1].start + int(column))
            found.one_sided_at = found.one_sided_at or f"{place} has water in {which} only"
        with np.errstate(all="ignore"):
            apart = np.where(wet & base_wet, np.abs(ours - theirs), -1.0)
        found.compared += int(np.count_nonzero(apart >= 0))
        # Values are float32: 0.05 apart may be 0.050003 when read.
        found.beyond += int(np.count_nonzero(apart > found.within + 1e-6 * np.maximum(1.0, np.abs(theirs))))
        if apart.size and float(apart.max()) > found.largest:
            row, column = np.unravel_index(int(apart.argmax()), apart.shape)
            found.largest = float(apart[row, column])
            place = here.at(where[0].start + int(row), where[1].start + int(column))
            found.worst = f"{place}: {ours[row, column]:.3f}, in the baseline {theirs[row, column]:.3f}"


Piece = tuple[tuple[slice, ...], np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _both(tree: Tree, base: Tree, here: Surface, there: Surface) -> Iterator[Piece]:
    for where, ours in tree.cut(here.place, (here.rows, here.columns)):
        theirs = base.part(there.place, where)
        if theirs is not None and theirs.shape == ours.shape:
            yield where, ours.astype(np.float64), theirs.astype(np.float64)


def _wet(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(all="ignore"):
        wet: np.ndarray[Any, Any] = np.isfinite(values) & (values > NO_DATA)
    return wet
