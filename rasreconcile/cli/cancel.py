"""`cancel`: end the running runs of plans."""

from __future__ import annotations

import click

from rasreconcile.cli.options import as_json, load_spec, plans_matching, say, spec_and_plans, write_json
from rasreconcile.errors import UsageError
from rasreconcile.operations.requester import asking
from rasreconcile.plans import Address


@click.command(name="cancel")
@click.argument("words", nargs=-1, metavar="[SPEC] [PLAN...]")
@as_json
@click.option("--all", "everything", is_flag=True, help="Every live run.")
def command(words: tuple[str, ...], as_json: bool, everything: bool) -> int:
    """End the running runs of PLANs. The plans stay held until `retry`, or until an input changes."""
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.requests import cancel_here, file_requests  # noqa: PLC0415
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    spec, patterns = spec_and_plans(words)
    if not patterns and not everything:
        raise UsageError("name the plans whose runs to cancel (`Muncie/p04`, `Muncie/*`), or say --all")
    loaded = load_spec(spec)
    with Reader(loaded.state_path) as reader:
        live = [run.address for run in reader.runs.live()]
    wanted: dict[Address, None] = dict.fromkeys(live) if everything else {}
    for pattern in patterns:
        if not live:
            raise UsageError(f"{pattern}: nothing is running")
        wanted |= dict.fromkeys(plans_matching(pattern, live))
    now = Clock().now()
    said: dict[Address, str] = {}
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
