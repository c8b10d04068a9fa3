"""Answers as comments on a pull request: what a change would compute, and what it did to the water. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.verdicts import Sync, Verdict
from rasreconcile.report.changeset import BLOCKED, at_rest
from rasreconcile.report.results import Row
from rasreconcile.report.text import counted, how_many, many

MOST_ROWS = 100
"""Of a table: a comment holds 65,536 characters."""
_LONGEST = 300


def changes(name: str, decision: Decision, outlook: str, forecast: str | None) -> str:
    """What `apply` would do: the sum, how long it may take, and a table of the plans that are not current."""
    verdicts = decision.verdicts
    syncs = counted((str(v.sync) for v in verdicts), [str(sync) for sync in Sync])
    lines = [f"**{_text(name)}**: {how_many(v.address for v in verdicts)}: {syncs}. {_text(outlook)}"]
    if forecast:
        lines += ["", _text(f"It may take {forecast}.")]
    due = [v for v in verdicts if v.phase not in BLOCKED and not at_rest(v)]
    blocked = [v for v in verdicts if v.phase in BLOCKED]
    if due:
        lines += ["", *_table(("plan", "now", "why"), [_row(v) for v in due], "plan")]
    if blocked:
        told = [(*_row(v), _cell(v.outlook)) for v in blocked]
        title = f"{many(len(blocked), 'plan')} {'needs' if len(blocked) == 1 else 'need'} attention"
        lines += ["", "<details>", f"<summary>{title}</summary>", ""]
        lines += [*_table(("plan", "now", "why", "what comes next"), told, "plan"), "", "</details>"]
    return "\n".join(lines) + "\n"


def results(name: str, rows: Sequence[Row]) -> str:
    """What each result shows and what changed in its water, those that changed most first."""
    ordered = sorted(rows, key=lambda row: (-_most(row), str(row.verdict.address)))
    changed = sum(1 for row in rows if _most(row) > 0)
    lines = [f"**{_text(name)}**: {many(len(rows), 'plan')}, the water of {changed} changed.", ""]
    heads = ("plan", "state", "max WS", "higher by", "lower by", "where")
    return "\n".join([*lines, *_table(heads, [_of_result(row) for row in ordered], "plan")]) + "\n"


def _most(row: Row) -> float:
    """By how much its water changed, wetted and dried places included."""
    change = row.published.water if row.published else None
    if change is None or not change.changed:
        return 0.0
    return max(change.rise, change.fall, 1e-9)


def _of_result(row: Row) -> tuple[str, ...]:
    change = row.published.water if row.published else None
    shown = row.shown
    surface = shown.max_water_surface if shown else None
    unit = (shown.unit if shown else None) or ""
    where = ""
    if change is not None and change.changed:
        where = (change.rise_at if change.rise >= change.fall else change.fall_at) or ""
    elif change is not None:
        where = change.not_compared or ""
    return (
        _code(row.verdict.address),
        _cell(row.state),
        f"{surface:.2f} {unit}".strip() if surface is not None else "",
        f"{change.rise:.2f}" if change and change.changed else "",
        f"{change.fall:.2f}" if change and change.changed else "",
        _cell(where or row.note),
    )


def _row(verdict: Verdict) -> tuple[str, ...]:
    why = "; ".join(str(reason) for reason in verdict.reasons) or verdict.outlook
    return _code(verdict.address), str(verdict.sync), _cell(why)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows[:MOST_ROWS]:
        yield f"| {' | '.join(row)} |"
    if len(rows) > MOST_ROWS:
        yield ""
        yield f"and {many(len(rows) - MOST_ROWS, f'more {what}')}"


def _cell(text: str) -> str:
    words = " ".join(text.split())
    return _text(words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…")


def _code(text: str) -> str:
    """Whatever a plan is called: longer fences than any within, and no end of a cell."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{text.replace('|', chr(92) + '|')}{pad}{fence}"


def _text(words: str) -> str:
    """Nothing in it is markup, a link to an issue, or the name of a person who would be told."""
    escaped = re.sub(r"([\\`*_\[\]|~])", r"\\\1", words.replace("&", "&amp;").replace("<", "&lt;"))
    return escaped.replace("#", "&#35;").replace("@", "&#64;")
