"""What the plan files of a project, and the results beside it, say to a first spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import ProjectError, ResultError, Trouble
from rasreconcile.hecras_versions import saved_by, version_in
from rasreconcile.plain_files import whole
from rasreconcile.project import PlanText, decode, entries, parse_plan
from rasreconcile.resolve.folder import Folder
from rasreconcile.results import reader_pool
from rasreconcile.spec import SteadyEngine

Tell = Callable[[str], None]
"""Is given what a person should know of what was found."""


@dataclass(frozen=True, slots=True)
class FoundPlan:
    """What a plan file says that matters here."""

    flow: str
    """Its flow file's ending, whose first letter says its kind: f steady, u unsteady, q quasi-unsteady."""
    saved_by: str | None
    """The version of HEC-RAS that last saved it."""
    steady_refuses: Trouble | None = None
    """Why the built-in engine does not compute it, where it is steady and its files are there."""


def found_plans(project: Path, numbers: Iterable[str]) -> Mapping[str, FoundPlan]:
    """Those of the numbers that have a file, whatever the case of its name. Raises ProjectError where none has."""
    folder, numbers, found = Folder(project.parent), tuple(numbers), {}
    for number in numbers:
        path = folder.find(f"{project.stem}.p{number}")
        if path is None:
            continue
        text = decode(whole(path))
        programs = (entry.value for entry in entries(text) if entry.key == "Program Version" and entry.value)
        saved = saved_by(next(programs, ""))
        said = parse_plan(text, path.name)
        refused = _steady_refuses(project, path, said) if (said.flow or "").startswith("f") else None
        found[number] = FoundPlan(said.flow or "", saved, refused)
    if not found and not numbers:
        raise ProjectError(f"{project}: lists no plan", "make one in HEC-RAS, and save the project")
    if not found:
        listed = ", ".join(f"{project.stem}.p{number}" for number in numbers)
        raise ProjectError(f"{project}: none of its plan files exists ({listed})", "put them beside it")
    return found


def _steady_refuses(project: Path, plan: Path, said: PlanText) -> Trouble | None:
    """What the built-in engine says of a steady plan; None also where its geometry or flow is not there."""
    folder = Folder(project.parent)
    geometry, flow = (folder.find(f"{project.stem}.{ending}") for ending in (said.geometry, said.flow))
    if geometry is None or flow is None:
        return None
    files = {"project": project, "plan": plan, "geometry": geometry, "flow": flow}
    texts = {kind: whole(path) for kind, path in files.items()}
    return engine_for(SteadyEngine(type="steady")).refuses(
        texts, {kind: path.name for kind, path in files.items()}
    )


def versions_of_results(project: Path, plans: Iterable[str], tell: Tell) -> list[str]:
    """The versions of HEC-RAS that made the results beside the project."""
    folder, found = Folder(project.parent), []
    for number in plans:
        path = folder.find(f"{project.stem}.p{number}.hdf")
        if path is None:
            continue
        try:
            facts = reader_pool.read(path)
        except ResultError as error:
            tell(f"{path.name} does not give its version: {error}")
            continue
        version = version_in(facts.file_version)
        if version is not None and facts.kind is not None:
            found.append(version)
    return found
