"""Faults of workers, from the runs that they lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rasreconcile.failures import FailureCause
from rasreconcile.runs import Run, named

LOST_SINCE_GOOD = """
SELECT * FROM run WHERE state = 'lost' AND ended >= ? AND NOT EXISTS (
    SELECT 1 FROM run AS later WHERE later.worker = run.worker AND later.state IN ('succeeded', 'failed')
        AND (later.ended > run.ended OR (later.ended = run.ended AND later.rowid > run.rowid))
) ORDER BY ended, rowid
"""
"""Runs that workers lost and whose worker brought none to its end since; the value to give is from when on."""


def faults_by_worker(lost: Iterable[Run], since: datetime) -> Mapping[str, tuple[tuple[datetime, str], ...]]:
    """When and what, oldest first. Of runs that were begun before `since` nothing is held against a worker."""
    by_worker: dict[str, list[Run]] = {}
    for run in lost:
        if run.failure and run.failure.cause is not FailureCause.RESTARTED and run.created >= since:
            by_worker.setdefault(run.worker, []).append(run)
    return {worker: tuple(_faults(runs)) for worker, runs in by_worker.items()}


def _faults(lost: Sequence[Run]) -> Iterator[tuple[datetime, str]]:
    """Of runs in the order in which they were lost: each that was begun after the last fault is a new one."""
    together: list[Run] = []
    for run in lost:
        if together and together[0].ended and run.created > together[0].ended:
            yield _fault(together)
            together = []
        together.append(run)
    if together:
        yield _fault(together)


def _fault(together: Sequence[Run]) -> tuple[datetime, str]:
    last = together[-1]
    message = str(last.failure.trouble) if last.failure else ""
    if len(together) > 1:
        message = f"{len(together)} runs at once ({named(run.address for run in together)}): {message}"
    return last.ended or last.created, message
