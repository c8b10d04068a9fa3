"""The files of a store on their disk: whether they are files at all, and what an error of the file system means."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import sys
from pathlib import Path
from typing import Literal

from rasreconcile.account import name_of
from rasreconcile.errors import StoreError

COMPANIONS = ("-journal", "-wal", "-shm")
"""Files that belong to a database and to no other: they move with it."""
HERE_OR_ELSEWHERE = "make the folder writable, or set `state:` to another place"
MOVE = "move it away, or set `state:` to another place"
_PAGE = 1 << 16
FULL = "the disk is full; free some space and apply again"
FAILING = "the disk may be failing or unplugged: see what `dmesg` says of it"


def refuse_other_kinds(path: Path) -> None:
    """Raises StoreError where the store, or a file that SQLite keeps beside it, is not a file: a pipe is waited for."""
    for place in (path, *(path.with_name(path.name + end) for end in (*COMPANIONS, ".lock"))):
        try:
            mode = place.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise refused(place, error) from error
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "not a plain file"
            raise StoreError(f"{place} is {kind}", MOVE)


def file_mode(folder: Path) -> int:
    """For a new file of the store: for its owner only, and for the group where the folder is its own (setgid)."""
    return 0o660 if folder.stat().st_mode & stat.S_ISGID else 0o600


def owner_of(path: Path) -> str | None:
    """Whose store it is; None where it is ours, or cannot be told."""
    if sys.platform == "win32":
        return None
    try:
        uid = path.stat().st_uid
    except OSError:
        return None
    return name_of(uid) if uid != os.geteuid() else None


def name_of_store(path: Path) -> str:
    """By which runs say whose they are: the machine, and where the store is on it."""
    return f"{socket.gethostname()}:{os.path.realpath(path)}"


def is_lost(name: str) -> bool:
    """Whether the store of this name was on this machine and is there no more."""
    host, _, path = name.partition(":")
    try:
        return host == socket.gethostname() and path.startswith("/") and not Path(path).exists()
    except OSError:
        # A job may write any name down; of one that no file can have nothing is known.
        return False


def is_shared(path: Path) -> bool:
    """Whether others may write to the store, or it is another's."""
    return owner_of(path) is not None or bool(path.stat().st_mode & stat.S_IWGRP)


def of_another(path: Path, what: Literal["read", "write"]) -> StoreError | None:
    """Where it is because of whose the file is that we may not; None: that is not the reason."""
    owner = owner_of(path)
    if (
        sys.platform == "win32"
        or owner is None
        or os.access(path, os.R_OK if what == "read" else os.R_OK | os.W_OK)
    ):
        return None
    return StoreError(
        f"{path}: it belongs to {owner}, and {name_of(os.geteuid())} may not {what} it",
        f"have {owner} run `chmod g+rw {path}*` in a folder of a group that both are in, or set `state:` to a "
        "place of your own",
    )


def refused(path: Path, error: OSError) -> StoreError:
    """What the file system said, and what to do."""
    if error.errno in {errno.EACCES, errno.EPERM} and (told := of_another(path, "write")):
        return told
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StoreError(f"{path}: {FULL}")
        case errno.EIO:
            return StoreError(f"{path}: {error.strerror}", FAILING)
        case errno.EEXIST | errno.ENOTDIR:
            return StoreError(f"{path} is not a folder", MOVE)
        case errno.ELOOP:
            return StoreError(f"{path}: {error.strerror}", MOVE)
        case _:
            return StoreError(f"{path}: {error.strerror or error}", HERE_OR_ELSEWHERE)


def is_full(path: Path) -> bool:
    """Whether there is no room for another page beside the store, or for another file."""
    try:
        if sys.platform == "win32":
            return shutil.disk_usage(path.parent).free < _PAGE
        found = os.statvfs(path.parent)
    except OSError:
        # It cannot be told; then what SQLite said stands.
        return False
    return bool(found.f_bavail * found.f_frsize < _PAGE or (found.f_files > 0 and found.f_favail == 0))
