"""`watch`: apply whenever inputs, spec or git change."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.apply import applied, closing_lines
from rasreconcile.cli.closed_console import console_closing
from rasreconcile.cli.options import FORMAT_VERSION, as_json, close, load_spec, warn, write_line
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import invocation, verb
from rasreconcile.errors import UsageError
from rasreconcile.report.text import many

if TYPE_CHECKING:
    from rasreconcile.controller.apply import Outcome
    from rasreconcile.specfile import LoadedSpec
    from rasreconcile.watch.due import Source

Load = Callable[[Path], "LoadedSpec"]


@verb(
    "watch",
    examples=[
        ("watch", "Keep the study of this folder current."),
        ("watch study.yaml 'Muncie/*'", "Keep one project current."),
        (
            "watch --git https://git.firm/basin.git --path study.yaml",
            "Keep current what a branch of a repository says.",
        ),
    ],
    exits={
        0: "never: it runs until it is interrupted",
        5: "another controller is running on the store",
        130: "interrupted",
    },
)
@takes_plans(elsewhere="git")
@as_json
@click.option("--read", "read", is_flag=True, help="While idle, read published results again, one a minute.")
@click.option("--git", "git", metavar="URL", help="Take spec and models from a repository.")
@click.option("--ref", metavar="NAME", default="main", show_default=True, help="Branch, tag or commit.")
@click.option(
    "--path",
    metavar="FILE",
    default="rasreconcile.yaml",
    show_default=True,
    help="The spec, in the repository.",
)
@click.option("--interval", metavar="TIME", default="60s", show_default=True, help="Between two looks at it.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the clone, with results and store; by default the repository's name.",
)
@click.option(
    "--verify-signatures", "signed", is_flag=True, help="Take only commits with a trusted signature."
)
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="PATTERN",
    help="A command, program or image that specs of the repository may name; may be given several times.",
)
def command(  # noqa: PLR0913, PLR0917  an option each
    target: Target,
    as_json: bool,
    read: bool,
    git: str | None,
    ref: str,
    path: str,
    interval: str,
    into: Path | None,
    signed: bool,
    allowed: tuple[str, ...],
) -> int:
    """Apply now, then again whenever a file that matters changes. Ctrl-C ends it; runs continue.

    With --git the files are those of a repository, which is asked for a new commit now and then. A commit whose spec
    has a fault leaves the last good one. Programs that a spec names are executed only where --allow fits them.
    """
    from rasreconcile.watch.due import NOWHERE  # noqa: PLC0415  so that --help is quick
    from rasreconcile.watch.keep_current import Watch  # noqa: PLC0415

    if as_json:
        write_line({"version": FORMAT_VERSION, "verb": "watch", "spec": str(target.spec)})
    stop = threading.Event()

    def say(message: str) -> None:
        _say(message, as_json=as_json)

    def chat(message: str) -> None:
        if as_json or not invocation().quiet:
            say(message)

    def tell(loaded: LoadedSpec, outcome: Outcome, files: int) -> None:
        if not as_json and (outcome.exit or outcome.counts):
            for line in closing_lines(loaded, outcome):
                close(line)
        stands = f"{outcome.decision.health} (`status` says why)" if outcome.exit else "healthy"
        chat(f"{loaded.name}: {stands}; watching {many(files, 'file')}")

    source: Source = NOWHERE
    load: Load = load_spec
    spec = target.spec
    if git is not None:
        source, load, spec = _from_git(_Repository(git, ref, path, interval, into, signed, allowed), say)
    Watch(
        spec=spec,
        load=load,
        source=source,
        named=target.plans,
        apply=lambda loaded: _apply(loaded, target, as_json=as_json),
        applied=tell,
        say=say,
        changed=chat,
        waiting=lambda: _ending(stop),
        reads=read,
        stop=stop,
    ).run()
    return 130


@dataclass(frozen=True, slots=True)
class _Repository:
    """What was said of it."""

    url: str
    ref: str
    path: str
    interval: str
    into: Path | None
    signed: bool
    allowed: tuple[str, ...]


def _from_git(asked: _Repository, say: Callable[[str], None]) -> tuple[Source, Load, Path]:
    """The source, how a spec of it is read, and where it is."""
    from rasreconcile.specfile.allowed import refuse_programs  # noqa: PLC0415  as above
    from rasreconcile.watch.from_git import FromGit  # noqa: PLC0415
    from rasreconcile.watch.git_clone import GitClone  # noqa: PLC0415

    def load(path: Path) -> LoadedSpec:
        loaded = load_spec(path)
        refuse_programs(loaded, asked.allowed)
        return loaded

    within = PurePosixPath(asked.path)
    if within.is_absolute() or ".." in within.parts:
        raise UsageError(
            f"--path {asked.path} leads out of the repository", "name the spec from its top folder"
        )
    folder = asked.into or Path(PurePosixPath(asked.url.rstrip("/")).name.removesuffix(".git") or "study")
    source = FromGit(
        clone=GitClone.opened(folder.absolute(), asked.url, asked.ref),
        path=Path(within),
        interval=_seconds(asked.interval),
        load=load,
        say=say,
        signed=asked.signed,
    )
    invocation().folder = source.spec.parent
    return source, load, source.spec


def _seconds(text: str) -> float:
    from rasreconcile.spec.base import duration  # noqa: PLC0415  as above

    try:
        seconds = float(duration(text).total_seconds())
    except ValueError as error:
        raise UsageError(f"--interval {text} is no length of time", "write 60s, 5m or 1h") from error
    if seconds < 1:
        raise UsageError(f"--interval {text} is too short", "a second is the least")
    return seconds


def _apply(loaded: LoadedSpec, target: Target, *, as_json: bool) -> Outcome:
    from rasreconcile.report.live import Lines, Quiet, Stream  # noqa: PLC0415  as above

    quiet = Quiet() if invocation().quiet else None
    with Stream(write_line) if as_json else quiet or Lines(sys.stderr, invocation().shown) as reporter:
        return applied(loaded, reporter, named=target.plans)


@contextmanager
def _ending(stop: threading.Event) -> Iterator[None]:
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    before = {n: signal.signal(n, lambda *_: stop.set()) for n in numbers}
    try:
        with console_closing(stop.set):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(message: str, *, as_json: bool) -> None:
    if as_json:
        from rasreconcile.records import Event  # noqa: PLC0415  as above
        from rasreconcile.report.values import event_values  # noqa: PLC0415

        now = datetime.now(UTC)
        write_line(event_values(Event(at=now, kind="watch", address=None, run=None, message=message)))
    else:
        warn(message)
