"""The seams: what a job is, what a worker answers, and the two protocols between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, NewType, Protocol

from rasreconcile.edited_inputs import Edit
from rasreconcile.errors import Trouble
from rasreconcile.facts import HdfFacts
from rasreconcile.failures import Failure
from rasreconcile.plans import Plan

RunId = NewType("RunId", str)
"""Chosen and stored before anything starts; run directory, container and cluster job are named after it.
Lower-case letters, digits and hyphens only, so that every kind of worker can use it as a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """One input of a job: a local file, the name it gets below `work/`, and what its bytes must hash to."""

    source: Path
    name: str
    """Relative, forward slashes, in the spelling the job expects."""
    digest: str
    """sha256 of the bytes, hex."""
    size: int
    writable: Literal["read only", "own copy"] = "own copy"
    """A file the job may write to must never be a link into the worker's cache."""
    edits: tuple[Edit, ...] = ()
    """In this order. `source`, `digest` and `size` are of the file before them; a worker meets none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker is asked to do. Pure data: the same plan and install give the same job."""

    platform: Literal["posix", "windows"]
    steps: tuple[tuple[str, ...], ...]
    """Argument lists, run in order in `work/`; the first that fails ends the job."""
    inputs: tuple[Staged, ...]
    outputs: tuple[str, ...]
    """Names below `work/` whose size and digest the runner records at the end; absent ones are left out. One with `*`
    or `?` means every file of its folder that matches; names that some system could not keep are left out."""
    cores: int
    time_limit: timedelta
    stalled_after: timedelta | None = None
    """A job that writes nothing for so long, neither to its log nor below `work/`, is ended; None: never."""
    env: Mapping[str, str] = field(default_factory=dict)
    process_priority: Literal["low", "below normal", "normal"] = "normal"
    folder: str = ""
    """Below `work/`, where the steps run: inputs may then lie beside the project's folder. Empty: `work/` itself."""
    owner: str = ""
    """The store that the run belongs to, `host:path`: written into its run directory; empty: not told."""
    messages: str | None = None
    """Name below `work/` of the file the program writes its messages to; None: it prints them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """Where an engine is on a worker. `home` is in the worker's spelling: HEC-RAS's folder on POSIX, Ras.exe on
    Windows; None: the engine needs none."""

    platform: Literal["posix", "windows"]
    cores: int
    home: str | None = None
    python: str | None = None
    """The interpreter that can run the built-in engine there."""
    process_priority: Literal["low", "below normal", "normal"] = "normal"
    wine: str | None = None
    """The program that runs `home`, a Windows program, on a POSIX worker."""
    worker_folder: str = ""
    """Where run directories are made, in the worker's spelling; empty: not known."""


# ---- what a worker says of a run


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing of this name runs there or waits to: it was never started, or discarded, or its start came to nothing."""

    why: str = ""
    """Why a start that was made came to nothing; empty: none was made."""


@dataclass(frozen=True, slots=True)
class Queued:
    """Submitted, not yet running: in the queue of its place, however long, or its runner is about to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Running at the time of the poll. Times are the worker's clock, UTC."""

    started: datetime
    heartbeat: datetime | None = None
    log_size: int = 0
    grew: datetime | None = None
    """When the job was last seen to have written anything: a line of its log, a file below `work/`."""


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """What the runner found of one output when the job ended."""

    size: int
    digest: str


