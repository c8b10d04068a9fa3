"""A survey of a store: what it holds, and whether it is well. Read with sqlite3 alone, also beside a controller."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rasreconcile.errors import StoreError
from rasreconcile.store import rows
from rasreconcile.store.backup import copy_whole
from rasreconcile.store.lock import Controller
from rasreconcile.store.reader import Reader
from rasreconcile.store.schema import MIGRATIONS
from rasreconcile.store.sqlite_errors import understood

_COUNTS: Mapping[str, str] = {
    "plans with a result": "SELECT count(*) FROM output WHERE current = 1",
    "results replaced since": "SELECT count(*) FROM output WHERE current = 0",
    "texts": "SELECT count(*) FROM text",
    "logs": "SELECT count(*) FROM run_log",
    "events": "SELECT count(*) FROM event",
    "files in the stat cache": "SELECT count(*) FROM digest",
    "open requests": "SELECT count(*) FROM request WHERE closed IS NULL",
}


@dataclass(frozen=True, slots=True)
class PastApply:
    """One apply, as it was written down; `ended` is None where it was killed, or goes on."""

    began: datetime
    ended: datetime | None
    by: str
    commit: str | None
    spec: Path
    outcome: str | None
    exit_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What `state show` tells."""

    path: Path
    size: int
    version: int
    newest_version: int
    sqlite: str
    journal: str
    faults: tuple[str, ...]
    """What the integrity check found; empty: sound."""
    counts: Mapping[str, int]
    runs: Mapping[str, int]
    """By state."""
    applies: tuple[PastApply, ...]
    """The latest, newest first."""
    controller: Controller | None


def survey(path: Path) -> Survey:
    """Raises StoreError where it cannot even be opened."""
    with Surveyor(path) as reader:
        return reader.survey()


def backup(path: Path, to: Path) -> None:
    """A copy of the store at `path` as of now, safe while a controller works. Raises StoreError, UsageError."""
    if to.resolve() == path.resolve():
        raise StoreError(f"{to} is the store itself", "name another file")
    with Surveyor(path) as reader:
        reader.copy(to)


class Surveyor(Reader):
    """A reader that looks at the whole."""

    def copy(self, to: Path) -> None:
        """Raises StoreError, UsageError."""
        copy_whole(self._tables.connection, to)

    def survey(self) -> Survey:
        with understood(self._path):
            return self._surveyed()

    def _surveyed(self) -> Survey:
        return Survey(
            path=self._path,
            size=self._path.stat().st_size,
            version=self._number("PRAGMA user_version"),
            newest_version=len(MIGRATIONS),
            sqlite=sqlite3.sqlite_version,
            journal="WAL" if self._mode() == "wal" else "rollback",
            faults=self._faults(),
            counts={what: self._number(query) for what, query in _COUNTS.items()},
            runs={
                row[0]: row[1]
                for row in self._tables.all("SELECT state, count(*) FROM run GROUP BY state ORDER BY 1")
            },
            applies=tuple(
                _apply(row) for row in self._tables.all("SELECT * FROM apply ORDER BY id DESC LIMIT 5")
            ),
            controller=self.controller(),
        )

    def _mode(self) -> str:
        return str(self._tables.connection.execute("PRAGMA journal_mode").fetchone()[0])

    def _faults(self) -> tuple[str, ...]:
        found = [row[0] for row in self._tables.all("PRAGMA integrity_check(10)") if row[0] != "ok"]
        broken = self._tables.all("PRAGMA foreign_key_check")
        return (
            *found,
            *(f"a row of {row[0]} refers to a row of {row[2]} that is not there" for row in broken[:10]),
        )

    def _number(self, query: str) -> int:
        return int(self._tables.connection.execute(query).fetchone()[0])


def _apply(row: sqlite3.Row) -> PastApply:
    return PastApply(
        began=rows.certain(row["began"]),
        ended=rows.time(row["ended"]),
        by=row["asked_by"],
        commit=row["git_commit"],
        spec=Path(row["spec_path"]),
        outcome=row["outcome"],
        exit_code=row["exit_code"],
    )
