"""The door of a host: a login that was refused is not repeated by every thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from rasreconcile.workers.openssh.admission import LoginRefused

T = TypeVar("T")

REFUSED_SECONDS = 600.0
"""A refused login is not tried again for so long: pam_faillock counts three in fifteen minutes."""


class Door:
    """Sees to it that a login that was refused is not repeated by every thread: hosts lock out who tries often."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._refused: LoginRefused | None = None
        self._when = 0.0
        self._known = False
        """Whether it ever let anybody in since it last refused."""
        self._first = threading.Lock()

    def enter(self, connect: Callable[[], T]) -> T:
        """One at a time until the first is let in. Raises what was last refused, without another try."""
        if self._known:
            return self._tried(connect)
        with self._first:
            if self._refused is not None and self._seconds() - self._when < REFUSED_SECONDS:
                raise LoginRefused(self._refused.trouble) from self._refused
            return self._tried(connect)

    def _tried(self, connect: Callable[[], T]) -> T:
        try:
            made = connect()
        except LoginRefused as error:
            self._refused, self._when, self._known = error, self._seconds(), False
            raise
        self._known = True
        return made
