"""The names of a plan's files, filled into the words of a form. PURE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rasreconcile.engines.hec_ras import versions
from rasreconcile.errors import ProjectError
from rasreconcile.plans import MISSING, InputFile, Plan
from rasreconcile.spelling import name_key


@dataclass(frozen=True, slots=True)
class Naming:
    """Of one plan."""

    stem: str
    plan: str
    geometry: str
    steady: bool
    unsteady: bool = False

    def fill(self, words: Iterable[str]) -> tuple[str, ...]:
        # Plain replacement: a stem may hold braces.
        return tuple(self.one(word) for word in words)

    def one(self, word: str) -> str:
        filled = word.replace("{plan}", self.plan).replace("{geometry}", self.geometry)
        return filled.replace("{stem}", self.stem)


def naming_of(plan: Plan) -> Naming:
    """Raises ProjectError where the plan has no geometry or flow."""
    endings = {file.kind: file.name.rpartition(".")[2] for file in plan.inputs}
    geometry, flow = endings.get("geometry"), endings.get("flow")
    if geometry is None or flow is None:
        raise ProjectError(f"{plan.stem}.p{plan.number}: names no geometry or no flow", "save it in HEC-RAS")
    kind = flow[:1].lower()
    return Naming(plan.stem, plan.number, geometry[1:], kind == "f", kind == "u")


def prepared_needed(plan: Plan, version: str) -> tuple[str, ...]:
    """The files that preprocessing on Windows must have made before a Linux solver of this version can run the plan."""
    naming = naming_of(plan)
    return naming.fill(versions.STEADY_PREPARED if naming.steady else versions.form_of(version).prepared)


def prepared_there(plan: Plan, version: str) -> dict[str, InputFile]:
    """Those of the prepared files the plan needs, or can use, that are there, by name; `inputs` may name them too."""
    naming = naming_of(plan)
    welcome = () if naming.steady else versions.form_of(version).welcome
    wanted = {name_key(name): name for name in (*prepared_needed(plan, version), *naming.fill(welcome))}
    return {
        wanted[name_key(file.name)]: file
        for file in plan.inputs
        if file.kind in {"prepared", "extra"} and file.raw != MISSING and name_key(file.name) in wanted
    }
