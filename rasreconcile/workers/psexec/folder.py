"""A share as a folder of this system: a UNC path on Windows, or where this machine has mounted it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers.psexec.share import Entry

_CHUNK = 1 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}
_HELD = {32, 33}
"""ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION: somebody else has it open just now."""
_WRONG_LOGIN = {86, 1219, 1326, 1327, 1331}


class FolderShare:
    """Implements `Share`."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    def entry(self, name: str) -> Entry | None:
        with self._answering():
            try:
                found = (self._folder / name).lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        # A junction is a reparse point too, and no symbolic link to Python.
        attributes = getattr(found, "st_file_attributes", 0)
        if stat.S_ISLNK(found.st_mode) or attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT:
            return Entry(0, "link")
        return Entry(found.st_size, "folder" if stat.S_ISDIR(found.st_mode) else "file")

    def read(self, name: str, offset: int = 0, limit: int = 1 << 26) -> bytes | None:
        with self._answering():
            try:
                with (self._folder / name).open("rb") as file:
                    file.seek(offset)
                    return file.read(limit)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

    def parts(self, name: str, offset: int) -> Iterator[bytes]:
        with self._answering(), (self._folder / name).open("rb") as file:
            file.seek(offset)
            yield from iter(lambda: file.read(_CHUNK), b"")

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        place = self._folder / name
        aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
        try:
            self.append(aside.relative_to(self._folder).as_posix(), 0, parts)
            with self._answering():
                aside.replace(place)
        finally:
            with suppress(OSError):
                aside.unlink()

    def append(self, name: str, offset: int, parts: Iterable[bytes]) -> None:
        place = self._folder / name
        with self._answering():
            place.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(place, flags, 0o600), "wb") as file:
                file.seek(offset)
                for part in parts:
                    file.write(part)

    def names(self, folder: str) -> tuple[str, ...]:
        with self._answering():
            try:
                return tuple(entry.name for entry in os.scandir(self._folder / folder))
            except (FileNotFoundError, NotADirectoryError):
                return ()

    def rename(self, name: str, new: str) -> None:
        with self._answering():
            if (self._folder / new).exists():
                raise FileExistsError(errno.EEXIST, "it is there", new)
            (self._folder / name).rename(self._folder / new)

    def remove(self, name: str) -> None:
        with self._answering():
            (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing to give back."""

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, FileExistsError):
            raise
        except OSError as error:
            said = f"{self._name}: {error.filename or self._folder}: {error.strerror or error}"
            code = getattr(error, "winerror", None)
            if error.errno in _NO_ROOM:
                raise Refused(
                    f"{said}: No space left on device", "free some space for worker_folder"
                ) from error
            if code in _WRONG_LOGIN:
                raise Refused(said, f"run `net use {self._folder} /user:DOMAIN\\USER *` once") from error
            if error.errno in _NO_RIGHT and code not in _HELD:
                raise Refused(
                    said, "allow this user to change files in the share, and in the folder"
                ) from error
            raise Unreachable(said, "it will be retried") from error
