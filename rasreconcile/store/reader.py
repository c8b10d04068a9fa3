"""Reading a store beside a controller, with sqlite3 alone: what `status`, `history` and `explain` need."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from rasreconcile.errors import StoreError
from rasreconcile.store import lock
from rasreconcile.store.applies import Applies
from rasreconcile.store.caches import Caches
from rasreconcile.store.disk import refuse_other_kinds
from rasreconcile.store.events import Events
from rasreconcile.store.lock import Controller
from rasreconcile.store.outputs import Outputs
from rasreconcile.store.progress import RunProgress
from rasreconcile.store.requests import Requests
from rasreconcile.store.runs import Runs
from rasreconcile.store.schema import APPLICATION_ID, MIGRATIONS, steps_from
from rasreconcile.store.sqlite_errors import damaged, explained, translated, understood
from rasreconcile.store.tables import Tables
from rasreconcile.store.texts import Texts
from rasreconcile.store.verdicts import Verdicts

_BUSY_SECONDS = 10.0


def require_store(path: Path) -> None:
    """Raises StoreError where there is none: what only looks after a store must not make one."""
    if not path.exists():
        raise StoreError(f"{path}: there is no store yet", "`apply` creates it")


class Reader:
    """A read-only view, in the parts of the store. Raises StoreError where there is none, or none that can be read."""

    def __init__(self, path: Path, connection: sqlite3.Connection | None = None) -> None:
        self._path = path
        self._tables = tables = Tables(path, connection or _opened(path))
        self.applies = Applies(tables)
        self.runs = Runs(tables)
        self.outputs = Outputs(tables)
        self.requests = Requests(tables)
        self.verdicts = Verdicts(tables)
        self.progress = RunProgress(tables)
        self.caches = Caches(tables)
        self.texts = Texts(tables)
        self.events = Events(tables)

    def controller(self) -> Controller | None:
        """Who works on the store now; None where nobody holds its lock."""
        if not lock.is_held(self._path):
            return None
        with understood(self._path):
            return lock.last_holder(self._tables.connection)

    def close(self) -> None:
        self._tables.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and (told := explained(self._path, error)):
            raise told from error


def _opened(path: Path) -> sqlite3.Connection:
    refuse_other_kinds(path)
    require_store(path)
    with translated(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    try:
        return _of_today(path, connection)
    except BaseException:
        connection.close()
        raise


def _of_today(path: Path, connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, or one to a copy in today's form. Raises StoreError where it is no store that can be read."""
    with translated(path):
        connection.row_factory = sqlite3.Row
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application in {0, APPLICATION_ID} and version == 0 and lock.is_held(path):
        raise StoreError(f"{path}: a controller is just creating it", "try again in a moment")
    if application != APPLICATION_ID or version == 0:
        raise StoreError(f"{path} is not a store of rasreconcile, or is empty", "`apply` creates it")
    if version > len(MIGRATIONS):
        raise StoreError(f"{path} was written by a newer rasreconcile", "upgrade this one")
    if version < 0:
        raise damaged(path, f"its version is {version}")
    if version < len(MIGRATIONS):
        with translated(path):
            return _brought_up(connection)
    return connection


Missing = Literal["refuse", "empty"]
"""What a store is taken for that does not exist yet."""


def opened(path: Path, missing: Missing = "refuse") -> Reader:
    """A reader of the store at `path`. Raises StoreError, also where there is none, if that is refused."""
    return empty_store(path) if missing == "empty" and not path.exists() else Reader(path)


def empty_store(path: Path) -> Reader:
    """What a store that does not exist yet would answer: nothing, and of the right kind."""
    return Reader(path, _migrated(_in_memory()))


def _in_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    return connection


def _brought_up(old: sqlite3.Connection) -> sqlite3.Connection:
    """A copy in memory of a store that no `apply` of today has opened yet, in today's form."""
    copy = _in_memory()
    try:
        old.backup(copy)
        migrated = _migrated(copy)
    except BaseException:
        copy.close()
        raise
    old.close()
    return migrated


def _migrated(copy: sqlite3.Connection) -> sqlite3.Connection:
    # Of the copy: a controller may bring the store up while it is copied.
    version = copy.execute("PRAGMA user_version").fetchone()[0]
    for statements in steps_from(version):
        for statement in statements:
            copy.execute(statement)
    return copy
