"""`retry`: compute plans again."""

from __future__ import annotations

import click

from rasreconcile.cli.options import as_json, load_spec, say, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.operations.requester import asking


@verb(
    "retry",
    examples=[
        ("retry Muncie/p04", "Compute it again, although it is current or quarantined."),
        ("retry --failed", "Everything that is held or quarantined."),
        ("retry --failed -x Muncie/p09", "All of it but one."),
    ],
    exits={0: "requested"},
)
@takes_plans()
@as_json
@click.option(
    "--failed", is_flag=True, help="Those that are held or quarantined; of all plans, where none is named."
)
def command(target: Target, as_json: bool, failed: bool) -> int:
    """Ask for PLANs to be computed again, whether they are current, held or quarantined.

    An adopted result, which rasreconcile did not compute, is set aside first with its receipt: X.p01.hdf.adopted-DATE.

    A running controller picks it up within seconds; otherwise the next `apply` does.
    """
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.diff import diff  # noqa: PLC0415

    if not target.named and not failed:
        raise UsageError("name the plans to compute again (`Muncie/p04`, `Muncie/*`), or say --failed")
    loaded = load_spec(target.spec)
    seen = diff(loaded, Clock())
    wanted = target.pick(plan.address for plan in seen.plans)
    if failed:
        blocked = {v.address for v in seen.decision.verdicts if str(v.phase) in {"held", "quarantined"}}
        wanted = tuple(address for address in wanted if address in blocked)
    from rasreconcile.operations.requests import file_requests, set_aside_adopted  # noqa: PLC0415

    wanted_plans = [plan for plan in seen.plans if plan.address in wanted]
    aside = set_aside_adopted(wanted_plans, seen.published, now=Clock().now())
    taken_up = file_requests(loaded.state_path, "retry", wanted, by=asking(), now=Clock().now())
    if as_json:
        kept = {address: str(path) for address, path in aside.items()}
        write_json({"requested": list(wanted), "controller": taken_up, "set_aside": kept})
        return 0
    who = "the running controller picks it up" if taken_up else "the next `apply` computes it"
    for address in wanted:
        if address in aside:
            say(f"{address}: its result was adopted; it is kept, with its receipt, as {aside[address]}")
        say(f"{address}: {who}")
    if not wanted:
        say("nothing is held or quarantined")
    return 0
