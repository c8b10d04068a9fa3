"""`history`: the runs there were, or all that happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.options import as_json, plans_matching, say, spec_and_plans, write_json
from rasreconcile.reasons import in_words
from rasreconcile.report.text import length, stamp, table
from rasreconcile.report.values import event_values, run_values
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.store.reader import Reader


@click.command(name="history")
@click.argument("words", nargs=-1, metavar="[SPEC] [PLAN...]")
@as_json
@click.option("-n", "--limit", default=50, show_default=True, help="How many runs, newest first.")
@click.option("--events", is_flag=True, help="What `apply` told, oldest first, instead of the runs.")
def command(words: tuple[str, ...], as_json: bool, limit: int, events: bool) -> int:
    """List runs, newest first: which plan, where, how long, how it ended and why it was started."""
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    spec, patterns = spec_and_plans(words)
    with Reader(state_path(spec)) as reader:
        if events:
            return _events(reader, patterns, limit, as_json=as_json)
        runs = reader.runs.latest(limit=limit if not patterns else 1_000_000)
    if patterns:
        known = dict.fromkeys(run.address for run in runs)
        wanted = {address for pattern in patterns for address in plans_matching(pattern, known)}
        runs = tuple(run for run in runs if run.address in wanted)[:limit]
    if as_json:
        write_json({"runs": [run_values(run) for run in runs]})
        return 0
    for line in table([_row(run) for run in runs]):
        say(line)
    if not runs:
        say("no runs yet")
    return 0


def _events(reader: Reader, patterns: Sequence[str], limit: int, *, as_json: bool) -> int:
    events = reader.events.latest(limit=limit if not patterns else 1_000_000)
    if patterns:
        known = dict.fromkeys(event.address for event in events if event.address)
        wanted = {address for pattern in patterns for address in plans_matching(pattern, known)}
        events = tuple(event for event in events if event.address in wanted)[-limit:]
    if as_json:
        write_json({"events": [event_values(event) for event in events]})
        return 0
    for line in table([(stamp(e.at), e.kind, e.address or "", e.message) for e in events]):
        say(line)
    if not events:
        say("no events yet")
    return 0


def _row(run: Run) -> tuple[str, ...]:
    took = length(run.ended - run.started) if run.ended and run.started else "-"
    said = str(run.failure.trouble) if run.failure else in_words(run.reasons)
    return stamp(run.created), str(run.state), run.address, run.worker, took, run.id, said
