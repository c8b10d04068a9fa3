"""`history`: the runs there were."""

from __future__ import annotations

import click

from rasreconcile.cli.options import as_json, plans_matching, say, spec_and_plans, write_json
from rasreconcile.report.text import length, stamp, table
from rasreconcile.report.values import run_values
from rasreconcile.runs import Run


@click.command(name="history")
@click.argument("words", nargs=-1, metavar="[SPEC] [PLAN...]")
@as_json
@click.option("-n", "--limit", default=50, show_default=True, help="How many runs, newest first.")
def command(words: tuple[str, ...], as_json: bool, limit: int) -> int:
    """List runs, newest first: which plan, where, how long, how it ended and why it was started."""
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    spec, patterns = spec_and_plans(words)
    with Reader(state_path(spec)) as reader:
        runs = reader.runs(limit=limit if not patterns else 1_000_000)
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


def _row(run: Run) -> tuple[str, ...]:
    took = length(run.ended - run.started) if run.ended and run.started else "-"
    said = run.failure.message if run.failure else run.reason
    return stamp(run.created), str(run.state), run.address, run.worker, took, run.id, said
