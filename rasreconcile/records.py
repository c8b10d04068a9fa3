"""What the store remembers beside runs: published outputs, requests, events, files as last read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Protocol

from rasreconcile.errors import Trouble
from rasreconcile.facts import LogFacts
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Component
from rasreconcile.printable import local_time

Provenance = Literal["computed", "copied", "recalled", "adopted"]
"""computed by a run of ours; copied from a plan with the same fingerprint; recalled from a receipt that matches
the file; adopted: an existing file taken under control without running."""


@dataclass(frozen=True, slots=True)
class FurtherOutput:
    """A file that was published together with a result."""

    name: str
    """Relative to the result's folder, forward slashes; it leads nowhere else."""
    size: int
    digest: str
    """sha256 of the published bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSummary:
    """What `results` lists of a result, as its HDF said when it was proven. None: the file does not say."""

    max_water_surface: float | None = None
    """In `unit`."""
    max_depth: float | None = None
    unit: str | None = None
    """Of lengths: `ft`, `m`."""
    volume_error_percent: float | None = None
    run_seconds: float | None = None
    """Of HEC-RAS's own run window."""
    profiles: int | None = None
    """How many there are."""
    areas: int | None = None
    warnings: int | None = None
    first_warning: str | None = None
    version: str | None = None
    """Of the program that wrote it."""
    simulation_start: str | None = None
    """ISO 8601, the model's clock, without zone."""
    simulation_end: str | None = None

    @classmethod
    def of(cls, values: Any) -> ResultSummary:
        """From plain values, whoever wrote them down; unknown ones are left out. Raises ValueError."""
        return cls(**_plain(cls, values, "summary of a result"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterChange:
    """How the water of a result differs from that of the result whose place it took. Lengths in `unit`."""

    since: str | None = None
    """The run that had computed that one, or the name under which it was adopted; None: not known."""
    unit: str | None = None
    """`ft`, `m`."""
    compared: int = 0
    """Places (a section in a profile, a section or cell at its maximum) that both have, with water in one of them."""
    changed: int = 0
    """Those that were wetted or dried, or are further apart than a hundredth of the unit."""
    rise: float = 0.0
    """The largest; 0: none."""
    rise_at: str | None = None
    """Where that is, with both water surfaces: `River, Reach, 1200: 130.10 to 130.52`."""
    fall: float = 0.0
    fall_at: str | None = None
    wetted: int = 0
    """Places with water now and not before."""
    dried: int = 0
    area_changed: float | None = None
    """Of the cells of 2D areas, in `unit` squared; None: there are none, or the file does not say."""
    area_wetted: float | None = None
    area_dried: float | None = None
    not_compared: str | None = None
    """What has no counterpart, in words; None: nothing."""

    @classmethod
    def of(cls, values: Any) -> WaterChange:
        """As of ResultSummary. Raises ValueError."""
        return cls(**_plain(cls, values, "change of a result"))


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "float": (int, float),
    "int": int,
    "str": str,
}


def _plain(kind: type, values: Any, what: str) -> dict[str, Any]:
    """The values of a record's fields that are there and are what they should be. Raises ValueError."""
    if not isinstance(values, dict):
        raise ValueError(f"a {what} is not an object")  # noqa: TRY004  as for every other value
    known: dict[str, Any] = {}
    for one in fields(kind):
        value = values.get(one.name)
        if value is None:
            continue
        is_one = isinstance(value, _KINDS[str(one.type).removesuffix(" | None")]) and not isinstance(
            value, bool
        )
        if not is_one or (isinstance(value, float) and not isfinite(value)):
            raise ValueError(f"{one.name} of a {what} has an invalid value")
        if isinstance(value, str):
            value.encode()  # JSON can spell halves of characters that no file and no store can hold
        known[one.name] = value
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The result of a plan that was proven and put in its place, as it was on that day."""

    address: Address
    run: RunId
    """The run that computed it; for adopted files, the name under which it was adopted."""
    path: Path
    size: int
    digest: str
    """sha256 of the published bytes."""
    fingerprint: str
    components: tuple[Component, ...]
    expectation_digest: str
    """The expectations it was last found to meet."""
    provenance: Provenance
    engine: str
    worker: str
    at: datetime
    platform: str = ""
    """Where it was computed: `posix`, `windows`, or `image sha256:...`; empty: not known."""
    cores: int | None = None
    """With how many it was computed; None: not known."""
    summary: str = ""
    """A few words for `status`: maximum water surface, volume error."""
    shown: ResultSummary | None = None
    """What `results` lists of it; None: nobody noted it, as versions before did not."""
    spec: Path | None = None
    """The spec that published it, as its receipt says; None: not known, of an older receipt or from the store."""
    beside: tuple[FurtherOutput, ...] | None = None
    """What was published together with it; None: an older version published it and did not write that down."""
    remarks: tuple[str, ...] = ()
    """What spoke against an adopted file when a person adopted it all the same."""
    water: WaterChange | None = None
    """How it differs from the result whose place it took; None: there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a live run had come when its messages were last read."""

    run: RunId
    at: datetime
    messages: str | None
    """The file below `work/` that it writes them to; None: it prints them."""
    facts: LogFacts
    done: float | None
    """The part of the simulation that is done, 0 to 1."""
    resume: str = ""
    """Where reading goes on, in the words of whoever reads."""


RequestKind = Literal["retry", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked of the controller through another process."""

    id: int
    kind: RequestKind
    address: Address
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the store's memory; never changed, never removed but by gc."""

    at: datetime
    kind: str
    address: Address | None
    run: RunId | None
    message: str

    def __str__(self) -> str:
        """`14:30:05 CEST succeeded Demo/p01  on desk, 0.4 s`: in the user's zone, which is named."""
        about = f" {self.address}" if self.address else ""
        return f"{local_time(self.at, '%H:%M:%S')} {self.kind}{about}  {self.message}"


NOT_SHOWN = frozenset({"apply", "running", "publishing", "end"})
"""Kinds of events that the screen leaves out: what it shows of them it shows in other places."""


RACY_NS = 2_000_000_000
"""A file touched within two seconds of its hash may have been written again without a new time: git's racy rule."""


class Statted(Protocol):
    """An `os.stat_result`."""

    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...
    @property
    def st_ino(self) -> int: ...


@dataclass(frozen=True, slots=True)
class FileStat:
    """What tells that a file was not touched since it was hashed."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, found: Statted) -> FileStat:
        """The part of a stat that tells whether a file was touched."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def is_trusted(self, taken_ns: int) -> bool:
        """Whether a file with this stat is what it was when it was read at `taken_ns`."""
        return taken_ns - max(self.mtime_ns, self.ctime_ns) >= RACY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """A line of the stat cache. `hashed_ns` is when the hash was taken, for git's racy rule."""

    path: Path
    stat: FileStat
    kind: str
    raw: str
    semantic: str
    hashed_ns: int


@dataclass(frozen=True, slots=True)
class Mention:
    """What a file says about another: in use, and as it is spelled there."""

    what: str
    """`geometry`, `dss`, `terrain`, `tile`...; `fault`: what is wrong with the file itself."""
    value: str
    line: int = 0
    """0 where the file has no lines."""
    remedy: str = ""
    """Of a fault: what to do about it."""

    @classmethod
    def fault(cls, trouble: Trouble, line: int = 0) -> Mention:
        """What is wrong with the file itself."""
        return cls("fault", trouble.what, line, trouble.remedy)

    @property
    def trouble(self) -> Trouble:
        """Of a fault."""
        return Trouble(self.value, self.remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """All that a file says about others, as long as its stat stays the same. `read_ns`: for git's racy rule."""

    path: Path
    stat: FileStat
    kind: str
    found: tuple[Mention, ...]
    read_ns: int
