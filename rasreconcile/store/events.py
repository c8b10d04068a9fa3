"""Events: everything that happened, in one stream that the screen shows and the store keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.records import Event
from rasreconcile.store import rows
from rasreconcile.store.tables import Tables, WritableTables, question


@dataclass(frozen=True, slots=True)
class Events:
    """A part of a store."""

    tables: Tables

    @question
    def latest(self, *, limit: int = 50, address: Address | None = None) -> tuple[Event, ...]:
        """The latest, oldest first."""
        where, values = ("WHERE address = ?", [address]) if address is not None else ("", [])
        query = f"SELECT * FROM event {where} ORDER BY id DESC LIMIT ?"
        return tuple(rows.event(row) for row in reversed(self.tables.all(query, *values, limit)))


@dataclass(frozen=True, slots=True)
class WritableEvents(Events):
    """The same for the controller."""

    tables: WritableTables
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    """Each hears every event, in order, once it is on disk."""

    def add(
        self, at: datetime, kind: str, message: str, address: Address | None = None, run: RunId | None = None
    ) -> None:
        """In the transaction of what it tells of, if there is one."""
        event = Event(at=at, kind=kind, address=address, run=run, message=message)
        with self.tables.atomic():
            self.tables.insert("event", rows.event_values(event))
            self.tables.once_on_disk(lambda: self._heard(event))

    def _heard(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
