"""The .prj: what a project is called, its units, and the plans it lists."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rasreconcile.errors import ProjectError
from rasreconcile.project.text import entries

ENGLISH_UNITS = "English Units"
SI_UNITS = "SI Units"


@dataclass(frozen=True, slots=True)
class ProjectText:
    """What a .prj says. The lists may name files that do not exist."""

    title: str
    units: str
    plans: tuple[str, ...]
    """Two digits each, in the order of the file."""


def is_project(text: str) -> bool:
    """Whether this .prj is HEC-RAS's own: ESRI projections carry the same ending."""
    return text.lstrip(" \t\r\n").startswith("Proj Title=")


def parse_project(text: str, name: str) -> ProjectText:
    """Raises ProjectError where `text` is not a HEC-RAS project."""
    if re.match(r"\s*(PROJCS|GEOGCS|PROJCRS|GEOGCRS|COMPD_CS)\[", text):
        raise ProjectError(
            f"{name}:1: not a HEC-RAS project but a map projection of a GIS, which has the same ending",
            "name the .prj of the model, whose first line is 'Proj Title='",
        )
    if not is_project(text):
        raise ProjectError(
            f"{name}:1: not a HEC-RAS project: its first line is not 'Proj Title='",
            "name the .prj of the model",
        )
    title, units, plans = "", ENGLISH_UNITS, list[str]()
    for entry in entries(text):
        match entry.key, entry.value:
            case "Proj Title", str(value):
                title = value
            case "SI Units", None:
                units = SI_UNITS
            case "Plan File", str(value) if number := plan_number(value):
                if number not in plans:
                    plans.append(number)
            case _:
                pass
    return ProjectText(title, units, tuple(plans))


def plan_number(reference: str) -> str | None:
    """`p04` -> `04`; None where it is no plan's extension."""
    found = re.fullmatch(r"[pP]([0-9]{2})", reference.strip())
    return found[1] if found else None
