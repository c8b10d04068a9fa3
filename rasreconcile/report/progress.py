"""Progress as a terminal shows it: at most twelve lines, none wider than the terminal, columns below each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size

from rasreconcile.report.live import Moment, how_many_are_current, times
from rasreconcile.report.text import COLOURS, length, many, progress_words

MOST_WORKERS = 3
MOST_RUNS = 6
_BAR = 16
"""Columns of the bar of the whole; of a run it has ten."""
_FREE = 5
"""Columns that stay free at the right: a terminal writes `^C` there, and what then wraps would be drawn twice."""
_ADDRESS, _WORKER, _WIDE_ENOUGH = 30, 14, 120
"""The widest columns, and the terminal from which on they may have twice as much; an address may have less."""
_LEAST = 12
_REST = 18
"""Columns that are kept for how much longer a run takes."""
_GAP = "  "

Span = tuple[str, str]
"""A text, and the style it has; empty: none."""
Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """What bars are drawn with."""

    full: str
    half: str
    empty: str
    cut: str


LETTERS = Marks("━", "╸", "─", "…")
ASCII = Marks("#", "", ".", "~")
"""Where a terminal has no other letters."""


def drawn(moment: Moment, failure: str, width: int, marks: Marks = LETTERS) -> list[Line]:
    """The lines to be shown: the whole, the workers, what is failing, what runs longest, and the last failure."""
    share = moment.syncs.get("current", 0) / moment.plans if moment.plans else 0.0
    lines: list[Line] = [
        ((how_many_are_current(moment), "bold"),),
        ((_GAP, ""), *_bar(share, _BAR, marks), (f"{_GAP}{times(moment)}", "")),
        *_workers(moment),
        *_runs(list(moment.longest)[:MOST_RUNS], width, marks),
    ]
    if failure:
        lines.append((("  last failure: ", "red"), (failure, "red")))
    return [_cut(line, width - _FREE, marks) for line in lines]


def _workers(moment: Moment) -> list[Line]:
    rows = [(name, used, slots) for name, (used, slots) in moment.workers.items()]
    shown = rows if len(rows) <= MOST_WORKERS else rows[: MOST_WORKERS - 1]
    wide = min(max((cell_len(name) for name, _, _ in shown), default=0), _ADDRESS)
    lines: list[Line] = [
        ((f"  {_sized(name, wide)}{_GAP}{used} of {many(slots, 'slot')}", ""),) for name, used, slots in shown
    ]
    if rest := rows[len(shown) :]:
        used, slots = sum(row[1] for row in rest), sum(row[2] for row in rest)
        lines.append(((f"  and {many(len(rest), 'more worker')}{_GAP}{used} of {many(slots, 'slot')}", ""),))
    return lines


def _runs(runs: Sequence[Any], width: int, marks: Marks) -> list[Line]:
    if not runs:
        return []
    going = [length(one.going) for one in runs]
    bars = any(one.done is not None for one in runs)
    twice = 2 if width >= _WIDE_ENOUGH else 1
    worker = min(max(cell_len(one.run.worker) for one in runs), twice * _WORKER)
    taken = 2 + 2 + worker + 2 + max(map(len, going)) + 2 + (10 + 2 + 5 + 2 if bars else 0) + _REST
    address = min(
        max(cell_len(one.run.address) for one in runs), twice * _ADDRESS, max(width - _FREE - taken, _LEAST)
    )
    lines: list[Line] = []
    for one, time in zip(runs, going, strict=True):
        alarm = bool(one.said and (one.said.unstable or one.said.first_error))
        colour = COLOURS["failed"] if alarm else ""
        line: list[Span] = [
            (f"  {_shortened(one.run.address, address, marks)}{_GAP}", colour),
            (f"{_shortened(one.run.worker, worker, marks)}{_GAP}", ""),
        ]
        if bars and one.done is not None:
            line += [*_bar(one.done, 10, marks), (f"{_GAP}{f'{int(100 * one.done)} %':>5}{_GAP}", "")]
        elif bars:
            line.append((" " * (10 + 2 + 5 + 2), ""))
        line += [(f"{time:>{max(map(len, going))}}{_GAP}", ""), ("; ".join(_rest(one)), colour)]
        lines.append(tuple(line))
    return lines


def _rest(one: Any) -> list[str]:
    """What else is known, what matters most first: an alarm, how much longer it takes, then what it does."""
    words: list[str] = []
    if one.said is not None and (alarm := one.said.unstable or one.said.first_error):
        words.append(alarm)
    if one.done is not None and one.done >= 1:
        words.append("computed")
    elif one.done is not None and one.left is not None:
        words.append(f"about {length(one.left.likely)} left")
    elif one.expected:
        words.append(f"of about {length(one.expected.likely)}")
    if one.said is not None:
        # The part that is done has a column of its own.
        words += [w for w in progress_words(one.said, None) if w not in words]
    return words


def _bar(share: float, columns: int, marks: Marks) -> list[Span]:
    halves = int(2 * columns * min(max(share, 0.0), 1.0))
    full = marks.full * (halves // 2) + (marks.half if halves % 2 else "")
    return [(full, COLOURS["succeeded"]), (marks.empty * (columns - len(full)), "dim")]


def _sized(text: str, columns: int) -> str:
    return set_cell_size(text, columns)


def _shortened(text: str, columns: int, marks: Marks) -> str:
    """Its end stays: the number of a plan tells more than the name of its study."""
    if cell_len(text) <= columns:
        return set_cell_size(text, columns)
    kept = text
    while cell_len(kept) > columns - cell_len(marks.cut):
        kept = kept[1:]
    return set_cell_size(marks.cut + kept, columns)


def _cut(line: Line, columns: int, marks: Marks) -> Line:
    if sum(cell_len(text) for text, _ in line) <= columns:
        return line
    left, kept = columns - cell_len(marks.cut), list[Span]()
    for text, style in line:
        part = text if cell_len(text) <= left else set_cell_size(text, max(left, 0))
        kept.append((part, style))
        left -= cell_len(part)
    return (*kept, (marks.cut, line[-1][1]))
