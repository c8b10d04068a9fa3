"""`cancel`: end the running runs of plans."""

from __future__ import annotations

import click

from rasreconcile.cli.options import as_json, load_spec, say, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.operations.requester import asking


@verb(
    "cancel",
    examples=[
        ("cancel Muncie/p04", "End its run."),
        ("cancel --all", "End every run."),
        ("cancel --all -x 'Muncie/*'", "End every run but those of a project."),
    ],
    exits={0: "the runs are ending, or none was running"},
)
@takes_plans()
@as_json
@click.option("--all", "everything", is_flag=True, help="Every live run.")
def command(target: Target, as_json: bool, everything: bool) -> int:
    """End the running runs of PLANs. The plans stay held until `retry`, or until an input changes."""
    from rasreconcile.operations.cancel import cancel  # noqa: PLC0415  so that --help is quick

    if not target.plans.words and not everything:
        raise UsageError("name the plans whose runs to cancel (`Muncie/p04`, `Muncie/*`), or say --all")
    cancelled = cancel(load_spec(target.spec), target.plans, by=asking())
    if as_json:
        write_json({"cancelled": cancelled})
        return 0
    for address, said in cancelled.items():
        say(f"{address}: {said}")
    if not cancelled:
        say("nothing is running")
    return 0
