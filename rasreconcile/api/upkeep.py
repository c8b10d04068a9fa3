"""A study's upkeep: a first spec, cleaning up, and its store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.api.machine import ours
from rasreconcile.api.tables import Table
from rasreconcile.errors import UsageError
from rasreconcile.report.text import bytes_in_words, many

if TYPE_CHECKING:
    from rasreconcile.operations.gc import Collected, Limits
    from rasreconcile.operations.init import EngineName


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSpec:
    """A first spec, and what was written beside it."""

    spec: Path
    schema: Path
    """By which editors complete and check the spec."""
    ignored: tuple[str, ...]
    """Lines that the .gitignore beside it has now and had not."""
    projects: int
    plans: int
    engine: str
    """Which one, and why, in words."""
    remarks: tuple[str, ...]
    """What a person should know of what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedWorker:
    """What was removed on one worker, or would be."""

    worker: str
    runs: tuple[str, ...]
    """Ids of the runs whose directories went."""
    kept: tuple[str, ...]
    """Ids of runs that belong to another store, or are too recent."""
    cached_files: int
    cached_bytes: int
    problems: tuple[str, ...]


@dataclass(frozen=True, repr=False, eq=False)
class CleanedUp(Table[CleanedWorker]):
    """What `gc` removed, or would remove: a row a worker, and the rest."""

    prepared: tuple[Path, ...] = ()
    """Folders of prepared files that no plan of the spec needs."""
    forgotten: Mapping[str, int] = field(default_factory=dict)
    """Rows of the store, by what they were."""
    freed: int = 0
    """Bytes by which the store is smaller."""


@ours
def init(
    *projects: str | os.PathLike[str],
    spec: str | os.PathLike[str] = "rasreconcile.yaml",
    engine: EngineName | None = None,
) -> NewSpec:
    """Writes a first spec for these projects, folders and patterns, as `rasreconcile init` does; never over a file.

    `engine`: `"hec-ras"` or `"steady"`; left out: chosen from the projects and the results beside them. Then
    `open(found.spec)`. Raises ProjectError, UsageError.
    """
    from rasreconcile.operations import init as operation  # noqa: PLC0415  so that `import rasreconcile` is quick

    if not projects:
        raise UsageError("init() names no project", "name a .prj, a folder of projects, or a pattern")
    remarks: list[str] = []
    made = operation.init([os.fspath(one) for one in projects], Path(spec), engine, remarks.append)
    return NewSpec(
        spec=made.spec,
        schema=made.schema,
        ignored=made.ignored,
        projects=made.projects,
        plans=made.plans,
        engine=made.engine,
        remarks=tuple(remarks),
    )


def schema() -> str:
    """The JSON Schema of specs, for editors, as `rasreconcile schema` prints it."""
    from rasreconcile.specfile import schema_json  # noqa: PLC0415  pydantic only where needed

    text: str = schema_json()
    return text


def limits_of(older_than: str | timedelta, cache_size: str | int, *, others: bool) -> Limits:
    """As the words of the command line: `30d`, `20g`. Raises UsageError."""
    from rasreconcile.operations.gc import Limits  # noqa: PLC0415  as above
    from rasreconcile.spec.base import bytes_of, duration  # noqa: PLC0415

    try:
        age: timedelta = duration(older_than)
    except ValueError as error:
        raise UsageError(f"older_than: {older_than!r} {error}") from error
    size = cache_size if isinstance(cache_size, int) else bytes_of(cache_size)
    if size is None or size < 0:
        raise UsageError(
            f"cache_size: {cache_size!r} is not a size", 'write "500m" or "20g", or a number of bytes'
        )
    return Limits(age, size, "remove" if others else "keep")


def cleaned_up(done: Collected) -> CleanedUp:
    """What was removed."""
    rows = tuple(
        CleanedWorker(
            worker=name,
            runs=tuple(one.runs),
            kept=tuple(one.strangers),
            cached_files=one.cache.files,
            cached_bytes=one.cache.size,
            problems=tuple(one.problems),
        )
        for name, one in done.workers.items()
    )
    freed = max(0, done.store.size_before - done.store.size_after)
    told = ", ".join(f"{count} {what}" for what, count in done.store.rows.items() if count) or "nothing"
    prepared = f"; {many(len(done.products), 'set')} of prepared files" if done.products else ""
    caption = f"store: {told}" + (f"; {bytes_in_words(freed)} freed" if freed else "") + prepared
    return CleanedUp(CleanedWorker, rows, caption, done.products, dict(done.store.rows), freed)
