"""Taking the controller's lock, or saying who has it."""

from __future__ import annotations

import time
from pathlib import Path

from rasreconcile.errors import StoreBusy, StoreError
from rasreconcile.store import lock
from rasreconcile.store.reader import Reader

_PATIENCE = 0.5
"""Seconds: a reader that asks whether the lock is held has it for an instant itself."""


def take_lock(path: Path) -> lock.Lock:
    """The lock. Raises StoreBusy, naming the holder."""
    until = time.monotonic() + _PATIENCE
    while True:
        held = lock.take(path)
        if held is not None:
            return held
        if time.monotonic() >= until:
            raise StoreBusy(_who(path))
        time.sleep(0.02)


def _who(path: Path) -> str:
    try:
        with Reader(path) as reader:
            row = reader.controller()
    except StoreError:
        row = None
    if row is None:
        return f"{path}: another controller has just begun; look with `status`"
    return (
        f"{path}: a controller is at work, process {row.pid} on {row.host} since {row.since:%Y-%m-%d %H:%M:%S}Z;"
        " wait for it, or look with `status`"
    )
