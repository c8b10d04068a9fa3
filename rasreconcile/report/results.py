"""Results as one row a plan: as values, and as a table that fits the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rasreconcile.facts import HdfFacts
from rasreconcile.hecras_messages import warnings
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import Published
from rasreconcile.report.text import length, table
from rasreconcile.report.values import utc

COLUMNS = (
    "plan",
    "state",
    "max_water_surface",
    "max_depth",
    "unit",
    "volume_error_percent",
    "run_seconds",
    "worker",
    "profiles",
    "areas",
    "warnings",
    "version",
    "simulation_start",
    "simulation_end",
    "provenance",
    "published",
    "note",
)
"""Of every format, in this order; the first ones are shown where the terminal is narrow."""
_HEADS = {
    "max_water_surface": "max WS",
    "max_depth": "max depth",
    "volume_error_percent": "volume error",
    "run_seconds": "run time",
    "simulation_start": "from",
    "simulation_end": "to",
}
_HUNDRED_A_D = 1000
"""Steady results of 6.3 say that their simulation is of the year 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known of one plan's result. None: not published, or not readable."""

    verdict: LastVerdict
    state: str
    published: Published | None = None
    facts: HdfFacts | None = None
    took: timedelta | None = None
    note: str = ""


def values(row: Row) -> dict[str, Any]:
    """One row for programs: numbers as numbers, times as ISO 8601, None where nothing is known."""
    facts, published = row.facts, row.published
    surface = facts.water_surface if facts else None
    start = facts.simulation_start if facts else None
    end = facts.simulation_end if facts else None
    known = start is not None and start.year >= _HUNDRED_A_D
    warned = warnings(facts.messages or "") if facts else ()
    return {
        "plan": str(row.verdict.address),
        "state": row.state,
        "max_water_surface": surface.maximum if surface else None,
        "max_depth": facts.maximum_depth if facts else None,
        "unit": unit(facts) if facts else None,
        "volume_error_percent": facts.volume_error_percent if facts else None,
        "run_seconds": row.took.total_seconds() if row.took is not None else None,
        "worker": published.worker if published else None,
        "profiles": len(facts.profiles) if facts and facts.profiles else None,
        "areas": len(facts.areas) if facts and facts.areas else None,
        "warnings": len(warned) or None,
        "version": facts.file_version if facts else None,
        "simulation_start": start.isoformat() if start and known else None,
        "simulation_end": end.isoformat() if end and known else None,
        "provenance": published.provenance if published else None,
        "published": utc(published.at) if published else None,
        "note": row.note or (warned[0] if warned else None),
    }


def unit(facts: HdfFacts) -> str | None:
    """Of lengths; None where the file does not say."""
    return {"SI": "m", "US": "ft"}.get((facts.units_system or "")[:2])


def lines(rows: Sequence[Row], width: int) -> list[str]:
    """A table of at most `width` columns of the terminal; what does not fit is left out and named."""
    if not rows:
        return ["no plan has been checked yet; run `apply`"]
    cells = [{name: _cell(name, value) for name, value in values(row).items()} for row in rows]
    told = [name for name in COLUMNS if any(row[name] for row in cells)]
    shown = list(told)
    while len(shown) > 1 and max(map(len, _table(cells, shown))) > width:
        shown.pop()
    left_out = [name for name in told if name not in shown]
    more = [f"(left out: {', '.join(left_out)}; `--format csv` has them)"] if left_out else []
    return [
        *(line if len(line) <= width else f"{line[: width - 1]}…" for line in _table(cells, shown)),
        *more,
    ]


def _table(cells: Sequence[dict[str, str]], shown: Sequence[str]) -> list[str]:
    heads = [_HEADS.get(name, name) for name in shown]
    return table([heads, *([row[name] or "-" for name in shown] for row in cells)])


def _cell(name: str, value: Any) -> str:
    match name, value:
        case _, None:
            return ""
        case "run_seconds", float(seconds):
            return length(timedelta(seconds=seconds))
        case "volume_error_percent", float(percent):
            return f"{percent:.3f} %"
        case (("max_water_surface" | "max_depth"), float(number)):
            return f"{number:.2f}"
        case (("simulation_start" | "simulation_end" | "published"), str(text)):
            return text[:16].replace("T", " ")
        case _:
            return str(value)
