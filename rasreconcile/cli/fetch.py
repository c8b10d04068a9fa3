"""`logs PLAN --fetch DIR`: the files of a run, copied here from its worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.options import say, write_json
from rasreconcile.report.text import Place, bytes_in_words, many

if TYPE_CHECKING:
    from rasreconcile.operations.fetch import FetchedRun
    from rasreconcile.runs import Run

_MOST_NAMED = 10


def show_fetched(run: Run, found: FetchedRun, *, as_json: bool) -> int:
    """The exit code: 1 where something could not be brought."""
    if as_json:
        write_json({"run": run.id, "plan": run.address, **_values(found)})
    else:
        for line in _lines(run, found):
            say(line)
    if run.live and not as_json:
        click.echo(
            "the run has not ended: fetch again later, with --force, for what it writes until then", err=True
        )
    return 1 if found.lacking else 0


def _values(found: FetchedRun) -> dict[str, Any]:
    return {
        "folder": str(found.folder),
        "fetched": found.brought,
        "here": found.here,
        "left_out": found.left_out,
        "lacking": found.lacking,
    }


def _lines(run: Run, found: FetchedRun) -> Iterator[str]:
    size = bytes_in_words(sum(found.brought.values()))
    here = f"; {many(len(found.here), 'file')} from an earlier fetch" if found.here else ""
    what = f"{many(len(found.brought), 'file')}, {size}, of run {run.id}"
    yield Place(f"{run.address}: {what} in {found.folder}{here}")
    whys = Counter(found.left_out.values())
    for why, count in whys.items():
        names = [name for name, told in found.left_out.items() if told == why]
        yield (
            f"  not copied: {_named(names)}: {why}"
            if count > 1
            else f"  not copied: {_shown(names[0])}: {why}"
        )
    lacking = list(found.lacking.items())
    for name, why in lacking[:_MOST_NAMED]:
        yield click.style(f"  missing: {_shown(name)}: {why}", fg="red")
    if len(lacking) > _MOST_NAMED:
        yield click.style(f"  and {len(lacking) - _MOST_NAMED} more", fg="red")


def _named(names: list[str]) -> str:
    more = len(names) - 3
    return ", ".join(map(_shown, names[:3])) + (f" and {more} more" if more > 0 else "")


def _shown(name: str) -> str:
    """A name may hold anything; what no terminal should see is spelled out."""
    return name if name.isprintable() else ascii(name)
