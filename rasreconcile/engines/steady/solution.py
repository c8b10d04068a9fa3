"""Computing a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rasreconcile.engines.steady.profile import Solver, Units
from rasreconcile.engines.steady.river_model import RiverModel, Solved, ends_of, flows_of
from rasreconcile.engines.steady.section_hydraulics import MANNING_US, SectionHydraulics


def solve(model: RiverModel, tell: Callable[[str], None]) -> tuple[Solved, ...]:
    """Every profile of every reach; `tell` hears of each key that is not known and each point that did not converge."""
    units = units_of(model)
    for warning in (*model.settings.warnings, *model.geometry.warnings, *model.flows.warnings):
        tell(f"WARNING: {warning}")
    solved = []
    for reach in model.geometry.reaches:
        sections = [SectionHydraulics(section, units.manning) for section in reach.sections]
        solver = Solver(sections, units, model.settings.critical_method)
        profiles = []
        for n, name in enumerate(model.flows.profiles):
            tell(f"Profile {name}")
            profiles.append(
                solver.solve(
                    flows_of(model, reach, n), ends_of(model, reach, n, "flow"), model.settings.regime
                )
            )
        solved.append(Solved(reach, tuple(profiles)))
    for warning in warnings(model, tuple(solved)):
        tell(warning)
    return tuple(solved)


def units_of(model: RiverModel) -> Units:
    """Gravity and Manning's constant as HEC-RAS has them."""
    if model.si_units:
        return Units(gravity=9.80665, manning=1.0, largest_error=model.settings.largest_error)
    return Units(gravity=32.174, manning=MANNING_US, largest_error=model.settings.largest_error)


def warnings(model: RiverModel, solved: tuple[Solved, ...]) -> Iterator[str]:
    """One line for each point where the energy equation could not be balanced, or critical depth is in doubt."""
    unit = "m" if model.si_units else "ft"
    for part in solved:
        for name, profile in zip(model.flows.profiles, part.profiles, strict=True):
            for i, section in enumerate(part.reach.sections):
                where = f"WARNING: profile {name}, {section.name}:"
                surface = f"{profile.states[i].surface:.2f} {unit}"
                if not profile.converged[i] and not profile.doubts[i]:
                    critical = profile.states[i].surface == profile.critical[i]
                    taken = "critical depth" if critical else "the nearest guess"
                    yield f"{where} the energy equation did not converge; {surface} is {taken}"
                if doubt := profile.doubts[i]:
                    lows = ", ".join(f"{low:.2f}" for low in doubt)
                    yield (
                        f"{where} specific energy has minima at {lows} {unit}, and the water surface, {surface}, is"
                        " among them; HEC-RAS may take another of them for critical depth"
                    )
