"""What an error of SQLite means for a person: damaged, locked, full, not to be written. Never one for another."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rasreconcile.errors import StoreError
from rasreconcile.store import lock

_HERE_OR_ELSEWHERE = "make the folder writable, or set `state:` to another place"


def damaged(path: Path, error: Exception | str) -> StoreError:
    """The one word for a store that cannot be read."""
    return StoreError(
        f"{path}: the store is damaged ({error}); put a backup in its place, or move it away:"
        " the next `apply` recalls what the receipts beside the results prove"
    )


def explained(path: Path, error: sqlite3.DatabaseError) -> StoreError | None:
    """What to tell; None: a bug of ours, which is no fault of the store.

    Source: https://www.sqlite.org/rescode.html
    """
    match getattr(error, "sqlite_errorname", "").split("_")[1:2]:
        case ["BUSY" | "LOCKED"]:
            return StoreError(f"{path}: {_who_writes(path)}")
        case ["FULL"]:
            return StoreError(f"{path}: the disk is full; free some room and apply again")
        case ["READONLY" | "CANTOPEN" | "PERM" | "AUTH"]:
            return StoreError(f"{path}: {error}; {_HERE_OR_ELSEWHERE}")
        case ["IOERR"]:
            return StoreError(f"{path}: {error}; look at the disk: is it full, unplugged or failing?")
        case ["CORRUPT" | "NOTADB"]:
            return damaged(path, error)
        case _ if isinstance(error, sqlite3.OperationalError):
            # A statement that does not fit its tables: they are not those this version made.
            return damaged(path, error)
        case _:
            return None


def _who_writes(path: Path) -> str:
    # Who it is stands in the store, which cannot be read now.
    if lock.is_held(path):
        return (
            "its controller is in the middle of a write and does not go on; if it is stopped or its machine"
            " sleeps, wake it (`kill -CONT`), else look again"
        )
    return "another program is in the middle of a write and does not go on; close whatever has the store open"
