"""How the water of a result differs from that of the result whose place it takes. Read in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rasreconcile.facts import NO_DATA
from rasreconcile.records import WaterChange
from rasreconcile.results import layout
from rasreconcile.results.surfaces import AREAS, Surface, ground, surfaces
from rasreconcile.results.tree import Tree, opened

NOTICEABLE = 0.01
"""Of a water surface, in the unit of the results: what differs by less is as it was. Solvers iterate to about this."""
_DRY = 1e-3
"""HEC-RAS gives a cell without water its lowest ground as water surface."""

Values = np.ndarray[Any, Any]


def water_change(path: Path, before: Path) -> WaterChange:
    """Steady: every profile at every section. Unsteady: the maxima of every cell and section.

    Raises ResultError where one of them is not there or cannot be opened; what has no counterpart is told.
    """
    with opened(path) as tree, opened(before) as old:
        kind, old_kind = layout.kind_of(tree), layout.kind_of(old)
        unit = layout.length_unit(tree)
        here = {surface.name: surface for surface in surfaces(tree, kind)}
        there = {surface.name: surface for surface in surfaces(old, old_kind)}
        found = _Found()
        if kind != old_kind:
            found.left_out.append(
                f"the result is {kind or 'empty'}, the one before was {old_kind or 'empty'}"
            )
        elif unit != layout.length_unit(old):
            found.left_out.append("the two are in different units")
        else:
            found.left_out += [f"{name}: not in the one before" for name in here if name not in there]
            found.left_out += [f"{name}: no longer there" for name in there if name not in here]
            for name in (name for name in here if name in there):
                _compare(found, tree, old, (here[name], there[name]))
        if old.unreadable:
            found.left_out.append(f"in the one before {next(iter(old.unreadable))} cannot be read")
        return found.change(unit)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some places of both results: float64[rows, columns]; NaN where there is no water."""

    rows: Sequence[int]
    columns: Sequence[int]
    """In the new result."""
    now: Values
    was: Values
    sizes: Values | None
    """Area of each column, float64[columns]; None: sections have none."""


@dataclass(slots=True)
class _Found:
    compared: int = 0
    changed: int = 0
    wetted: int = 0
    dried: int = 0
    rise: float = 0.0
    rise_at: str | None = None
    fall: float = 0.0
    fall_at: str | None = None
    areas: dict[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, surface: Surface, piece: _Piece) -> None:
        now, was = piece.now, piece.was
        wet, was_wet = np.isfinite(now), np.isfinite(was)
        both = wet & was_wet
        higher = np.where(both, now - was, 0.0)
        moved = np.abs(higher) > NOTICEABLE
        wetted, dried = wet & ~was_wet, was_wet & ~wet
        self.compared += int(np.count_nonzero(wet | was_wet))
        self.wetted += int(np.count_nonzero(wetted))
        self.dried += int(np.count_nonzero(dried))
        self.changed += int(np.count_nonzero(moved | wetted | dried))
        if higher.size and float(higher.max()) > self.rise:
            self.rise, self.rise_at = float(higher.max()), _at(surface, piece, int(higher.argmax()))
        if higher.size and -float(higher.min()) > self.fall:
            self.fall, self.fall_at = -float(higher.min()), _at(surface, piece, int(higher.argmin()))
        if piece.sizes is not None:
            for name, where in (("changed", moved | wetted | dried), ("wetted", wetted), ("dried", dried)):
                self.areas[name] = self.areas.get(name, 0.0) + float(piece.sizes[where.any(axis=0)].sum())

    def change(self, unit: str | None) -> WaterChange:
        more = len(self.left_out) - 1
        told = None
        if self.left_out:
            told = self.left_out[0] + (f"; and {more} more" if more else "")
        return WaterChange(
            unit=unit,
            compared=self.compared,
            changed=self.changed,
            rise=self.rise,
            rise_at=self.rise_at,
            fall=self.fall,
            fall_at=self.fall_at,
            wetted=self.wetted,
            dried=self.dried,
            area_changed=self.areas.get("changed"),
            area_wetted=self.areas.get("wetted"),
            area_dried=self.areas.get("dried"),
            not_compared=told,
        )


def _at(surface: Surface, piece: _Piece, flat: int) -> str:
    row, column = np.unravel_index(flat, piece.now.shape)
    place = surface.at(piece.rows[int(row)], piece.columns[int(column)])
    return f"{place}: {piece.was[row, column]:.2f} to {piece.now[row, column]:.2f}"


def _compare(found: _Found, tree: Tree, old: Tree, pair: tuple[Surface, Surface]) -> None:
    here, there = pair
    if here.name.startswith("2D"):
        why = _other_mesh(tree, old, here, there)
        if why is not None:
            found.left_out.append(f"{here.name}: {why}")
            return
        pieces = _of_cells(tree, old, here, there)
    else:
        found.left_out += _without_counterpart(here, there)
        pieces = _of_sections(tree, old, here, there)
    for piece in pieces:
        found.add(here, piece)


# ---- cells


