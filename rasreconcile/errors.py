"""Every error a user can meet, with the exit code it ends in.

    RasReconcileError            1   the tool's own world: I/O, a damaged file, a bug met and named
    ├── SpecError               64   one or more faults of a spec file, each with file and line
    ├── UsageError              64   a command line that cannot be carried out
    ├── ProjectError             1   a HEC-RAS text file that cannot be read as what it should be
    ├── ResultError              1   a result HDF that cannot be opened or read
    ├── StoreError               1   the state store is damaged, too new, or in a bad place
    │   └── StoreBusy            5   another controller holds the store
    ├── PublishHeld              1   somebody holds the file that is to be replaced; the run is kept
    ├── InputChanged             1   an input is not what was hashed; the plan is looked at again
    └── WorkerError              1
        ├── Unreachable              ask again later
        └── Refused                  asking again will not help
            └── Damaged              a run directory there holds what no run leaves; the run is lost

A message is one line: where, what, and what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rasreconcile.printable import printable


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and what to do about it: as it arises, so it is shown."""

    what: str
    remedy: str = ""

    def __post_init__(self) -> None:
        # Names of files and words of programs are in it, and it is shown on terminals.
        object.__setattr__(self, "what", printable(self.what))
        object.__setattr__(self, "remedy", printable(self.remedy))

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}" if self.remedy else self.what

    def led_by(self, words: str) -> Trouble:
        """With these words before what is wrong."""
        return Trouble(f"{words}{self.what}", self.remedy)

    def or_else(self, remedy: str) -> Trouble:
        """With this remedy where it has none of its own."""
        return self if self.remedy else Trouble(self.what, remedy)


def together(troubles: Sequence[Trouble]) -> Trouble:
    """One that tells of all; a single one stays as it is, with its remedy apart. Raises ValueError for none."""
    if not troubles:
        raise ValueError("there is no trouble to tell of")
    return troubles[0] if len(troubles) == 1 else Trouble(in_one_line(troubles))


def in_one_line(troubles: Iterable[Trouble]) -> str:
    """As a note shows them; empty where there are none."""
    return "; ".join(map(str, troubles))


class RasReconcileError(Exception):
    """The root of every error raised on purpose."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"
    """For programs: a word that stays, whatever the message says."""

    def __init__(self, what: str | Trouble, remedy: str = "") -> None:
        self.trouble = Trouble(what, remedy) if isinstance(what, str) else what
        super().__init__(str(self.trouble))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.trouble.what, self.trouble.remedy)


def trouble_of(error: Exception) -> Trouble:
    """What an error tells; one of another library, or of the system, has no remedy."""
    match error:
        case RasReconcileError() | Wrong():
            return error.trouble
        case OSError(strerror=str(why), filename=str() | bytes() as name):
            return Trouble(f"{os.fsdecode(name)}: {why}")
        case OSError(strerror=str(why)):
            return Trouble(why)
        case _:
            return Trouble(str(error))


class Wrong(ValueError):
    """A value of the spec that cannot be meant so; pydantic hands it on with its trouble."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.trouble = Trouble(what, remedy)
        super().__init__(str(self.trouble))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a spec: where it stands, what it is, what to do about it."""

    file: str
    line: int
    """From 1; 0: there is none, where the spec was not read, or not from a file."""
    path: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        where = f"{self.path}: " if self.path else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return printable(f"{place}{where}{self.what}{remedy}")


class SpecError(RasReconcileError):
    """A spec with faults; all of them, in the order of their lines."""

    exit_code = 64
    code = "spec"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda f: (f.file, f.line)))
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.faults,)


class UsageError(RasReconcileError):
    """A command line that cannot be carried out."""

    exit_code = 64
    code = "usage"


class ProjectError(RasReconcileError):
    """A HEC-RAS text file that cannot be read as what it should be; names the file and, where known, the line."""

    code = "project"


class ResultError(RasReconcileError):
    """A result HDF that cannot be opened or read; names the file and why."""

    code = "result"


class StoreError(RasReconcileError):
    """The state store cannot be used: damaged, made by a newer version, or in a place SQLite cannot serve."""

    code = "store"


class StoreBusy(StoreError):
    """Another controller holds the store; says which process on which host."""

    exit_code = 5
    code = "store-busy"


class PublishHeld(RasReconcileError):
    """The destination cannot be replaced now (held open, read-only, full); the proven file is kept."""

    code = "publish-held"


class InputChanged(RasReconcileError):
    """An input read while staging is not the one that was hashed; nothing was started."""

    code = "input-changed"


class WorkerError(RasReconcileError):
    """A worker could not do what was asked of it."""

    code = "worker"


class Unreachable(WorkerError):
    """The worker did not answer; nothing is known about its runs. Ask again later."""

    code = "worker-unreachable"


class Refused(WorkerError):
    """The worker answered no, and will again: missing rights, missing engine, no room."""

    code = "worker-refused"


REACHABLE = "check that it is switched on and reachable"
"""What to do about a worker that gave no remedy of its own."""


class Damaged(Refused):
    """A run directory holds what no run leaves there: a link, a pipe, a number out of range. The run is lost."""

    code = "run-directory-damaged"

    def __init__(self, what: str | Trouble, remedy: str = "") -> None:
        trouble = Trouble(what, remedy) if isinstance(what, str) else what
        super().__init__(trouble.or_else("see what its job writes there; `gc` removes the run directory"))
