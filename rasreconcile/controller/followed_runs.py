"""Followed runs: what the messages of runs say so far, and when each is read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.jobs import RunId
from rasreconcile.results.log import Reading, Window, done


@dataclass(slots=True)
class FollowedRun:
    """One run."""

    messages: str | None
    window: Window | None
    reading: Reading
    next_read: float
    """Monotonic."""
    at: datetime
    noted: bool = False
    """Whether the store has it as it is."""
    warned: bool = False
    caught_up: bool = False
    """Whether it was read to its end once, or could not be."""

    @property
    def done(self) -> float | None:
        return done(self.reading.facts, self.window)


@dataclass(slots=True)
class FollowedRuns:
    """Only the main thread touches it."""

    answers: Answers
    runs: dict[RunId, FollowedRun] = field(default_factory=dict)
    next_note: float = 0.0
    at_once: frozenset[RunId] = frozenset()
    """What there is to read of these is read without a pause: their controller has left, and this one does not stay."""
    lanes: dict[str, Lane] = field(default_factory=dict)

    def lane(self, worker: str) -> Lane:
        """Of its own: neither polls nor transfers wait for a long log."""
        if worker not in self.lanes:
            self.lanes[worker] = Lane(f"{worker}-messages", 1, self.answers)
        return self.lanes[worker]

    def close(self) -> None:
        for lane in self.lanes.values():
            lane.close()
