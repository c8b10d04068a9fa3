"""A spec put together in a notebook: one project, some of its plans, some workers, and no file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasreconcile.api.workers import Worker, worker
from rasreconcile.errors import ProjectError, UsageError
from rasreconcile.hecras_versions import saved_by
from rasreconcile.plain_files import whole

if TYPE_CHECKING:
    from rasreconcile.specfile import LoadedSpec

Numbers = str | int | Iterable[str | int]


def composed(
    project: str | os.PathLike[str],
    numbers: Numbers,
    workers: Sequence[Worker],
    engine: str | Mapping[str, Any] | None,
    *,
    expect: Mapping[str, Any] | None,
    more: Mapping[str, Any],
) -> LoadedSpec:
    """As if it were the file `<project>.rasreconcile.yaml` beside the project.

    Raises SpecError, ProjectError, UsageError.
    """
    from rasreconcile.specfile.loader import load_unwritten  # noqa: PLC0415  pydantic and yaml only where needed

    prj = Path(project).absolute()
    asked = (numbers,) if isinstance(numbers, str | int) else tuple(numbers)
    entry: dict[str, Any] = {"project": prj.name}
    entry |= {"numbers": list(asked)} if asked else {}
    entry |= {"expect": dict(expect)} if expect else {}
    value = {
        "version": 1,
        "engine": engine_of(prj, asked) if engine is None else _named_engine(engine),
        **more,
        "workers": _by_name(workers or (worker("local", "desk", cores_total=os.cpu_count() or 1),)),
        "plans": [entry],
    }
    try:
        return load_unwritten(value, prj.with_name(f"{prj.stem}.rasreconcile.yaml"), f"study({prj.name!r})")
    except TypeError as error:
        raise UsageError(f"{error}", "give plain values: texts, numbers, lists and mappings") from error


def engine_of(project: Path, numbers: Iterable[str | int]) -> dict[str, str]:
    """HEC-RAS in the version that last saved the plans: the newest of these. Raises ProjectError, UsageError."""
    from rasreconcile.hecras_versions import parsed  # noqa: PLC0415
    from rasreconcile.project import decode, entries, parse_project  # noqa: PLC0415
    from rasreconcile.resolve.folder import Folder  # noqa: PLC0415
    from rasreconcile.spec.plans import numbers as two_digits  # noqa: PLC0415

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


def _named_engine(engine: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(engine, str):
        return dict(engine)
    return {"type": "steady"} if engine == "steady" else {"type": "hec-ras", "version": engine}


def _by_name(workers: Iterable[Worker]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in workers:
        if one.name in found:
            raise UsageError(f"two workers are called {one.name!r}", "give one another name")
        found[one.name] = one.value
    return found
