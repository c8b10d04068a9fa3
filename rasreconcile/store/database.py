"""Opening a store file: its place, its identity, its version, its health. The only home of sqlite-utils."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import cast

from rasreconcile.errors import StoreError
from rasreconcile.store.disk import file_mode, refuse_other_kinds, refused
from rasreconcile.store.location import why_not, why_not_on_drive
from rasreconcile.store.schema import APPLICATION_ID, MIGRATIONS, steps_from
from rasreconcile.store.sqlite_errors import damaged, translated
from rasreconcile.store.tables import WritableTables


@contextmanager
def _without(*libraries: str) -> Iterator[None]:
    """Within it, these libraries cannot be imported; those that are already there stay."""
    hidden = [name for name in libraries if name not in sys.modules]
    sys.modules.update(
        dict.fromkeys(hidden, cast(ModuleType, None))
    )  # as Python marks what cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# It imports them where they are installed, to take data frames, which it is never given here: a second of every verb.
with _without("pandas", "numpy"):
    from sqlite_utils import Database

BUSY_SECONDS = 30.0
WAL_IS_SOUND = (3, 51, 3)
"""Before this SQLite a WAL database can be torn in a rare race; the rollback journal is slower and sound.

The journal's file is kept between transactions: making and removing it would flush the folder each time."""


def refuse_bad_place(path: Path) -> None:
    """Raises StoreError where SQLite could not keep its promises."""
    mounts = Path("/proc/self/mountinfo")
    place = Path(os.path.realpath(path))
    why = why_not(place, mounts.read_text() if mounts.exists() else "")
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415  only there

        why = why or why_not_on_drive(place.drive, ctypes.windll.kernel32.GetDriveTypeW(place.anchor))
    if why:
        raise StoreError(f"{path}: {why}", "set `state:` to a folder on a disk of this machine")


def open_database(path: Path) -> WritableTables:
    """Its tables, migrated. Raises StoreError with the remedy; makes the file, for its owner, or his group too."""
    refuse_other_kinds(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, file_mode(path.parent)))
    except OSError as error:
        raise refused(path, error) from error
    with translated(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        with translated(path):
            return _prepared(path, connection)
    except BaseException:
        connection.close()
        raise


def _prepared(path: Path, connection: sqlite3.Connection) -> WritableTables:
    connection.row_factory = sqlite3.Row
    database = Database(connection)
    _check_identity(path, connection)
    wal = sqlite3.sqlite_version_info >= WAL_IS_SOUND
    connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'PERSIST'}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    _migrate(database)
    return WritableTables(path, connection, lambda: _atomic(database))


@contextmanager
def _atomic(database: Database) -> Iterator[None]:
    """A transaction that writes from its first word on, or a savepoint inside one.

    One that began by reading would be refused at once, without any wait, where another process wrote in between: a
    `cancel` while the controller works, or the controller itself.
    """
    if database.conn.in_transaction:
        with database.atomic():
            yield
        return
    database.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.conn.execute("COMMIT")
    except BaseException:
        # Nothing is left of it where the error has ended it already.
        database.rollback()
        raise


def check_readable(path: Path, connection: sqlite3.Connection) -> None:
    """Raises StoreError where the file is no store of ours, or a newer one."""
    with translated(path):
        _check_identity(path, connection)


def _check_identity(path: Path, connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path} is a database of another program", "set `state:` to a file of its own")
    if version < 0:
        raise damaged(path, f"its version is {version}")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer rasreconcile (store version {version}, this one knows "
            f"{len(MIGRATIONS)})",
            "upgrade: pip install --upgrade rasreconcile",
        )
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, str(found).splitlines()[0])


def _migrate(database: Database) -> None:
    while _version(database) < len(MIGRATIONS):
        with _atomic(database):
            # Another process may have done it since it was asked.
            for statement in next(steps_from(_version(database)), ()):
                database.conn.execute(statement)


def _version(database: Database) -> int:
    return int(database.conn.execute("PRAGMA user_version").fetchone()[0])
