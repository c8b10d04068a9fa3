"""`watch`: apply whenever inputs, spec or git change."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.closed_console import console_closing
from rasreconcile.cli.options import FORMAT_VERSION, as_json, close, load_spec, warn, write_line
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import invocation, verb
from rasreconcile.errors import RasReconcileError, SpecError, StoreBusy
from rasreconcile.report.text import many

if TYPE_CHECKING:
    from rasreconcile.records import Published
    from rasreconcile.specfile import LoadedSpec
    from rasreconcile.watch.due import Found
    from rasreconcile.watch.file_events import Watched


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
    from rasreconcile.cli.apply import applied, closing_lines  # noqa: PLC0415  so that --help is quick
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.diff import diff  # noqa: PLC0415
    from rasreconcile.report.live import Lines, Quiet, Stream  # noqa: PLC0415
    from rasreconcile.watch.due import Due  # noqa: PLC0415
    from rasreconcile.watch.file_events import of_spec, watched  # noqa: PLC0415

    path = target.spec
    if as_json:
        write_line({"version": FORMAT_VERSION, "verb": "watch", "spec": str(path)})
    stop = threading.Event()

    def say(message: str) -> None:
        _say(message, as_json=as_json)

    def chat(message: str) -> None:
        if as_json or not invocation().quiet:
            say(message)

    due = Due(stop=stop, look=lambda: _look(target), say=say)
    if read:
        due.idle = partial(_read_one, path, [], say)
    seen, store = of_spec(path), None
    while not stop.is_set():
        loaded = None
        try:
            loaded = load_spec(path)
            store = loaded.state_path
            quiet = Quiet() if invocation().quiet else None
            with (
                Stream(write_line) if as_json else quiet or Lines(sys.stderr, invocation().shown) as reporter
            ):
                outcome = applied(loaded, reporter, named=target.plans)
            if outcome.exit == 130:
                return 130
            seen = watched(loaded, diff(loaded, Clock(), target.plans).plans)
            if not as_json and (outcome.exit or outcome.counts):
                for line in closing_lines(loaded, outcome):
                    close(line)
            stands = f"{outcome.decision.health} (`status` says why)" if outcome.exit else "healthy"
            chat(f"{loaded.name}: {stands}; watching {many(len(seen.files), 'file')}")
        except (StoreBusy, BrokenPipeError):
            raise
        except SpecError as error:
            say(f"{error}\nwaiting until the spec is fixed")
        except (RasReconcileError, OSError) as error:
            # A disk or a share that is away for an hour must not end a watch of weeks.
            say(f"{error}\nwaiting for a change")
            if loaded is not None and seen == of_spec(path):
                seen = _without_store(loaded) or seen
        with _ending(stop):
            changed = due.wait(seen, store)
        if changed:
            chat("changed: " + ", ".join(sorted(p.name for p in changed)))
    return 130


def _look(target: Target) -> Found:
    """Whether there is something to do that no change of a file has told of."""
    from rasreconcile.clock import Clock  # noqa: PLC0415  as above
    from rasreconcile.operations.diff import diff  # noqa: PLC0415
    from rasreconcile.report.changeset import has_work  # noqa: PLC0415

    try:
        found = diff(load_spec(target.spec), Clock(), target.plans)
        return "work" if has_work(found.decision) else "nothing to do"
    except (RasReconcileError, OSError):
        # What is wrong with it has been said; a change of the file is waited for.
        return "cannot tell"


def _read_one(path: Path, waiting: list[Published], say: Callable[[str], None]) -> None:
    """Reads one published result again; `waiting` are those whose turn comes, and all again when it is empty."""
    from rasreconcile.operations.reread import published_of, reread  # noqa: PLC0415  as above

    try:
        waiting[:] = waiting or published_of(load_spec(path))
    except (RasReconcileError, OSError):
        # It is said where it matters: when it is applied.
        return
    for one in reread(waiting[:1]):
        if one.trouble is not None:
            say(f"{one.published.address}: {one.trouble}")
    del waiting[:1]


def _without_store(loaded: LoadedSpec) -> Watched | None:
    """What would be watched, where the store cannot say what is remembered; None where that cannot be told either."""
    from rasreconcile.operations.diff import plans_of  # noqa: PLC0415  as above
    from rasreconcile.watch.file_events import watched  # noqa: PLC0415

    try:
        return watched(loaded, plans_of(loaded))
    except (RasReconcileError, OSError):
        return None


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
