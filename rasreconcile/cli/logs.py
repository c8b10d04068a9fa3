"""`logs PLAN`: what a plan's run printed, or wrote to its messages file."""

from __future__ import annotations

import codecs
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.fetch import fetch_here
from rasreconcile.cli.options import (
    FORMAT_VERSION,
    as_json,
    load_spec,
    warn,
    write_line,
)
from rasreconcile.cli.targets import Target, takes_one_plan
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError, WorkerError
from rasreconcile.hecras_messages import cut_before_column, without_column
from rasreconcile.plans import Address
from rasreconcile.printable import plain
from rasreconcile.report.values import run_values
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.jobs import Worker
    from rasreconcile.store.reader import Reader

LONGEST_KEPT_LOG = 1 << 20
"""Bytes: of a log this long the store has the end alone."""
LOOK_EVERY = 0.5
"""Seconds between two looks at a log that is followed."""
WAITS_FOR = frozenset({"queued", "backoff", "running"})
"""Phases of a plan whose next run is on its way."""


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
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415  so that --help is quick
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    spec = target.spec
    state = state_path(spec)
    with Reader(state) as reader:
        run = _run(reader, target, wanted) if wanted or not follow else _awaited(reader, target)
        if into is not None:
            return fetch_here(reader, load_spec(spec), run, into, "replace" if force else "keep", as_json)
        log = Printed(as_json=as_json)
        if as_json:
            write_line({"version": FORMAT_VERSION, "verb": "logs", "run": run.id, "plan": run.address})
        kept = None if run.live else reader.runs.log(run.id)
        if kept is not None:
            log.add(kept)
        else:
            _from_worker(reader, spec, run, log, follow=follow)
        log.finish()
        if run.failure and not as_json and any(kept.id == run.id for kept in reader.runs.discardable()):
            command_line = shlex.join(
                ["rasreconcile", "logs", str(spec), run.address, "--run", run.id, "--fetch"]
            )
            click.echo(f"its files are on {run.worker}; `{command_line} DIR` copies them here", err=True)
        if follow:
            _close(reader.runs.find(run.id) or run, as_json=as_json)
    return 0


def _from_worker(reader: Reader, spec: Path, run: Run, log: Printed, *, follow: bool) -> None:
    from rasreconcile.studies.messages import source  # noqa: PLC0415  workers only where needed

    loaded = load_spec(spec)
    if run.worker not in loaded.spec.workers:
        raise UsageError(f"{run.id} ran on {run.worker}, which is not in the spec, and its log was not kept")
    worker = loaded.open_worker(run.worker)
    try:
        if follow:
            _follow(reader, worker, run, log)
        else:
            log.read(source(worker, run.id, _messages(reader, run)))
    finally:
        worker.close()


# ---- which run


def _run(reader: Reader, target: Target, wanted: str | None) -> Run:
    if wanted is not None:
        run = reader.runs.find(wanted)
        if run is None:
            raise UsageError(f"{wanted}: no such run", "`history` lists them")
        return run
    runs = reader.runs.latest(limit=1_000_000)
    address = target.one(_known(reader))
    found = next((run for run in runs if run.address == address), None)
    if found is None:
        raise UsageError(f"{address} has not run yet", "`logs -f` waits for its run")
    return found


def _known(reader: Reader) -> dict[Address, None]:
    return dict.fromkeys(
        [verdict.address for verdict in reader.verdicts.latest()]
        + [run.address for run in reader.runs.latest(limit=1_000_000)]
    )


def _awaited(reader: Reader, target: Target) -> Run:
    """The live run of the plan; where one is on its way, it is waited for; else the latest there was."""
    address = target.one(_known(reader))
    told = False
    while True:
        runs = reader.runs.latest(address=address, limit=1)
        if runs and runs[0].live:
            return runs[0]
        phase = next((v.phase for v in reader.verdicts.latest() if v.address == address), "")
        coming = phase in WAITS_FOR and reader.controller() is not None
        if not coming and runs:
            return runs[0]
        if not coming:
            raise UsageError(
                f"{address} has not run yet, and no controller is running", "start one with `apply`"
            )
        if not told:
            click.echo(f"waiting for a run of {address}", err=True)
            told = True
        time.sleep(LOOK_EVERY)


# ---- what it says


@dataclass(slots=True)
class Printed:
    """What was written to stdout of one log. A character is never cut in two."""

    as_json: bool
    offset: int = 0
    _held: str = ""
    """The beginning of a line of which it is not known yet whether it begins with HEC-RAS's `Message  |`."""
    _amid_a_line: bool = False
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def read(self, read: Callable[[int, int], bytes]) -> bool:
        """Writes what has come since; whether there was anything."""
        found = False
        while chunk := read(self.offset, 1 << 20):
            self.add(chunk)
            found = True
        return found

    def add(self, data: bytes) -> None:
        self.offset += len(data)
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

    def begin_again(self) -> None:
        self.finish()
        self.offset = 0
        self._decoder.reset()


def _messages(reader: Reader, run: Run) -> str | None:
    """The file that the run writes its messages to, as the controller noted it."""
    known = reader.progress.latest().get(run.id)
    return known.messages if known else None


def _follow(reader: Reader, worker: Worker, run: Run, log: Printed) -> None:
    """Until the run has ended and all it said is written; a worker that does not answer is waited for."""
    from rasreconcile.jobs import Ended, Vanished  # noqa: PLC0415
    from rasreconcile.studies.messages import source  # noqa: PLC0415

    messages, silent = None, False
    while True:
        current = reader.runs.find(run.id) or run
        if messages is None and (messages := _messages(reader, run)) is not None:
            log.begin_again()
        read = source(worker, run.id, messages)
        try:
            gone = isinstance(worker.poll([run.id])[run.id], Ended | Vanished)
            over = not current.live or (gone and reader.controller() is None)
            # A log that is gone was not begun anew: its run directory was removed.
            if log.offset and not read(log.offset - 1, 1) and read(0, 1):
                click.echo("the log was restarted", err=True)
                log.begin_again()
            log.read(read)
            silent = False
        except (WorkerError, OSError) as error:
            if not current.live:
                raise
            over = False
            if not silent:
                warn(f"{run.worker} does not answer: {error}; waiting")
            silent = True
        if over:
            if messages is None:
                _rest(reader, run, log)
            return
        time.sleep(LOOK_EVERY)


def _rest(reader: Reader, run: Run, log: Printed) -> None:
    """What the run printed between the last look and the removal of its run directory."""
    kept = reader.runs.log(run.id)
    if kept is not None and log.offset < len(kept) < LONGEST_KEPT_LOG:
        log.add(kept[log.offset :])


def _close(run: Run, *, as_json: bool) -> None:
    why = f": {run.failure.trouble}" if run.failure else ""
    if as_json:
        write_line({"kind": "end", **run_values(run)})
    else:
        said = "has ended; `apply` collects it" if run.live else f"{run.state}{why}"
        click.echo(f"run {run.id} {said}", err=True)
