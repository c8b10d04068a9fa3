"""What was seen of the world in one look: facts only, no decisions. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from rasreconcile.errors import Trouble
from rasreconcile.facts import LogFacts
from rasreconcile.failures import Failure
from rasreconcile.jobs import Status
from rasreconcile.plans import Address
from rasreconcile.reconcile.selection import Selection
from rasreconcile.records import FileStat, Published, ResultSummary
from rasreconcile.runs import Run

# ---- the file at a plan's output path


@dataclass(frozen=True, slots=True)
class NoOutput:
    """There is no file, or not all that belongs to it."""

    name: str = ""
    """Of what is missing; empty: the result itself."""


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """A file is there, with this digest. `damage`: why it cannot be opened as HDF, where that was tried."""

    size: int
    digest: str
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class FurtherChanged:
    """The result is there, and a file that was published with it is not what it was."""

    name: str
    evidence: str


@dataclass(frozen=True, slots=True)
class OutputUnreadable:
    """Something is there that could not be read; nothing can be said about it."""

    why: Trouble


Output = NoOutput | OutputSeen | FurtherChanged | OutputUnreadable


# ---- a result that no run of ours has made


@dataclass(frozen=True, slots=True, kw_only=True)
class HdfEvidence:
    """What a found HDF says of itself. Times are the clock of the machine that computed, without zone."""

    shortfalls: tuple[Trouble, ...] = ()
    """What it lacks of what the plan expects of a result."""
    file_version: str | None = None
    short_id: str | None = None
    geometry: str | None = None
    flow: str | None = None
    window: tuple[datetime, datetime] | None = None
    """From when to when it was computed."""
    geometry_written: datetime | None = None
    other_geometry: str = ""
    """The first cross section in it that is not as in the geometry text, and how; empty: none."""
    summary: str = ""
    """A few words for `status`."""
    shown: ResultSummary | None = None
    """What `results` lists of it; None: it was not read now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundResult:
    """A found HDF beside the texts of its plan. Times of files are UTC."""

    evidence: HdfEvidence
    modified: datetime
    texts: Mapping[str, datetime] = field(default_factory=dict)
    """When each text input was last written, by name."""
    short_id: str = ""
    geometry: str = ""
    flow: str = ""
    """Names of the files that the plan names today."""
    lacking: tuple[str, ...] = ()
    """Files that the plan publishes together with its result, and that are not there."""
    geometry_edited: datetime | None = None
    """The latest edit that the geometry itself tells of; the modeller's clock, without zone."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """A line of the cache of evidence: a file as it was when it was read, and judged as what."""

    path: Path
    stat: FileStat
    judged_as: str
    """Digest of the expectations, and of the plan it was read as the result of."""
    evidence: HdfEvidence


class Fitness(StrEnum):
    """What may become of a found result."""

    ADOPTABLE = "adoptable"
    SUSPICIOUS = "suspicious"
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True)
class Assessment:
    """One found result: adoptable without reasons; suspicious or unfit with every reason there is."""

    fitness: Fitness
    reasons: tuple[Trouble, ...] = ()


# ---- whether a published output meets the expectations of today


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of judging a published output: what it falls short of; empty: it meets them."""

    expectation_digest: str
    output_digest: str
    shortfalls: tuple[Trouble, ...]


# ---- whose the file is


@dataclass(frozen=True, slots=True)
class OtherOwner:
    """The receipt at a plan's output names another spec that publishes there too, or another plan."""

    what: str
    remedy: str
    adoptable: bool
    """Whether a person may take the file over: where no other spec publishes there."""

    @property
    def trouble(self) -> Trouble:
        """The same as a message has it."""
        return Trouble(self.what, self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """A live run and what its worker says of it. `handled`: a lane is busy with it; leave it be."""

    run: Run
    status: Status | None
    handled: bool = False
    failed_starts: int = 0
    """How often starting it got no answer in this apply."""
    last_error: str = ""
    held: Trouble | None = None
    """Why its proven result cannot be put in its place now."""
    said: LogFacts | None = None
    """What its messages say so far."""
    done: float | None = None
    """The part of the simulation that is done, 0 to 1."""
    stopping: Failure | None = None
    """It was decided to end it early, and why: recorded before it was asked to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """A worker of the spec, its room and its recent record."""

    name: str
    priority: int
    slots: int
    cores_total: int
    cores_per_plan: int
    platform: str | None = None
    """As a result computed there records it; None: a container of an image that is not known yet."""
    unreachable: str | None = None
    """Why the last call got no answer."""
    unfit: str | None = None
    """What keeps it from running anything, and the remedy, as found when this apply began."""
    unable: Mapping[Address, Trouble] = field(default_factory=dict)
    """Plans it cannot run although it is well, and why: their engine is not there, or wants something else there."""
    faults: tuple[datetime, ...] = ()
    """When runs ended by this worker's own fault since its last good one, oldest first."""
    last_fault: str = ""
    fit_at: datetime | None = None
    """When a check last found it fit to run; None: it was not asked, or is not."""
    speed: float = 1.0
    """Measured against the others: 2.0 computes twice as fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look at the world."""

    now: datetime
    outputs: Mapping[Address, Output]
    published: Mapping[Address, Published]
    """The store's memory, by address."""
    receipts: Mapping[Address, Published] = field(default_factory=dict)
    """What a receipt beside the output says, for outputs that the store does not know."""
    owned: Mapping[Address, OtherOwner] = field(default_factory=dict)
    """Plans whose place belongs to another spec or plan."""
    unwritable: Mapping[Address, Trouble] = field(default_factory=dict)
    """Plans whose result could not be put in its place, as the folder is now."""
    unreceipted: frozenset[Address] = frozenset()
    """Plans whose result is what was published, and has lost its receipt."""
    intact: Mapping[str, Published] = field(default_factory=dict)
    """By fingerprint: a published result whose file is there and unchanged."""
    live: Mapping[Address, LiveRun] = field(default_factory=dict)
    attempts: Mapping[Address, tuple[Run, ...]] = field(default_factory=dict)
    """Ended runs at the plan's present fingerprint since the last `retry`, oldest first."""
    past: Mapping[Address, str] = field(default_factory=dict)
    """How the last ended run of a plan ended, at whatever fingerprint; plans that never ran are not in it."""
    verifications: Mapping[Address, Verification] = field(default_factory=dict)
    retried: frozenset[Address] = frozenset()
    """Plans a person asked to compute again although they are current."""
    cancelled: frozenset[Address] = frozenset()
    """Plans a person asked to stop; they stay idle until a `retry` or a change."""
    assessments: Mapping[Address, Assessment] = field(default_factory=dict)
    """Of results that stand there without a record."""
    uncopied: frozenset[Address] = frozenset()
    """Plans whose result could not be copied from one with the same fingerprint: they compute it themselves."""
    stuck: Mapping[Address, Trouble] = field(default_factory=dict)
    """Plans whose result cannot be verified or copied now, and why: the disk, or whoever holds the file."""
    selection: Selection | None = None
    """The plans that the user named; None: all of them."""
    workers: tuple[WorkerSeen, ...] = ()
    expected: Mapping[Address, timedelta] = field(default_factory=dict)
    """Expected run times at speed 1.0, where history tells."""
