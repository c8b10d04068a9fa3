"""`results --dataset`: one dataset of the HDFs of all plans, in long form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from rasreconcile.errors import ResultError
from rasreconcile.facts import NO_DATA
from rasreconcile.plans import Address
from rasreconcile.report.results import Row
from rasreconcile.results import reader_pool

Part = dict[str, Sequence[Any]]
"""Columns of one length, by name."""
LeftOut = Callable[[Address, str], None]
"""Is told each plan that has no such values, and why."""


def long_form(rows: Sequence[Row], place: str, left_out: LeftOut) -> Iterator[Part]:
    """Its values in parts: columns `plan`, what each value is of, `value`.

    A plan without a result, or whose result lacks the dataset, is left out. Raises ResultError where all are, and where
    two have it in different layouts.
    """
    heads: list[str] | None = None
    lacking: ResultError | None = None
    for row in rows:
        if row.published is None or row.state in {"missing", "unreadable"}:
            why = row.note if row.state == "unreadable" else "has no result"
            left_out(row.verdict.address, why)
            continue
        parts = reader_pool.rows(row.published.path, place)
        try:
            first = next(parts, None)
        except ResultError as error:
            left_out(row.verdict.address, str(error))
            lacking = error
            continue
        for index, values in chain([first] if first else [], parts):
            heads = heads if heads is not None else list(index)
            if list(index) != heads:
                names = f"{', '.join(index)} instead of {', '.join(heads)}"
                raise ResultError(
                    f"{row.published.path}: {place} has a different layout ({names})", "collect it alone"
                )
            yield {"plan": [str(row.verdict.address)] * len(values), **index, "value": values}
    if heads is None and lacking is not None:
        raise lacking


def reduced(rows: Sequence[Row], place: str, stat: str, left_out: LeftOut) -> Iterator[Part]:
    """One value a plan, `stat` being `max`, `min` or `mean`: over what is finite and no -9999, which stands for dry."""
    totals: dict[str, list[float]] = {}
    for part in long_form(rows, place, left_out):
        kept = [value for value in part["value"] if math.isfinite(value) and value > NO_DATA]
        if kept:
            low, high, total, count = totals.get(part["plan"][0], [math.inf, -math.inf, 0.0, 0.0])
            totals[part["plan"][0]] = [
                min(low, *kept),
                max(high, *kept),
                total + math.fsum(kept),
                count + len(kept),
            ]
        elif part["plan"]:
            totals.setdefault(part["plan"][0], [math.nan, math.nan, 0.0, math.nan])
    place_of = {"min": 0, "max": 1}
    values = [t[2] / t[3] if stat == "mean" else t[place_of[stat]] for t in totals.values()]
    yield {"plan": list(totals), stat: values}
