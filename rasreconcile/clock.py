"""The time, as an argument: what it is, and waiting for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's clocks. Waiting is measured by the one that nobody can set."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wall_ns(self) -> int:
        return time.time_ns()

    def first(self, queue: SimpleQueue[T], timeout: float, lanes: Literal["busy", "idle"]) -> T | None:
        """What comes into the queue first, or None after `timeout` seconds.

        `lanes`: whether anyone is at work who will put something there. A clock of tests jumps where nobody is.
        """
        try:
            return queue.get(timeout=max(timeout, 0.001))
        except Empty:
            return None
