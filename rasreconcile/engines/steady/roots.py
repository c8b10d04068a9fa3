"""Roots of functions that may jump: where they lie, and whether they are roots at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rasreconcile.engines.steady.section_hydraulics import Array

Function = Callable[[float], float]

WIDTH = 1e-6
"""Brackets are narrowed to this, ft or m."""
_STEPS = 80


def rising_roots(function: Function, grid: Array, values: Array, tolerance: float) -> list[float]:
    """Where `function` goes from below to above 0; a jump over 0 is no root. `values`: the function on `grid`."""
    found = []
    for i in np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0)):
        root = bisect(
            function, (float(grid[i]), float(grid[i + 1])), (float(values[i]), float(values[i + 1]))
        )
        if abs(function(root)) <= tolerance:
            found.append(root)
    return found


def bisect(function: Function, bracket: tuple[float, float], ends: tuple[float, float]) -> float:
    """A point where the function changes sign: false position (Illinois), held to halving where that stalls."""
    (a, b), (fa, fb) = bracket, ends
    side = 0
    for step in range(_STEPS):
        if b - a <= WIDTH or fb == 0:
            break
        guess = (a * fb - b * fa) / (fb - fa) if fb != fa and step % 4 != 3 else (a + b) / 2
        x = min(max(guess, a + WIDTH / 4), b - WIDTH / 4)
        fx = function(x)
        if fx < 0:
            a, fa = x, fx
            fb, side = (fb / 2 if side == -1 else fb), -1
        else:
            b, fb = x, fx
            fa, side = (fa / 2 if side == 1 else fa), 1
    return b


def minimum(function: Function, low: float, high: float) -> float:
    """The lowest point between `low` and `high`, by golden section."""
    ratio = (np.sqrt(5.0) - 1) / 2
    a, b = low, high
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = function(c), function(d)
    while b - a > 1e-5:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = function(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = function(d)
    return float((a + b) / 2)
