"""The one-controller lock: held by the operating system, freed by it at death."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rasreconcile.errors import StoreError

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Lock:
    """An exclusive lock on `<store>.lock`. The file stays: removing it would let two in."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        os.close(self._descriptor)


def lock_path(store: Path) -> Path:
    return store.with_name(store.name + ".lock")


def take(store: Path) -> Lock | None:
    """The lock, or None where another process holds it. Children do not inherit it."""
    try:
        descriptor = os.open(lock_path(store), os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise StoreError(f"{lock_path(store)}: {error.strerror}; make the folder writable") from error
    if _try(descriptor):
        return Lock(descriptor)
    os.close(descriptor)
    return None


def is_held(store: Path) -> bool:
    """Whether a controller works on the store now."""
    if not lock_path(store).exists():
        return False
    lock = take(store)
    if lock is None:
        return True
    lock.release()
    return False
