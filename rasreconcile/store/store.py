"""The store: what was intended, what was proven, and everything that happened in between."""

from __future__ import annotations

import os
import socket
import sqlite3
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal

from rasreconcile.store.applies import WritableApplies
from rasreconcile.store.backup import copy_whole
from rasreconcile.store.caches import WritableCaches
from rasreconcile.store.database import open_database, refuse_bad_place
from rasreconcile.store.disk import refuse_other_kinds, refused
from rasreconcile.store.events import WritableEvents
from rasreconcile.store.lock import Lock, take_lock
from rasreconcile.store.outputs import WritableOutputs
from rasreconcile.store.progress import WritableRunProgress
from rasreconcile.store.requests import WritableRequests
from rasreconcile.store.retention import Forgotten, forget
from rasreconcile.store.runs import WritableRuns
from rasreconcile.store.sqlite_errors import explained, translated
from rasreconcile.store.tables import WritableTables
from rasreconcile.store.texts import WritableTexts
from rasreconcile.store.verdicts import WritableVerdicts


class Store:
    """Held by one controller at a time. Every method of a part that writes is one transaction, on disk when it returns.

    A `Reader` has the same parts, for reading.
    """

    def __init__(self, tables: WritableTables, held: Lock) -> None:
        self._tables = tables
        self._lock = held
        self.events = WritableEvents(tables)
        self.texts = WritableTexts(tables)
        self.applies = WritableApplies(tables, self.events)
        self.runs = WritableRuns(tables, self.events, self.texts)
        self.outputs = WritableOutputs(tables, self.events, self.texts, self.runs)
        self.requests = WritableRequests(tables)
        self.verdicts = WritableVerdicts(tables)
        self.progress = WritableRunProgress(tables)
        self.caches = WritableCaches(tables)

    @classmethod
    def open(cls, path: Path, *, now: datetime) -> Store:
        """Takes the lock and migrates. Raises StoreBusy where a controller is at work, StoreError otherwise."""
        refuse_bad_place(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(path.parent, error) from error
        refuse_other_kinds(path)
        held, tables = take_lock(path), None
        try:
            tables = open_database(path)
            with translated(path), tables.atomic():
                values = {
                    "only": 1,
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                    "since": now.isoformat(),
                }
                tables.replace_all("controller", [values])
        except BaseException:
            if tables is not None:
                tables.connection.close()
            held.release()
            raise
        return cls(tables, held)

    def close(self) -> None:
        """Frees the lock."""
        self._tables.connection.close()
        self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and (told := explained(self._tables.path, error)):
            raise told from error

    def at_once(self) -> AbstractContextManager[None]:
        """What is written inside is one transaction, and flushed once."""
        return self._tables.atomic()

    def backup(self, to: Path) -> None:
        """A copy as of now, whole even while runs go on."""
        copy_whole(self._tables.connection, to)

    def forget(self, before: datetime, *, how: Literal["remove", "count"] = "remove") -> Forgotten:
        """What no current result and no run since `before` refers to; the runs themselves stay in `history`."""
        return forget(self._tables.connection, before, how=how)
