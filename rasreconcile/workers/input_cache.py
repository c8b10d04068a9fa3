"""Staging on this machine: what was hashed is what runs, and what is shared is copied once."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from rasreconcile.errors import InputChanged
from rasreconcile.hashed_copy import CHUNK, hashed_copy
from rasreconcile.held_files import is_held, when_let_go
from rasreconcile.jobs import Staged
from rasreconcile.plain_files import opened

_UNTOUCHED_NS = 1_000_000_000
"""The time every cached file is given: a job that wrote to one through a link gave it another."""
_ABANDONED_SECONDS = 3600.0
"""A part nobody has written to for so long belongs to a process that died."""
_FICLONE = 0x40049409
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}

_NO_LINKS_WINDOWS = {1, 17, 50, 1142}
"""WinError: the file system has none, another drive, not supported, too many."""


def stage(staged: Staged, cache: Path, folder: Path) -> None:
    """Puts the input into the folder, which must be there: raises FileNotFoundError where it is not, or was removed.

    Raises InputChanged where the input's bytes are no longer those that were hashed.
    """
    target = folder / staged.name
    _make_folders(folder, target.parent)
    if staged.writable == "own copy":
        copy_checked(staged, target)
        return
    try:
        _link(cached(staged, cache), target)
    except FileNotFoundError:
        # Somebody emptied the cache between the two: this run gets a copy of its own.
        copy_checked(staged, target)


def _make_folders(folder: Path, wanted: Path) -> None:
    """The folders from `folder` to `wanted`, never `folder` itself: whoever removed it is done with it."""
    if wanted == folder:
        return
    _make_folders(folder, wanted.parent)
    # Not by Path.mkdir(exist_ok=True), which asks again whether it is there, and fails where it was removed meanwhile.
    with suppress(FileExistsError):
        os.mkdir(wanted, 0o700)  # noqa: PTH102


def cached(staged: Staged, cache: Path) -> Path:
    """The input in the cache, put there where it is not. Two that do so at once do not disturb each other."""
    place = cache / staged.digest[:2] / staged.digest
    if _is_intact(place, staged.size):
        if sys.platform == "win32":
            # No link changes a time of its own accord there, and reading mostly none: by this one the cache is trimmed.
            os.utime(place, ns=(time.time_ns(), _UNTOUCHED_NS))
        return place
    for folder in (cache.parent, cache, place.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(place)
    part = place.with_name(f".{staged.digest}.{secrets.token_hex(6)}.part")
    try:
        # Flushed, because from now on it is believed for its name.
        copy_checked(staged, part, durably=True)
        if sys.platform != "win32":
            # Windows has the mark with every link, and removes none that has it.
            part.chmod(0o400)
        os.utime(part, ns=(_UNTOUCHED_NS, _UNTOUCHED_NS))
        _take_its_place(part, place, staged.size)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return place


def open_private(path: Path) -> BinaryIO:
    """For writing, made anew or cut short; for its owner alone whatever the umask."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def copy_checked(staged: Staged, target: Path, *, durably: bool = False) -> None:
    """Copies and hashes in one read. Raises InputChanged, leaving nothing behind."""
    with reading(staged) as read:
        try:
            with open_private(target) as write:
                _, digest = hashed_copy(read, write)
                if durably:
                    write.flush()
                    os.fsync(write.fileno())
            if digest != staged.digest:
                raise changed(staged)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def changed(staged: Staged) -> InputChanged:
    """Its bytes are no longer those that were hashed."""
    return InputChanged(f"{staged.source} changed after it was hashed", "it will be hashed again")


@contextmanager
def reading(staged: Staged) -> Iterator[Callable[[], bytes]]:
    """Gives the input part by part, empty at its end. Raises InputChanged where it cannot be read any more."""
    try:
        file = opened(staged.source, unbuffered=True)
    except OSError as error:
        raise _changed(staged.source, error) from error
    left = staged.size + 1

    def read() -> bytes:
        nonlocal left
        part = _read(file.fileno(), staged.source)
        left -= len(part)
        if left <= 0:
            # As it grows it could be copied until the disk is full.
            raise changed(staged)
        return part

    with file:
        yield read


def _read(file: int, source: Path) -> bytes:
    try:
        return os.read(file, CHUNK)
    except OSError as error:
        raise _changed(source, error) from error


def _changed(source: Path, error: OSError) -> Exception:
    if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
        # That says something of this process, nothing of the file.
        return error
    return InputChanged(
        f"{source}: {error.strerror}; it was readable when it was hashed", "it will be checked again"
    )


def _take_its_place(part: Path, place: Path, size: int) -> None:
    try:
        when_let_go(partial(part.replace, place))
    except PermissionError as error:
        # Somebody reads the same file, which another has put there meanwhile.
        if not is_held(error) or not _is_intact(place, size):
            raise
        part.unlink()


def _is_intact(place: Path, size: int) -> bool:
    try:
        found = place.stat()
    except FileNotFoundError:
        return False
    return found.st_size == size and found.st_mtime_ns == _UNTOUCHED_NS


def _sweep(place: Path) -> None:
    """Removes parts of this file that somebody left who died while making them."""
    for part in place.parent.glob(f".{place.name}.*.part"):
        try:
            # The time of change, which nobody can set: a part that is nearly done has a feigned mtime.
            if time.time() - part.stat().st_ctime > _ABANDONED_SECONDS:
                part.unlink()
        except FileNotFoundError:
            continue
        except PermissionError as error:
            # On Windows: somebody still writes to it.
            if not is_held(error):
                raise


def _link(source: Path, target: Path) -> None:
    """A reflink where the file system can, else a hard link, else a copy."""
    if _is_reflinked(source, target):
        return
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_LINKS and getattr(error, "winerror", None) not in _NO_LINKS_WINDOWS:
            raise
        with source.open("rb") as read, open_private(target) as write:
            shutil.copyfileobj(read, write)


if sys.platform == "linux":
    import fcntl

    def _is_reflinked(source: Path, target: Path) -> bool:
        with source.open("rb") as read, open_private(target) as write:
            try:
                fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
            except OSError:
                # Most file systems cannot: then nothing was written, and the next way is tried.
                pass
            else:
                return True
        target.unlink()
        return False

else:

    def _is_reflinked(source: Path, target: Path) -> bool:
        return False
