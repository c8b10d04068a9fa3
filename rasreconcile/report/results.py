"""Results as one row a plan: as values, and as a table that fits the terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import Published, ResultSummary
from rasreconcile.report.text import length, table
from rasreconcile.report.values import utc

PREDICTED = "predicted_seconds"
COLUMNS = (
    "plan",
    "state",
    "max_water_surface",
    "max_depth",
    "unit",
    "volume_error_percent",
    "run_seconds",
    PREDICTED,
    "core_hours",
    "cost",
    "rise",
    "fall",
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
    "hdf",
)
"""Of every format, in this order; the first ones are shown where the terminal is narrow."""
_HDF = "hdf"
_HEADS = {
    "max_water_surface": "max WS",
    "max_depth": "max depth",
    "volume_error_percent": "volume error",
    "run_seconds": "run time",
    PREDICTED: "predicted",
    "core_hours": "core-hours",
    "rise": "higher by",
    "fall": "lower by",
    "simulation_start": "from",
    "simulation_end": "to",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known of one plan's result. None: not published, or not readable."""

    verdict: LastVerdict
    state: str
    published: Published | None = None
    shown: ResultSummary | None = None
    took: timedelta | None = None
    predicted: timedelta | None = None
    """What was expected of it when its run was started."""
    core_hours: float | None = None
    """None: not known, or its worker has no price."""
    cost: float | None = None
    note: str = ""

    @property
    def hdf(self) -> Path:
        """Where its result is, or would be."""
        return self.published.path if self.published else self.verdict.output


def values(row: Row) -> dict[str, Any]:
    """One row for programs: numbers as numbers, times as ISO 8601, None where nothing is known."""
    shown, published = row.shown or ResultSummary(), row.published
    change = published.water if published and published.water and published.water.compared else None
    return {
        "plan": str(row.verdict.address),
        "state": row.state,
        "max_water_surface": shown.max_water_surface,
        "max_depth": shown.max_depth,
        "unit": shown.unit,
        "volume_error_percent": shown.volume_error_percent,
        "run_seconds": row.took.total_seconds() if row.took is not None else shown.run_seconds,
        PREDICTED: row.predicted.total_seconds() if row.predicted is not None else None,
        "core_hours": row.core_hours,
        "cost": row.cost,
        "rise": change.rise if change else None,
        "fall": change.fall if change else None,
        "worker": published.worker if published else None,
        "profiles": shown.profiles,
        "areas": shown.areas,
        "warnings": shown.warnings,
        "version": shown.version,
        "simulation_start": shown.simulation_start,
        "simulation_end": shown.simulation_end,
        "provenance": published.provenance if published else None,
        "published": utc(published.at) if published else None,
        "note": row.note or shown.first_warning,
        "hdf": str(row.hdf),
    }


def lines(rows: Sequence[Row], width: int, folder: Path, *, predicted: bool = False) -> list[str]:
    """A table of at most `width` columns of the terminal; what does not fit is left out and named.

    `predicted`: also how long each run was expected to take, beside how long it took.

    Paths are relative to `folder` and are never left out: where there is no room for them, each stands below its row.
    """
    if not rows:
        return ["no plan has been checked yet; run `apply`"]
    cells = [
        {name: _cell(name, value) for name, value in values(row).items()} | {_HDF: _near(row.hdf, folder)}
        for row in rows
    ]
    wanted = [name for name in COLUMNS if predicted or name != PREDICTED]
    told = [name for name in wanted if any(row[name] for row in cells)]
    if _width(cells, told) <= width:
        return _table(cells, told)
    told.remove(_HDF)
    shown = list(told)
    while len(shown) > 1 and _width(cells, shown) > width:
        shown.pop()
    left_out = [name for name in told if name not in shown]
    more = [f"(left out: {', '.join(left_out)}; `--format csv` has them)"] if left_out else []
    head, *body = (line if len(line) <= width else f"{line[: width - 1]}…" for line in _table(cells, shown))
    below = [line for line, row in zip(body, cells, strict=True) for line in (line, f"    {row[_HDF]}")]
    return [head, *below, *more]


def _width(cells: Sequence[dict[str, str]], shown: Sequence[str]) -> int:
    return max(map(len, _table(cells, shown)))


def _near(path: Path, folder: Path) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        # Two drives of Windows have no way from one to the other.
        return str(path)


def _table(cells: Sequence[dict[str, str]], shown: Sequence[str]) -> list[str]:
    heads = [_HEADS.get(name, name) for name in shown]
    return table([heads, *([row[name] or "-" for name in shown] for row in cells)])


def _cell(name: str, value: Any) -> str:
    match name, value:
        case _, None:
            return ""
        case (("run_seconds" | "predicted_seconds"), float(seconds)):
            return length(timedelta(seconds=seconds))
        case "volume_error_percent", float(percent):
            return f"{percent:.3f} %"
        case (("max_water_surface" | "max_depth" | "core_hours" | "cost" | "rise" | "fall"), float(number)):
            return f"{number:.2f}"
        case (("simulation_start" | "simulation_end" | "published"), str(text)):
            return text[:16].replace("T", " ")
        case _:
            return str(value)
