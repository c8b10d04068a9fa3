"""`prune`: remove results of plans that are no longer in the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rasreconcile.cli.options import as_json, close, load_spec, say, write_json
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import verb
from rasreconcile.errors import UsageError
from rasreconcile.report.text import Place, many

if TYPE_CHECKING:
    from rasreconcile.operations.prune import Adopted, Leavers


@verb(
    "prune",
    examples=[
        ("prune", "What would be removed."),
        ("prune --yes", "Remove it."),
        ("prune 'Muncie/*' --yes", "Of one project only."),
    ],
    exits={0: "listed, or removed", 5: "another controller is running on the store"},
)
@takes_plans()
@as_json
@click.option("--yes", "really", is_flag=True, help="Remove them; without this option they are only listed.")
@click.option(
    "--adopted", is_flag=True, help="Also adopted results, which rasreconcile cannot compute again."
)
@click.option("--force", is_flag=True, help="Also when more than half of all results would be removed.")
def command(target: Target, as_json: bool, really: bool, adopted: bool, force: bool) -> int:
    """List results of plans that are no longer in the spec; with --yes, remove each with its receipt.

    Only a result whose receipt proves that this spec published it, and that is unchanged since, is ever removed.
    """
    from rasreconcile.operations.prune import TooMany, prunable, prune  # noqa: PLC0415  so that --help is quick

    loaded = load_spec(target.spec)
    also: Adopted = "remove adopted" if adopted else "keep adopted"
    if really:
        try:
            found = prune(loaded, target.plans, also, at_most="all" if force else "half")
        except TooMany as error:
            raise UsageError(f"{error} --force removes them anyway") from error
    else:
        found = prunable(loaded, target.plans, also)
    if as_json:
        write_json(
            {
                "removed": really,
                "results": [
                    {
                        "plan": one.published.address,
                        "path": str(one.published.path),
                        "size": one.published.size,
                        "provenance": one.published.provenance,
                        "kept_because": one.kept_because,
                    }
                    for one in found.all
                ],
            }
        )
    else:
        _print(found, "removed" if really else "would remove")
    return 0


def _print(found: Leavers, what_happens: str) -> None:
    for one in found.all:
        what = f"kept ({one.kept_because})" if one.kept_because else what_happens
        say(Place(f"{what}  {one.published.address}  {one.published.path}"))
    if not found.all:
        close("every result belongs to a plan of the spec")
        return
    kept = len(found.all) - len(found.removable)
    advice = "; --yes removes them" if what_happens == "would remove" and found.removable else ""
    close(f"{what_happens} {len(found.removable)} of {many(found.results, 'result')}, kept {kept}{advice}")
