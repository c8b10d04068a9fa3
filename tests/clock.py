"""Time in tests: it stands still while a lane is at work, and jumps to what is waited for once nobody is."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Literal, TypeVar

from rasreconcile.clock import Clock

T = TypeVar("T")

LONGEST_WORK = 60.0
"""Real seconds that a lane may take for one piece of work."""


class VirtualClock(Clock):
    """Of one test. Files have real times, and so does the stat cache."""

    __slots__ = ("_began", "_due", "_numbers", "_passed")
    _began: datetime
    _passed: list[float]
    _due: list[tuple[float, int, Callable[[], object]]]
    _numbers: itertools.count[int]

    def __init__(self) -> None:
        object.__setattr__(self, "_began", datetime.now(UTC))
        object.__setattr__(self, "_passed", [0.0])
        object.__setattr__(self, "_due", [])
        object.__setattr__(self, "_numbers", itertools.count())

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._passed[0])

    def monotonic(self) -> float:
        return self._passed[0]

    def wall_ns(self) -> int:
        return time.time_ns()

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Calls in so many seconds from now, when the main thread waits."""
        heapq.heappush(self._due, (self.monotonic() + seconds, next(self._numbers), call))

    def advance(self, seconds: float) -> None:
        """The main thread was busy for so long."""
        self._passed[0] += seconds

    def first(self, queue: SimpleQueue[T], timeout: float, lanes: Literal["busy", "idle"]) -> T | None:
        try:
            return queue.get(timeout=LONGEST_WORK) if lanes == "busy" else queue.get_nowait()
        except Empty:
            assert lanes == "idle", f"a lane was at work for more than {LONGEST_WORK:g} s"
        until = self.monotonic() + max(timeout, 0.001)
        if self._due and self._due[0][0] <= until:
            at, _, call = heapq.heappop(self._due)
            self._passed[0] = max(at, self.monotonic())
            call()
        else:
            self._passed[0] = until
        return None