def _other_mesh(tree: Tree, old: Tree, here: Surface, there: Surface) -> str | None:
    """Cells have numbers only, which mean something as long as the mesh is the same."""
    widths = [
        _length(surface.columns, (one.shape(surface.place) or (0,))[-1])
        for one, surface in ((tree, here), (old, there))
    ]
    if widths[0] != widths[1]:
        return f"its mesh has {widths[0]} cells, before it had {widths[1]}"
    place = f"Geometry/{AREAS}/{here.name.removeprefix('2D area ')}/Cells Center Coordinate"
    centres = [one.part(place, (slice(0, widths[0]), slice(None))) for one in (tree, old) if one.shape(place)]
    if len(centres) == 2 and not _alike(centres[0], centres[1]):
        return "the cells of its mesh are in other places than before"
    return None


def _alike(ours: Values | None, theirs: Values | None) -> bool:
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return False
    return bool(np.allclose(ours, theirs, rtol=0, atol=0.01, equal_nan=True))


def _of_cells(tree: Tree, old: Tree, here: Surface, there: Surface) -> Iterator[_Piece]:
    bottom, old_bottom = ground(tree, here), ground(old, there)
    area = here.name.removeprefix("2D area ")
    place = f"Geometry/{AREAS}/{area}/Cells Surface Area"
    shape = tree.shape(place)
    sizes = tree.part(place, (slice(None),)) if shape and len(shape) == 1 else None
    for where, ours in tree.cut(here.place, (here.rows, here.columns)):
        theirs = old.part(there.place, where)
        if theirs is None or theirs.shape != ours.shape:
            continue
        of = None if sizes is None else sizes[where[1]].astype(np.float64)
        yield _Piece(
            range(where[0].start, where[0].stop),
            range(where[1].start, where[1].stop),
            _water(ours, bottom, where[1]),
            _water(theirs, old_bottom, where[1]),
            of if of is not None and of.shape == ours.shape[1:] else None,
        )


def _water(values: Values, bottom: Values | None, where: slice) -> Values:
    """NaN where there is none."""
    with np.errstate(all="ignore"):
        wet = np.isfinite(values) & (values > NO_DATA)
        under = None if bottom is None else bottom[where]
        if under is not None and under.shape == values.shape[1:]:
            # Where the ground is not known a number is taken for water.
            wet &= ~(values <= under + _DRY)
        found: Values = np.where(wet, values.astype(np.float64), np.nan)
    return found


# ---- sections


def _without_counterpart(here: Surface, there: Surface) -> list[str]:
    told = []
    for what, ours, theirs in (
        ("profile", here.row_names, there.row_names),
        ("section", here.column_names, there.column_names),
    ):
        new, gone = (
            [one for one in ours if one not in set(theirs)],
            [one for one in theirs if one not in set(ours)],
        )
        if ours and theirs and new:
            told.append(f"{what} {new[0]}: not in the one before" + _and_others(new))
        if ours and theirs and gone:
            told.append(f"{what} {gone[0]}: no longer there" + _and_others(gone))
    return told


def _and_others(names: Sequence[str]) -> str:
    return (
        f", nor are {len(names) - 1} others"
        if len(names) > 2
        else ", nor is 1 other"
        if len(names) == 2
        else ""
    )


def _of_sections(tree: Tree, old: Tree, here: Surface, there: Surface) -> Iterator[_Piece]:
    """By name, so that a section more, or one less, leaves the others what they are."""
    shape, old_shape = tree.shape(here.place) or (0, 0), old.shape(there.place) or (0, 0)
    rows = _pairs(
        here.row_names, there.row_names, _length(here.rows, shape[0]), _length(there.rows, old_shape[0])
    )
    columns = _pairs(
        here.column_names,
        there.column_names,
        _length(here.columns, shape[-1]),
        _length(there.columns, old_shape[-1]),
    )
    if not rows or not columns:
        return
    for where, ours in tree.cut(here.place, (here.rows, here.columns)):
        mine = [n for n in range(where[0].start, where[0].stop) if n in rows]
        across = [n for n in range(where[1].start, where[1].stop) if n in columns]
        if not mine or not across:
            continue
        first, last = min(rows[n] for n in mine), max(rows[n] for n in mine)
        theirs = old.part(there.place, (slice(first, last + 1), there.columns))
        if theirs is None or theirs.ndim != 2:
            continue
        now = ours[np.ix_([n - where[0].start for n in mine], [n - where[1].start for n in across])]
        was = theirs[np.ix_([rows[n] - first for n in mine], [columns[n] for n in across])]
        yield _Piece(mine, across, _water(now, None, slice(None)), _water(was, None, slice(None)), None)


def _length(part: slice, size: int) -> int:
    return len(range(*part.indices(size)))


def _pairs(ours: Sequence[str], theirs: Sequence[str], length: int, old_length: int) -> Mapping[int, int]:
    """Which row, or column, of the one before each is: by name, else by number where there are as many."""
    if len(ours) == length and len(theirs) == old_length and len(set(theirs)) == old_length:
        places = {name: n for n, name in enumerate(theirs)}
        return {n: places[name] for n, name in enumerate(ours) if name in places}
    return {n: n for n in range(length)} if length == old_length else {}
