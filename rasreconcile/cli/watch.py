"""`watch`: apply whenever inputs, spec or git change."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rasreconcile.cli.options import FORMAT_VERSION, as_json, load_spec, write_line
from rasreconcile.cli.targets import Target, takes_plans
from rasreconcile.cli.verb import invocation, verb
from rasreconcile.errors import RasReconcileError, SpecError, StoreBusy
from rasreconcile.report.text import many

if TYPE_CHECKING:
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
def command(target: Target, as_json: bool) -> int:
    """Apply now, then again whenever a file that matters changes. Ctrl-C ends it; runs continue."""
    from rasreconcile.cli.apply import applied  # noqa: PLC0415  so that --help is quick
    from rasreconcile.clock import Clock  # noqa: PLC0415
    from rasreconcile.operations.diff import diff  # noqa: PLC0415
    from rasreconcile.report.live import Lines, Quiet, Stream  # noqa: PLC0415
    from rasreconcile.watch.file_events import Watched, watched  # noqa: PLC0415

    path = target.spec
    if as_json:
        write_line({"version": FORMAT_VERSION, "verb": "watch", "spec": str(path)})
    stop = threading.Event()
    while not stop.is_set():
        seen = Watched(frozenset({path.absolute().parent}), frozenset({path.absolute()}), frozenset())
        try:
            loaded = load_spec(path)
            quiet = Quiet() if invocation().quiet else None
            with Stream(write_line) if as_json else quiet or Lines(sys.stderr) as reporter:
                outcome = applied(loaded, reporter, select=target.selection)
            if outcome.exit == 130:
                return 130
            seen = watched(loaded, diff(loaded, Clock(), target.selection).plans)
            stands = f"{outcome.decision.health} (`status` says why)" if outcome.exit else "healthy"
            _say(f"{loaded.name}: {stands}; watching {many(len(seen.files), 'file')}", as_json=as_json)
        except (StoreBusy, BrokenPipeError):
            raise
        except SpecError as error:
            _say(f"{error}\nwaiting until the spec is fixed", as_json=as_json)
        except (RasReconcileError, OSError) as error:
            # A disk or a share that is away for an hour must not end a watch of weeks.
            _say(f"{error}\nwaiting for a change", as_json=as_json)
        changed: frozenset[Path] = frozenset()
        while not (changed or stop.is_set()):
            with _ending(stop):
                changed = _first_change(seen, stop, as_json=as_json)
            if not changed and _has_work(target):
                break
        if changed:
            _say("changed: " + ", ".join(sorted(p.name for p in changed)), as_json=as_json)
    return 130


def _first_change(seen: Watched, stop: threading.Event, *, as_json: bool) -> frozenset[Path]:
    """Where changes cannot be told (a folder went away, too many are watched) all is looked at now and then."""
    from rasreconcile.watch.file_events import LOOK_ANYWAY, first_change  # noqa: PLC0415  as above

    try:
        return first_change(seen, stop)
    except OSError as error:
        _say(f"cannot be watched: {error}; looking every {LOOK_ANYWAY:.0f} s", as_json=as_json)
        stop.wait(LOOK_ANYWAY)
        return frozenset()


def _has_work(target: Target) -> bool:
    """Whether there is something to do that no change of a file has told of."""
    from rasreconcile.clock import Clock  # noqa: PLC0415  as above
    from rasreconcile.operations.diff import diff  # noqa: PLC0415
    from rasreconcile.report.changeset import has_work  # noqa: PLC0415

    try:
        return has_work(diff(load_spec(target.spec), Clock(), target.selection).decision)
    except (RasReconcileError, OSError):
        # What is wrong with it has been said; a change of the file is waited for.
        return False


@contextmanager
def _ending(stop: threading.Event) -> Iterator[None]:
    before = {n: signal.signal(n, lambda *_: stop.set()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
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
        click.echo(message, err=True)
