"""Computing a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rasreconcile.engines.steady.profile import Solver, Units
from rasreconcile.engines.steady.river_model import RiverModel, Solved, ends_of, flows_of
from rasreconcile.engines.steady.section_hydraulics import MANNING_US, SectionHydraulics


def solve(model: RiverModel, tell: Callable[[str], None]) -> tuple[Solved, ...]:
    """Every profile of every reach; `tell` hears of each point that did not converge."""
    units = units_of(model)
    solved = []
    for reach in model.geometry.reaches:
        solver = Solver([SectionHydraulics(section, units.manning) for section in reach.sections], units)
        profiles = []
        for n, name in enumerate(model.flows.profiles):
            tell(f"Profile {name}")
            profiles.append(
                solver.solve(flows_of(model, reach, n), ends_of(model, reach, n, "flow"), model.regime)
            )
        solved.append(Solved(reach, tuple(profiles)))
    for warning in warnings(model, tuple(solved)):
        tell(warning)
    return tuple(solved)


def units_of(model: RiverModel) -> Units:
    """Gravity and Manning's constant as HEC-RAS has them."""
    if model.si_units:
        return Units(gravity=9.80665, manning=1.0, largest_error=model.largest_error)
    return Units(gravity=32.174, manning=MANNING_US, largest_error=model.largest_error)


def warnings(model: RiverModel, solved: tuple[Solved, ...]) -> Iterator[str]:
    """One line for each point where the energy equation could not be balanced."""
    unit = "m" if model.si_units else "ft"
    for part in solved:
        for name, profile in zip(model.flows.profiles, part.profiles, strict=True):
            for section, state, ok in zip(
                part.reach.sections, profile.states, profile.converged, strict=True
            ):
                if not ok:
                    yield (
                        f"WARNING: profile {name}, {section.name}: the energy equation did not converge;"
                        f" {state.surface:.2f} {unit} is the nearest guess, or critical depth"
                    )
