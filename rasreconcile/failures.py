"""Why a run did not succeed, whom it counts against, and what that means for the next run. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from rasreconcile.errors import Trouble

Blame = Literal["plan", "worker"]
FailureClass = Literal["worker", "retryable", "permanent"]


class FailureCause(StrEnum):
    """What groups like failures: every cause there is. The words are those of stores and of every JSON."""

    # Of how a run ended, or did not.
    TIME_LIMIT = "time limit"
    STALLED = "stalled"
    OUT_OF_MEMORY = "out of memory"
    VANISHED = "vanished"
    RESTARTED = "restarted"
    """Its machine was restarted: nobody's fault."""
    DAMAGED = "damaged run directory"
    """It left what no run leaves."""

    # Of its worker.
    LAUNCH_FAILED = "launch failed"
    LAUNCH_REFUSED = "launch refused"
    """Its worker did not take it."""
    DISK_FULL = "disk full"
    DAMAGED_TRANSFER = "damaged transfer"
    ENGINE_MISSING = "engine missing"
    """Every plan of the same engine would meet it on the same worker."""
    MISSING_LIBRARY = "missing library"
    PROGRAM_MISSING = "program missing"
    WRONG_VERSION = "wrong version"
    NO_SIGN_OF_LIFE = "no sign of life"
    HANGS = "hangs"

    # Of what was computed.
    BAD_PROJECT = "bad project"
    RESTART_OF_ANOTHER_VERSION = "restart of another version"
    INPUT_REFUSED = "input refused"
    GEOMETRY_ERROR = "geometry error"
    FILE_NOT_FOUND = "file not found by HEC-RAS"
    FILE_NOT_UNDERSTOOD = "file not understood by HEC-RAS"
    REFUSED = "refused by HEC-RAS"
    UNSTABLE = "unstable"
    SOLVER_STOPPED = "solver stopped"
    SOLVER_CRASHED = "solver crashed"
    COMPUTATION_FAILED = "computation failed"
    NOTHING_COMPUTED = "nothing computed"
    NOT_PREPARED = "not prepared"
    DID_NOT_FINISH = "did not finish"
    NO_RESULT = "no result"
    NO_RESULTS = "no results"
    """There is an HDF, and it holds none."""
    NO_RESTART_FILE = "no restart file"
    OUTPUT_NOT_WRITTEN = "output not written"
    """A further output that the spec names, or another plan reads."""
    UNREADABLE_RESULT = "unreadable result"
    EXPECTATION_FAILED = "expectation failed"

    # Of `stop_when`.
    WENT_UNSTABLE = "went unstable"
    VOLUME_ERROR = "volume error"
    ITERATIONS_AT_LIMIT = "iterations at limit"

    # Of a run that nobody wants any more.
    CANCELLED = "cancelled"
    CANCELLED_BY_REQUEST = "cancelled by request"
    """It keeps its plan idle until a person says `retry`, or an input changes."""
    INTERRUPTED = "interrupted"
    INPUT_CHANGED = "an input changed while it was staged"
    INPUTS_CHANGED = "its inputs changed before it started"
    PLAN_LEFT = "its plan is no longer in the spec"
    PLAN_LEFT_LATE = "its plan was removed from the spec before its result was published"

    OTHER = "other"
    """A word of another version of this program, read from its store."""

    @classmethod
    def read(cls, word: str) -> FailureCause:
        """The cause that a store names."""
        try:
            return cls(word)
        except ValueError:
            return cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run did not succeed, and what that means for the next one."""

    kind: FailureClass
    cause: FailureCause
    trouble: Trouble
    """For the modeller: what happened, and what to do."""

    @property
    def blame(self) -> Blame:
        return "worker" if self.kind == "worker" else "plan"


NO_ROOM = ("No space left on device", "Disk quota exceeded", "There is not enough space on the disk")
"""What the systems say to a program that writes to a full disk; later there may be room again."""
OWN_WORDS = ("ERROR:", "HDF_ERROR")
"""A line that begins so is the program's own word: computing again would say the same."""


def says_no_room(text: str) -> bool:
    """Whether a program has said that the disk is full."""
    told = text.casefold()
    return any(words.casefold() in told for words in NO_ROOM)


def class_by_own_word(log: str) -> FailureClass:
    """Of a failure of which nothing else is known than what the program printed."""
    return "permanent" if any(line.startswith(OWN_WORDS) for line in log.splitlines()) else "retryable"
