"""The names of objects: run directories, their cache, and one flat folder that tells of all runs. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rasreconcile.jobs import RunId

JOB = "job"
"""`live/<run>.job.<job id>`: a job was submitted for the run."""
STARTED = "started"
"""`live/<run>.started.<job id>`: that job has claimed it."""
LOG = "log"
"""`live/<run>.log.<bytes>`: so much of its log is here."""
ENDED = "done"
UNCLAIMED = "unclaimed"
"""`live/<run>.unclaimed.<job id>`: that job gave up before its claim, and `unclaimed` says why."""

_ENTRY = re.compile(r"([a-z0-9][a-z0-9-]*)\.(job|started|log|done|unclaimed)(?:\.([A-Za-z0-9-]+))?")
_RUN = re.compile(r"([a-z0-9][a-z0-9-]{0,127})/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one bucket, below `prefix`, which is empty or ends with a slash."""

    bucket: str
    prefix: str = ""

    @classmethod
    def of(cls, address: str) -> Keys:
        """From `s3://bucket/folder`."""
        bucket, _, folder = address.removeprefix("s3://").partition("/")
        return cls(bucket, f"{folder}/" if folder else "")

    def run(self, run: RunId, name: str = "") -> str:
        return f"{self.prefix}runs/{run}/{name}"

    def live(self, run: RunId, what: str = "", value: str = "") -> str:
        return f"{self.prefix}live/{run}.{what}{'.' if value else ''}{value}"

    def cached(self, digest: str) -> str:
        return f"{self.prefix}cache/{digest}"

    def program(self, digest: str) -> str:
        return f"{self.prefix}program/{digest}.py"

    def question(self, digest: str, what: str = "") -> str:
        return f"{self.prefix}questions/{digest}{what}"

    @property
    def probe(self) -> str:
        return f"{self.prefix}probe"

    def folder(self, name: str) -> str:
        return f"{self.prefix}{name}/"

    def run_of(self, key: str) -> RunId | None:
        """Whose object below `runs/` it is."""
        found = _RUN.fullmatch(key.removeprefix(self.folder("runs")))
        return RunId(found[1]) if found else None

    def entry_of(self, key: str) -> tuple[RunId, str, str] | None:
        """Run, what and value of an object below `live/`; None: it is none of ours."""
        found = _ENTRY.fullmatch(key.removeprefix(self.folder("live")))
        return (RunId(found[1]), found[2], found[3] or "") if found else None


@dataclass(frozen=True, slots=True)
class Listed:
    """An object, as a listing tells of it."""

    key: str
    size: int
    changed: datetime


@dataclass(slots=True)
class LiveRun:
    """What the flat folder tells of one run."""

    jobs: dict[str, datetime]
    """Every job that was submitted for it, and when that was told."""
    claimant: str = ""
    """The job that computes it, or did; empty: none is known to."""
    claimed: datetime | None = None
    log_size: int = 0
    grew: datetime | None = None
    ended: bool = False


def live_runs(keys: Keys, listed: Iterable[Listed]) -> dict[RunId, LiveRun]:
    """What one listing of the flat folder tells of every run."""
    found: dict[RunId, LiveRun] = {}
    for one in listed:
        entry = keys.entry_of(one.key)
        if entry is None:
            continue
        run, what, value = entry
        live = found.setdefault(run, LiveRun({}))
        match what:
            case "job":
                live.jobs.setdefault(value, one.changed)
            case "started":
                live.jobs.setdefault(value, one.changed)
                live.claimant, live.claimed = value, one.changed
                live.grew = max(live.grew or one.changed, one.changed)
            case "log" if value.isdecimal():
                live.log_size = max(live.log_size, int(value[:18]))
                live.grew = max(live.grew or one.changed, one.changed)
            case "done":
                live.ended = True
            case _:
                continue
    return found
