"""`apply`: compute what is missing or stale, prove it, publish it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

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
    from rasreconcile.controller.apply import Apply, Outcome, Stay
    from rasreconcile.report.live import Quiet
    from rasreconcile.specfile import LoadedSpec


LINGER = 3.0
"""Seconds in which a second Ctrl-C still reaches this process, and cancels."""


@click.command(name="apply")
@spec_argument
@as_json
@click.option("--quiet", is_flag=True, help="Only the closing lines.")
@click.option("--detach", is_flag=True, help="Start what fits now, leave it running, and end.")
def command(spec: Path | None, as_json: bool, quiet: bool, detach: bool) -> int:
    """Make it so: run what is missing or stale, verify and publish its results, until everything has converged.

    Runs are detached: Ctrl-C once stops dispatching and leaves them going, twice cancels them. Start it again to
    collect what has ended meanwhile. So does SIGTERM, and the end of the terminal, as one Ctrl-C does.
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
    apply = Apply(loaded, asked, reporter.event, reporter.progress, Clock(), stay)
    with _signals(apply):
        outcome = apply.run()
    # An interrupt that came when everything was over must not be lost on whoever would go on: `watch`.
    return replace(outcome, exit=Exit.INTERRUPTED) if apply.interrupted else outcome


def asking() -> str:
    """Who asks, as the store remembers it."""
    import getpass  # noqa: PLC0415
    import socket  # noqa: PLC0415

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


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


@contextmanager
def _signals(apply: Apply) -> Iterator[None]:
    def interrupted(signum: int, frame: FrameType | None) -> None:
        times = apply.interrupt(linger=LINGER)
        words = {
            1: f"stopping: no new runs, what runs goes on (again within {LINGER:.0f} s: cancel it)",
            2: "cancelling the runs that are going (again: leave at once)",
        }
        click.echo(words.get(times, "leaving"), err=True)

    def terminated(signum: int, frame: FrameType | None) -> None:
        apply.interrupt()

    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupted),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminated),
    }
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        # The terminal was closed; under nohup it was said beforehand that this must not matter.
        previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, terminated)
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _close(loaded: LoadedSpec, outcome: Outcome, *, as_json: bool) -> None:
    from rasreconcile.report import changeset, summary  # noqa: PLC0415
    from rasreconcile.report.values import verdict_values  # noqa: PLC0415

    if as_json:
        plans = [verdict_values(v) for v in outcome.decision.verdicts]
        write_line({"kind": "end", "exit": int(outcome.exit), "counts": dict(outcome.counts), "plans": plans})
        return
    if outcome.exit:
        for line in changeset.lines(loaded.name, outcome.decision):
            say(line)
    for line in summary.lines(loaded.name, outcome):
        say(line)
