"""A spec put together in a notebook: one project, some of its plans, some workers, and no file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasreconcile.api.workers import Worker, worker
from rasreconcile.errors import UsageError

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
    from rasreconcile.operations.saved_with import saved_with  # noqa: PLC0415  reads the project
    from rasreconcile.specfile.loader import load_unwritten  # noqa: PLC0415  pydantic and yaml only where needed

    prj = Path(project).absolute()
    asked = (numbers,) if isinstance(numbers, str | int) else tuple(numbers)
    entry: dict[str, Any] = {"project": prj.name}
    entry |= {"numbers": list(asked)} if asked else {}
    entry |= {"expect": dict(expect)} if expect else {}
    value = {
        "version": 1,
        "engine": saved_with(prj, asked) if engine is None else _named_engine(engine),
        **more,
        "workers": _by_name(workers or (worker("local", "desk", cores_total=os.cpu_count() or 1),)),
        "plans": [entry],
    }
    try:
        return load_unwritten(value, prj.with_name(f"{prj.stem}.rasreconcile.yaml"), f"study({prj.name!r})")
    except TypeError as error:
        raise UsageError(f"{error}", "give plain values: texts, numbers, lists and mappings") from error


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
