"""The end of a Windows console: its window is closed, the user logs off, the machine shuts down. Elsewhere a signal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PATIENCE = 4.5
"""Seconds. Windows ends a process five seconds after it was told."""

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _CLOSING = {2, 5, 6}
    """CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT."""
    _Handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)

    @contextmanager
    def console_closing(closed: Callable[[], None]) -> Iterator[None]:
        """Within, `closed` is called, in a thread of Windows' own, and the process has a moment to leave."""
        left = threading.Event()

        def told(event: int) -> bool:
            if event not in _CLOSING:
                return False
            closed()
            # As soon as this returns the process is ended.
            left.wait(_PATIENCE)
            return True

        handler = _Handler(told)
        kernel = ctypes.WinDLL("kernel32")
        kernel.SetConsoleCtrlHandler(handler, True)
        try:
            yield
        finally:
            left.set()
            kernel.SetConsoleCtrlHandler(handler, False)

else:

    @contextmanager
    def console_closing(closed: Callable[[], None]) -> Iterator[None]:
        """Within, nothing is different: the signal is in other hands."""
        yield
