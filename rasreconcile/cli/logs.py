"""`logs PLAN`: what a plan's run printed."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.options import (
    FORMAT_VERSION,
    as_json,
    one_plan,
    spec_and_plans,
    words_argument,
    write_line,
)
from rasreconcile.errors import UsageError
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.jobs import Worker
    from rasreconcile.store.reading import Reader


@click.command(name="logs")
@words_argument
@as_json
@click.option("--run", "wanted", help="This run, not the latest one.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
def command(words: tuple[str, ...], as_json: bool, wanted: str | None, follow: bool) -> int:
    """Print the log of PLAN's latest run: from its worker while it is there, else as it was kept."""
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415
    from rasreconcile.store.reading import Reader  # noqa: PLC0415

    spec, plans = spec_and_plans(words)
    with Reader(state_path(spec)) as reader:
        run = _run(reader, plans, wanted)
        if as_json:
            write_line({"version": FORMAT_VERSION, "verb": "logs", "run": run.id, "plan": run.address})
        kept = None if run.live else reader.log(run.id)
        if kept is not None:
            _write(kept, as_json=as_json)
            return 0
    from rasreconcile.controller.stations import open_worker  # noqa: PLC0415
    from rasreconcile.specfile import load  # noqa: PLC0415

    loaded = load(spec)
    if run.worker not in loaded.spec.workers:
        raise UsageError(f"{run.id} ran on {run.worker}, which is not in the spec, and its log was not kept")
    worker = open_worker(run.worker, loaded.spec.workers[run.worker], loaded.folder)
    _stream(worker, run, as_json=as_json, follow=follow)
    worker.close()
    return 0


def _run(reader: Reader, plans: tuple[str, ...], wanted: str | None) -> Run:
    if wanted is not None:
        run = reader.run(wanted)
        if run is None:
            raise UsageError(f"{wanted}: no such run; `history` lists them")
        return run
    runs = reader.runs(limit=1_000_000)
    address = one_plan(plans, dict.fromkeys(run.address for run in runs))
    return next(run for run in runs if run.address == address)


def _stream(worker: Worker, run: Run, *, as_json: bool, follow: bool) -> None:
    from rasreconcile.jobs import Queued, Running  # noqa: PLC0415

    offset = 0
    while True:
        going = follow and isinstance(worker.poll([run.id])[run.id], Queued | Running)
        while chunk := worker.read_log(run.id, offset):
            offset += len(chunk)
            _write(chunk, as_json=as_json)
        if not going:
            return
        time.sleep(0.5)


def _write(data: bytes, *, as_json: bool) -> None:
    text = data.decode("utf-8", errors="replace")
    if as_json:
        write_line({"kind": "log", "text": text})
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
