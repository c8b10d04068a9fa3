"""Why a run did not succeed, whom it counts against, and what that means for the next run. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Blame = Literal["plan", "worker"]
FailureClass = Literal["worker", "retryable", "permanent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run did not succeed, and what that means for the next one."""

    kind: FailureClass
    cause: str
    """A short, stable name that groups like failures: `time limit`, `expectation failed`, `vanished`."""
    message: str
    """One line for the modeller: what happened and what to do."""

    @property
    def blame(self) -> Blame:
        return "worker" if self.kind == "worker" else "plan"


ENGINE_MISSING = "engine missing"
"""The cause of a failure that every plan of the same engine would meet on the same worker."""
DISK_FULL = "disk full"
"""The cause of a failure for want of room on the worker, whatever the plan."""
LAUNCH_REFUSED = "launch refused"
"""The cause of a failure of a run that its worker did not take."""
OWN_WORDS = ("ERROR:", "HDF_ERROR")
"""A line that begins so is the program's own word: computing again would say the same."""


def class_by_own_word(log: str) -> FailureClass:
    """Of a failure of which nothing else is known than what the program printed."""
    return "permanent" if any(line.startswith(OWN_WORDS) for line in log.splitlines()) else "retryable"
