"""Every verb, imported only when it is used, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from rasreconcile import __version__
from rasreconcile.cli.streams import let_go_of_stdout
from rasreconcile.cli.verb import EXITS, Invocation, VerbGroup, common_options
from rasreconcile.errors import RasReconcileError, Trouble, trouble_of

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
    "report": ("report", "the study as one page of HTML"),
    "retry": ("retry", "compute plans again, including those that failed permanently"),
    "cancel": ("cancel", "end the running runs of plans"),
    "prune": ("prune", "remove results of plans that are no longer in the spec"),
    "gc": ("gc", "remove unneeded run directories, cached inputs and old records"),
    "state": ("state", "show, back up or rebuild the store"),
    "schema": ("schema", "the JSON Schema of the spec, for editors"),
    "completion": ("completion", "let bash, zsh or fish complete verbs, options and plans"),
}


class _Lazy(VerbGroup):
    """Imports a verb's module when the verb is called, not before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()

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

            from rasreconcile.cli import other_tools  # noqa: PLC0415  as above

            near = (
                [other_tools.VERBS[args[0]]]
                if args[0] in other_tools.VERBS
                else get_close_matches(args[0], VERBS, n=1)
            )
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from error


@click.command(
    cls=_Lazy,
    examples=[
        ("init models/Muncie/Muncie.prj", "Write a first spec."),
        ("diff", "What `apply` would do, and why."),
        ("apply", "Do it."),
        ("apply 'Muncie/p0*' -x 09", "Only these plans."),
        ("apply --help", "All about one verb."),
    ],
    exits=EXITS,
)
@click.version_option(__version__, prog_name="rasreconcile")
def rasreconcile() -> None:
    """Declare which HEC-RAS results must exist; compute what is missing or stale, prove it, publish it."""


def run(arguments: Sequence[str], kinds: Kinds | None = None) -> int:
    """The whole program, with these kinds of worker. Returns its exit code; raises nothing a user can cause."""
    invocation = Invocation(kinds)
    try:
        result: Any = rasreconcile.main(
            args=list(arguments), prog_name="rasreconcile", standalone_mode=False, obj=invocation
        )
        sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        return _usage(error, arguments)
    except click.Abort:
        return 130
    except RasReconcileError as error:
        return _ours(error, arguments, invocation)
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe has seen enough; click ends the program then, and at no other time.
        let_go_of_stdout()
        return 0
    except UnicodeEncodeError as error:
        letter = error.object[error.start : error.end]
        print(
            f"{letter!a}: the names of files cannot hold it in this locale ({error.encoding}); set LC_ALL=C.UTF-8",
            file=sys.stderr,
        )
        return 1
    except MemoryError:
        return _ours(RasReconcileError("there is not enough memory", _MEMORY), arguments, invocation)
    except OSError as error:
        return _of_the_system(error, arguments, invocation)
    return result if isinstance(result, int) else 0


_MEMORY = "free some, or raise `ulimit -v`; running runs continue, and `apply` collects them"


# ---- errors, as text or as JSON


def _wants_json(arguments: Sequence[str]) -> bool:
    """Also where the command line is wrong, and nobody has parsed it."""
    words = list(arguments)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _write_json(exit_code: int, errors: list[dict[str, Any]], invocation: Invocation | None = None) -> int:
    """One line on stdout: a document where there is none, the last line of a stream that has begun."""
    from rasreconcile.cli.options import FORMAT_VERSION, write_line  # noqa: PLC0415  only where something is wrong

    line = {"version": FORMAT_VERSION, "kind": "error", "exit": exit_code, "errors": errors}
    try:
        write_line(line, (invocation or Invocation()).shown)
    except OSError as error:
        return _of_the_system(error, (), invocation or Invocation())
    return exit_code


def _usage(error: click.ClickException, arguments: Sequence[str]) -> int:
    if isinstance(error, click.NoSuchOption) and not error.possibilities:
        from rasreconcile.cli.other_tools import hint_of  # noqa: PLC0415  only for an option that does not exist

        hint = hint_of(error.option_name, (error.ctx and error.ctx.info_name) or "")
        error = click.UsageError(f"{error.message} {hint}".rstrip(), error.ctx)
    if not _wants_json(arguments):
        error.show()
        return 64
    from rasreconcile.report.errors import usage_values  # noqa: PLC0415  as above

    context = error.ctx if isinstance(error, click.UsageError) else None
    verb = context.command_path if context else "rasreconcile"
    return _write_json(64, usage_values(error.format_message(), f"see {verb} --help"))


def _ours(error: RasReconcileError, arguments: Sequence[str], invocation: Invocation) -> int:
    if _wants_json(arguments):
        from rasreconcile.report.errors import error_values  # noqa: PLC0415  as above

        return _write_json(error.exit_code, error_values(error), invocation)
    print(invocation.shown(str(error)), file=sys.stderr)
    _tell_causes(error, invocation)
    return error.exit_code


def _of_the_system(error: OSError, arguments: Sequence[str], invocation: Invocation) -> int:
    from rasreconcile.report.errors import FIX, is_full, system_values  # noqa: PLC0415  as above

    trouble = trouble_of(error).or_else(FIX)
    if error.filename is None and is_full(error):
        # Files that are written have names in their errors; the stream that answers go to has none.
        let_go_of_stdout()
        trouble = Trouble(f"the output cannot be written: {error.strerror}", "free some space where it goes")
    elif _wants_json(arguments):
        return _write_json(1, system_values(error), invocation)
    print(invocation.shown(str(trouble)), file=sys.stderr)
    return 1


def _tell_causes(error: BaseException, invocation: Invocation) -> None:
    """With `-v`, what an error came from, for whoever has to find it."""
    cause = error.__cause__ or error.__context__
    while invocation.verbose and cause is not None:
        print(f"    from {type(cause).__name__}: {cause}", file=sys.stderr)
        cause = cause.__cause__ or cause.__context__
