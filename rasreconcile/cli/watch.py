"""`watch`: apply whenever inputs, spec or git change."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.apply import applied, closing_lines
from rasreconcile.cli.closed_console import console_closing
from rasreconcile.cli.options import FORMAT_VERSION, as_json, close, load_spec, warn, write_line
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import invocation, verb
from rasreconcile.report.text import many

if TYPE_CHECKING:
    from rasreconcile.controller.apply import Outcome
    from rasreconcile.specfile import LoadedSpec


@verb(
    "watch",
    examples=[
        ("watch", "Keep the study of this folder current."),
        ("watch study.yaml 'Muncie/*'", "Keep one project current."),
    ],
    exits={
        0: "never: it runs until it is interrupted",
        5: "another controller is running on the store",
        130: "interrupted",
    },
)
@takes_plans()
@as_json
@click.option("--read", "read", is_flag=True, help="While idle, read published results again, one a minute.")
def command(target: Target, as_json: bool, read: bool) -> int:
    """Apply now, then again whenever a file that matters changes. Ctrl-C ends it; runs continue."""
    from rasreconcile.watch.keep_current import Watch  # noqa: PLC0415  so that --help is quick

    if as_json:
        write_line({"version": FORMAT_VERSION, "verb": "watch", "spec": str(target.spec)})
    stop = threading.Event()

    def say(message: str) -> None:
        _say(message, as_json=as_json)

    def chat(message: str) -> None:
        if as_json or not invocation().quiet:
            say(message)

    def tell(loaded: LoadedSpec, outcome: Outcome, files: int) -> None:
        if not as_json and (outcome.exit or outcome.counts):
            for line in closing_lines(loaded, outcome):
                close(line)
        stands = f"{outcome.decision.health} (`status` says why)" if outcome.exit else "healthy"
        chat(f"{loaded.name}: {stands}; watching {many(files, 'file')}")

    Watch(
        spec=target.spec,
        load=load_spec,
        named=target.plans,
        apply=lambda loaded: _apply(loaded, target, as_json=as_json),
        applied=tell,
        say=say,
        changed=chat,
        waiting=lambda: _ending(stop),
        reads=read,
        stop=stop,
    ).run()
    return 130


def _apply(loaded: LoadedSpec, target: Target, *, as_json: bool) -> Outcome:
    from rasreconcile.report.live import Lines, Quiet, Stream  # noqa: PLC0415  as above

    quiet = Quiet() if invocation().quiet else None
    with Stream(write_line) if as_json else quiet or Lines(sys.stderr, invocation().shown) as reporter:
        return applied(loaded, reporter, named=target.plans)


@contextmanager
def _ending(stop: threading.Event) -> Iterator[None]:
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    before = {n: signal.signal(n, lambda *_: stop.set()) for n in numbers}
    try:
        with console_closing(stop.set):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(message: str, *, as_json: bool) -> None:
    if as_json:
        from rasreconcile.records import Event  # noqa: PLC0415  as above
        from rasreconcile.report.values import event_values  # noqa: PLC0415

        now = datetime.now(UTC)
        write_line(event_values(Event(at=now, kind="watch", address=None, run=None, message=message)))
    else:
        warn(message)
