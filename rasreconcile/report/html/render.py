"""The page itself: one file, whose script and style are named by their digest in its policy, and whose data is JSON."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from rasreconcile.report import water
from rasreconcile.report.html import charts
from rasreconcile.report.html.study_page import (
    PlanDetails,
    StudyPage,
    failures,
    most_changed,
    reasons,
)
from rasreconcile.report.results import Row
from rasreconcile.report.text import length, many, stamp
from rasreconcile.runs import Run

FIRST_ROWS = 100
"""Of the table, which are there without a script too."""
_MOST_NAMED = 40
_MOST_LINES = 20
"""Of a table of causes."""
_ALWAYS = 2
COLUMNS = (
    ("plan", "text"),
    ("state", "text"),
    ("max WS", "number"),
    ("higher by", "number"),
    ("lower by", "number"),
    ("run time", "length"),
    ("worker", "text"),
    ("cost", "number"),
    ("published", "text"),
    ("note", "text"),
)


def rendered(page: StudyPage) -> str:
    """The whole file."""
    style, script = _asset("page.css"), _asset("page.js")
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    every = [_cells(row) for row in page.rows]
    # Plan and state are there whatever is known; a column that says nothing of any plan is not.
    told = [n for n in range(len(COLUMNS)) if n < _ALWAYS or any(row[n] is not None for row in every)]
    columns, rows = [COLUMNS[n] for n in told], [[row[n] for n in told] for row in every]
    pairs = _pairs(page.runs)
    worth = [money for row in page.rows if (money := row.cost) is not None]
    return environment.get_template("page.html").render(
        page=page,
        title=f"{page.name}: {page.health}",
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:",
        style=style,
        script=script,
        data=_columns(columns, rows),
        columns=columns,
        first_rows=rows[:FIRST_ROWS],
        stamp=stamp,
        length=length,
        many=many,
        named=_named,
        timeline=charts.timeline(page.runs, page.at),
        running=charts.running(page.runs, page.at),
        durations=charts.durations(pairs),
        failures=failures(page.rows, page.runs),
        reasons=reasons(page.rows),
        changed=[(address, water.shortly(change)) for address, change in most_changed(page.rows)],
        details=[_details(one) for one in page.details],
        core_hours=_few(page.spent / timedelta(hours=1)),
        most=_MOST_LINES,
        cost=sum(worth) if worth else None,
        off=_off(pairs),
        slug=_slug,
    )


def _asset(name: str) -> str:
    return (files("rasreconcile.report.html") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _cells(row: Row) -> list[Any]:
    """As of COLUMNS; None: not known."""
    shown, published = row.shown, row.published
    change = published.water if published and published.water and published.water.compared else None
    seconds = row.took.total_seconds() if row.took is not None else shown.run_seconds if shown else None
    return [
        str(row.verdict.address),
        row.state,
        _rounded(shown.max_water_surface if shown else None),
        _rounded(change.rise if change else None),
        _rounded(change.fall if change else None),
        None if seconds is None else round(seconds, 1),
        published.worker if published else None,
        _rounded(row.cost),
        published.at.astimezone().strftime("%Y-%m-%d %H:%M") if published else None,
        (row.note or (row.verdict.told or ("",))[0])[:200] or None,
    ]


def _few(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:,.0f}"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)


def _columns(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> str:
    """Each column once, its texts as numbers of a list where they repeat; nothing in it ends the script."""
    found = []
    for n, (name, kind) in enumerate(columns):
        values: list[Any] = [row[n] for row in rows]
        column: dict[str, Any] = {"name": name, "kind": kind}
        words = sorted({value for value in values if isinstance(value, str)})
        if kind == "text" and len(words) * 2 < len(values):
            places = {word: place for place, word in enumerate(words)}
            column["words"] = words
            values = [None if value is None else places[value] for value in values]
        column["values"] = values
        found.append(column)
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def _pairs(runs: Sequence[Run]) -> list[tuple[float, float]]:
    return [
        (run.predicted.total_seconds(), (run.ended - run.started).total_seconds())
        for run in runs
        if run.predicted and run.started and run.ended and run.state == "succeeded"
    ]


def _off(pairs: Sequence[tuple[float, float]]) -> str:
    """How far expectations were from what came, in the median."""
    errors = sorted(abs(took - expected) / expected for expected, took in pairs if expected > 0)
    return f"{100 * errors[len(errors) // 2]:.0f} %" if errors else ""


def _named(addresses: Sequence[str]) -> str:
    more = len(addresses) - _MOST_NAMED
    return ", ".join(addresses[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _details(one: PlanDetails) -> dict[str, Any]:
    return {
        "plan": one,
        "pictures": [(p.name, charts.profile(p, one.unit)) for p in one.profiles],
        "runs": [_run(run) for run in one.runs],
    }


def _run(run: Run) -> tuple[str, ...]:
    took = length(run.ended - run.started) if run.started and run.ended else ""
    return (
        stamp(run.created),
        str(run.state),
        run.worker,
        took,
        length(run.predicted) if run.predicted else "",
        str(run.failure.trouble) if run.failure else "",
    )


def _slug(address: str) -> str:
    """An anchor: letters and digits only, the same for the same plan."""
    return "p" + hashlib.sha256(address.encode()).hexdigest()[:12]
