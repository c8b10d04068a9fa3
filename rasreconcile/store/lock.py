"""The one-controller lock: held by the operating system, freed by it at death; and who holds it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rasreconcile.errors import StoreBusy
from rasreconcile.file_locks import try_lock
from rasreconcile.store.disk import file_mode, of_another, refused

_PATIENCE = 0.5
"""Seconds: a reader that asks whether the lock is held has it for an instant itself."""
_BUSY_SECONDS = 10.0


class Lock:
    """An exclusive lock on `<store>.lock`. The file stays: removing it would let two in."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class Controller:
    """The process that works on the store."""

    pid: int
    host: str
    since: datetime


def lock_path(store: Path) -> Path:
    return store.with_name(store.name + ".lock")


def take(store: Path) -> Lock | None:
    """The lock, or None where another process holds it. Children do not inherit it."""
    try:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(lock_path(store), flags, file_mode(store.parent))
    except OSError as error:
        raise refused(lock_path(store), error) from error
    if try_lock(descriptor):
        return Lock(descriptor)
    os.close(descriptor)
    return None


def is_held(store: Path) -> bool:
    """Whether a controller works on the store now. Reading is all that this needs."""
    if not lock_path(store).exists():
        return False
    try:
        descriptor = os.open(lock_path(store), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise of_another(lock_path(store), "read") or refused(lock_path(store), error) from error
    free = try_lock(descriptor)
    os.close(descriptor)
    return not free


def take_lock(path: Path) -> Lock:
    """The lock. Raises StoreBusy, naming the holder."""
    until = time.monotonic() + _PATIENCE
    while True:
        held = take(path)
        if held is not None:
            return held
        if time.monotonic() >= until:
            raise StoreBusy(_who(path))
        time.sleep(0.02)


def last_holder(connection: sqlite3.Connection) -> Controller | None:
    """Who took the lock of this store last; None: nobody yet."""
    row = connection.execute("SELECT pid, host, since FROM controller").fetchone()
    return None if row is None else Controller(row[0], row[1], datetime.fromisoformat(row[2]))


def _who(path: Path) -> str:
    try:
        place = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, timeout=_BUSY_SECONDS)) as connection:
            holder = last_holder(connection) if is_held(path) else None
    except (sqlite3.Error, ValueError, TypeError):
        # It is just being made, or cannot be read: whoever holds it will say so.
        holder = None
    if holder is None:
        return f"{path}: another controller has just started; see `status`"
    return (
        f"{path}: a controller is running, process {holder.pid} on {holder.host} since"
        f" {holder.since:%Y-%m-%d %H:%M:%S}Z; wait for it, or see `status`"
    )
