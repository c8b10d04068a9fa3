"""One dataset over the results of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasreconcile.api.tables import Values
from rasreconcile.operations.dataset import long_form
from rasreconcile.plans import Address
from rasreconcile.report.results import Row


def values_of(rows: Sequence[Row], dataset: str) -> Values:
    """In long form. Raises ResultError where no result has the dataset, or two have it in other layouts."""
    columns: dict[str, list[Any]] = {}
    left_out: list[Address] = []
    for part in long_form(rows, dataset, lambda plan, why: left_out.append(plan)):
        for name, column in part.items():
            columns.setdefault(name, []).extend(column)
    return Values(columns, f"left out: {', '.join(left_out)}" if left_out else "")
