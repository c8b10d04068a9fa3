"""`status`: the state of every plan, from the store only."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from rasreconcile.cli.options import FORMAT_VERSION, as_json, load_spec, tell, write_json, write_line
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import EXITS, invocation, verb
from rasreconcile.operations.followed import Commits
from rasreconcile.operations.last_seen import Known
from rasreconcile.operations.status import State, status
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.report.text import (
    COLOURS,
    SIGNS,
    Closing,
    about,
    counted,
    how_many,
    length,
    many,
    progress_words,
    stamp,
)
from rasreconcile.report.told_of_commits import of_commits
from rasreconcile.report.values import controller_values, last_verdict_values, noted_values, run_values, utc
from rasreconcile.report.wrap import folded

LOOK_EVERY = 1.0
"""Seconds between two looks of `--watch`."""
# The words of reconcile, spelled here so that `status` does not import the whole of it.
SYNCS = ("current", "stale", "missing", "invalid", "unknown")
EXIT_HELP = (
    "Exit 0 if all plans were current, 2 if `apply` would do something, else 3 if plans have failed, 4 if"
    " plans are otherwise blocked."
)


@verb(
    "status",
    examples=[
        ("status", "What is not current, and what runs."),
        ("status 'Muncie/*' -v", "Every plan of one project."),
        ("status --watch", "Again and again, until Ctrl-C."),
        ("status --detailed-exitcode -q", "For scripts."),
    ],
    exits=EXITS | {0: "always, or with --detailed-exitcode: all plans were current"},
)
@takes_plans()
@as_json
@click.option("--all", "show_all", is_flag=True, help="List current plans too.")
@click.option("--detailed-exitcode", is_flag=True, help=EXIT_HELP)
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
def command(target: Target, as_json: bool, show_all: bool, detailed_exitcode: bool, watch: bool) -> int:
    """Show what the last apply saw and what runs now. Reads the store only; works while a controller is running."""
    show_all = show_all or invocation().verbose
    if watch:
        return _watch(target, as_json=as_json, show_all=show_all)
    state = look(target)
    if as_json:
        write_json(_values(target, state))
    else:
        for line in lines(state, show_all=show_all):
            tell(line)
    return state.exit_code if detailed_exitcode else 0


def look(target: Target) -> State:
    """Raises UsageError, StoreError."""
    from rasreconcile.specfile.peek import state_path  # noqa: PLC0415  so that --help is quick

    return status(state_path(target.spec), lambda: load_spec(target.spec), target.plans, spec=target.spec)


def _values(target: Target, state: State) -> dict[str, Any]:
    who, progress = state.controller, state.progress
    return {
        "spec": os.fspath(target.spec),
        "controller": None if who is None else controller_values(who.pid, who.host, who.since),
        "live": [
            run_values(run)
            | {
                "progress": noted_values(progress.get(run.id)),
                "known": _known_values(state.known.get(run.id)),
            }
            for run in state.live
        ],
        "plans": [last_verdict_values(v) for v in state.verdicts],
        "outputs_gone": sorted(state.gone),
        "commits": None if state.commits is None else _commit_values(state.commits),
    }


def _commit_values(commits: Commits) -> dict[str, Any]:
    followed = commits.followed
    return {
        "repository": followed.url,
        "ref": followed.ref,
        "wanted": followed.wanted or None,
        "refused": followed.refused or None,
        "taken": followed.taken or None,
        "converged": commits.converged or None,
        "converged_at": utc(commits.at) if commits.at else None,
    }


def lines(state: State, *, show_all: bool) -> Iterator[str]:
    """For people."""
    for verdict in state.verdicts:
        gone = verdict.address in state.gone
        if show_all or verdict.sync != "current" or verdict.phase != "idle" or gone:
            yield from _of_plan(verdict, gone=gone, followed=state.controller is not None)
    yield from _of_runs(state)
    waiting = sum(v.phase in {"queued", "backoff"} for v in state.verdicts)
    if state.controller is None:
        more = [f"{many(len(state.live), 'run')} not collected; `apply` does"] if state.live else []
        wait = "waits" if waiting == 1 else "wait"
        more += [f"{many(waiting, 'plan')} {wait} for the next `apply`"] if waiting else []
        yield Closing("; ".join(["no controller is running", *more]))
    else:
        who = state.controller
        since = f"{stamp(who.since)} ({length(datetime.now(UTC) - who.since)})"
        yield Closing(f"controller: process {who.pid} on {who.host} since {since}")
        if waiting or state.live:
            yield Closing(_outlook(state))
    if state.commits is not None:
        yield Closing(of_commits(state.commits))
    if state.owner:
        yield Closing(f"the store belongs to {state.owner}")
    if state.verdicts:
        seen = max(v.at for v in state.verdicts)
        plans = how_many(v.address for v in state.verdicts)
        yield Closing(f"{plans}: {counted((v.sync for v in state.verdicts), SYNCS)} (as of {stamp(seen)})")
    else:
        yield Closing("no plan has been checked yet; run `apply`")


def _outlook(state: State) -> str:
    """`25 % current, about 3 min left (2 min to 5 min)`."""
    from rasreconcile.reconcile.durations import expectancy, left_of_run, until_all_are_done  # noqa: PLC0415  as above

    known, now = expectancy(state.durations), datetime.now(UTC)
    running = [
        left_of_run(
            now - (run.started or run.created),
            known.estimate(run.address),
            noted.done if (noted := state.progress.get(run.id)) else None,
        )
        for run in state.live
    ]
    waiting = [known.estimate(v.address) for v in state.verdicts if v.phase in {"queued", "backoff"}]
    # How many slots there are the store does not know: as many as are in use, while a controller fills them.
    left = until_all_are_done(running, waiting, len(state.live))
    share = sum(v.sync == "current" for v in state.verdicts) / max(len(state.verdicts), 1)
    return f"{int(100 * share)} % current" + (f", {about(left)}" if left else "")


def _watch(target: Target, *, as_json: bool, show_all: bool) -> int:
    """On a terminal the screen is drawn again; elsewhere the state is written again when it has changed."""
    screen = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not as_json
    shown: object = None
    try:
        while True:
            state = look(target)
            if screen:
                _draw(lines(state, show_all=show_all))
            elif state.key != shown and as_json:
                write_line({"version": FORMAT_VERSION, **_values(target, state)})
            elif state.key != shown:
                for line in lines(state, show_all=show_all):
                    tell(line)
            shown = state.key
            sys.stdout.flush()
            time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        return 130


def _draw(told: Iterable[str]) -> None:
    """At most a screen of it: what comes last sums it up, and stays."""
    size = shutil.get_terminal_size()
    shown = [part for line in told for part in folded(line, size.columns)]
    most = max(size.lines - 2, 4)
    if len(shown) > most:
        rest = shown[-3:]
        kept = shown[: most - len(rest) - 1]
        shown = [*kept, f"... {many(len(shown) - len(kept) - len(rest), 'more line')}", *rest]
    click.echo("\x1b[H\x1b[2J" + "\n".join(shown))


def _known_values(known: Known | None) -> dict[str, str] | None:
    return None if known is None else {"state": known.state, "seen": utc(known.seen)}


def _of_plan(verdict: LastVerdict, *, gone: bool, followed: bool) -> Iterator[str]:
    sign = click.style(SIGNS.get(verdict.sync, "?"), fg=COLOURS.get(verdict.sync))
    # Of what moves without a controller only the past is known; its runs are told of below.
    phase = verdict.phase if followed or verdict.phase != "running" else "was running"
    state = verdict.sync if phase == "idle" else f"{verdict.sync}, {phase}"
    told = list(verdict.told) or [""]
    if gone:
        told = [f"{verdict.output} is not there any more; `diff` says what `apply` does about it"]
    when = f" (again at {stamp(verdict.next_at)})" if verdict.next_at else ""
    yield f"{sign} {verdict.address}  {state}{when}  {told[0]}".rstrip()
    for line in told[1:]:
        yield f"    {line}"


def _of_runs(state: State) -> Iterator[str]:
    now = datetime.now(UTC)
    for run in state.live:
        known = state.known.get(run.id)
        if known is None or known.state == "running":
            going = length(now - (run.started or run.created))
            moves = run.state if known is None else known.words
            yield f"> {run.address}  {moves} on {run.worker} for {going}  {run.id}"
        elif known.state == "not looked at":
            yield f"> {run.address}  was {run.state} on {run.worker} {known.words}  {run.id}"
        else:
            yield f"> {run.address}  on {run.worker} {known.words}  {run.id}"
        noted = state.progress.get(run.id)
        if noted and (words := progress_words(noted.facts, noted.done)):
            yield f"    {', '.join(words)}"
