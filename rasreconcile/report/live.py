"""What is seen of an apply while it goes on: lines for a terminal or a log, a stream of JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from errno import EIO
from types import TracebackType
from typing import IO, Any, Protocol

import click

from rasreconcile.printable import local_time
from rasreconcile.records import Event
from rasreconcile.report.seen_from import Shown, as_it_is
from rasreconcile.report.text import COLOURS, about, event_line, length, many
from rasreconcile.report.told import Told
from rasreconcile.report.values import event_values, progress_values
from rasreconcile.report.wrap import folded

HEARTBEAT = timedelta(minutes=1)
"""Between two lines of progress where there is no terminal."""


class Moment(Protocol):
    """A controller's progress, as far as it is shown here."""

    @property
    def plans(self) -> int: ...
    @property
    def syncs(self) -> Mapping[str, int]: ...
    @property
    def phases(self) -> Mapping[str, int]: ...
    @property
    def workers(self) -> Mapping[str, tuple[int, int]]: ...
    @property
    def longest(self) -> Any: ...
    @property
    def remaining(self) -> Any: ...
    @property
    def at(self) -> datetime: ...
    @property
    def elapsed(self) -> timedelta: ...


class Quiet:
    """Nothing until the end."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def event(self, event: Event) -> None:
        """Not told."""

    def progress(self, moment: Moment) -> None:
        """Not shown."""

    def notice(self, line: str) -> None:
        """An answer to the user, at once and however little else is told. Called from another thread."""
        click.echo(line, err=True)


class Stream(Quiet):
    """One JSON object a line: every event, and progress when it has changed."""

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write
        self._last: Mapping[str, Any] = {}

    def event(self, event: Event) -> None:
        self._write(event_values(event))

    def progress(self, moment: Moment) -> None:
        values = {
            "kind": "progress",
            "plans": moment.plans,
            "sync": dict(moment.syncs),
            "phase": dict(moment.phases),
            "workers": {name: {"used": u, "slots": s} for name, (u, s) in moment.workers.items()},
            "runs": [
                {"run": one.run.id, "plan": one.run.address, **progress_values(one.said, one.done)}
                for one in moment.longest
            ],
        }
        if values != self._last:
            self._last = values
            self._write(values | time_values(moment))


class Lines(Quiet):
    """Event lines; below them on a terminal at most twelve lines of progress that are drawn anew."""

    def __init__(self, out: IO[str], shown: Shown = as_it_is) -> None:
        self._out = out
        self._shown = shown
        self._failure = ""
        self._told = Told()
        self._live: Any = None
        self._gone = False
        self._beat_at = HEARTBEAT

    def __enter__(self) -> Lines:
        if self._out.isatty() and os.environ.get("TERM") != "dumb":
            from rich.console import Console  # noqa: PLC0415  only on a terminal
            from rich.live import Live  # noqa: PLC0415

            context = click.get_current_context(silent=True)
            console = Console(file=self._out, no_color=True if context and context.color is False else None)
            self._live = Live(console=console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._write(self._live.stop)

    def _write(self, write: Callable[[], None]) -> None:
        """As long as there is a terminal: when it is closed, what nobody sees must not end what goes on."""
        if self._gone:
            return
        try:
            write()
        except OSError as error:
            if error.errno != EIO:
                raise
            self._gone = True

    def event(self, event: Event) -> None:
        line = self._shown(event_line(self._told.shortened(event)))
        if event.kind in {"failed", "lost"}:
            self._failure = self._shown(event_line(event))
        if self._live is not None:
            self._print(line, COLOURS.get(event.kind, ""))
        else:
            click.echo(click.style(line, fg=COLOURS.get(event.kind)), file=self._out)

    def notice(self, line: str) -> None:
        if self._live is None:
            super().notice(line)
            return
        self._print(line, "bold yellow")

    def _print(self, line: str, style: str) -> None:
        """Through the console that draws the progress: what is written past it is drawn over."""
        from rich.text import Text  # noqa: PLC0415  only on a terminal

        console = self._live.console
        # As Text: a message with brackets (`has shape [2, 3]`) is no markup.
        text = Text("\n".join(folded(line, console.width)), style=style)
        self._write(lambda: console.print(text))

    def progress(self, moment: Moment) -> None:
        if self._live is not None:
            from rich.text import Text  # noqa: PLC0415  as above

            from rasreconcile.report.progress import ASCII, LETTERS, drawn  # noqa: PLC0415  as above

            console = self._live.console
            marks = ASCII if console.options.ascii_only else LETTERS
            lines = drawn(moment, self._failure, console.width, marks)
            shown = Text("\n", no_wrap=True).join(Text.assemble(*line) for line in lines)
            self._write(lambda: self._live.update(shown, refresh=True))
        elif moment.elapsed >= self._beat_at:
            # Where nothing is drawn, a log must still tell a long run from a program that stands still.
            self._beat_at = moment.elapsed + HEARTBEAT
            click.echo(f"{local_time(moment.at, '%H:%M:%S')} {heartbeat(moment)}", file=self._out)


def how_many_are_current(moment: Moment) -> str:
    """`34 of 120 plans current (28 %); 9 running, 77 queued`."""
    current = moment.syncs.get("current", 0)
    share = f" ({int(100 * current / moment.plans)} %)" if moment.plans else ""
    phases = [f"{n} {p}" for p, n in sorted(moment.phases.items()) if p != "idle"]
    plans = many(moment.plans, "plan")
    return f"{current} of {plans} current{share}; {', '.join(phases) or 'nothing in progress'}"


def times(moment: Moment) -> str:
    """`12 min 05 s so far, about 31 min left (24 min to 40 min)`."""
    left = f", {about(moment.remaining)}" if moment.remaining else ""
    return f"{length(moment.elapsed)} so far{left}"


def heartbeat(moment: Moment) -> str:
    """The same in one line."""
    return f"progress {how_many_are_current(moment)}; {times(moment)}"


def time_values(moment: Moment) -> dict[str, Any]:
    """For programs, in seconds."""
    left = moment.remaining
    seconds = {
        name: round(getattr(left, name).total_seconds(), 1) if left else None
        for name in ("likely", "low", "high")
    }
    return {"elapsed": round(moment.elapsed.total_seconds(), 1), "remaining": seconds if left else None}
