"""One dataset over the results of a study."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from rasreconcile.api.tables import Values
from rasreconcile.errors import ResultError
from rasreconcile.report.results import Row
from rasreconcile.results import reader_pool


def values_of(rows: Sequence[Row], dataset: str) -> Values:
    """In long form. Raises ResultError where no result has the dataset, or two have it in other layouts."""
    columns: dict[str, list[Any]] = {}
    left_out: list[str] = []
    lacking: ResultError | None = None
    for one in rows:
        if one.published is None or not one.published.path.exists():
            left_out.append(one.verdict.address)
            continue
        path = one.published.path
        parts = reader_pool.rows(path, dataset)
        try:
            first = next(parts, None)
        except ResultError as error:
            lacking = error
            left_out.append(one.verdict.address)
            continue
        for index, values in chain([first] if first else [], parts):
            more = {"plan": [str(one.verdict.address)] * len(values), **index, "value": values}
            if columns and list(columns) != list(more):
                names = f"{', '.join(more)} instead of {', '.join(columns)}"
                raise ResultError(f"{path}: {dataset} has a different layout ({names})", "collect it alone")
            for name, column in more.items():
                columns.setdefault(name, []).extend(column)
    if not columns and lacking is not None:
        raise lacking
    return Values(columns, f"left out: {', '.join(left_out)}" if left_out else "")
