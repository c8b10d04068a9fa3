"""Results of a study: what the store knows of each, and what its file says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

from rasreconcile.api.tables import Values
from rasreconcile.errors import ResultError
from rasreconcile.facts import HdfFacts
from rasreconcile.plans import is_preparation
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import Published
from rasreconcile.results import reader_pool
from rasreconcile.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of one plan's result."""

    verdict: LastVerdict
    published: Published | None
    took: timedelta | None

    @property
    def there(self) -> Published | None:
        """None where there is no file."""
        return self.published if self.published and self.published.path.exists() else None

    def facts(self) -> HdfFacts | str:
        """What the file says, or why that is not known."""
        if self.there is None:
            return "removed since" if self.published else ""
        try:
            return reader_pool.read(self.there.path)
        except ResultError as error:
            return str(error)


def known_of(store: Reader) -> list[Known]:
    """Of every plan that was looked at, or has a result, in the order of the spec."""
    published = {a: p for a, p in store.outputs.published().items() if not is_preparation(a)}
    verdicts = [v for v in store.verdicts.latest() if not is_preparation(v.address)]
    looked_at = {v.address for v in verdicts}
    verdicts += [_not_looked_at(p) for a, p in published.items() if a not in looked_at]
    return [Known(v, published.get(v.address), _took(store, published.get(v.address))) for v in verdicts]


def values_of(known: Sequence[Known], dataset: str) -> Values:
    """In long form. Raises ResultError where no result has the dataset, or two have it in other layouts."""
    columns: dict[str, list[Any]] = {}
    left_out: list[str] = []
    lacking: ResultError | None = None
    for one in known:
        if one.there is None:
            left_out.append(one.verdict.address)
            continue
        parts = reader_pool.rows(one.there.path, dataset)
        try:
            first = next(parts, None)
        except ResultError as error:
            lacking = error
            left_out.append(one.verdict.address)
            continue
        for index, values in chain([first] if first else [], parts):
            rows = {"plan": [str(one.verdict.address)] * len(values), **index, "value": values}
            if columns and list(columns) != list(rows):
                names = f"{', '.join(rows)} instead of {', '.join(columns)}"
                raise ResultError(
                    f"{one.there.path}: {dataset} has a different layout ({names})", "collect it alone"
                )
            for name, column in rows.items():
                columns.setdefault(name, []).extend(column)
    if not columns and lacking is not None:
        raise lacking
    return Values(columns, f"left out: {', '.join(left_out)}" if left_out else "")


def _took(store: Reader, published: Published | None) -> timedelta | None:
    run = store.runs.find(published.run) if published else None
    return run.ended - run.started if run and run.ended and run.started else None


def _not_looked_at(published: Published) -> LastVerdict:
    """Of a result that was adopted, or rebuilt from its receipt, since the last apply."""
    return LastVerdict(
        address=published.address,
        sync="unknown",
        phase="idle",
        reasons=(),
        next_at=None,
        output=published.path,
        at=published.at,
    )
