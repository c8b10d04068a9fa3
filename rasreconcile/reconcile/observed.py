"""What was seen of the world in one look: facts only, no decisions. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rasreconcile.jobs import Status
from rasreconcile.plans import Address
from rasreconcile.records import Published
from rasreconcile.runs import Run

# ---- the file at a plan's output path


@dataclass(frozen=True, slots=True)
class NoOutput:
    """Nothing stands there, or not all that belongs to it."""

    name: str = ""
    """Of what is missing; empty: the result itself."""


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """A file stands there, with this digest. `damage`: why it cannot be opened as HDF, where that was tried."""

    size: int
    digest: str
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class OutputUnreadable:
    """Something stands there that could not be read; nothing can be said about it."""

    why: str


Output = NoOutput | OutputSeen | OutputUnreadable


# ---- whether a published output meets the expectations of today


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of judging a published output: what it falls short of; empty: it meets them."""

    expectation_digest: str
    output_digest: str
    shortfalls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """A live run and what its worker says of it. `handled`: a lane is busy with it; leave it be."""

    run: Run
    status: Status | None
    handled: bool = False
    failed_starts: int = 0
    """How often starting it got no answer in this apply."""
    last_error: str = ""
    held: str = ""
    """Why its proven result cannot be put in its place now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """A worker of the spec, its room and its recent record."""

    name: str
    priority: int
    slots: int
    cores_total: int
    cores_per_plan: int
    unreachable: str | None = None
    """Why the last call got no answer."""
    unfit: str | None = None
    """What keeps it from running anything, and the remedy, as found when this apply began."""
    unable: Mapping[Address, str] = field(default_factory=dict)
    """Plans it cannot run although it is well, and why: their engine is not there, or wants something else there."""
    faults: tuple[datetime, ...] = ()
    """When runs ended by this worker's own fault since its last good one, oldest first."""
    last_fault: str = ""
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
    intact: Mapping[str, Published] = field(default_factory=dict)
    """By fingerprint: a published result whose file is there and unchanged."""
    live: Mapping[Address, LiveRun] = field(default_factory=dict)
    attempts: Mapping[Address, tuple[Run, ...]] = field(default_factory=dict)
    """Ended runs at the plan's present fingerprint since the last `retry`, oldest first."""
    verifications: Mapping[Address, Verification] = field(default_factory=dict)
    retried: frozenset[Address] = frozenset()
    """Plans a person asked to compute again although they are current."""
    cancelled: frozenset[Address] = frozenset()
    """Plans a person asked to stop; they stay idle until a `retry` or a change."""
    uncopied: frozenset[Address] = frozenset()
    """Plans whose result could not be copied from one with the same fingerprint: they compute it themselves."""
    workers: tuple[WorkerSeen, ...] = ()
    expected: Mapping[Address, timedelta] = field(default_factory=dict)
    """Expected run times at speed 1.0, where history tells."""
