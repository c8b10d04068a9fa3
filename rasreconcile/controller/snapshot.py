"""A snapshot of an apply: totals, workers and the longest runs, as plain values for the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rasreconcile.controller.session import Session
from rasreconcile.facts import LogFacts
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.durations import left
from rasreconcile.runs import Run


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A live run. `going`: for how long; `expected`: how long it usually takes, where history tells."""

    run: Run
    going: timedelta
    expected: timedelta | None
    said: LogFacts | None = None
    """What its messages say so far."""
    done: float | None = None
    """The part of the simulation that is done, 0 to 1."""

    @property
    def left(self) -> timedelta | None:
        """How much longer it will run, from its own pace or from history."""
        return left(self.going, self.expected, self.done)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of an apply."""

    plans: int
    syncs: Mapping[str, int]
    phases: Mapping[str, int]
    workers: Mapping[str, tuple[int, int]]
    """Slots in use, slots there are."""
    longest: tuple[RunSnapshot, ...]
    remaining: timedelta | None
    """Until all plans that are due are done, where history tells."""


def snapshot_of(session: Session, decision: Decision) -> Snapshot:
    """From the last decision and the store's live runs."""
    live = session.store.runs.live()
    now = session.clock.now()
    lengths = session.outputs.expectancy.lengths
    runs = sorted(
        (_of_run(session, run, now, lengths.get(run.address)) for run in live),
        key=lambda r: r.going,
        reverse=True,
    )
    used = Counter(run.worker for run in live)
    return Snapshot(
        plans=len(decision.verdicts),
        syncs=Counter(str(v.sync) for v in decision.verdicts),
        phases=Counter(str(v.phase) for v in decision.verdicts),
        workers={name: (used[name], worker.spec.slots) for name, worker in session.workers.items()},
        longest=tuple(runs[:5]),
        remaining=_remaining(session, decision, runs),
    )


def _of_run(session: Session, run: Run, now: datetime, expected: timedelta | None) -> RunSnapshot:
    going, followed = now - (run.started or run.created), session.followed.runs.get(run.id)
    if followed is None:
        return RunSnapshot(run, going, expected)
    return RunSnapshot(run, going, expected, followed.reading.facts, followed.done)


def _remaining(session: Session, decision: Decision, runs: list[RunSnapshot]) -> timedelta | None:
    lengths = session.outputs.expectancy.lengths
    waiting = [v.address for v in decision.verdicts if str(v.phase) in {"queued", "backoff"}]
    slots = sum(worker.spec.slots for worker in session.workers.values())
    tells = bool(lengths) or any(r.done is not None for r in runs)
    if not tells or not slots or any(address not in lengths for address in waiting):
        return None
    going = [r.left or timedelta() for r in runs]
    total = sum((lengths[address] for address in waiting), timedelta()) + sum(going, timedelta())
    return total / min(slots, max(len(waiting) + len(runs), 1))
