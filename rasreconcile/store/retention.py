"""Forgetting: what is large and old goes, what explains a present result stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

_KEPT_RUNS = (
    "SELECT id FROM run WHERE created >= :before OR state IN ('starting', 'running', 'publishing')"
    " UNION SELECT run FROM output WHERE current = 1"
)

_OLD: Mapping[str, str] = {
    "events": "DELETE FROM event WHERE at < :before",
    "results replaced since": "DELETE FROM output WHERE current = 0 AND at < :before",
    "logs": f"DELETE FROM run_log WHERE run NOT IN ({_KEPT_RUNS})",
    "inputs of runs": f"DELETE FROM run_input WHERE run NOT IN ({_KEPT_RUNS})",
    "components of runs": f"DELETE FROM run_component WHERE run NOT IN ({_KEPT_RUNS})",
    "texts": "DELETE FROM text WHERE digest NOT IN (SELECT raw FROM run_input)"
    " AND digest NOT IN (SELECT spec_digest FROM apply WHERE began >= :before)"
    " AND digest NOT IN (SELECT spec_digest FROM apply ORDER BY id DESC LIMIT 1)",
}
"""In this order: texts go when the last that named them has gone."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of each sort went, or would go, and the size of the store before and after."""

    rows: Mapping[str, int]
    size_before: int
    size_after: int


def forget(connection: sqlite3.Connection, before: datetime, *, how: Literal["remove", "count"]) -> Forgotten:
    """One transaction; then the file is written anew without its holes."""
    size = _size(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        rows = {
            what: connection.execute(sql, {"before": before.isoformat()}).rowcount
            for what, sql in _OLD.items()
        }
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    if how == "count":
        connection.execute("ROLLBACK")
        return Forgotten(rows, size, size)
    connection.execute("COMMIT")
    connection.execute("VACUUM")
    return Forgotten(rows, size, _size(connection))


def _size(connection: sqlite3.Connection) -> int:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])
