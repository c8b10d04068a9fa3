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
    lacking: dict[Address, ResultError] = {}
    """Not yet told: where no plan has it, that is told once."""
    for row in rows:
        if row.published is None or row.state in {"missing", "unreadable"}:
            why = row.note if row.state == "unreadable" else "has no result"
            left_out(row.verdict.address, why)
            continue
        parts = reader_pool.rows(row.published.path, place)
        try:
            first = next(parts, None)
        except ResultError as error:
            lacking[row.verdict.address] = error
            continue
        _tell(lacking, left_out)
        for index, values in chain([first] if first else [], parts):
            heads = heads if heads is not None else list(index)
            if list(index) != heads:
                names = f"{', '.join(index)} instead of {', '.join(heads)}"
                raise ResultError(
                    f"{row.published.path}: {place} has a different layout ({names})", "collect it alone"
                )
            yield {"plan": [str(row.verdict.address)] * len(values), **index, "value": values}
    if heads is None and lacking:
        raise _first_of_its_kind(lacking, rows, left_out)
    _tell(lacking, left_out)


def _tell(lacking: dict[Address, ResultError], left_out: LeftOut) -> None:
    while lacking:
        address = next(iter(lacking))
        left_out(address, str(lacking.pop(address)))


def _first_of_its_kind(
    lacking: dict[Address, ResultError], rows: Sequence[Row], left_out: LeftOut
) -> ResultError:
    """The first, which speaks for all that differ by their file only; the others are told."""
    paths = {row.verdict.address: str(row.published.path) for row in rows if row.published}
    kinds = {address: str(error).replace(paths[address], "") for address, error in lacking.items()}
    first = next(iter(lacking))
    alike = [address for address in lacking if kinds[address] == kinds[first]]
    _tell({address: error for address, error in lacking.items() if address not in alike}, left_out)
    trouble, others = lacking[first].trouble, len(alike) - 1
    more = f" (and {others} more {'result' if others == 1 else 'results'} alike)" if others else ""
    return ResultError(f"{trouble.what}{more}", trouble.remedy)


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
