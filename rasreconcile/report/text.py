"""Verdicts, runs and events as lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from rasreconcile.facts import LogFacts
from rasreconcile.plans import is_preparation
from rasreconcile.printable import local_time, printable
from rasreconcile.records import Event

SIGNS: Mapping[str, str] = {"current": " ", "stale": "~", "missing": "+", "invalid": "!", "unknown": "?"}
COLOURS: Mapping[str, str] = {
    "current": "green",
    "stale": "yellow",
    "missing": "cyan",
    "invalid": "red",
    "unknown": "magenta",
    "quarantined": "red",
    "held": "magenta",
    "failed": "red",
    "lost": "red",
    "succeeded": "green",
    "running": "cyan",
}


class Closing(str):
    """A line that sums up; shown even where little is told."""

    __slots__ = ()


class Place(str):
    """A line that names a place on a machine, to be copied from: its path stays whole."""

    __slots__ = ()


def counted(words: Iterable[str], order: Sequence[str]) -> str:
    """`3 current, 1 stale`, in the given order, without what there is none of."""
    counts = Counter(words)
    return ", ".join(f"{counts[word]} {word}" for word in order if counts[word]) or "none"


def how_many(addresses: Iterable[str]) -> str:
    """`4 plans`, `4 plans, 2 preparations`."""
    kinds = Counter(is_preparation(address) for address in addresses)
    return many(kinds[False], "plan") + (f", {many(kinds[True], 'preparation')}" if kinds[True] else "")


def many(count: int, noun: str) -> str:
    """`1 plan`, `4 plans`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def length(time: timedelta) -> str:
    """`1.4 s`, `12 min 05 s`, `3 h 20 min`."""
    seconds = max(time.total_seconds(), 0.0)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class Band(Protocol):
    """An estimated time."""

    @property
    def likely(self) -> timedelta: ...
    @property
    def low(self) -> timedelta: ...
    @property
    def high(self) -> timedelta: ...


def about(left: Band) -> str:
    """`about 31 min left (24 min to 40 min)`."""
    return f"about {roughly(left.likely)} left ({roughly(left.low)} to {roughly(left.high)})"


def roughly(time: timedelta) -> str:
    """`40 s`, `31 min`, `3 h 20 min`, `2 d 4 h`: as exact as an estimate is."""
    seconds = max(round(time.total_seconds()), 0)
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02d} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def stamp(time: datetime | None) -> str:
    """`2026-04-01 14:30:05 CEST`: in the user's zone, which is named."""
    return local_time(time) if time else "-"


def event_line(event: Event) -> str:
    """`14:30:05 CEST succeeded Demo/p01  on desk, 0.4 s`."""
    return printable(str(event))


def progress_words(said: LogFacts, done: float | None) -> list[str]:
    """`37 % of the simulation`, `RasUnsteady`, `01JAN1900 00:44:20`, `212 steps out of iterations`: what is known."""
    words = []
    if done is not None:
        words.append(f"{done:.0%} of the simulation".replace("%", " %"))
    if said.process:
        inside = "" if done is not None or said.fraction is None else f" {100 * said.fraction:.0f} %"
        words.append(f"{said.process}{inside}")
    if said.simulated is not None:
        words.append(f"{said.simulated:%d%b%Y %H:%M:%S}".upper())
    if said.troubles:
        words.append(f"{many(said.troubles, 'step')} out of iterations")
    if said.volume_error_percent is not None:
        words.append(f"volume error {said.volume_error_percent:.4g} %")
    if alarm := said.unstable or said.first_error:
        words.append(alarm)
    return words


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns below each other; the last column is left as it is."""
    if not rows:
        return []
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def bytes_in_words(size: int) -> str:
    """`3.4 MB`."""
    if size < 1000:
        return f"{size} bytes"
    number = float(size)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.5:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} TB"
