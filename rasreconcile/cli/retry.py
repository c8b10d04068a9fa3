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
@click.option("--like", metavar="PLAN", help="PLAN, and every plan that is blocked for the same reason.")
def command(target: Target, as_json: bool, failed: bool, like: str | None) -> int:
    """Ask for PLANs to be computed again, whether they are current, held or quarantined.

    An adopted result, which rasreconcile did not compute, is set aside first with its receipt: X.p01.hdf.adopted-DATE.

    A running controller picks it up within seconds; otherwise the next `apply` does.
    """
    from rasreconcile.operations.retry import retry  # noqa: PLC0415  so that --help is quick

    if not target.plans.words and not failed and like is None:
        raise UsageError("name the plans to compute again (`Muncie/p04`, `Muncie/*`), or say --failed")
    asked = retry(load_spec(target.spec), target.plans, by=asking(), failed=failed, like=like)
    if as_json:
        kept = {address: str(path) for address, path in asked.set_aside.items()}
        write_json({"requested": list(asked.plans), "controller": asked.taken_up, "set_aside": kept})
        return 0
    who = "the running controller picks it up" if asked.taken_up else "the next `apply` computes it"
    for address in asked.plans:
        if address in asked.set_aside:
            say(
                f"{address}: its result was adopted; it is kept, with its receipt, as {asked.set_aside[address]}"
            )
        say(f"{address}: {who}")
    if not asked.plans:
        say("nothing is held or quarantined")
    return 0
