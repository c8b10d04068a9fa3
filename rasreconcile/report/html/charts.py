"""Pictures of a page as SVG: no script, no network, and a title that a screen reader reads. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from rasreconcile.report.html.study_page import Profile
from rasreconcile.report.text import length
from rasreconcile.runs import Run

WIDTH = 960
_ROW = 14
_LEFT = 120
_MOST_SLOTS = 80
_FINEST = 0.5
"""Of a picture's unit: runs that are shorter, and lie together, are one mark."""
_SHORT = timedelta(hours=1)
_KINDS = {"succeeded": "good", "failed": "bad", "lost": "lost", "cancelled": "ended"}


@dataclass(frozen=True, slots=True)
class _Span:
    first: datetime
    last: datetime

    def at(self, moment: datetime) -> float:
        whole = max((self.last - self.first).total_seconds(), 1.0)
        return _LEFT + (WIDTH - _LEFT - 10) * (moment - self.first).total_seconds() / whole


def timeline(runs: Sequence[Run], now: datetime) -> str:
    """Which slot was computing when, a line a slot; empty where nothing ever ran."""
    shown = [run for run in runs if run.started]
    if not shown:
        return ""
    span = _span(shown, now)
    slots = sorted({(run.worker, run.slot) for run in shown})[:_MOST_SLOTS]
    lines = {slot: n for n, slot in enumerate(slots)}
    height = _ROW * len(slots) + 24
    paths: dict[str, list[str]] = {}
    last: dict[tuple[str, int, str], float] = {}
    for run in sorted(shown, key=lambda run: run.started or run.created):
        line = lines.get((run.worker, run.slot))
        if line is None or run.started is None:
            continue
        kind = _KINDS.get(str(run.state), "live")
        left, right = span.at(run.started), span.at(run.ended or now)
        place = (run.worker, run.slot, kind)
        if right <= last.get(place, -1.0) + _FINEST:
            continue
        left = max(left, last.get(place, 0.0)) if right - left < _FINEST else left
        last[place] = right
        paths.setdefault(kind, []).append(
            f"M{left:.1f} {line * _ROW + 2}h{max(right - left, _FINEST):.1f}v{_ROW - 4}H{left:.1f}z"
        )
    texts = [
        f'<text x="0" y="{n * _ROW + 11}">{escape(worker)} {slot}</text>'
        for (worker, slot), n in lines.items()
    ]
    marks = [f'<path class="{kind}" d="{"".join(parts)}"/>' for kind, parts in sorted(paths.items())]
    title = f"{len(shown)} runs on {len(slots)} slots in {length(span.last - span.first)}"
    return _svg(title, height, [*texts, *marks, *_axis(span, height - 6)])


def running(runs: Sequence[Run], now: datetime) -> str:
    """How many runs were going on at a time."""
    shown = [run for run in runs if run.started]
    if not shown:
        return ""
    span, height = _span(shown, now), 120
    moves = sorted(
        [(run.started, 1) for run in shown if run.started]
        + [(run.ended or now, -1) for run in shown if run.started]
    )
    steps: list[tuple[float, int]] = []
    going = most = 0
    for moment, change in moves:
        going += change
        most = max(most, going)
        at = span.at(moment)
        if steps and at - steps[-1][0] < _FINEST:
            steps[-1] = (steps[-1][0], max(going, steps[-1][1]) if change > 0 else going)
        else:
            steps.append((at, going))
    scale = (height - 34) / max(most, 1)
    path = f"M{_LEFT} {height - 24}"
    for at, count in steps:
        path += f"H{at:.1f}V{height - 24 - count * scale:.1f}"
    label = f'<text x="0" y="16">{most} at once</text>'
    return _svg(
        f"At most {most} runs at once",
        height,
        [label, f'<path class="area" d="{path}"/>', *_axis(span, height - 6)],
    )


def durations(pairs: Sequence[tuple[float, float]]) -> str:
    """How long runs took against how long they were expected to take, seconds; the line is where both are one."""
    known = [(p, t) for p, t in pairs if p > 0 and t > 0]
    if not known:
        return ""
    low = math.log10(min(min(pair) for pair in known)) - 0.1
    high = math.log10(max(max(pair) for pair in known)) + 0.1
    side = 260.0

    def at(value: float) -> float:
        return side * (math.log10(value) - low) / max(high - low, 1e-9)

    spots = {(round(at(p)), round(side - at(t))) for p, t in known}
    path = "".join(f"M{x - 2 + 50} {y - 2}h4v4h-4z" for x, y in sorted(spots))
    bounds = f"{length(timedelta(seconds=10**low))} to {length(timedelta(seconds=10**high))}"
    labels = [
        f'<text x="50" y="{side + 18:.0f}">expected: {bounds}</text>',
        '<text x="0" y="12">took</text>',
    ]
    line = f'<path class="line" d="M50 {side:.0f}L{50 + side:.0f} 0"/>'
    return _svg(
        f"{len(known)} runs: expected and real duration",
        side + 24,
        [line, f'<path class="good" d="{path}"/>', *labels],
        340,
    )


def profile(found: Profile, unit: str) -> str:
    """Water and ground along the river."""
    values = [v for v in (*found.surface, *found.ground) if math.isfinite(v)]
    if len(found.surface) < 2 or not values:
        return ""
    low, high, height = min(values), max(values), 200
    step = (WIDTH - _LEFT - 10) / (len(found.surface) - 1)

    def line(points: Iterable[float]) -> str:
        parts, pen = [], "M"
        for n, value in enumerate(points):
            if not math.isfinite(value):
                pen = "M"
                continue
            y = 10 + (height - 40) * (high - value) / max(high - low, 1e-9)
            parts.append(f"{pen}{_LEFT + n * step:.1f} {y:.1f}")
            pen = "L"
        return "".join(parts)

    marks = [
        f'<path class="ground" d="{line(found.ground)}"/>',
        f'<path class="water" d="{line(found.surface)}"/>',
        f'<text x="0" y="16">{high:.1f} {escape(unit)}</text>',
        f'<text x="0" y="{height - 30}">{low:.1f} {escape(unit)}</text>',
        f'<text x="{_LEFT}" y="{height - 6}">{escape(found.sections[0])}</text>',
        f'<text class="end" x="{WIDTH - 10}" y="{height - 6}">{escape(found.sections[-1])}</text>',
    ]
    return _svg(f"Water surface, {found.name}: {low:.1f} to {high:.1f} {unit}", height, marks)


def _span(runs: Sequence[Run], now: datetime) -> _Span:
    begins = [run.started for run in runs if run.started]
    ends = [run.ended or now for run in runs]
    return _Span(min(begins), max(*ends, *begins))


def _axis(span: _Span, y: float) -> list[str]:
    form = "%Y-%m-%d %H:%M:%S" if span.last - span.first < _SHORT else "%Y-%m-%d %H:%M"
    first, last = (moment.astimezone().strftime(form) for moment in (span.first, span.last))
    return [
        f'<text x="{_LEFT}" y="{y:.0f}">{first}</text>',
        f'<text class="end" x="{WIDTH - 10}" y="{y:.0f}">{last}</text>',
    ]


def _svg(title: str, height: float, parts: Sequence[str], width: float = WIDTH) -> str:
    return (
        f'<svg class="{"wide" if width == WIDTH else "small"}" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
        f' aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
