"""Large arrays in pieces that fit into memory, and what they sum up to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PIECE = 8 << 20
"""Bytes of a dataset that are in memory at once; one chunk of the file where that is larger."""


def pieces(
    shape: Sequence[int], itemsize: int, *, chunks: Sequence[int] | None, within: Sequence[slice] = ()
) -> Iterator[tuple[slice, ...]]:
    """Selections that cover `within` (every axis whole where it is not named) once, each of about PIECE bytes.

    Edges lie on the edges of chunks, so that no chunk is decompressed twice.
    """
    bounds = [
        (within[axis] if axis < len(within) else slice(None)).indices(length)[:2]
        for axis, length in enumerate(shape)
    ]
    edges = [max(int(chunk), 1) for chunk in chunks] if chunks else [1] * len(shape)
    steps = list(edges)
    for axis in reversed(range(len(shape))):
        whole = bounds[axis][1] - (bounds[axis][0] // edges[axis]) * edges[axis]
        others = math.prod(steps) // steps[axis] * max(itemsize, 1)
        fits = PIECE // others // edges[axis] * edges[axis]
        steps[axis] = max(min(fits, math.ceil(whole / edges[axis]) * edges[axis]), edges[axis])
        if steps[axis] < whole:
            break
    return _grid(bounds, steps)


def _grid(bounds: Sequence[tuple[int, int]], steps: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    axes = [
        range(start // step * step, stop, step) for (start, stop), step in zip(bounds, steps, strict=True)
    ]
    for corner in itertools.product(*axes):
        yield tuple(
            slice(max(first, start), min(first + step, stop))
            for first, (start, stop), step in zip(corner, bounds, steps, strict=True)
        )


@dataclass(slots=True)
class Sums:
    """Counts and extremes over pieces."""

    size: int = 0
    finite: int = 0
    minimum: float | None = None
    maximum: float | None = None

    def add(self, piece: np.ndarray[Any, Any]) -> None:
        """Values that are not finite count in `size` only."""
        with np.errstate(all="ignore"):
            good = piece[np.isfinite(piece)]
        self.size += int(piece.size)
        self.finite += int(good.size)
        if good.size:
            low, high = float(good.min()), float(good.max())
            self.minimum = low if self.minimum is None else min(self.minimum, low)
            self.maximum = high if self.maximum is None else max(self.maximum, high)
