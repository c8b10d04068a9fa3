"""One look at the disk: each question is put to it once, whoever asks."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from rasreconcile.errors import ProjectError
from rasreconcile.records import FileStat, Hashed, Mention
from rasreconcile.resolve.contents import Contents
from rasreconcile.resolve.digests import Digests, plain_stat
from rasreconcile.resolve.folder import Folder

Question: TypeAlias = tuple[str, ...]
"""What is asked, and of which path: `("digests", path, kind)`, `("name", folder, name)`..."""
Answer: TypeAlias = Any
"""Plain values that can be compared. A file that is not there is an answer too."""

Found = TypeVar("Found")

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP})
_NOT_THERE_OF_WINDOWS = frozenset({21, 123, 1921})
"""The device is not ready, the name can be none, a link that leads nowhere: as pathlib has them."""


class Look:
    """Files are asked through the caches of digests and contents, whose racy rule decides when to read again; folders,
    links and what is absent are asked of the disk itself, each time anew."""

    def __init__(self, digests: Digests, contents: Contents, seen_from: Path | None = None) -> None:
        """`seen_from`: the spec's folder, for messages."""
        self._digests, self._contents, self._seen_from = digests, contents, seen_from
        self._hashed: dict[tuple[str, str], Hashed | OSError] = {}
        self._said: dict[tuple[str, str], tuple[Mention, ...] | OSError] = {}
        self._stats: dict[str, FileStat] = {}
        self._folders: dict[str, Folder | ProjectError | None] = {}
        self._types: dict[str, str] = {}
        self._there: dict[str, bool] = {}
        self._links: dict[str, bool] = {}
        self._real: dict[str, str] = {}
        self._written: dict[str, int] = {}

    def hashed(self, path: str, kind: str) -> Hashed | OSError:
        """Digests of a file, or why there are none."""
        key = (path, kind)
        if key not in self._hashed:
            try:
                self._hashed[key] = self._digests.of(path, kind, self._stat(path))
            except OSError as error:
                self._hashed[key] = error
        return self._hashed[key]

    def said(self, path: str, kind: str) -> tuple[Mention, ...] | OSError:
        """What a file says about others, or why that is not known."""
        key = (path, kind)
        if key not in self._said:
            try:
                self._said[key] = self._contents.of(path, kind, self._stat(path))
            except OSError as error:
                self._said[key] = error
        return self._said[key]

    def _stat(self, path: str) -> FileStat:
        return _once(self._stats, path, plain_stat)

    def listed(self, path: str) -> Folder | ProjectError | None:
        """The names in a folder; None where there is no such folder, an error where it cannot be read."""
        if path not in self._folders:
            try:
                found = Folder(Path(path), self._seen_from) if self.type_of(path) == "folder" else None
                self._folders[path] = found
            except ProjectError as error:
                self._folders[path] = error
        return self._folders[path]

    def type_of(self, path: str) -> str:
        """`file`, `folder`, `other`, or empty where nothing is; links are followed. Raises OSError."""
        return _once(self._types, path, _type_of)

    def exists(self, path: str) -> bool:
        """Whether anything is there that may be looked at; links are followed."""
        # Path.exists raises for a name that is too long.
        return _once(self._there, path, os.path.exists)

    def is_link(self, path: str) -> bool:
        """Whether it is a symbolic link."""
        return _once(self._links, path, os.path.islink)

    def real(self, path: str) -> str:
        """Without links, as far as there is anything."""
        return _once(self._real, path, os.path.realpath)

    def written_ns(self, path: str) -> int:
        """When the file was last written. Raises OSError."""
        return _once(self._written, path, _written_ns)

    def answer(self, question: Question) -> Answer:
        """The same value for as long as the same is made of it."""
        match question:
            case ("digests", path, kind):
                hashed = self.hashed(path, kind)
                if isinstance(hashed, OSError):
                    return _error(hashed)
                s = hashed.stat
                return (s.size, s.mtime_ns, s.ctime_ns, s.inode, hashed.raw, hashed.semantic)
            case ("contents", path, kind):
                said = self.said(path, kind)
                return _error(said) if isinstance(said, OSError) else said
            case ("name", folder, name):
                there = self.listed(folder)
                return there.alike(name) if isinstance(there, Folder) else str(there)
            case ("names", folder):
                there = self.listed(folder)
                return tuple(there.names) if isinstance(there, Folder) else str(there)
            case ("folder", path):
                there = self.listed(path)
                return isinstance(there, Folder) or str(there)
            case ("type", path):
                return self.type_of(path)
            case ("exists", path):
                return self.exists(path)
            case ("link", path):
                return self.is_link(path)
            case ("written", path):
                return self.written_ns(path)
            case ("real", path):
                return self.real(path)
            case _:
                raise AssertionError(question)


def _once(known: dict[str, Found], path: str, ask: Callable[[str], Found]) -> Found:
    """What was found of the path, asked where it is not known yet."""
    if path not in known:
        known[path] = ask(path)
    return known[path]


def _written_ns(path: str) -> int:
    return os.stat(path).st_mtime_ns  # noqa: PTH116  strings: once for each of ten thousand files


def _type_of(path: str) -> str:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  as above
    except OSError as error:
        if error.errno not in _NOT_THERE and getattr(error, "winerror", None) not in _NOT_THERE_OF_WINDOWS:
            raise
        return ""
    except ValueError:
        return ""
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def _error(error: OSError) -> Answer:
    return (type(error).__name__, error.errno, error.strerror or str(error))
