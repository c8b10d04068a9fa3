"""`status`: the state of every plan, from the store only."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from rasreconcile.cli.last_seen import Known, known_of
from rasreconcile.cli.options import as_json, say, spec_argument, spec_path, write_json
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import Progress
from rasreconcile.report.text import COLOURS, SIGNS, counted, how_many, length, many, progress_words, stamp
from rasreconcile.report.values import controller_values, last_verdict_values, noted_values, run_values, utc
from rasreconcile.runs import Run

# The words of reconcile, spelled here so that `status` does not import the whole of it.
SYNCS = ("current", "stale", "missing", "invalid", "unknown")
MOVING = frozenset({"queued", "running", "backoff"})
EXIT_HELP = (
    "Exit 0 if all plans were current, 2 if `apply` would do something, else 3 if plans have failed, 4 if"
    " plans are otherwise blocked."
)


@click.command(name="status")
@spec_argument
@as_json
@click.option("--all", "show_all", is_flag=True, help="List current plans too.")
@click.option("--detailed-exitcode", is_flag=True, help=EXIT_HELP)
def command(spec: Path | None, as_json: bool, show_all: bool, detailed_exitcode: bool) -> int:
    """Show what the last apply saw and what runs now. Reads the store only; works while a controller is running."""
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415
    from rasreconcile.store.disk import owner_of  # noqa: PLC0415
    from rasreconcile.store.reader import Reader  # noqa: PLC0415

    path = spec_path(spec)
    store = state_path(path)
    with Reader(store) as reader:
        verdicts, live, controller = reader.verdicts.latest(), reader.runs.live(), reader.controller()
        progress = reader.progress.latest()
        events = reader.events.latest(limit=10_000) if live and controller is None else ()
    known = known_of(path, live, events, progress) if controller is None else {}
    gone = frozenset(v.address for v in verdicts if v.sync == "current" and not v.output.exists())
    code = exit_code(verdicts, live, gone) if detailed_exitcode else 0
    if as_json:
        write_json(
            {
                "spec": os.fspath(path),
                "controller": None
                if controller is None
                else controller_values(controller.pid, controller.host, controller.since),
                "live": [
                    run_values(run)
                    | {
                        "progress": noted_values(progress.get(run.id)),
                        "known": _known_values(known.get(run.id)),
                    }
                    for run in live
                ],
                "plans": [last_verdict_values(v) for v in verdicts],
                "outputs_gone": sorted(gone),
            }
        )
        return code
    for verdict in verdicts:
        if show_all or verdict.sync != "current" or verdict.phase != "idle" or verdict.address in gone:
            _print(verdict, gone=verdict.address in gone, followed=controller is not None)
    _print_runs(live, progress, known)
    if controller is None:
        waiting = sum(v.phase in {"queued", "backoff"} for v in verdicts)
        more = [f"{many(len(live), 'run')} not collected; `apply` does"] if live else []
        wait = "waits" if waiting == 1 else "wait"
        more += [f"{many(waiting, 'plan')} {wait} for the next `apply`"] if waiting else []
        say("; ".join(["no controller is running", *more]))
    else:
        say(f"controller: process {controller.pid} on {controller.host} since {stamp(controller.since)}")
    if owner := owner_of(store):
        say(f"the store belongs to {owner}")
    if verdicts:
        seen = max(v.at for v in verdicts)
        plans = how_many(v.address for v in verdicts)
        say(f"{plans}: {counted((v.sync for v in verdicts), SYNCS)} (as of {stamp(seen)})")
    else:
        say("no plan has been checked yet; run `apply`")
    return code


def exit_code(verdicts: Sequence[LastVerdict], live: Sequence[Run], gone: Collection[Address]) -> int:
    """As `diff` has it, from what the last look found: 0 current, 2 `apply` would do something, 3 failed, 4 blocked."""
    held = {v.address for v in verdicts if v.phase == "held"}
    known = {v.address for v in verdicts}
    # A run whose plan left the spec keeps nobody waiting.
    running = any(run.address in known - held for run in live)
    # What is idle and not current is verified, or recorded, without a run.
    due = any(v.phase in MOVING or (v.phase == "idle" and v.sync != "current") for v in verdicts)
    if not verdicts or gone or running or due:
        return 2
    if any(v.phase == "quarantined" for v in verdicts):
        return 3
    return 4 if held else 0


def _known_values(known: Known | None) -> dict[str, str] | None:
    return None if known is None else {"state": known.state, "seen": utc(known.seen)}


def _print(verdict: LastVerdict, *, gone: bool, followed: bool) -> None:
    sign = click.style(SIGNS.get(verdict.sync, "?"), fg=COLOURS.get(verdict.sync))
    # Of what moves without a controller only the past is known; its runs are told of below.
    phase = verdict.phase if followed or verdict.phase != "running" else "was running"
    state = verdict.sync if phase == "idle" else f"{verdict.sync}, {phase}"
    told = list(verdict.told) or [""]
    if gone:
        told = [f"{verdict.output} has been removed since; `apply` recreates it"]
    when = f" (again at {stamp(verdict.next_at)})" if verdict.next_at else ""
    say(f"{sign} {verdict.address}  {state}{when}  {told[0]}".rstrip())
    for line in told[1:]:
        say(f"    {line}")


def _print_runs(
    live: tuple[Run, ...], progress: Mapping[RunId, Progress], known: Mapping[RunId, Known]
) -> None:
    now = datetime.now(UTC)
    for run in live:
        now_known = known.get(run.id)
        if now_known is None or now_known.state == "running":
            going = length(now - (run.started or run.created))
            state = run.state if now_known is None else now_known.words
            say(f"> {run.address}  {state} on {run.worker} for {going}  {run.id}")
        elif now_known.state == "not looked at":
            say(f"> {run.address}  was {run.state} on {run.worker} {now_known.words}  {run.id}")
        else:
            say(f"> {run.address}  on {run.worker} {now_known.words}  {run.id}")
        noted = progress.get(run.id)
        if noted and (words := progress_words(noted.facts, noted.done)):
            say(f"    {', '.join(words)}")
