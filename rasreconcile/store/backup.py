"""Copying a store: whole as of one moment, checked, and in its place in one step."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from rasreconcile import held_files
from rasreconcile.errors import StoreError, UsageError
from rasreconcile.plain_files import head
from rasreconcile.store.schema import APPLICATION_ID


def copy_whole(source: sqlite3.Connection, to: Path) -> None:
    """Also while a controller writes. An older backup at `to` is replaced once the new one is proven.

    Raises UsageError where something else stands there, StoreError where it cannot be written.
    """
    _refuse_other_files(to)
    aside = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        os.close(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        target = sqlite3.connect(aside)
        try:
            source.backup(target)
            found = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            target.close()
        if found != "ok":
            first = str(found).splitlines()[-1]
            raise StoreError(f"{to}: the store is damaged ({first})", "no backup was made")
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        held_files.replace(aside, to)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{to}: no backup was made: {error}", "name a place that can be written") from error
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


def _refuse_other_files(to: Path) -> None:
    if not to.exists():
        return
    first = head(to, 72)
    # The application id of an SQLite file stands at byte 68.
    if not first.startswith(b"SQLite format 3\0") or int.from_bytes(first[68:72], "big") != APPLICATION_ID:
        raise UsageError(f"{to} exists and is not a backup of a store", "name another file")
