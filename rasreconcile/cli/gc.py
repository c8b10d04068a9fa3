"""`gc`: remove unneeded run directories, cached inputs and old records."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.options import as_json, close, load_spec, say, spec_argument, write_json
from rasreconcile.cli.targets import spec_path
from rasreconcile.cli.verb import verb
from rasreconcile.report.text import bytes_in_words, many

if TYPE_CHECKING:
    from rasreconcile.operations.gc import Collected


def _age(ctx: click.Context, param: click.Parameter, value: str) -> timedelta:
    """`30d`, as a spec writes it."""
    from rasreconcile.spec.base import duration  # noqa: PLC0415  pydantic is slow to import

    try:
        age: timedelta = duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from error
    return age


def _size(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """`20g`, in bytes."""
    from rasreconcile.spec.base import bytes_of  # noqa: PLC0415  as above

    size = bytes_of(value)
    if size is None:
        raise click.BadParameter(f"{value!r} is not a size; write 500m or 20g")
    return size


@verb(
    "gc",
    examples=[
        ("gc --dry-run", "What would be removed."),
        ("gc --older-than 7d --cache-size 5g", "Remove more than usual."),
    ],
    exits={
        0: "removed",
        1: "a worker did not answer, or could not remove something",
        5: "a controller is running",
    },
)
@spec_argument
@as_json
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option("--older-than", callback=_age, default="30d", show_default=True, help="What counts as old.")
@click.option(
    "--cache-size",
    callback=_size,
    default="20g",
    show_default=True,
    help="Size to keep in each worker's cache.",
)
@click.option("--others", is_flag=True, help="Also old runs of other stores, collected or not.")
def command(
    spec: Path | None, as_json: bool, dry_run: bool, older_than: timedelta, cache_size: int, others: bool
) -> int:
    """Clean up on every worker that answers, and in the store.

    Removes: run directories of ended runs, except the last three failed ones of each plan; old run directories
    that no store knows and in which nothing runs; cached inputs that no run has used recently; old
    prepared files that no plan of the spec needs; old events, logs and texts that no current result refers to.
    Results and the list of runs are kept.
    """
    from rasreconcile.operations.gc import Limits, gc  # noqa: PLC0415  so that --help is quick

    limits = Limits(older_than, cache_size, "remove" if others else "keep")
    done = gc(load_spec(spec_path(spec)), limits, "count" if dry_run else "remove")
    if as_json:
        write_json({"dry_run": dry_run, **_values(done)})
    else:
        _print(done, "would remove" if dry_run else "removed")
    return 1 if any(cleaned.problems for cleaned in done.workers.values()) else 0


def _print(done: Collected, what_happens: str) -> None:
    for name, cleaned in done.workers.items():
        say(
            f"{name}: {what_happens} {_directories(len(cleaned.runs))},"
            f" {many(cleaned.cache.files, 'cached file')} ({bytes_in_words(cleaned.cache.size)})"
        )
        if cleaned.strangers:
            kept = _directories(len(cleaned.strangers))
            say(f"    kept {kept} of another store, or too recent")
        for problem in cleaned.problems:
            say(click.style(f"    {problem}", fg="red"))
    if done.products:
        say(f"prepared files: {what_happens} {many(len(done.products), 'unneeded set')}")
    rows = ", ".join(f"{count} {what}" for what, count in done.store.rows.items() if count) or "nothing"
    freed = done.store.size_before - done.store.size_after
    close(f"store: {what_happens} {rows}" + (f"; {bytes_in_words(freed)} freed" if freed > 0 else ""))


def _directories(count: int) -> str:
    return f"{count} run directory" if count == 1 else f"{count} run directories"


def _values(done: Collected) -> dict[str, Any]:
    workers = {
        name: {
            "runs": cleaned.runs,
            "strangers": cleaned.strangers,
            "cached_files": cleaned.cache.files,
            "cached_bytes": cleaned.cache.size,
            "problems": cleaned.problems,
        }
        for name, cleaned in done.workers.items()
    }
    store = {
        "rows": dict(done.store.rows),
        "size_before": done.store.size_before,
        "size": done.store.size_after,
    }
    return {"workers": workers, "products": [str(folder) for folder in done.products], "store": store}
