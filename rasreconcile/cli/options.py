"""What the verbs share: loading the spec, and how answers are written."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.streams import has_all_letters
from rasreconcile.cli.verb import invocation
from rasreconcile.printable import but_colours
from rasreconcile.report.seen_from import Shown, messages_in
from rasreconcile.report.text import Closing, Place
from rasreconcile.report.wrap import folded

if TYPE_CHECKING:
    from rasreconcile.specfile import LoadedSpec

FORMAT_VERSION = 3
"""Of all JSON that is written; raised when a field changes its meaning or goes away; docs/json.md names every field."""

as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON for programs.")
spec_argument = click.argument("spec", required=False, type=click.Path(path_type=Path))


def load_spec(path: Path) -> LoadedSpec:
    """The spec at `path`, with the kinds of worker that the program was started with."""
    from rasreconcile.specfile import load  # noqa: PLC0415  pydantic and yaml only where needed

    return load(path, invocation().kinds)


def say(line: str) -> None:
    """One line of an answer for people, which `--quiet` leaves out."""
    if not invocation().quiet:
        close(line)


def tell(line: str) -> None:
    """A line of an answer, by what it is."""
    (close if isinstance(line, Closing) else say)(line)


def close(line: str) -> None:
    """A closing line, always written: folded on a terminal, whole where it goes into a file or a pipe."""
    if not isinstance(line, Place):
        line = invocation().shown(line)
    line = but_colours(line)
    if sys.stdout.isatty():
        for part in folded(line, shutil.get_terminal_size().columns):
            click.echo(part)
    else:
        click.echo(line)


def warn(line: str) -> None:
    """One line on stderr, whatever `--quiet` says."""
    click.echo(invocation().shown(line), err=True)


def write_json(document: Mapping[str, Any]) -> None:
    """One document on stdout."""
    whole = messages_in({"version": FORMAT_VERSION, **document}, invocation().shown)
    click.echo(json.dumps(whole, indent=1, default=str, ensure_ascii=not has_all_letters()))


def write_line(line: Mapping[str, Any], shown: Shown | None = None) -> None:
    """One line of a stream on stdout. `shown`: how its messages are; None: as those of the present call."""
    whole = messages_in(line, shown or invocation().shown)
    click.echo(json.dumps(whole, default=str, ensure_ascii=not has_all_letters()))
