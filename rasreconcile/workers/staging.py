"""Staging on this machine: what was hashed is what runs, and what is shared is copied once."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from rasreconcile.errors import InputChanged
from rasreconcile.jobs import Staged

_CHUNK = 1 << 20
_UNTOUCHED_NS = 1_000_000_000
"""The time every cached file is given: a job that wrote to one through a link gave it another."""
_FICLONE = 0x40049409


def stage(staged: Staged, cache: Path, target: Path) -> None:
    """Puts the input at `target`. Raises InputChanged where its bytes are no longer those that were hashed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if staged.writable == "own copy":
        copy_checked(staged.source, target, staged.digest)
        return
    _link(cached(staged, cache), target)


def cached(staged: Staged, cache: Path) -> Path:
    """The input in the cache, put there where it is not. Two that do so at once do not disturb each other."""
    place = cache / staged.digest[:2] / staged.digest
    if _intact(place, staged.size):
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{staged.digest}.{secrets.token_hex(6)}.part")
    try:
        copy_checked(staged.source, part, staged.digest)
        part.chmod(0o444)
        os.utime(part, ns=(_UNTOUCHED_NS, _UNTOUCHED_NS))
        part.replace(place)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return place


def copy_checked(source: Path, target: Path, digest: str) -> int:
    """Copies and hashes in one read; returns the size. Raises InputChanged, leaving nothing behind."""
    whole, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as read, target.open("wb") as write:
            while chunk := read.read(_CHUNK):
                write.write(chunk)
                whole.update(chunk)
                size += len(chunk)
    except FileNotFoundError as error:
        target.unlink(missing_ok=True)
        raise InputChanged(f"{source} is no longer there; it is looked at again") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    if whole.hexdigest() != digest:
        target.unlink(missing_ok=True)
        raise InputChanged(f"{source} is no longer what was hashed; it is looked at again")
    return size


def _intact(place: Path, size: int) -> bool:
    try:
        found = place.stat()
    except FileNotFoundError:
        return False
    if found.st_size == size and found.st_mtime_ns == _UNTOUCHED_NS:
        return True
    with suppress(FileNotFoundError):
        place.unlink()
    return False


def _link(source: Path, target: Path) -> None:
    """A reflink where the file system can, else a hard link, else a copy."""
    if sys.platform == "linux" and _reflinked(source, target):
        return
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOTSUP}:
            raise
        shutil.copyfile(source, target)


def _reflinked(source: Path, target: Path) -> bool:
    import fcntl  # noqa: PLC0415  not on Windows

    with source.open("rb") as read, target.open("wb") as write:
        try:
            fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
        except OSError:
            # Most file systems cannot: then nothing was written, and the next way is tried.
            pass
        else:
            return True
    target.unlink()
    return False
