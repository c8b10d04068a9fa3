"""Files that others wrote: regular ones only, opened without waiting for anybody, and read up to a bound."""

from __future__ import annotations

import errno
import os
import stat
import sys
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

LARGEST_TEXT = 256 << 20
"""Bytes of a text of HEC-RAS: what is larger is another kind of file."""
LARGEST_SMALL = 4 << 20
"""Bytes of a secret, a key, a list of hosts or a file of settings."""
LARGEST = 1 << 40
"""Bytes of any input or result. A sparse file may claim more, and would be read for months."""

KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
    stat.S_IFREG: "a file",
}

_PART = 1 << 20
_MADE_UP = ("/proc/", "/sys/")
"""Where Linux shows files that are on no disk: some never end, some wait, some do something when they are read."""


class NotPlain(OSError):
    """What is there is no regular file, or larger than it can be; `strerror` says so."""


def opened(path: Path, *, at_most: int = LARGEST, unbuffered: bool = False) -> BinaryIO:
    """For reading. What was looked at is what is opened: a name may mean something else a moment later.

    Raises OSError as `open` does, NotPlain for a pipe, a socket, a device, a file of /proc or /sys, and for more than
    `at_most` bytes.
    """
    refuse_special(path, os.stat(path))  # noqa: PTH116  before it is opened: some devices act on that alone
    flags = os.O_RDONLY | _flag("O_CLOEXEC") | _flag("O_NONBLOCK") | _flag("O_NOCTTY") | _flag("O_BINARY")
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        refuse_special(path, found)
        _refuse_made_up(path, descriptor)
        if found.st_size > at_most:
            raise _too_large(path, at_most)
        if unbuffered:
            raw: Any = FileIO(descriptor, "rb")
            return raw  # type: ignore[no-any-return]
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def whole(path: Path, at_most: int = LARGEST_TEXT) -> bytes:
    """All of it. Raises as `opened` does, and NotPlain where more comes than its size says."""
    parts, left = [], at_most
    with opened(path, at_most=at_most) as file:
        # Part by part: Python would make room for all that may come.
        while part := file.read(_PART):
            left -= len(part)
            if left < 0:
                raise _too_large(path, at_most)
            parts.append(part)
    return b"".join(parts)


def head(path: Path, size: int) -> bytes:
    """Its first bytes, at most `size`. Raises as `opened` does."""
    with opened(path) as file:
        return file.read(size)


def refuse_special(path: Path | str, found: os.stat_result) -> None:
    """Also for a file that a library opens by its name. Raises NotPlain, IsADirectoryError."""
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if kind != stat.S_IFREG:
        what = f"is not a regular file but {KINDS.get(kind, 'a special file')}"
        raise NotPlain(errno.EINVAL, what, os.fspath(path))


def _refuse_made_up(path: Path, descriptor: int) -> None:
    if sys.platform != "linux":
        return
    try:
        really = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115  once for each file that is read
    except OSError:
        # Without /proc there are no files in it.
        return
    if really.startswith(_MADE_UP):
        what = f"is not a file on a disk: the system makes up what is in /{really.split('/')[1]}"
        raise NotPlain(errno.EINVAL, what, os.fspath(path))


def _too_large(path: Path, at_most: int) -> NotPlain:
    what = f"is larger than {at_most >> 20} MiB; check that this is the right file"
    return NotPlain(errno.EFBIG, what, os.fspath(path))


def _flag(name: str) -> int:
    """Not every system has each."""
    found: int = getattr(os, name, 0)
    return found
