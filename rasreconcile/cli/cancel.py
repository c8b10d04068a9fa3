"""`cancel`: end the running runs of plans."""

from __future__ import annotations

from collections.abc import Mapping

import click

from rasreconcile.cli.options import as_json, load_spec, say, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.operations.requester import asking
from rasreconcile.plans import Address


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
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.requests import cancel_here, file_requests  # noqa: PLC0415
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    if not target.named and not everything:
        raise UsageError("name the plans whose runs to cancel (`Muncie/p04`, `Muncie/*`), or say --all")
    loaded = load_spec(target.spec)
    with Reader(loaded.state_path) as reader:
        live = [run.address for run in reader.runs.live()]
    if target.named and not live:
        raise UsageError(f"{target.named[0]}: nothing is running")
    wanted = dict.fromkeys(target.pick(live) if live else ())
    now = Clock().now()
    said: Mapping[Address, str] = {}
    if wanted and not file_requests(loaded.state_path, "cancel", tuple(wanted), by=asking(), now=now):
        said = cancel_here(loaded, tuple(wanted), now)
    if as_json:
        write_json({"cancelled": {a: said.get(a, "the running controller ends it") for a in wanted}})
        return 0
    for address in wanted:
        say(f"{address}: {said.get(address, 'the running controller ends it')}")
    if not wanted:
        say("nothing is running")
    return 0
