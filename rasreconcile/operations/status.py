"""`status`: what the last apply saw and what runs now, from the store only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.jobs import RunId
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.operations.followed import Commits, commits_of
from rasreconcile.operations.last_seen import Known, Load, known_of
from rasreconcile.plans import Address
from rasreconcile.reasons import BY_RETRY
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import Progress, Request
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.store.lock import Controller
    from rasreconcile.store.reader import Missing

_MOVING = frozenset({"queued", "running", "backoff"})
_EVEN_SO = frozenset({"cannot-run", "other-owner"})
"""What `retry` does not overcome."""


@dataclass(frozen=True, slots=True)
class State:
    """What the store says of the plans that are meant."""

    verdicts: tuple[LastVerdict, ...]
    live: tuple[Run, ...]
    controller: Controller | None
    progress: Mapping[RunId, Progress]
    durations: Mapping[Address, Sequence[tuple[str, timedelta]]]
    """Of runs that succeeded; asked for only while a controller is at work."""
    gone: frozenset[Address]
    """Current plans whose result was removed since."""
    owner: str | None = None
    """Whose the store is, where that is somebody else."""
    known: Mapping[RunId, Known] = field(default_factory=dict)
    """Of live runs that no controller follows: what is so now."""
    commits: Commits | None = None
    """Of a study that `watch --git` keeps current."""

    @property
    def key(self) -> object:
        """What is worth showing again when it has changed."""
        plans = [(v.address, v.sync, v.phase, v.note, v.remedy) for v in self.verdicts]
        live = [(run.id, run.state, self.known.get(run.id)) for run in self.live]
        return plans, live, self.controller, self.gone, self.commits

    @property
    def exit_code(self) -> int:
        """As `diff` has it: 0 all were current, 2 `apply` would do something, 3 plans failed, 4 they are blocked."""
        held = {v.address for v in self.verdicts if v.phase == "held"}
        known = {v.address for v in self.verdicts}
        # A run whose plan left the spec keeps nobody waiting.
        running = any(run.address in known - held for run in self.live)
        # What is idle and not current is verified, or recorded, without a run.
        due = any(v.phase in _MOVING or (v.phase == "idle" and v.sync != "current") for v in self.verdicts)
        if not self.verdicts or self.gone or running or due:
            return 2
        if any(v.phase == "quarantined" for v in self.verdicts):
            return 3
        return 4 if held else 0


def status(
    state: Path,
    load: Load,
    named: NamedPlans = EVERY_PLAN,
    *,
    spec: Path | None = None,
    missing: Missing = "refuse",
) -> State:
    """Works while a controller is running. `state`: the store's file; `spec`: to tell which commit it is of.

    Raises UsageError, StoreError.
    """
    from rasreconcile.store.disk import owner_of  # noqa: PLC0415  so that --help is quick
    from rasreconcile.store.reader import opened  # noqa: PLC0415

    with opened(state, missing) as reader:
        live, controller = reader.runs.live(), reader.controller()
        verdicts = _as_asked(reader.verdicts.latest(), reader.requests.open())
        progress = reader.progress.latest()
        durations = reader.runs.durations() if controller else {}
        events = reader.events.latest(limit=10_000) if live and controller is None else ()
        commits = commits_of(spec, reader) if spec is not None else None
    if named.narrowed:
        meant = set(named.pick(dict.fromkeys([v.address for v in verdicts] + [run.address for run in live])))
        verdicts = tuple(v for v in verdicts if v.address in meant)
        live = tuple(run for run in live if run.address in meant)
    known = known_of(load, live, events, progress) if controller is None else {}
    owner = owner_of(state) if state.exists() else None
    gone = frozenset(v.address for v in verdicts if v.sync == "current" and not v.output.exists())
    return State(verdicts, live, controller, progress, durations, gone, owner, known, commits)


def _as_asked(verdicts: Sequence[LastVerdict], requests: Sequence[Request]) -> tuple[LastVerdict, ...]:
    """A plan that was asked for since the last look waits to be computed, whatever was said of it then."""
    asked = {request.address for request in requests if request.kind == "retry"}
    return tuple(_asked(v) if v.address in asked and v.obstacle not in _EVEN_SO else v for v in verdicts)


def _asked(verdict: LastVerdict) -> LastVerdict:
    reasons = (*verdict.reasons, BY_RETRY)
    return replace(
        verdict,
        phase="queued",
        reasons=reasons,
        note="",
        remedy="",
        obstacle=None,
        blocked_by=(),
        next_at=None,
    )
