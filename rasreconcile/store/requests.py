"""Filing a request: any process may, whoever holds the lock."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from rasreconcile.plans import Address
from rasreconcile.records import Request, RequestKind
from rasreconcile.store.database import open_database
from rasreconcile.store.sqlite_errors import explained


def file_request(path: Path, kind: RequestKind, address: Address, *, by: str, now: datetime) -> Request:
    """Writes a request into a store that a controller may hold. Raises StoreError."""
    values = {"kind": kind, "address": address, "at": now.isoformat(), "asked_by": by}
    database = open_database(path)
    try:
        with database.atomic():
            newest = database.conn.execute("SELECT id FROM run ORDER BY rowid DESC LIMIT 1").fetchone()
            database.table("request").insert({**values, "after_run": newest[0] if newest else None})
            number = database.conn.execute("SELECT last_insert_rowid()").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise explained(path, error) or error from error
    finally:
        database.conn.close()
    return Request(id=int(number), kind=kind, address=address, at=now, by=by)
