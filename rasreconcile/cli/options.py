"""What the verbs share: which spec is meant, which plans, and how answers are written."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.errors import UsageError
from rasreconcile.plans import Address, is_preparation
from rasreconcile.report.wrap import folded
from rasreconcile.spelling import name_key

if TYPE_CHECKING:
    from rasreconcile.specfile import LoadedSpec

FORMAT_VERSION = 2
"""Of all JSON that is written; raised when a field changes its meaning or goes away; docs/json.md names every field."""

DEFAULT_SPEC = "rasreconcile.yaml"

as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON for programs.")
spec_argument = click.argument("spec", required=False, type=click.Path(path_type=Path))
words_argument = click.argument("words", nargs=-1, metavar="[SPEC] PLAN...")


def spec_path(given: Path | None) -> Path:
    """The spec meant: as given, else $RASRECONCILE_SPEC, else ./rasreconcile.yaml."""
    if given is not None:
        return given
    named = os.environ.get("RASRECONCILE_SPEC")
    if named:
        return Path(named)
    if Path(DEFAULT_SPEC).exists():
        return Path(DEFAULT_SPEC)
    raise UsageError(
        f"no spec was named, and there is no {DEFAULT_SPEC} here", "name one: rasreconcile VERB spec.yaml"
    )


def load_spec(path: Path) -> LoadedSpec:
    """The spec at `path`, with the kinds of worker that the program was started with."""
    from rasreconcile.specfile import load  # noqa: PLC0415  pydantic and yaml only where needed

    return load(path, click.get_current_context().obj)


def spec_and_plans(words: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """`[SPEC] PLAN...`: the first word is the spec where it ends as one does."""
    if words and words[0].lower().endswith((".yaml", ".yml")):
        return Path(words[0]), tuple(words[1:])
    return spec_path(None), tuple(words)


def one_plan(words: Sequence[str], known: Iterable[Address]) -> Address:
    """The one plan meant by `words`. Raises UsageError with what is near."""
    if len(words) != 1:
        raise UsageError("name one plan by its address, as `diff` and `status` list them: Muncie/p04")
    found = plans_matching(words[0], known)
    if len(found) > 1:
        raise UsageError(f"{words[0]} means {len(found)} plans: {', '.join(found[:5])}", "name one")
    return found[0]


def plans_matching(word: str, known: Iterable[Address]) -> tuple[Address, ...]:
    """By address, by pattern (`Muncie/*`), or by an ending that only one has (`p04`). Raises UsageError for none.

    A pattern means plans, and preparations only where it says so (`*/prepare-*`).
    """
    addresses = tuple(known)
    if word in addresses:
        return (Address(word),)
    if "/prepare" not in word:
        addresses = tuple(address for address in addresses if not is_preparation(address))
    found = [a for a in addresses if fnmatch.fnmatchcase(name_key(a), name_key(word))]
    if not found:
        found = [a for a in addresses if name_key(a).endswith("/" + name_key(word))]
    if found:
        return tuple(found)
    near = get_close_matches(word, addresses, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`diff` and `status` list the plans"
    raise UsageError(f"{word}: no such plan", hint)


def say(line: str) -> None:
    """One line of an answer for people: folded on a terminal, whole where it goes into a file or a pipe."""
    if sys.stdout.isatty():
        for part in folded(line, shutil.get_terminal_size().columns):
            click.echo(part)
    else:
        click.echo(line)


def write_json(document: Mapping[str, Any]) -> None:
    """One document on stdout."""
    click.echo(json.dumps({"version": FORMAT_VERSION, **document}, indent=1, default=str, ensure_ascii=False))


def write_line(line: Mapping[str, Any]) -> None:
    """One line of a stream on stdout."""
    click.echo(json.dumps(line, default=str, ensure_ascii=False))
