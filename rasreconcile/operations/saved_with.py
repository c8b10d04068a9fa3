"""The version of HEC-RAS that plans were last saved with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rasreconcile.errors import ProjectError, UsageError
from rasreconcile.hecras_versions import parsed, saved_by
from rasreconcile.plain_files import whole
from rasreconcile.project import decode, entries, parse_project
from rasreconcile.resolve.folder import Folder
from rasreconcile.spec.plans import numbers as two_digits


def saved_with(project: Path, numbers: Iterable[str | int]) -> dict[str, str]:
    """HEC-RAS in the version that last saved the plans: the newest of these. Raises ProjectError, UsageError."""
    try:
        listed = parse_project(decode(whole(project)), str(project)).plans
    except OSError as error:
        raise ProjectError(f"{project}: {error.strerror}", "name the .prj of a HEC-RAS project") from error
    folder, found = Folder(project.parent), []
    for number in two_digits(list(numbers)) or listed:
        plan = folder.find(f"{project.stem}.p{number}")
        text = decode(whole(plan)) if plan else ""
        named = next((e.value for e in entries(text) if e.key == "Program Version" and e.value), "")
        found += [version for version in (saved_by(named),) if version]
    if not found:
        raise UsageError(
            f"{project.name}: no plan names the version of HEC-RAS that saved it",
            "name the engine: engine='6.6', or engine='steady' for the built-in one",
        )
    return {"type": "hec-ras", "version": max(found, key=parsed)}
