"""`status`: where everything stands, from the store alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rasreconcile.cli.options import as_json, say, spec_argument, spec_path, write_json
from rasreconcile.jobs import RunId
from rasreconcile.records import LastVerdict, Progress
from rasreconcile.report.text import COLOURS, SIGNS, counted, how_many, length, progress_words, stamp
from rasreconcile.report.values import last_verdict_values, progress_values, run_values
from rasreconcile.runs import Run

# The words of reconcile, spelled here so that `status` does not import the whole of it.
SYNCS = ("current", "stale", "missing", "invalid", "unknown")


@click.command(name="status")
@spec_argument
@as_json
@click.option("--all", "show_all", is_flag=True, help="List current plans too.")
def command(spec: Path | None, as_json: bool, show_all: bool) -> int:
    """Show what the last apply saw and what runs now. Reads the store only: quick, and while a controller works."""
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    path = spec_path(spec)
    with Reader(state_path(path)) as reader:
        verdicts, live, controller = reader.verdicts(), reader.live_runs(), reader.controller()
        progress = reader.progress()
    gone = {v.address for v in verdicts if v.sync == "current" and not v.output.exists()}
    if as_json:
        write_json(
            {
                "spec": os.fspath(path),
                "controller": None
                if controller is None
                else {"pid": controller.pid, "host": controller.host, "since": controller.since.isoformat()},
                "live": [run_values(run) | {"progress": _progress_values(run, progress)} for run in live],
                "plans": [last_verdict_values(v) for v in verdicts],
                "outputs_gone": sorted(gone),
            }
        )
        return 0
    for verdict in verdicts:
        if show_all or verdict.sync != "current" or verdict.phase != "idle" or verdict.address in gone:
            _print(verdict, gone=verdict.address in gone)
    _print_runs(live, progress)
    if controller is None:
        waiting = sum(v.phase in {"queued", "backoff"} for v in verdicts)
        more = [f"{len(live)} runs go on, `apply` collects them"] if live else []
        more += [f"{waiting} plans wait for the next `apply`"] if waiting else []
        say("; ".join(["no controller is working", *more]))
    else:
        say(f"controller: process {controller.pid} on {controller.host} since {stamp(controller.since)}")
    if verdicts:
        seen = max(v.at for v in verdicts)
        many = how_many(v.address for v in verdicts)
        say(f"{many}: {counted((v.sync for v in verdicts), SYNCS)} (as of {stamp(seen)})")
    else:
        say("no plan was looked at yet; run `apply`")
    return 0


def _print(verdict: LastVerdict, *, gone: bool) -> None:
    sign = click.style(SIGNS.get(verdict.sync, "?"), fg=COLOURS.get(verdict.sync))
    state = verdict.sync if verdict.phase == "idle" else f"{verdict.sync}, {verdict.phase}"
    told = list(verdict.reasons) or [""]
    if gone:
        told = [f"{verdict.output} was removed since; `apply` makes it again"]
    when = f" (again at {stamp(verdict.next_at)})" if verdict.next_at else ""
    say(f"{sign} {verdict.address}  {state}{when}  {told[0]}".rstrip())
    for line in told[1:]:
        say(f"    {line}")


def _progress_values(run: Run, progress: Mapping[RunId, Progress]) -> dict[str, Any] | None:
    known = progress.get(run.id)
    return progress_values(known.facts, known.done) | {"at": known.at.isoformat()} if known else None


def _print_runs(live: tuple[Run, ...], progress: Mapping[RunId, Progress]) -> None:
    now = datetime.now(UTC)
    for run in live:
        going = length(now - (run.started or run.created))
        say(f"> {run.address}  {run.state} on {run.worker} for {going}  {run.id}")
        known = progress.get(run.id)
        if known and (words := progress_words(known.facts, known.done)):
            say(f"    {', '.join(words)}")
