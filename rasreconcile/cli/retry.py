"""`retry`: compute plans again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.options import as_json, load_spec, say, write_json
from rasreconcile.cli.targets import Target, one_plan, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.operations.requester import asking

if TYPE_CHECKING:
    from rasreconcile.plans import Address
    from rasreconcile.reconcile.verdicts import Verdict


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
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.diff import diff  # noqa: PLC0415

    if not target.named and not failed and like is None:
        raise UsageError("name the plans to compute again (`Muncie/p04`, `Muncie/*`), or say --failed")
    loaded = load_spec(target.spec)
    seen = diff(loaded, Clock())
    wanted = target.pick(plan.address for plan in seen.plans) if target.named or failed else ()
    if like is not None:
        wanted = tuple(dict.fromkeys((*wanted, *_alike(like, seen.decision.verdicts))))
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


def _alike(plan: str, verdicts: Sequence[Verdict]) -> Iterator[Address]:
    from rasreconcile.reconcile.alike import blocked_alike  # noqa: PLC0415  so that --help is quick

    address = one_plan([plan], [verdict.address for verdict in verdicts])
    for group in blocked_alike(verdicts):
        if any(verdict.address == address for verdict in group):
            yield from (verdict.address for verdict in group)
            return
    raise UsageError(f"{address} is not held or quarantined", "name it without --like to compute it again")
