"""Requests of people: any process may file one, whoever holds the lock; the controller answers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.records import Request, RequestKind
from rasreconcile.store import rows
from rasreconcile.store.sqlite_errors import translated
from rasreconcile.store.tables import Tables, WritableTables, question


@dataclass(frozen=True, slots=True)
class Requests:
    """A part of a store."""

    tables: Tables

    @question
    def open(self) -> tuple[Request, ...]:
        """Those that were not answered yet, oldest first."""
        query = "SELECT * FROM request WHERE closed IS NULL ORDER BY id"
        return tuple(rows.request(row) for row in self.tables.all(query))

    @question
    def is_after(self, run: RunId, request: int) -> bool:
        """Whether the run was started after the request was filed."""
        query = (
            "SELECT coalesce((SELECT rowid FROM run WHERE id = ?) > newest.rowid, 1)"
            " FROM request LEFT JOIN run AS newest ON newest.id = request.after_run WHERE request.id = ?"
        )
        row = self.tables.one(query, run, request)
        return row is not None and bool(row[0])


@dataclass(frozen=True, slots=True)
class WritableRequests(Requests):
    """The same for the controller."""

    tables: WritableTables

    def close(self, request: int, *, now: datetime, outcome: str) -> None:
        with self.tables.atomic():
            self.tables.update("request", request, {"closed": now.isoformat(), "outcome": outcome})


def file_request(path: Path, kind: RequestKind, address: Address, *, by: str, now: datetime) -> Request:
    """Writes a request into a store that a controller may hold. Raises StoreError."""
    # A reader does without it: it is a third of a second of import.
    from rasreconcile.store.database import open_database  # noqa: PLC0415

    values = {"kind": kind, "address": address, "at": now.isoformat(), "asked_by": by}
    tables = open_database(path)
    try:
        with translated(path), tables.atomic():
            newest = tables.one("SELECT id FROM run ORDER BY rowid DESC LIMIT 1")
            number = tables.insert("request", {**values, "after_run": newest[0] if newest else None})
    finally:
        tables.connection.close()
    return Request(id=number, kind=kind, address=address, at=now, by=by)
