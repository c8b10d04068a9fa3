"""What an error of SQLite means for a person: damaged, locked, full, not to be written. Never one for another."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasreconcile.errors import StoreError
from rasreconcile.store import lock
from rasreconcile.store.disk import FAILING, FULL, HERE_OR_ELSEWHERE, is_full, of_another


def damaged(path: Path, error: Exception | str) -> StoreError:
    """The one word for a store that cannot be read."""
    return StoreError(
        f"{path}: the store is damaged ({error})",
        "restore a backup, or move it away: the next `apply` recalls what the receipts beside "
        "the results prove",
    )


def explained(path: Path, error: sqlite3.DatabaseError) -> StoreError | None:
    """What to tell; None: a bug of ours, which is no fault of the store.

    Source: https://www.sqlite.org/rescode.html
    """
    match getattr(error, "sqlite_errorname", "").split("_")[1:2]:
        case ["BUSY" | "LOCKED"]:
            return StoreError(f"{path}: {_who_writes(path)}")
        case ["FULL"]:
            return StoreError(f"{path}: {FULL}")
        case ["CANTOPEN" | "IOERR"] if is_full(path):
            # No room for its journal, which SQLite tells as an error of opening or of writing it.
            return StoreError(f"{path}: {FULL}")
        case ["READONLY" | "CANTOPEN" | "PERM" | "AUTH"] if told := of_another(path, "read"):
            return told
        case ["READONLY" | "CANTOPEN" | "PERM" | "AUTH"]:
            return StoreError(f"{path}: {error}", HERE_OR_ELSEWHERE)
        case ["IOERR"]:
            return StoreError(f"{path}: {error}", FAILING)
        case ["CORRUPT" | "NOTADB"]:
            return damaged(path, error)
        case _ if isinstance(error, sqlite3.OperationalError):
            # A statement that does not fit its tables: they are not those this version made.
            return damaged(path, error)
        case _:
            return None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raises StoreError for what SQLite says of the store; a bug of ours stays what it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise explained(path, error) or error from error


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """The same, where rows are made into records: no version of ours wrote what cannot be one."""
    try:
        with translated(path):
            yield
    except (ValueError, TypeError, KeyError, OverflowError, zlib.error) as error:
        raise damaged(path, f"a row holds an invalid value: {error}") from error


def _who_writes(path: Path) -> str:
    # Who it is stands in the store, which cannot be read now.
    if lock.is_held(path):
        return (
            "its controller has been stuck in the middle of a write; if it is stopped or its machine is"
            " asleep, wake it (`kill -CONT`), else try again"
        )
    return (
        "another program has been stuck in the middle of a write; close the program that has the store open"
    )
