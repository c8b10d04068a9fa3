"""The tables of a store over one connection, for its parts. sqlite3 alone, nothing heavy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from rasreconcile.plans import Address
from rasreconcile.store.by_plan import ByPlan, Reading, Said
from rasreconcile.store.sqlite_errors import understood

LIVE = "state IN ('starting', 'running', 'publishing')"
"""SQL: of a run that has not ended."""

Values = Mapping[str, Any]


@dataclass(slots=True)
class Tables:
    """Rows as they are."""

    path: Path
    connection: sqlite3.Connection

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        return self.connection.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.connection.execute(query, values).fetchone()
        return row

    def by_plan(self, read: Reading[Said]) -> Mapping[Address, Said]:
        """What `read`, a method of a part, finds of every plan."""
        return read(None)


@dataclass(slots=True)
class WritableTables(Tables):
    """The same for the one controller that holds the lock."""

    begin: Callable[[], AbstractContextManager[object]]
    """A transaction, or a savepoint inside one."""
    _depth: int = 0
    _undone: int = 0
    _kept: dict[str, ByPlan[Any]] = field(default_factory=dict)
    """By the name of the reading."""
    _once_on_disk: list[Callable[[], None]] = field(default_factory=list)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """What is written inside is one transaction, and on disk when the outermost ends."""
        before = len(self._once_on_disk)
        self._depth += 1
        try:
            with self.begin():
                yield
        except BaseException:
            # What was not written is not told either.
            self._undone += 1
            del self._once_on_disk[before:]
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            calls, self._once_on_disk[:] = tuple(self._once_on_disk), ()
            for call in calls:
                call()

    def by_plan(self, read: Reading[Said]) -> Mapping[Address, Said]:
        """The same, of which only plans that were written about are read again."""
        name = getattr(read, "__qualname__", "")
        if name not in self._kept:
            self._kept[name] = ByPlan(read)
        found: Mapping[Address, Said] = self._kept[name].said(self.as_of())
        return found

    def written(self, address: Address) -> None:
        """Rows of the plan were: whoever writes them says so, in the same transaction."""
        for kept in self._kept.values():
            kept.written(address)

    def as_of(self) -> tuple[int, int]:
        """Differs once something was written by another connection, or was undone here."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0]), self._undone

    def once_on_disk(self, call: Callable[[], None]) -> None:
        """Inside a transaction: called when the outermost is on disk; never, where it is undone."""
        self._once_on_disk.append(call)

    def execute(self, statement: str, *values: object) -> None:
        self.connection.execute(statement, values)

    def insert(self, table: str, values: Values) -> int:
        """The number of the new row."""
        cursor = self.connection.execute(_insert("INSERT", table, values), list(values.values()))
        return int(cursor.lastrowid or 0)

    def insert_all(self, table: str, found: Iterable[Values]) -> None:
        self._write_all("INSERT", table, found)

    def replace_all(self, table: str, found: Iterable[Values]) -> None:
        """Each takes the place of the row with its key."""
        self._write_all("INSERT OR REPLACE", table, found)

    def update(self, table: str, key: str | int, values: Values) -> None:
        """The row whose `id` is `key`."""
        changes = ", ".join(f"{name} = ?" for name in values)
        self.execute(f"UPDATE {table} SET {changes} WHERE id = ?", *values.values(), key)

    def _write_all(self, how: str, table: str, found: Iterable[Values]) -> None:
        rows = list(found)
        if rows:
            self.connection.executemany(_insert(how, table, rows[0]), [list(row.values()) for row in rows])


def _insert(how: str, table: str, values: Values) -> str:
    return f"{how} INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' for _ in values)})"


class Part(Protocol):
    """A part of a store: questions about some of its tables, and for the controller what is written there."""

    @property
    def tables(self) -> Tables: ...


Asking = TypeVar("Asking", bound=Part)
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def question(
    method: Callable[Concatenate[Asking, Asked], Answer],
) -> Callable[Concatenate[Asking, Asked], Answer]:
    """Of a method of a part: what its rows say is believed only where it can be so. Raises StoreError."""

    @wraps(method)
    def asked(part: Asking, /, *given: Asked.args, **named: Asked.kwargs) -> Answer:
        with understood(part.tables.path):
            return method(part, *given, **named)

    return asked
