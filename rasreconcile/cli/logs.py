"""`logs PLAN`: what a plan's run printed, or wrote to its messages file."""

from __future__ import annotations

import codecs
import shlex
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.fetch import show_fetched
from rasreconcile.cli.options import FORMAT_VERSION, as_json, load_spec, warn, write_line
from rasreconcile.cli.targets import Target, takes_one_plan
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.hecras_messages import cut_before_column, without_column
from rasreconcile.printable import plain
from rasreconcile.report.values import run_values
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.operations.fetch import Existing


@verb(
    "logs",
    examples=[
        ("logs Muncie/p04", "What its latest run printed."),
        ("logs -f Muncie/p04", "Wait for its run, and follow it."),
        ("logs --run 20260401-123005-muncie-p04-0a1b2c3d", "One run; `history` lists them."),
    ],
    exits={0: "the log was printed"},
)
@takes_one_plan
@as_json
@click.option("--run", "wanted", help="This run, not the latest one.")
@click.option("-f", "--follow", is_flag=True, help="Wait for a run, and follow it until it ends.")
@click.option(
    "--fetch",
    "into",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy the run directory, with the HDF it left, to DIR/RUN.",
)
@click.option("--force", is_flag=True, help="With --fetch: replace files there that are not the run's.")
def command(
    target: Target, as_json: bool, wanted: str | None, follow: bool, into: Path | None, force: bool
) -> int:
    """Print the log of PLAN's latest run: from its worker while it exists there, else from the store.

    If a program writes its messages to a file, as HEC-RAS does, that file is followed. With --fetch nothing is printed:
    the files of the run are copied here from its worker, whatever kind that is; again, it continues.
    """
    if (force and into is None) or (follow and into is not None):
        raise UsageError("--force belongs to --fetch, and --follow does not", "leave one of them out")
    if into is not None:
        return _fetch(target, wanted, into, "replace" if force else "keep", as_json=as_json)
    from rasreconcile.operations.logs import logs  # noqa: PLC0415  so that --help is quick
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415

    log = Printed(as_json=as_json)
    written = logs(
        state_path(target.spec),
        partial(load_spec, target.spec),
        target.plans,
        log,
        run_id=wanted,
        follow=follow,
    )
    log.finish()
    run = written.run
    if written.files_kept and not as_json:
        command_line = shlex.join(
            ["rasreconcile", "logs", str(target.spec), run.address, "--run", run.id, "--fetch"]
        )
        click.echo(f"its files are on {run.worker}; `{command_line} DIR` copies them here", err=True)
    if follow:
        _close(run, as_json=as_json)
    return 0


def _fetch(target: Target, run_id: str | None, into: Path, existing: Existing, *, as_json: bool) -> int:
    from rasreconcile.operations.logs import fetch  # noqa: PLC0415  as above
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415

    found = fetch(
        state_path(target.spec),
        partial(load_spec, target.spec),
        target.plans,
        into.absolute(),
        run_id=run_id,
        existing=existing,
    )
    return show_fetched(found.run, found.files, as_json=as_json)


@dataclass(slots=True)
class Printed:
    """Writes one log to stdout as it comes. A character is never cut in two."""

    as_json: bool
    _held: str = ""
    """The beginning of a line of which it is not known yet whether it begins with HEC-RAS's `Message  |`."""
    _amid_a_line: bool = False
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def begins(self, run: Run) -> None:
        if self.as_json:
            write_line({"version": FORMAT_VERSION, "verb": "logs", "run": run.id, "plan": run.address})

    def add(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        if self.as_json:
            write_line({"kind": "log", "text": text})
            return
        text, self._held = cut_before_column(self._held + text)
        self._write(text)

    def finish(self) -> None:
        """Nothing more comes."""
        self._write(self._held)
        self._held = ""

    def _write(self, text: str) -> None:
        begun, end, lines = text.partition("\n") if self._amid_a_line else ("", "", text)
        shown = f"{begun}{end}{without_column(lines)}"
        if text:
            self._amid_a_line = not text.endswith("\n")
        sys.stdout.write(plain(shown) if sys.stdout.isatty() else shown)
        sys.stdout.flush()

    def begins_again(self) -> None:
        self.finish()
        self._decoder.reset()

    def remark(self, line: str) -> None:
        warn(line)


def _close(run: Run, *, as_json: bool) -> None:
    why = f": {run.failure.trouble}" if run.failure else ""
    if as_json:
        write_line({"kind": "end", **run_values(run)})
    else:
        said = "has ended; `apply` collects it" if run.live else f"{run.state}{why}"
        click.echo(f"run {run.id} {said}", err=True)
