"""Which spec is meant, and which of its plans: the words of a command line, whatever their order."""

from __future__ import annotations

import functools
import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.verb import invocation
from rasreconcile.errors import UsageError
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans, is_hec_ras_file, is_plan_file

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

NAMES = ("rasreconcile.yaml", "rasreconcile.yml")
"""Of a spec that need not be named."""
SPEC_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Target:
    """A spec, and the plans of it that a command line names."""

    spec: Path
    plans: NamedPlans = EVERY_PLAN


def takes_plans(
    metavar: str = "[SPEC] [PLAN...]", elsewhere: str | None = None
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The words of a verb and `-x`, given to it as `target`.

    `elsewhere`: an option which says where the spec is; with it every word names plans.
    """

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @click.option(
            "-x",
            "--exclude",
            "left_out",
            multiple=True,
            metavar="PLAN",
            shell_complete=_complete,
            help="Leave these plans out; may be given several times.",
        )
        @click.argument("words", nargs=-1, metavar=metavar, shell_complete=_complete)
        @functools.wraps(function)
        def with_target(words: tuple[str, ...], left_out: tuple[str, ...], **others: Any) -> int:
            if elsewhere is not None and others.get(elsewhere):
                if given := next((word for word in words if word.lower().endswith(SPEC_ENDINGS)), None):
                    raise UsageError(
                        f"--{elsewhere} and {given} are two specs", f"name it with --path {given}"
                    )
                return function(target=Target(Path(), NamedPlans(words, left_out)), **others)
            spec, named = spec_and_plans(words)
            return function(target=Target(spec, NamedPlans(named, left_out)), **others)

        return with_target

    return decorate


def takes_one_plan(function: Callable[..., int]) -> Callable[..., int]:
    """`[SPEC] PLAN`, given to a verb as `target`."""

    @click.argument("words", nargs=-1, metavar="[SPEC] PLAN", shell_complete=_complete)
    @functools.wraps(function)
    def with_target(words: tuple[str, ...], **others: Any) -> int:
        spec, named = spec_and_plans(words)
        return function(target=Target(spec, NamedPlans(named)), **others)

    return with_target


# ---- which spec


def spec_and_plans(words: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """The spec among the words, wherever it stands, else the one that is meant without being named; and the rest."""
    if not all(word.strip() for word in words):
        raise UsageError(
            "an empty word names neither a spec nor a plan", "check the variable that it came from"
        )
    if "-" in words:
        raise UsageError("-: a spec is not read from stdin", "name a file")
    specs = [word for word in words if _is_spec(word)]
    if len(specs) > 1:
        if strange := next(filter(is_hec_ras_file, specs), None):
            raise UsageError(
                f"{strange} is a file of HEC-RAS, not a spec",
                "name plans, and put patterns in quotes: 'Muncie/*'",
            )
        raise UsageError(f"{specs[0]} and {specs[1]} are two specs", "name one; each has its own store")
    if not specs and (folder := _of_folder([word for word in words if _must_be_folder(word)])):
        raise folder
    path = spec_path(Path(specs[0]) if specs else None, words)
    return path, tuple(word for word in words if word not in specs)


def _here() -> str:
    """A spec in this folder, where there is one that may be meant."""
    found = sorted(name for name in os.listdir() if name.lower().endswith(SPEC_ENDINGS))  # noqa: PTH208  as below
    return found[0] if len(found) == 1 else "spec.yaml"


def _of_folder(words: Sequence[str]) -> UsageError | None:
    """Where there is no spec, and a folder was named: which spec may be meant."""
    folder = next((word for word in words if os.path.isdir(word)), None)  # noqa: PTH112  as above
    if folder is None:
        return None
    inside = sorted(name for name in os.listdir(folder) if name.lower().endswith(SPEC_ENDINGS))  # noqa: PTH208
    meant = f"name the spec: {Path(folder, inside[0]).as_posix()}" if inside else "name a spec file"
    return UsageError(f"{folder} is a folder", meant)


def _must_be_folder(word: str) -> bool:
    """A word without `/` before it may be the name of a project as well."""
    return word in {".", ".."} or word.startswith(("./", "../")) or os.path.isabs(word)  # noqa: PTH117  as above


def _is_spec(word: str) -> bool:
    if word.lower().endswith(SPEC_ENDINGS):
        return True
    # A spec may have any name; a plan file of HEC-RAS is none. Path raises for what cannot be a name.
    exists = os.path.exists(word) and not os.path.isdir(word)  # noqa: PTH110, PTH112
    return exists and not is_plan_file(word)


def spec_path(given: Path | None, words: Sequence[str] = ()) -> Path:
    """The spec meant: as given, else $RASRECONCILE_SPEC, else rasreconcile.yaml or .yml here or in a folder above.

    `words`: all that was typed, to say what may have been meant where there is none.
    """
    path = given or _from_environment()
    # A relative one too needs a folder to begin in.
    here = None if path and path.is_absolute() else _current()
    path = path or (_found_upward(here) if here else None)
    if path is None:
        raise _of_folder(words) or UsageError(
            f"no spec was named, and there is no {NAMES[0]} (or .yml) here or in a folder above",
            f"name one: rasreconcile VERB {_here()}, or write one: rasreconcile init PROJECT.prj",
        )
    invocation().folder = Path(os.path.abspath(path)).parent  # noqa: PTH100  as below
    if invocation().verbose:
        click.echo(f"spec: {os.path.abspath(path)}", err=True)  # noqa: PTH100  Path.absolute keeps `..`
    return path


def _from_environment() -> Path | None:
    named = os.environ.get("RASRECONCILE_SPEC")
    if named and not os.path.isfile(named):  # noqa: PTH113  as above
        raise UsageError(f"$RASRECONCILE_SPEC is {named!r}, which is not a file", "correct or unset it")
    return Path(named) if named else None


def _current() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("the current folder no longer exists", "change to another one: cd FOLDER") from error


def _found_upward(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        found = [folder / name for name in NAMES if (folder / name).is_file()]
        if len(found) > 1:
            raise UsageError(f"{folder} has both {NAMES[0]} and {NAMES[1]}", "name the one you mean")
        if found:
            path = found[0]
            if folder != start and _may_be_planted(path):
                raise UsageError(
                    f"{path} is another user's, in a folder that everybody may write to", "name it to use it"
                )
            return Path(os.path.relpath(path, start))
    return None


def _may_be_planted(path: Path) -> bool:
    """A spec names programs that are run: one that anybody may have put into /tmp is not taken unasked."""
    if sys.platform == "win32":
        return False
    return path.stat().st_uid not in {os.getuid(), 0} and bool(path.parent.stat().st_mode & stat.S_IWOTH)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from rasreconcile.cli.complete import words  # noqa: PLC0415  only while a shell asks

    return words(ctx.params.get("words") or (), incomplete)
