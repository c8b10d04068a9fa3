"""`apply`: compute what is missing or stale, prove it, publish it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.interrupts import stopping
from rasreconcile.cli.options import (
    FORMAT_VERSION,
    as_json,
    load_spec,
    say,
    spec_argument,
    spec_path,
    write_line,
)

if TYPE_CHECKING:
    from rasreconcile.controller.apply import Outcome, Stay
    from rasreconcile.report.live import Quiet
    from rasreconcile.specfile import LoadedSpec


WORK_TO_DO = 2
"""Of controller.apply.Exit, whose import `--help` does without."""


@click.command(name="apply")
@spec_argument
@as_json
@click.option("--quiet", is_flag=True, help="Only the closing lines.")
@click.option(
    "--detach",
    is_flag=True,
    help="Publish what has ended, start what fits now, leave it running, and end: 0 once all plans are current, "
    "2 while runs are still running or waiting (call it again), 3 and 4 as without it.",
)
def command(spec: Path | None, as_json: bool, quiet: bool, detach: bool) -> int:
    """Run what is missing or stale, verify and publish its results, until everything has converged.

    Runs are detached: the first Ctrl-C stops dispatching and leaves them running, a second one, a moment later,
    cancels them. SIGTERM or closing the terminal acts like one Ctrl-C. Apply again to collect what has ended.
    """
    from rasreconcile.report.live import Lines, Quiet, Stream  # noqa: PLC0415  so that --help is quick

    loaded = load_spec(spec_path(spec))
    if as_json:
        write_line({"version": FORMAT_VERSION, "verb": "apply", "spec": loaded.name})
        reporter: Quiet = Stream(write_line)
    else:
        reporter = Quiet() if quiet else Lines(sys.stderr)
    with reporter:
        outcome = applied(loaded, reporter, stay="detach" if detach else "converge")
    _close(loaded, outcome, as_json=as_json)
    return int(outcome.exit)


def applied(loaded: LoadedSpec, reporter: Quiet, *, stay: Stay = "converge") -> Outcome:
    """One apply with the signals in hand."""
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.controller.apply import Apply, Exit, Requester  # noqa: PLC0415
    from rasreconcile.workers.secret import hide  # noqa: PLC0415

    hide(loaded.spec.workers.values())  # before git is asked, which is a child as well
    asked = Requester(by=asking(), commit=commit_of(loaded.folder))
    clock = Clock()
    apply = Apply(loaded, asked, reporter.event, reporter.progress, clock, stay)
    with stopping(apply, reporter.notice, clock.monotonic):
        outcome = apply.run()
    # An interrupt that came when everything was over must not be lost on whoever would go on: `watch`.
    return replace(outcome, exit=Exit.INTERRUPTED) if apply.interrupted else outcome


def asking() -> str:
    """Who asks, as the store remembers it."""
    import socket  # noqa: PLC0415

    from rasreconcile.account import user_name  # noqa: PLC0415

    return f"{user_name()}@{socket.gethostname()}"


def commit_of(folder: Path) -> str | None:
    """The git commit the models are at; None where there is no git or no repository."""
    import subprocess  # noqa: PLC0415

    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def _close(loaded: LoadedSpec, outcome: Outcome, *, as_json: bool) -> None:
    from rasreconcile.report import changeset, summary  # noqa: PLC0415
    from rasreconcile.report.values import verdict_values  # noqa: PLC0415

    if as_json:
        plans = [verdict_values(v) for v in outcome.decision.verdicts]
        write_line({"kind": "end", "exit": int(outcome.exit), "counts": dict(outcome.counts), "plans": plans})
        return
    if outcome.exit and outcome.exit != WORK_TO_DO:
        for line in changeset.lines(loaded.name, outcome.decision):
            say(line)
    for line in summary.lines(loaded.name, outcome):
        say(line)
