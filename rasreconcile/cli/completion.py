"""`completion`: let the shell complete verbs, options and plans."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from rasreconcile import account
from rasreconcile.cli.options import close
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.plain_files import LARGEST_SMALL, whole

PROGRAM = "rasreconcile"
MARK = "# completion of rasreconcile"


@dataclass(frozen=True, slots=True)
class Shell:
    """Where a shell looks for completions. Folders are given the home folder and the environment."""

    script: Callable[[Path, Mapping[str, str]], Path]
    """The file that is written."""
    startup: Callable[[Path, Mapping[str, str]], Path] | None = None
    """The file of the user's that must load it; None: the shell finds it without."""
    load: str = ""
    """The line for that file."""


def _data(home: Path, environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / PROGRAM


def _config(home: Path, environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


SHELLS: Mapping[str, Shell] = {
    "bash": Shell(
        script=lambda home, environ: _data(home, environ) / "completion.bash",
        startup=lambda home, environ: home / ".bashrc",
        load="[ -r {script} ] && . {script}",
    ),
    "zsh": Shell(
        script=lambda home, environ: _data(home, environ) / "completion.zsh",
        startup=lambda home, environ: Path(environ.get("ZDOTDIR") or home) / ".zshrc",
        load="(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit; }}; [[ -r {script} ]] && . {script}",
    ),
    "fish": Shell(
        script=lambda home, environ: _config(home, environ) / "fish/completions" / f"{PROGRAM}.fish"
    ),
}


@verb(
    "completion",
    examples=[
        ("completion", "Install it for the shell that $SHELL names."),
        ("completion zsh", "Install it for zsh."),
        ("completion bash --print", "Write the script to stdout and install nothing."),
    ],
    exits={0: "installed, or installed before"},
)
@click.argument("shell", required=False, type=click.Choice(list(SHELLS)))
@click.option("--print", "only_print", is_flag=True, help="Write the script to stdout; change no file.")
def command(shell: str | None, only_print: bool) -> int:
    """Let SHELL (bash, zsh, fish) complete verbs, options, specs and plan addresses.

    Writes a script into your data folder, and for bash and zsh one line into .bashrc or .zshrc. Repeat it after an
    upgrade.
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        what = f"{name} is not a shell that completion is known for" if name else "$SHELL names no shell"
        raise UsageError(what, f"name one: {', '.join(SHELLS)}")
    script = script_of(name)
    if only_print:
        click.echo(script, nl=False)
        return 0
    home, chosen = account.home(), SHELLS[name]
    path = chosen.script(home, os.environ)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, encoding="utf-8", newline="\n")
    close(f"wrote {path}")
    if chosen.startup is not None:
        startup = chosen.startup(home, os.environ)
        line = f"{chosen.load.format(script=_quoted(path))}  {MARK}"
        close(f"{'added a line to' if _add(startup, line) else 'already loaded by'} {startup}")
    close(f"start a new {name}, and press Tab after `{PROGRAM} explain `")
    return 0


def script_of(shell: str) -> str:
    """What a shell is to load, as click makes it."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415  only for this verb

    from rasreconcile.cli.verbs import rasreconcile  # noqa: PLC0415  the program knows this verb

    maker = get_completion_class(shell)
    assert maker is not None
    return maker(rasreconcile, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source()


def _add(startup: Path, line: str) -> bool:
    """Whether the line was not there yet; one that an earlier version wrote is replaced."""
    before = (
        whole(startup, LARGEST_SMALL).decode("utf-8", errors="surrogateescape") if startup.exists() else ""
    )
    lines = before.splitlines()
    if line in lines:
        return False
    kept = [one for one in lines if not one.endswith(MARK)]
    startup.write_text(
        "\n".join([*kept, line]) + "\n", encoding="utf-8", newline="\n", errors="surrogateescape"
    )
    return True


def _quoted(path: Path) -> str:
    import shlex  # noqa: PLC0415  only for this verb

    return shlex.quote(str(path))
