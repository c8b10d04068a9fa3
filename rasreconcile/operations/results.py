"""`results`: what is known of each plan's result, from what was noted when it was proven, else from its HDF."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rasreconcile.errors import ResultError
from rasreconcile.named_plans import NamedPlans
from rasreconcile.plans import Address, is_preparation
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import FileStat, Hashed, Published, ResultSummary
from rasreconcile.report.costs import NO_PRICES, Prices, core_hours
from rasreconcile.report.results import Row
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.store.reader import Missing, Reader

Depth = Literal["state", "noted", "read"]
"""Of the HDF a row says nothing; what was noted, as long as the file is what it was; or what it says now."""


def result_rows(
    state: Path,
    named: NamedPlans,
    depth: Depth,
    *,
    missing: Missing = "refuse",
    prices: Prices = NO_PRICES,
) -> list[Row]:
    """One for each of these plans. Never reads the project. What cannot be read is a row that says so.

    `state`: the store's file. Raises UsageError, StoreError.
    """
    from rasreconcile.store.reader import opened  # noqa: PLC0415  so that --help is quick

    with opened(state, missing) as store:
        return _rows(store, named, depth, prices)


def published_hdf(state: Path, address: Address) -> Path | None:
    """The result of a plan; None where none was published, or it is gone. Raises StoreError."""
    from rasreconcile.store.reader import opened  # noqa: PLC0415  as above

    with opened(state, "empty") as store:
        published = store.outputs.published().get(address)
    return published.path if published is not None and published.path.exists() else None


def _rows(store: Reader, named: NamedPlans, depth: Depth, prices: Prices) -> list[Row]:
    published = {a: p for a, p in store.outputs.published().items() if not is_preparation(a)}
    verdicts = [v for v in store.verdicts.latest() if not is_preparation(v.address)]
    looked_at = {verdict.address for verdict in verdicts}
    verdicts += [_not_looked_at(p) for p in published.values() if p.address not in looked_at]
    wanted = set(named.pick(verdict.address for verdict in verdicts))
    runs = {p.run: store.runs.find(p.run) for p in published.values() if p.address in wanted}
    checked = store.caches.hashed_outputs()
    rows = [
        _row(verdict, published.get(verdict.address), runs, checked, depth)
        for verdict in verdicts
        if verdict.address in wanted
    ]
    return [_priced(row, runs, prices) for row in rows]


def _priced(row: Row, runs: Mapping[Any, Run | None], prices: Prices) -> Row:
    """With what the run of its result took and cost, where that worker has a price."""
    run = runs.get(row.published.run) if row.published else None
    if run is None or row.took is None or run.worker not in prices:
        return row
    spent = core_hours(run.cores, row.took)
    return replace(row, core_hours=spent, cost=spent * prices[run.worker])


def _not_looked_at(published: Published) -> LastVerdict:
    """Of a result that was adopted, or rebuilt from its receipt, since the last `apply`."""
    return LastVerdict(
        address=published.address,
        sync="unknown",
        phase="idle",
        reasons=(),
        next_at=None,
        output=published.path,
        at=published.at,
    )


def _row(
    verdict: LastVerdict,
    published: Published | None,
    runs: Mapping[Any, Run | None],
    checked: Mapping[Path, Hashed],
    depth: Depth,
) -> Row:
    state = verdict.sync if verdict.phase == "idle" else f"{verdict.sync}, {verdict.phase}"
    if published is None:
        return Row(verdict=verdict, state=state, note=(verdict.told or ("",))[-1])
    run = runs.get(published.run)
    took = run.ended - run.started if run and run.ended and run.started else None
    took = None if took is None else max(took, timedelta())

    def row(state: str, note: str = "", shown: ResultSummary | None = None) -> Row:
        expected = run.predicted if run else None
        return Row(
            verdict=verdict,
            state=state,
            published=published,
            took=took,
            predicted=expected,
            note=note,
            shown=shown,
        )

    try:
        now = published.path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return row("missing", "removed since")
    except OSError as error:
        return row("unreadable", f"{published.path}: {error.strerror or error}")
    if not stat.S_ISREG(now.st_mode):
        return row("unreadable", f"{published.path} is not a file")
    last = checked.get(published.path)
    if depth == "state":
        return row(state)
    if depth == "noted" and published.shown and _is_as_published(published, last, FileStat.of(now)):
        return row(state, shown=published.shown)
    try:
        shown = _read(published.path)
    except (ResultError, OSError) as error:
        return row("unreadable", str(error))
    if last is not None and _was_written(last.stat, FileStat.of(now)):
        return row("unknown", "its file was written since it was last checked; `apply` checks it", shown)
    return row(state, shown=shown)


def _is_as_published(published: Published, last: Hashed | None, now: FileStat) -> bool:
    """Whether the file is the one that was proven: by its stat, as the stat cache has it."""
    if last is None or last.raw != published.digest:
        return False
    return last.stat == now and last.stat.is_trusted(last.hashed_ns)


def _was_written(last: FileStat, now: FileStat) -> bool:
    """Of a backup, or a change of rights, other times tell."""
    return (last.size, last.mtime_ns) != (now.size, now.mtime_ns)


def _read(path: Path) -> ResultSummary:
    from rasreconcile.results import reader_pool  # noqa: PLC0415  a reader process is for files that are read
    from rasreconcile.studies.evidence import shown  # noqa: PLC0415  as above

    facts = reader_pool.read(path)
    if facts.unreadable:
        more = f" and {len(facts.unreadable) - 1} more" if len(facts.unreadable) > 1 else ""
        raise ResultError(f"{path}: {facts.unreadable[0]}{more} cannot be read", "compute it again")
    return shown(facts)
