"""Points: every place where a controller changes the world, counted; at a chosen one the process dies, or worse.

Installed in a process that then runs the real command line. What is counted: files made, written, copied, flushed, renamed,
linked, locked and removed, processes started and signalled, statements and transactions of the store, calls to workers; before
and after each.
"""

from __future__ import annotations

import builtins
import io
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType
from typing import Any

MARK = b"\n"
KILLED_WITH = 9
"""SIGKILL; on Windows the exit code that TerminateProcess is given."""
EFFECTS = (
    *("replace", "rename", "link", "symlink", "unlink", "remove", "mkdir", "rmdir"),
    *("fsync", "fdatasync", "truncate", "ftruncate", "sendfile", "copy_file_range"),
    *("utime", "chmod", "chown"),
)
"""Functions of `os`. `pathlib`, `shutil` and `tempfile` look them up there at each call: `test_points.py` proves it."""
_write, _kill = os.write, os.kill


class Points:
    """`die_at`: the point, counted from 1, at which the process ends itself as if its power had failed."""

    def __init__(
        self, tell: int, die_at: int | None = None, *, instead: Callable[[], bool] | None = None
    ) -> None:
        """`instead` of dying, what befalls it there; asked again at the next points until it could be done."""
        self._tell = tell
        self._die_at = die_at
        self._count = 0
        self._lock = threading.Lock()
        self._counted: dict[Any, Any] = {}
        self._instead = instead

    def reach(self, name: str, last_act: Callable[[], object] | None = None) -> None:
        """`last_act`: what is half done when the process dies here."""
        with self._lock:
            self._count += 1
            if self._die_at is None:
                _write(self._tell, name.encode() + MARK)
            elif self._instead is not None:
                if self._count >= self._die_at and self._instead():
                    _write(self._tell, name.encode() + MARK)
                    self._instead = lambda: False
            elif self._count == self._die_at:
                if last_act is not None:
                    last_act()
                _write(self._tell, name.encode() + MARK)
                _kill(os.getpid(), KILLED_WITH)

    def around(self, owner: Any, attribute: str, *, when: Callable[..., bool] = lambda *a, **k: True) -> None:
        """Counts the moments before and after each call of a function or method."""
        real = getattr(owner, attribute)

        def counted(*args: Any, **named: Any) -> Any:
            if not when(*args, **named):
                return real(*args, **named)
            self.reach(f"before {attribute}")
            result = real(*args, **named)
            self.reach(f"after {attribute}")
            return result

        setattr(owner, attribute, counted)
        self._counted[real] = counted

    @contextmanager
    def stated(self, sql: str) -> Iterator[None]:
        """Counts the moments before and after a statement, but of those that only ask."""
        word = sql.split(None, 1)[0].upper().rstrip(";")
        if word in {"SELECT", "PRAGMA"}:
            yield
            return
        self.reach(f"before {word}")
        yield
        self.reach(f"after {word}")

    def install(self) -> None:
        """From now on everything this process does is counted."""
        for name in EFFECTS:
            if hasattr(os, name):
                self.around(os, name)
        for name in ("write", "pwrite") if sys.platform != "win32" else ("write",):
            self.around(os, name, when=lambda file, *a, **k: stat.S_ISREG(os.fstat(file).st_mode))
        self.around(os, "kill", when=lambda pid, number: number != 0)
        self._around_locks()
        self.around(os, "open", when=lambda path, flags, *a, **k: flags & (os.O_CREAT | os.O_TRUNC) != 0)
        self.around(subprocess.Popen, "_execute_child")
        opened = io.open

        def counting_open(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
            if not set(mode) & set("wax"):
                return opened(file, mode, *args, **named)
            self.reach("before open")
            found = opened(file, mode, *args, **named)
            self.reach("after open")
            return _Writing(found, self)

        io.open = builtins.open = counting_open
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
                with points.stated(sql):
                    return super().execute(sql, *args)

            def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
                with points.stated(sql):
                    return super().executemany(sql, *args)

        for name in ("executescript", "commit", "__exit__", "backup"):
            self.around(Connection, name)
        self._rebind()
        connect = sqlite3.connect
        sqlite3.connect = lambda *args, **named: connect(*args, **{"factory": Connection, **named})

    def _around_locks(self) -> None:
        if sys.platform == "win32":
            import msvcrt

            self.around(msvcrt, "locking")
        else:
            import fcntl

            for name in ("flock", "lockf", "ioctl"):
                self.around(fcntl, name)

    def _rebind(self) -> None:
        """Where a function is kept from the import on, as a default or under a name of a module, it counts too."""
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] not in {"rasreconcile", "tempfile", "shutil", "pathlib"}:
                continue
            for owner in [module, *(one for one in vars(module).values() if isinstance(one, type))]:
                for word, value in list(vars(owner).items()):
                    if isinstance(value, FunctionType):
                        self._rebind_defaults(value)
                    elif isinstance(value, BuiltinFunctionType) and value in self._counted:
                        setattr(owner, word, self._counted[value])

    def _rebind_defaults(self, function: FunctionType) -> None:
        def instead(value: Any) -> Any:
            return (
                self._counted[value]
                if isinstance(value, BuiltinFunctionType) and value in self._counted
                else value
            )

        if function.__defaults__:
            function.__defaults__ = tuple(instead(value) for value in function.__defaults__)
        defaults = function.__kwdefaults__ or {}
        for name, value in defaults.items():
            defaults[name] = instead(value)


class _Writing:
    """A file being written, which may end half-way through a write."""

    def __init__(self, file: Any, points: Points) -> None:
        self._file = file
        self._points = points

    def write(self, data: Any) -> int:
        self._points.reach(
            "within write", lambda: (self._file.write(data[: len(data) // 2]), self._file.flush())
        )
        written: int = self._file.write(data)
        self._points.reach("after write", self._file.flush)
        return written

    def truncate(self, size: int | None = None) -> int:
        self._points.reach("before truncate")
        left: int = self._file.truncate(size)
        self._points.reach("after truncate")
        return left

    def close(self) -> None:
        self._file.close()
        self._points.reach("after close")

    def __enter__(self) -> _Writing:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
