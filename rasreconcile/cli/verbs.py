"""Every verb, imported only when it is used, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from rasreconcile import __version__
from rasreconcile.errors import RasReconcileError

if TYPE_CHECKING:
    from rasreconcile.workers.kind import Kinds

VERBS: Mapping[str, tuple[str, str]] = {
    # verb: module, one line for the list; in the order in which a newcomer meets them
    "init": ("init", "write a first spec beside a HEC-RAS project"),
    "check": ("check", "what every plan reads, and what would stop a run"),
    "diff": ("diff", "what apply would do, and why"),
    "apply": ("apply", "compute what is missing or stale, prove it, publish it"),
    "adopt": ("adopt", "adopt existing results without re-running them"),
    "watch": ("watch", "apply whenever inputs, spec or git change"),
    "status": ("status", "the state of every plan, from the store only"),
    "explain": ("explain", "why a plan is, or is not, current: before and after"),
    "history": ("history", "past runs, newest first"),
    "logs": ("logs", "what a plan's run printed"),
    "results": ("results", "the results: one row per plan, or one dataset over all plans"),
    "retry": ("retry", "compute plans again, including those that failed permanently"),
    "cancel": ("cancel", "end the running runs of plans"),
    "prune": ("prune", "remove results of plans that are no longer in the spec"),
    "gc": ("gc", "remove unneeded run directories, cached inputs and old records"),
    "state": ("state", "show, back up or rebuild the store"),
    "schema": ("schema", "the JSON Schema of the spec, for editors"),
}


class _Lazy(click.Group):
    """Imports a verb's module when the verb is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"rasreconcile.cli.{VERBS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # noqa: PLC0415  only for a verb that does not exist

            near = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from error


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rasreconcile")
def rasreconcile() -> None:
    """Declare which HEC-RAS results must exist; compute what is missing or stale, prove it, publish it."""


def run(arguments: Sequence[str], kinds: Kinds | None = None) -> int:
    """The whole program, with these kinds of worker. Returns its exit code; raises nothing a user can cause."""
    try:
        result: Any = rasreconcile.main(
            args=list(arguments), prog_name="rasreconcile", standalone_mode=False, obj=kinds
        )
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return 64
    except click.Abort:
        return 130
    except RasReconcileError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe has seen enough; what is still to be flushed must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UnicodeEncodeError as error:
        letter = error.object[error.start : error.end]
        print(
            f"{letter!a}: the names of files cannot hold it in this locale ({error.encoding}); set LC_ALL=C.UTF-8",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(f"{error}; fix this and run the command again", file=sys.stderr)
        return 1
    return result if isinstance(result, int) else 0
