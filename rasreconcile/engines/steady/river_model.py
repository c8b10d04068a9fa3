"""A plan with its geometry and flows, read from the texts of a project; and everything it computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rasreconcile.engines.steady import plan_keys
from rasreconcile.engines.steady.flow import Boundary, End, Flows, parse_flow
from rasreconcile.engines.steady.geometry import Geometry, Reach, parse_geometry
from rasreconcile.engines.steady.text import FIX, Line, Source, lines
from rasreconcile.errors import ProjectError
from rasreconcile.project import SI_UNITS, decode, is_project, parse_plan, parse_project

if TYPE_CHECKING:
    from rasreconcile.engines.steady.critical_depth import CriticalMethod
    from rasreconcile.engines.steady.profile import Profile, Regime

_REGIMES: Mapping[str, Regime] = {
    "subcritical flow": "subcritical",
    "supercritical flow": "supercritical",
    "mixed flow": "mixed",
}
_METHODS: Mapping[str, CriticalMethod] = {
    "parabolic critical depth": "parabolic",
    "secant critical depth": "secant",
}
_REMEDY = "use the hec-ras engine for this plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a plan says about how profiles are computed."""

    regime: Regime
    critical_method: CriticalMethod
    largest_error: float
    """`Max Error Tol`, ft or m."""
    warnings: tuple[str, ...] = ()
    """Of keys that are ignored, with file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiverModel:
    """All that a steady computation needs."""

    title: str
    short_id: str
    si_units: bool
    settings: Settings
    geometry: Geometry
    flows: Flows


@dataclass(frozen=True, slots=True)
class Solved:
    """The profiles of a reach."""

    reach: Reach
    profiles: tuple[Profile, ...]


def parse_model(texts: Mapping[str, bytes], names: Mapping[str, str]) -> RiverModel:
    """From the bytes of `project`, `plan`, `geometry` and `flow`; `names` is how errors call them.

    Raises ProjectError with file and line, also for what this engine does not model.
    """
    project = texts.get("project", b"")
    si_units = (
        is_project(decode(project)) and parse_project(decode(project), names["project"]).units == SI_UNITS
    )
    plan = parse_plan(decode(texts.get("plan", b"")), names["plan"])
    if plan.flow is None or not plan.flow.startswith("f"):
        what = {"u": "unsteady flow", "q": "quasi-unsteady flow"}.get(
            (plan.flow or " ")[0], "no steady flow file"
        )
        raise ProjectError(
            f"{names['plan']}:1: {what} ({plan.flow}) is not modelled by the steady engine", _REMEDY
        )
    model = RiverModel(
        title=plan.title,
        short_id=plan.short_id,
        si_units=si_units,
        settings=_settings(texts.get("plan", b""), Source(names["plan"]), si_units=si_units),
        geometry=parse_geometry(texts.get("geometry", b""), names["geometry"]),
        flows=parse_flow(texts.get("flow", b""), names["flow"]),
    )
    _check_places(model, Source(names["flow"]), names["geometry"])
    for reach in model.geometry.reaches:
        for profile in range(len(model.flows.profiles)):
            _ = flows_of(model, reach, profile), ends_of(model, reach, profile, names["flow"])
    return model


def _check_places(model: RiverModel, source: Source, geometry: str) -> None:
    """Every flow and every boundary belongs to a reach that there is, every flow to a section, one to the first."""
    reaches = {(r.river.casefold(), r.name.casefold()): r for r in model.geometry.reaches}
    changes, boundaries = model.flows.change_lines, model.flows.boundary_lines
    given = [(number, place[:2]) for place, number in (*changes.items(), *boundaries.items())]
    for number, name in sorted(given):
        if name not in reaches:
            there = ", ".join(f"{r.river} {r.name}" for r in model.geometry.reaches)
            what = f"{geometry} has no reach {' '.join(name)!r} (it has {there})"
            raise source.error(number, what, FIX)
    for (river, reach_name, station), number in changes.items():
        reach = reaches[river, reach_name]
        if station not in {s.place for s in reach.sections}:
            what = f"{geometry} has no cross section at {station:g} in reach {reach.river} {reach.name}"
            raise source.error(number, f"{what} for this flow", "give the flow at a cross section")
    for reach in model.geometry.reaches:
        first = reach.sections[0]
        if (reach.river.casefold(), reach.name.casefold(), first.place) not in model.flows.changes:
            what = f"no flow at {first.name}, the upstream end of its reach"
            raise source.error(1, what, "add one in HEC-RAS")


def flows_of(model: RiverModel, reach: Reach, profile: int) -> tuple[float, ...]:
    """The flow at each section of the reach: the last change at or upstream of it."""
    found: list[float] = []
    for section in reach.sections:
        change = model.flows.changes.get((reach.river.casefold(), reach.name.casefold(), section.place))
        found.append(found[-1] if change is None else change[profile])
    return tuple(found)


def ends_of(model: RiverModel, reach: Reach, profile: int, name: str) -> tuple[Boundary, Boundary]:
    """The boundaries upstream and downstream. Raises ProjectError where the regime needs one that is not given."""

    def end(table: Mapping[End, Boundary]) -> Boundary:
        return table.get((reach.river.casefold(), reach.name.casefold(), profile), Boundary("none"))

    up, down = end(model.flows.upstream), end(model.flows.downstream)
    lacking = (model.settings.regime != "supercritical" and down.kind == "none" and "downstream") or (
        model.settings.regime == "supercritical" and up.kind == "none" and "upstream"
    )
    if lacking:
        where = f"reach {reach.river} {reach.name}, profile {profile + 1}"
        raise ProjectError(f"{name}:1: no {lacking} boundary for {where}", "add one in HEC-RAS")
    return up, down


def _settings(data: bytes, source: Source, *, si_units: bool) -> Settings:
    regime: Regime = "subcritical"
    method: CriticalMethod = "parabolic"
    largest_error = 0.1 if si_units else 0.3
    warnings: list[str] = []
    for line in lines(data):
        _refuse(line, source)
        key = line.key.casefold()
        if key in _REGIMES:
            regime = _REGIMES[key]
        elif key in _METHODS:
            method = _METHODS[key]
        elif line.key == "Max Error Tol" and line.value:
            largest_error = source.number(line, line.value, "Max Error Tol")
        elif warning := _ignored(line, source):
            warnings.append(warning)
    return Settings(
        regime=regime, critical_method=method, largest_error=largest_error, warnings=tuple(warnings)
    )


def _refuse(line: Line, source: Source) -> None:
    if what := plan_keys.refused(line.key, line.value):
        raise source.error(line, f"{what} is not modelled by the steady engine", _REMEDY)


def _ignored(line: Line, source: Source) -> str | None:
    """What is to be said of a line in use that changes nothing here, and may change a profile; None: nothing."""
    bearing = plan_keys.bearing(line.key)
    if bearing not in {None, "doubtful"} or not set(line.parts()) - {"", "0"}:
        return None
    how = "known to" if bearing is None else "modelled by"
    return f"{source.name}:{line.number}: {line.key!r} is not {how} the steady engine; ignored"
