"""What is known now of runs that no controller follows: those of this machine are looked at, of others nothing is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from rasreconcile.errors import RasReconcileError
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running, Status, Vanished
from rasreconcile.printable import local_time
from rasreconcile.records import Event, Progress
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.specfile import LoadedSpec

State = Literal["running", "starting", "ended", "gone", "not there", "not looked at"]


@dataclass(frozen=True, slots=True)
class Known:
    """Of one run."""

    state: State
    seen: datetime
    """When the last controller saw it."""

    @property
    def words(self) -> str:
        """For a person; after the worker."""
        when = local_time(self.seen)
        match self.state:
            case "running" | "starting":
                return self.state
            case "ended":
                return "has ended; `apply` collects it"
            case "gone":
                return "is gone without an end; `apply` starts it again"
            case "not there":
                return "has left nothing there"
            case "not looked at":
                return f"when last seen, at {when}"


Load = Callable[[], "LoadedSpec"]
"""Reads the spec, which takes its time and may raise: only where runs are to be looked at."""


def known_of(
    load: Load, live: Sequence[Run], events: Iterable[Event], progress: Mapping[RunId, Progress]
) -> Mapping[RunId, Known]:
    """Asks this machine's workers; no other is connected to. Raises nothing: what cannot be told is not looked at."""
    seen = {run.id: run.created for run in live}
    for event in events:
        if event.run in seen:
            seen[event.run] = max(seen[event.run], event.at)
    for run, one in progress.items():
        if run in seen:
            seen[run] = max(seen[run], one.at)
    found = _looked_at(load, live) if live else {}
    return {run.id: Known(found.get(run.id, "not looked at"), seen[run.id]) for run in live}


def _looked_at(load: Load, live: Sequence[Run]) -> Mapping[RunId, State]:
    try:
        loaded = load()
    except (RasReconcileError, OSError):
        return {}
    found: dict[RunId, State] = {}
    for name in {run.worker for run in live} & set(loaded.spec.workers):
        if not loaded.kind_of(name).here:
            continue
        try:
            worker = loaded.open_worker(name)
            try:
                said = worker.poll([run.id for run in live if run.worker == name])
            finally:
                worker.close()
        except (RasReconcileError, OSError):
            # Its folder is away: nothing is known now.
            continue
        found |= {run: _state(status) for run, status in said.items()}
    return found


def _state(status: Status) -> State:
    match status:
        case Running():
            return "running"
        case Queued():
            return "starting"
        case Ended():
            return "ended"
        case Vanished():
            return "gone"
        case Absent():
            return "not there"
        case _:
            return "not looked at"
