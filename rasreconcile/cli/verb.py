"""What every verb has: the options that all verbs take, and a help that ends with examples and exit codes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rasreconcile.errors import UsageError
from rasreconcile.report.seen_from import Shown, as_it_is, seen_from

if TYPE_CHECKING:
    from rasreconcile.workers.kind import Kinds

_COMMON_EXITS: dict[int, str] = {
    1: "an error of this machine",
    64: "the spec or the command line is wrong",
}
EXITS: dict[int, str] = {
    0: "all plans are current",
    2: "`apply` would do something",
    3: "nothing left to do, but some plans failed",
    4: "nothing left to do, but some plans need attention",
    5: "another controller is running on the store",
    130: "interrupted",
}
"""Of the verbs that look at plans."""
_SPEC_MEANS = (
    "The spec file. Left out: $RASRECONCILE_SPEC, else rasreconcile.yaml or .yml here or in a folder above."
)
_PLAN_MEANS = (
    "An address (Muncie/p04), a pattern ('Muncie/p0*'), a project (Muncie), a number or a range of them (04, 04-12),"
    " or a plan file. SPEC and PLAN may come in either order."
)
WORDS = (("SPEC", _SPEC_MEANS), ("PLAN", _PLAN_MEANS))
Examples = Sequence[tuple[str, str]]
"""A command line without the program's name, and what it does."""


@dataclass(slots=True)
class Invocation:
    """One call of the program."""

    kinds: Kinds | None = None
    """Of workers; None: all there are."""
    folder: Path | None = None
    """Of the spec that is meant, once that is known."""
    quiet: bool = False
    verbose: bool = False

    @property
    def shown(self) -> Shown:
        """How messages are shown: their paths as seen from the spec."""
        return seen_from(self.folder) if self.folder else as_it_is


def invocation() -> Invocation:
    """The present one."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Invocation) if context else None
    return found or Invocation()


# ---- options of all verbs


def colour_wanted(choice: str, environ: Mapping[str, str]) -> bool | None:
    """Whether to write colours; None: where it is a terminal. `choice` goes before the environment."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") != "0":
        return True
    return False if environ.get("TERM") == "dumb" else None


def _colour(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None or ctx.parent is None:
        ctx.color = colour_wanted(value or "auto", os.environ)


def _folder(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    try:
        ctx.find_root().with_resource(contextlib.chdir(value))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not the name of a folder"
        raise UsageError(f"-C {value}: {why}", "name an existing folder") from error


def _quiet(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    invocation_of(ctx).quiet |= value


def _verbose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    invocation_of(ctx).verbose |= value


def invocation_of(ctx: click.Context) -> Invocation:
    """Of a context that is still being made."""
    found = ctx.find_object(Invocation)
    if found is None:
        found = ctx.find_root().obj = Invocation()
    return found


def common_options() -> list[click.Parameter]:
    """As every verb and the program itself take them."""
    return [
        click.Option(
            ["-C", "folder"],
            metavar="DIR",
            expose_value=False,
            is_eager=True,
            callback=_folder,
            help="Work as if started in DIR.",
        ),
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_quiet,
            help="Only closing lines, the data asked for, and errors.",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=_verbose,
            help="Also what is current, which spec is used, and what an error came from.",
        ),
        click.Option(
            ["--color", "--colour", "colour"],
            type=click.Choice(["auto", "always", "never"]),
            expose_value=False,
            callback=_colour,
            help="When to use colours; `auto` follows NO_COLOR, FORCE_COLOR and TERM.",
        ),
    ]


# ---- help


class _Helped(click.Command):
    """Its help ends with what its words mean, examples and exit codes."""

    def __init__(
        self, *args: Any, examples: Examples = (), exits: Mapping[int, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.exits = dict(sorted({**_COMMON_EXITS, **(exits or {0: "done"})}.items()))
        self.context_settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        usage = " ".join(self.collect_usage_pieces(ctx))
        if words := [(word, text) for word, text in WORDS if word in usage]:
            with formatter.section("Arguments"):
                formatter.write_dl(words)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_dl(
                    [(f"rasreconcile {line}", text) for line, text in self.examples], col_max=60
                )
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in self.exits.items()])


class Verb(_Helped):
    """A verb."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()


class VerbGroup(_Helped, click.Group):
    """A verb with verbs of its own."""


Function = TypeVar("Function", bound=Callable[..., Any])


def verb(
    name: str, *, examples: Examples, exits: Mapping[int, str] | None = None
) -> Callable[[Function], Verb]:
    """Makes a verb of a function that returns its exit code. `exits`: apart from those that every verb has."""

    def make(function: Function) -> Verb:
        return click.command(name=name, cls=Verb, examples=examples, exits=exits)(function)

    return make
