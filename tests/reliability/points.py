"""Points: every place where a controller changes the world, counted; at a chosen one the process dies, or worse.

Installed in a process that then runs the real command line. What is counted: files made, written, flushed, renamed,
linked and removed, processes started, statements and transactions of the store, calls to workers; before and after each.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from typing import Any

MARK = b"\n"


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
        self._instead = instead

    def reach(self, name: str, last_act: Callable[[], object] | None = None) -> None:
        """`last_act`: what is half done when the process dies here."""
        with self._lock:
            self._count += 1
            if self._die_at is None:
                os.write(self._tell, name.encode() + MARK)
            elif self._instead is not None:
                if self._count >= self._die_at and self._instead():
                    os.write(self._tell, name.encode() + MARK)
                    self._instead = lambda: False
            elif self._count == self._die_at:
                if last_act is not None:
                    last_act()
                os.write(self._tell, name.encode() + MARK)
                os.kill(os.getpid(), signal.SIGKILL)

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

    def install(self) -> None:
        """From now on everything this process does is counted."""
        for name in ("replace", "rename", "link", "unlink", "mkdir", "rmdir", "fsync", "utime", "chmod"):
            self.around(os, name)
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
                word = sql.split(None, 1)[0].upper().rstrip(";")
                if word in {"SELECT", "PRAGMA"}:
                    return super().execute(sql, *args)
                points.reach(f"before {word}")
                cursor = super().execute(sql, *args)
                points.reach(f"after {word}")
                return cursor

        connect = sqlite3.connect
        sqlite3.connect = lambda *args, **named: connect(*args, **{"factory": Connection, **named})


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

    def close(self) -> None:
        self._file.close()
        self._points.reach("after close")

    def __enter__(self) -> _Writing:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