EndCause = Literal["exited", "time limit", "stalled", "cancelled", "out of memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The job is over and its done.json is complete. The exit code is a hint, the HDF is the evidence."""

    exit_code: int
    started: datetime
    ended: datetime
    outputs: Mapping[str, OutputRecord]
    cause: EndCause = "exited"
    image: str | None = None
    """Digest of the container image it ran in; None: it ran in none."""
    room: int | None = None
    """Bytes free on the disk of its run directory when it ended, 0 where it was full before; None: nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """What is left of a job that has ended, for its engine to judge."""

    ended: Ended
    log: str
    """What it printed."""
    messages: str = ""
    """What it wrote to text files among its outputs."""
    solver_log: str = ""
    """What the solver wrote to a log of its own. That of a good run speaks of errors too: it explains a failure, and
    proves none."""
    data_errors: str = ""
    """What it found wrong with its input before it computed, where it wrote that to a file of its own. A run that
    computed nevertheless was not stopped by it."""
    hdf: HdfFacts | None = None
    """None: there is no result, or it was ended before it was done."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """It was started, it is not running, and it left no end: killed, rebooted, power lost."""

    evidence: str
    cause: Literal["gone", "restarted", "damaged"] = "gone"
    """restarted: its machine was started again since; damaged: what it left is not what a run leaves."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The worker could not be asked. A silent worker is not a failed run."""

    why: str


Status = Absent | Queued | Running | Ended | Vanished | Unknown


@dataclass(frozen=True, slots=True)
class Fetched:
    """What arrived: size and sha256 of the bytes as they were written here."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFile:
    """A file of a run directory, as its worker lists it; a name that is no name for a file here is among them."""

    name: str
    """Relative to the run directory, forward slashes."""
    size: int
    changed: int
    """Seconds since the epoch, the worker's clock; 0: not known."""
    kind: str = "a file"
    """What it is instead: `a link`, `a named pipe`... None of those can be read."""


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What was, or would be, removed from a worker's cache."""

    files: int
    size: int


# ---- the two protocols


class Engine(Protocol):
    """How a plan is computed. Pure: the same plan and install give the same job."""

    @property
    def identity(self) -> str:
        """Goes into the fingerprint: `steady 1`, `HEC-RAS 6.6`."""

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> Trouble | None:
        """Why this engine cannot compute a plan with these files, or None.

        `texts` holds the bytes of its text inputs by kind: `project`, `plan`, `geometry`, `flow`; `names` their names.
        """

    def job(self, plan: Plan, install: Install) -> Job:
        """What a worker is to do for this plan. Raises ProjectError where the plan cannot be computed."""

    def judge(self, evidence: RunEvidence) -> Failure | None:
        """Why the computation failed, and what to do, or None. HDF and log decide; the exit code is a hint."""


class Worker(Protocol):
    """A place that runs jobs detached from this process.

    A run is known by its id alone, so any controller can ask about any run. Every method blocks and may be
    repeated safely, also after a crash in its middle. Raises Unreachable (ask again later), Refused (asking again
    will not help).
    """

    def stage(self, job: Job) -> None:
        """Put the inputs where a later start finds them. Starts nothing, and a start does not need it.

        Raises InputChanged where an input no longer hashes to its digest.
        """

    def start(self, run: RunId, job: Job) -> None:
        """Stage the inputs and submit the job; that it has begun is told by `poll`, not waited for.

        Starting a run that was submitted, runs or has ended does nothing.

        Raises InputChanged where an input no longer hashes to its digest; nothing is then started.
        """

    def poll(self, runs: Collection[RunId]) -> Mapping[RunId, Status]:
        """One status for each run asked for, in one round trip."""

    def fetch(self, run: RunId, name: str, into: Path) -> Fetched:
        """Copy output `name` to `into`, which the caller names and owns; flushed to disk before it returns.

        Raises FileNotFoundError where the run has no such output. What is left in `into` after an error is
        of no worth; a repeat begins again or resumes, and ends with the same bytes.
        """

    def read_log(self, run: RunId, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """What the job printed from byte `offset` on, at most `limit` bytes; empty where there is nothing."""

    def read_work(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Part of file `name` below `work/`, also while the job writes it; empty where there is none."""

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        """What lies in the run directory, at most 100,001; follows no link and opens nothing."""

    def read_file(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """The same of any file of the run directory, by its name there."""

    def owner(self, run: RunId) -> str:
        """The `owner` of the job that the run was started with; empty where its run directory does not say.

        Raises Damaged where the run directory holds what no run leaves.
        """

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Those of `paths` (absolute or with `~/`, in the worker's spelling) that are there, in the order asked.

        In one round trip. For looking where an engine is installed.
        """

    def ask(self, script: str, words: Sequence[str]) -> str:
        """What a POSIX shell script prints when it is run here with these words, in the environment that runs have.

        In one round trip, within a minute; the script must change nothing and exit with 0. Raises Refused where the
        worker has no POSIX shell. For looking at what an engine's install is made of.
        """

    def image(self) -> str | None:
        """Digest of the container image that runs are computed in here; None: they are computed in none."""

    def cancel(self, run: RunId) -> None:
        """End the job and all its children. A run that is over, or absent, is left as it is."""

    def discard(self, run: RunId) -> None:
        """Remove the run directory. Refuses a run that is going on."""

    def runs(self) -> Mapping[RunId, datetime]:
        """Every run that has a run directory here, or the half of one, and when it last changed, UTC.

        Also runs that another store has started: whoever removes one must know whose it is, or that it is old.
        """

    def trim_cache(
        self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"] = "remove"
    ) -> Trimmed:
        """Remove cached inputs that no run used for so long, then the longest unused until `at_most` bytes are left.

        One that a run directory is linked to stays. A run that is being staged meanwhile gets a copy of its own.
        """

    def check(self) -> list[Trouble]:
        """What would stop a run here, and the remedy; empty: fit to run."""

    def close(self) -> None:
        """Give back connections. Runs go on."""
