"""What a result file says of itself, as far as its plan asks, and what it lacks of what is expected."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from pathlib import Path

from rasreconcile.errors import Trouble
from rasreconcile.facts import Baseline, HdfFacts, unit_of
from rasreconcile.hecras_messages import warnings
from rasreconcile.plans import Plan
from rasreconcile.records import ResultSummary
from rasreconcile.results import expectations, publish, reader_pool
from rasreconcile.studies import identities

_HUNDRED_A_D = 1000
"""Steady results of 6.3 say that their simulation is of the year 100."""


def facts_of(
    plan: Plan, path: Path, thoroughness: publish.Thoroughness, *, geometry: Path | None = None
) -> HdfFacts:
    """What the file at `path` says, as far as the plan's expectations ask. Raises ResultError."""
    wanted = plan.expect.baseline
    baseline = Baseline(plan.baseline, wanted.water_surface_within) if wanted and plan.baseline else None
    facts = reader_pool.read(
        path,
        datasets=tuple(plan.expect.datasets),
        thoroughness=thoroughness,
        baseline=baseline,
        geometry=geometry,
    )
    if not plan.prepares:
        return facts
    # A solver that had begun was ended in the middle of its results, which no run is given.
    kept = tuple(place for place in facts.unreadable if not place.lstrip("/").startswith("Results"))
    return replace(facts, unreadable=kept)


def shortfalls(plan: Plan, path: Path, thoroughness: publish.Thoroughness = "summary") -> tuple[Trouble, ...]:
    """What the file at `path` lacks of what the plan expects. Raises ResultError where it cannot be read."""
    facts = facts_of(plan, path, thoroughness)
    return expectations.judge(plan.expect, facts, identities.of_plan(plan))


def shown(facts: HdfFacts) -> ResultSummary:
    """What `results` lists of it."""
    surface, window, warned = facts.water_surface, facts.run_window, warnings(facts.messages or "")
    # Whole seconds: of a run within one it does not say how long it took.
    took = max((window[1] - window[0]).total_seconds(), 0.0) or None if window else None
    start, end = facts.simulation_start, facts.simulation_end
    known = start is not None and start.year >= _HUNDRED_A_D
    return ResultSummary(
        max_water_surface=_finite(surface.maximum if surface else None),
        max_depth=_finite(facts.maximum_depth),
        unit=unit_of(facts.units_system),
        volume_error_percent=_finite(facts.volume_error_percent),
        run_seconds=took,
        profiles=len(facts.profiles) or None,
        areas=len(facts.areas) or None,
        warnings=len(warned) or None,
        first_warning=warned[0] if warned else None,
        version=facts.file_version,
        simulation_start=start.isoformat() if start and known else None,
        simulation_end=end.isoformat() if end and known else None,
    )


def _finite(number: float | None) -> float | None:
    """JSON has no word for the others."""
    return number if number is not None and isfinite(number) else None


def summary(facts: HdfFacts) -> str:
    """A few words for `status`."""
    words = []
    if facts.water_surface is not None and facts.water_surface.maximum is not None:
        unit = "m" if (facts.units_system or "").startswith("SI") else "ft"
        words.append(f"max WS {facts.water_surface.maximum:.2f} {unit}")
    if facts.volume_error_percent is not None:
        words.append(f"volume error {facts.volume_error_percent:.3f} %")
    if found := warnings(facts.messages or ""):
        words.append(
            f"1 warning: {found[0]}" if len(found) == 1 else f"{len(found)} warnings, first: {found[0]}"
        )
    return ", ".join(words)
