"""`state show|backup|rebuild`: look at the store, copy it, rebuild it from receipts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasreconcile.cli.options import as_json, close, load_spec, spec_argument, write_json
from rasreconcile.cli.targets import SPEC_ENDINGS, spec_path
from rasreconcile.cli.verb import Verb, VerbGroup
from rasreconcile.errors import UsageError
from rasreconcile.report.text import bytes_in_words, many, stamp
from rasreconcile.report.values import controller_values, utc

if TYPE_CHECKING:
    from rasreconcile.operations.state import Even, Survey


@click.group(
    name="state",
    cls=VerbGroup,
    examples=[
        ("state show", "What the store holds, and whether it is sound."),
        ("state backup store-copy.db", "Copy it, also while a controller is running."),
        ("state rebuild", "Make a lost or damaged one again from the receipts."),
    ],
)
def command() -> None:
    """Show the store, copy it, or rebuild it from the receipts beside the results."""


@command.command(
    name="show",
    cls=Verb,
    examples=[
        ("state show", "What the store holds, and whether it is sound."),
        ("state show --json", "For programs."),
    ],
    exits={0: "it is sound", 1: "it is damaged, or cannot be read"},
)
@spec_argument
@as_json
def show_command(spec: Path | None, as_json: bool) -> int:
    """Show what the store holds and whether it is sound. Works while a controller is running."""
    from rasreconcile.operations.state import show  # noqa: PLC0415  so that --help is quick
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415

    found = show(state_path(spec_path(spec)))
    if as_json:
        write_json(_values(found))
    else:
        _print(found)
    return 1 if found.faults else 0


@command.command(
    name="backup",
    cls=Verb,
    examples=[("state backup copy.db", "Copy it."), ("state backup study.yaml copy.db", "Of another study.")],
    exits={0: "copied and checked"},
)
@click.argument("words", nargs=-1, metavar="[SPEC] FILE", type=click.Path(path_type=Path))
@as_json
def backup_command(words: tuple[Path, ...], as_json: bool) -> int:
    """Copy the store to FILE, consistent as of now. Works while a controller is running; an older backup is replaced.

    To restore a backup, put it in the store's place while no controller is running.
    """
    from rasreconcile.operations.state import backup  # noqa: PLC0415  as above
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415

    if not 1 <= len(words) <= 2:
        raise UsageError("name the file to write: rasreconcile state backup [SPEC] FILE")
    # In either order, as everywhere: the spec is the one that ends as specs do.
    spec, to = (words[0] if len(words) > 1 else None), words[-1]
    if spec is not None and to.suffix.lower() in SPEC_ENDINGS:
        spec, to = to, spec
    size = backup(state_path(spec_path(spec)), to)
    if as_json:
        write_json({"backup": str(to), "size": size})
    else:
        click.echo(f"{to}: {bytes_in_words(size)}, checked")
    return 0


@command.command(
    name="rebuild",
    cls=Verb,
    examples=[
        ("state rebuild", "Where it is lost or damaged."),
        ("state rebuild --yes", "Also where it is sound."),
    ],
    exits={0: "rebuilt", 5: "a controller is running on the store"},
)
@spec_argument
@as_json
@click.option("--yes", "really", is_flag=True, help="Also when the store is sound.")
@click.option("--give-up-runs", is_flag=True, help="Also when the old store has live runs; implies --yes.")
def rebuild_command(spec: Path | None, as_json: bool, really: bool, give_up_runs: bool) -> int:
    """Rebuild the store from the receipts that match the results beside them; the old one is kept.

    History, logs and the texts that `explain` compares with are lost; no result is, and nothing is computed. Rebuilding
    a sound store requires --yes.
    """
    from rasreconcile.operations.state import rebuild  # noqa: PLC0415  as above

    loaded = load_spec(spec_path(spec))
    even: Even = "with live runs" if give_up_runs else "sound" if really else "lost or damaged"
    rebuilt = rebuild(loaded, even)
    found, kept = rebuilt.proofs, rebuilt.kept
    if as_json:
        recalled = [published.address for published in found.proven]
        write_json(
            {"recalled": recalled, "unproven": found.unproven, "kept": None if kept is None else str(kept)}
        )
        return 0
    for address, why in found.unproven.items():
        close(f"{address}: not recalled: {why}")
    theirs = "its receipt" if len(found.proven) == 1 else "their receipts"
    close(f"{loaded.state_path}: {many(len(found.proven), 'result')} recalled from {theirs}")
    if found.proven:
        click.echo("only digests were compared; the results themselves were not read")
    if kept is not None:
        close(f"the old store is kept: {kept}")
    return 0


def _print(found: Survey) -> None:
    health = "sound" if not found.faults else "DAMAGED"
    click.echo(f"{found.path}: {health}, {bytes_in_words(found.size)}")
    click.echo(
        f"version {found.version} of {found.newest_version}, SQLite {found.sqlite}, journal {found.journal}"
    )
    for fault in found.faults:
        close(click.style(f"    {fault}", fg="red"))
    if found.faults:
        click.echo("    restore a backup, or run `state rebuild` to rebuild it from the receipts")
    for what, count in found.counts.items():
        click.echo(f"{count:8} {what}")
    for state, count in found.runs.items():
        click.echo(f"{count:8} {'run' if count == 1 else 'runs'} {state}")
    for past in found.applies:
        end = f"{past.outcome}, exit {past.exit_code}" if past.ended else "has not ended, or was killed"
        commit = f" at {past.commit[:12]}" if past.commit else ""
        click.echo(f"apply {stamp(past.began)} by {past.by}{commit}: {past.spec.name}: {end}")
    if found.controller is not None:
        who = found.controller
        click.echo(f"controller: process {who.pid} on {who.host} since {stamp(who.since)}")


def _values(found: Survey) -> dict[str, Any]:
    who = found.controller
    return {
        "store": str(found.path),
        "sound": not found.faults,
        "faults": list(found.faults),
        "size": found.size,
        "store_version": found.version,
        "newest_version": found.newest_version,
        "sqlite": found.sqlite,
        "journal": found.journal,
        "counts": dict(found.counts),
        "runs": dict(found.runs),
        "applies": [
            {
                "began": utc(past.began),
                "ended": utc(past.ended) if past.ended else None,
                "by": past.by,
                "commit": past.commit,
                "spec": str(past.spec),
                "outcome": past.outcome,
                "exit": past.exit_code,
            }
            for past in found.applies
        ],
        "controller": None if who is None else controller_values(who.pid, who.host, who.since),
    }
