"""Reading a store beside a controller, with sqlite3 alone: what `status`, `history` and `explain` need."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from rasreconcile.errors import StoreError
from rasreconcile.store import lock, rows
from rasreconcile.store.queries import Queries
from rasreconcile.store.schema import APPLICATION_ID, MIGRATIONS, steps_from
from rasreconcile.store.sqlite_errors import explained

_BUSY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Controller:
    """The process that works on the store."""

    pid: int
    host: str
    since: datetime


def require_store(path: Path) -> None:
    """Raises StoreError where there is none: what only looks after a store must not make one."""
    if not path.exists():
        raise StoreError(f"{path}: there is no store yet; `apply` makes it")


class Reader(Queries):
    """A read-only view. Raises StoreError where there is no store, or none that can be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        require_store(path)
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS
            )
            self._connection.row_factory = sqlite3.Row
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise explained(path, error) or error from error
        if application in {0, APPLICATION_ID} and version == 0 and lock.is_held(path):
            raise StoreError(f"{path}: a controller is just making it; look again in a moment")
        if application != APPLICATION_ID or version == 0:
            raise StoreError(f"{path} is no store of rasreconcile, or an empty one; `apply` makes it")
        if version > len(MIGRATIONS):
            raise StoreError(f"{path} was written by a newer rasreconcile; upgrade this one")
        if version < len(MIGRATIONS):
            self._connection = _brought_up(path, self._connection)

    def controller(self) -> Controller | None:
        """Who works on the store now; None where nobody holds its lock."""
        if not lock.is_held(self._path):
            return None
        row = self._one("SELECT * FROM controller")
        return None if row is None else Controller(row["pid"], row["host"], rows.certain(row["since"]))

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and (told := explained(self._path, error)):
            raise told from error


def _brought_up(path: Path, old: sqlite3.Connection) -> sqlite3.Connection:
    """A copy in memory of a store that no `apply` of today has opened yet, in today's form."""
    copy = sqlite3.connect(":memory:")
    copy.row_factory = sqlite3.Row
    try:
        old.backup(copy)
    except sqlite3.DatabaseError as error:
        raise explained(path, error) or error from error
    finally:
        old.close()
    # Of the copy: a controller may bring the store up while it is copied.
    version = copy.execute("PRAGMA user_version").fetchone()[0]
    for statements in steps_from(version):
        for statement in statements:
            copy.execute(statement)
    return copy
