"""What of a plan's inputs goes into the run directory, and where it lies there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from rasreconcile.jobs import Staged
from rasreconcile.plans import MISSING, InputFile, Plan

READ_ONLY = frozenset({"terrain", "land-cover", "meteorology", "extra"})
"""Kinds that no run writes to, and that are large: linked from the worker's cache. HEC-RAS writes to, or opens for
writing, every other one."""


def staged(plan: Plan) -> tuple[Staged, ...]:
    """Every input that is there. HEC-RAS's own files become copies, which a run may rewrite; data may be linked."""
    return tuple(staged_file(file, "") for file in plan.inputs if file.raw != MISSING)


def staged_file(file: InputFile, folder: str) -> Staged:
    """One input, in a project's folder that is `folder` below `work/`."""
    return Staged(
        source=file.source,
        name=name_in(folder, file.name),
        digest=file.raw,
        size=file.size,
        writable="read only" if is_only_read(file.kind, file.name) else "own copy",
    )


def is_only_read(kind: str, name: str) -> bool:
    """Whether no run writes to an input of this kind."""
    # HEC-DSS opens its files for writing, also where it only reads; HEC-RAS the results of plans.
    return kind in READ_ONLY and re.search(r"\.(dss|p\d\d\.hdf)$", name, re.IGNORECASE) is None


def folder_for(files: Iterable[InputFile]) -> str:
    """The project's folder below `work/`: deep enough that what lies beside it (`../shared/x.dss`) is below too."""
    up = max((_ups(beside_project(file.name)) for file in files), default=0)
    return "/".join(["beside"] * (up - 1) + ["project"]) if up else ""


def name_in(folder: str, name: str) -> str:
    """The name below `work/` of what the project calls `name`."""
    return (
        posixpath.normpath(posixpath.join(folder, beside_project(name))) if folder else beside_project(name)
    )


def beside_project(name: str) -> str:
    """A name from the project's folder on: a file of another drive (`C:/dss/x.dss`) gets a place in it."""
    drive, colon, rest = name.partition(":/")
    return f"drive-{drive.lower()}/{rest}" if colon and len(drive) == 1 else name


def outputs_of(plan: Plan, folder: str) -> tuple[str, ...]:
    """The result, and what other plans read of this run."""
    return tuple(name_in(folder, name) for name in (plan.result_name, *plan.side_outputs))


def _ups(name: str) -> int:
    """How many folders above the project's own it leads."""
    parts = posixpath.normpath(name).split("/")
    return next((n for n, part in enumerate(parts) if part != ".."), len(parts))
