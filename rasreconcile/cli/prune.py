"""`prune`: remove results of plans that left the spec."""

from __future__ import annotations

from pathlib import Path

import click

from rasreconcile.cli.options import as_json, load_spec, say, spec_argument, spec_path, write_json
from rasreconcile.errors import UsageError


@click.command(name="prune")
@spec_argument
@as_json
@click.option("--yes", "really", is_flag=True, help="Remove them; left out, they are only listed.")
@click.option("--force", is_flag=True, help="Also where more than half of all results would go.")
def command(spec: Path | None, as_json: bool, really: bool, force: bool) -> int:
    """List results of plans that are no longer in the spec; with --yes, remove each with its receipt.

    Only a result whose receipt proves that it is ours, and unchanged since, is ever removed.
    """
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.prune import leavers, prune  # noqa: PLC0415
    from rasreconcile.store import Store  # noqa: PLC0415
    from rasreconcile.store.reader import Reader, require_store  # noqa: PLC0415

    loaded = load_spec(spec_path(spec))
    require_store(loaded.state_path)
    clock = Clock()
    if not really:
        with Reader(loaded.state_path) as reader:
            found = leavers(loaded, reader, clock)
    else:
        with Store.open(loaded.state_path, now=clock.now()) as store:
            found = leavers(loaded, store, clock)
            if len(found.removable) * 2 > found.results and not force:
                raise UsageError(
                    f"{loaded.name}: {len(found.removable)} of {found.results} results would go: is it the right spec?"
                    " --force removes them all the same"
                )
            for published in found.removable:
                prune(store, published, clock)
    verb = "removed" if really else "would remove"
    if as_json:
        write_json(
            {
                "removed": really,
                "results": [
                    {
                        "plan": one.published.address,
                        "path": str(one.published.path),
                        "size": one.published.size,
                        "kept_because": one.kept_because,
                    }
                    for one in found.all
                ],
            }
        )
        return 0
    for one in found.all:
        what = f"keeps ({one.kept_because})" if one.kept_because else verb
        say(f"{what}  {one.published.address}  {one.published.path}")
    if not found.all:
        say("every result belongs to a plan of the spec")
    elif not really and found.removable:
        say(f"{len(found.removable)} of {found.results} results; --yes removes them")
    return 0
