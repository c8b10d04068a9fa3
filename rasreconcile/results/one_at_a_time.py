"""First publications into a folder, one after the other: whoever is later sees whose the place is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasreconcile.errors import PublishHeld
from rasreconcile.file_locks import try_lock

LONGEST = 120.0
"""Seconds to wait for another; what it does under the lock is a rename and a receipt."""
_PAUSE = 0.01


def _opened(folder: Path) -> int | None:
    """None: no folder can be locked (Windows), or this one may be written and not be listed."""
    if sys.platform == "win32":
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        return None


def _is_ours(descriptor: int) -> bool:
    """Also on shares that know no locks, or none of folders."""
    try:
        return try_lock(descriptor)
    except OSError:
        return True


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Nobody else on this machine is within, for this folder; the system ends it with the process.

    Raises PublishHeld where another stays in it, and where the folder cannot be opened.
    """
    try:
        descriptor = _opened(folder)
    except OSError as error:
        raise PublishHeld(
            f"{folder}: {error.strerror or error}", "make it a folder that can be read"
        ) from error
    if descriptor is None:
        yield
        return
    try:
        until = time.monotonic() + LONGEST
        while not _is_ours(descriptor):
            if time.monotonic() > until:
                raise PublishHeld(
                    f"{folder}: another controller is publishing there", "end that one, or wait for it"
                )
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)
