"""`history`: the runs there were, or all that happened."""

from __future__ import annotations

import click

from rasreconcile.cli.options import as_json, close, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.operations.history import past_events, past_runs
from rasreconcile.reasons import in_words
from rasreconcile.report.text import length, stamp, table
from rasreconcile.report.values import event_values, run_values
from rasreconcile.runs import Run


@verb(
    "history",
    examples=[
        ("history", "The last 50 runs."),
        ("history 'Muncie/*' -n 10", "The last ten of a project."),
        ("history --events Muncie/p04", "All that happened to a plan."),
    ],
    exits={0: "listed, also where there were no runs"},
)
@takes_plans()
@as_json
@click.option("-n", "--limit", default=50, show_default=True, help="How many runs, newest first.")
@click.option("--events", is_flag=True, help="What `apply` told, oldest first, instead of the runs.")
def command(target: Target, as_json: bool, limit: int, events: bool) -> int:
    """List runs, newest first: which plan, where, how long, how it ended and why it was started."""
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415

    if events:
        return _events(target, limit, as_json=as_json)
    runs = past_runs(state_path(target.spec), target.plans, limit)
    if as_json:
        write_json({"runs": [run_values(run) for run in runs]})
        return 0
    for line in table([_row(run) for run in runs]):
        close(line)
    if not runs:
        close("no runs yet")
    return 0


def _events(target: Target, limit: int, *, as_json: bool) -> int:
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415  as above

    events = past_events(state_path(target.spec), target.plans, limit)
    if as_json:
        write_json({"events": [event_values(event) for event in events]})
        return 0
    for line in table([(stamp(e.at), e.kind, e.address or "", e.message) for e in events]):
        close(line)
    if not events:
        close("no events yet")
    return 0


def _row(run: Run) -> tuple[str, ...]:
    took = length(run.ended - run.started) if run.ended and run.started else "-"
    said = str(run.failure.trouble) if run.failure else in_words(run.reasons)
    return stamp(run.created), str(run.state), run.address, run.worker, took, run.id, said
