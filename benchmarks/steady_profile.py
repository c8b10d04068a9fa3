"""One profile of five sections with 2,500 points, vectorised, beside the same properties in plain Python loops."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

from rasreconcile.engines.steady.cross_sections import CrossSection
from rasreconcile.engines.steady.flow import Boundary
from rasreconcile.engines.steady.profile import Solver, Units
from rasreconcile.engines.steady.section_hydraulics import MANNING_US, SectionHydraulics

POINTS = 2500


def section(number: int) -> CrossSection:
    chance = random.Random(number)
    points = [
        (20.0 * n, 100 + 2 * (5 - number) + 40 * abs(n / POINTS - 0.5) + chance.random())
        for n in range(POINTS)
    ]
    banks = (20.0 * 1200, 20.0 * 1300)
    roughness = ((0.0, 0.08), (banks[0], 0.035), (banks[1], 0.07))
    return CrossSection(
        river="r", reach="r", station=str(number), line=1, lengths=(2000.0,) * 3,
        points=tuple(points), roughness=roughness, banks=banks,
    )  # fmt: skip


def looped(source: CrossSection, water: float) -> float:
    """Conveyance by a loop over segments, for the peer's time only."""
    total = 0.0
    for (x0, z0), (x1, z1) in zip(source.points, source.points[1:], strict=False):
        d0, d1 = max(water - z0, 0.0), max(water - z1, 0.0)
        if d0 + d1 > 0:
            area = (x1 - x0) * (d0 + d1) / 2
            total += MANNING_US / 0.05 * area * (area / math.hypot(x1 - x0, z1 - z0)) ** (2 / 3)
    return total


def timed(work: Callable[[], object], times: int) -> float:
    best = math.inf
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best * 1000


def main() -> None:
    sources = [section(n) for n in range(5)]
    units = Units(gravity=32.174, manning=MANNING_US, largest_error=0.3)
    sections = [SectionHydraulics(source, MANNING_US) for source in sources]
    ends = Boundary("none"), Boundary("normal depth", 0.001)
    tables = timed(lambda: Solver(sections, units), 3)
    solver = Solver(sections, units)
    profile = timed(lambda: solver.solve([100_000.0] * 5, ends, "subcritical"), 5)
    once = timed(lambda: sections[0].at(112.0), 20)
    loop = timed(lambda: looped(sources[0], 112.0), 5)
    print(f"five sections of {POINTS} points")
    print(f"  tables, once for all profiles   {tables:7.1f} ms")
    print(f"  one profile                     {profile:7.1f} ms")
    print(f"  properties at one water surface {once:7.3f} ms   {loop / once:5.0f} x faster than a plain loop")


if __name__ == "__main__":
    main()
