"""What is seen of an apply while it goes on: lines for a terminal or a log, a stream of JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from errno import EIO
from types import TracebackType
from typing import IO, Any, Protocol

import click

from rasreconcile.records import Event
from rasreconcile.report.text import COLOURS, event_line, length, many, progress_words
from rasreconcile.report.told import Told
from rasreconcile.report.values import event_values, progress_values


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
            self._write(values)


class Lines(Quiet):
    """Event lines; below them on a terminal at most twelve lines of progress that are drawn anew."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._failure = ""
        self._told = Told()
        self._live: Any = None
        self._gone = False

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
        line = event_line(self._told.shortened(event))
        if event.kind in {"failed", "lost"}:
            self._failure = event_line(event)
        if self._live is not None:
            from rich.text import Text  # noqa: PLC0415

            text = Text(line, style=COLOURS.get(event.kind, ""))
            self._write(lambda: self._live.console.print(text))
        else:
            click.echo(click.style(line, fg=COLOURS.get(event.kind)), file=self._out)

    def notice(self, line: str) -> None:
        if self._live is None:
            super().notice(line)
            return
        from rich.text import Text  # noqa: PLC0415  as above

        # Through the console that draws the progress: what is written past it is drawn over.
        self._write(lambda: self._live.console.print(Text(line, style="bold yellow")))

    def progress(self, moment: Moment) -> None:
        if self._live is not None:
            from rich.text import Text  # noqa: PLC0415  as above

            # As Text: a message with brackets (`has shape [2, 3]`) is no markup.
            shown = Text("\n".join(progress_lines(moment, self._failure)))
            self._write(lambda: self._live.update(shown, refresh=True))


def how_far(one: Any) -> str:
    """`3 min 10 s, 37 % of the simulation, RasUnsteady, 01JAN1900 00:44:20, about 5 min left`."""
    if one.said is None or (one.done is None and not one.said.process):
        return length(one.going) + (f" of about {length(one.expected)}" if one.expected else "")
    words = [length(one.going), *progress_words(one.said, one.done)]
    if one.left is not None:
        words.append(f"about {length(one.left)} left")
    return ", ".join(words)


def progress_lines(moment: Moment, failure: str = "") -> list[str]:
    """At most twelve lines, however many plans."""
    current = moment.syncs.get("current", 0)
    phases = [f"{n} {p}" for p, n in sorted(moment.phases.items()) if p != "idle"]
    left = f", about {length(moment.remaining)} left" if moment.remaining else ""
    lines = [f"{current} of {moment.plans} current; {', '.join(phases) or 'nothing in progress'}{left}"]
    workers = [f"  {name}: {used} of {many(slots, 'slot')}" for name, (used, slots) in moment.workers.items()]
    lines += workers[:5]
    if len(workers) > 5:
        lines[-1] = f"  and {many(len(workers) - 4, 'more worker')}"
    for progress in list(moment.longest)[:5]:
        lines.append(f"  {progress.run.address} on {progress.run.worker}: {how_far(progress)}")
    if failure:
        lines.append(f"  last failure: {failure}")
    return lines
