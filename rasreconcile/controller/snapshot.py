"""A snapshot of an apply: totals, workers and the longest runs, as plain values for the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rasreconcile.controller.session import Session
from rasreconcile.facts import LogFacts
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.durations import Estimate, left_of_run, until_all_are_done
from rasreconcile.reconcile.verdicts import Phase
from rasreconcile.runs import Run

SHOWN = 6
"""Runs that a snapshot names."""


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A live run. `going`: for how long; `expected`: how long it usually takes, where history tells."""

    run: Run
    going: timedelta
    expected: Estimate | None
    said: LogFacts | None = None
    """What its messages say so far."""
    done: float | None = None
    """The part of the simulation that is done, 0 to 1."""

    @property
    def failing(self) -> bool:
        """Whether its messages tell of a failure."""
        return self.said is not None and bool(self.said.unstable or self.said.first_error)

    @property
    def left(self) -> Estimate | None:
        """How much longer it will run, from its own pace or from history."""
        return left_of_run(self.going, self.expected, self.done)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of an apply."""

    plans: int
    syncs: Mapping[str, int]
    phases: Mapping[str, int]
    workers: Mapping[str, tuple[int, int]]
    """Slots in use, slots there are."""
    longest: tuple[RunSnapshot, ...]
    """Those that are failing first, then those that have run longest."""
    remaining: Estimate | None
    """Until all plans that are due are done, where history tells: from the first run that succeeded on."""
    at: datetime
    elapsed: timedelta
    """Of this apply."""


def snapshot_of(session: Session, decision: Decision) -> Snapshot:
    """From the last decision and the store's live runs."""
    live = session.store.runs.live()
    now = session.clock.now()
    expectancy = session.outputs.expectancy
    runs = sorted(
        (_of_run(session, run, now, expectancy.estimate(run.address)) for run in live),
        key=lambda r: (r.failing, r.going),
        reverse=True,
    )
    used = Counter(run.worker for run in live)
    return Snapshot(
        plans=len(decision.verdicts),
        syncs=Counter(str(v.sync) for v in decision.verdicts),
        phases=Counter(str(v.phase) for v in decision.verdicts),
        workers={name: (used[name], worker.spec.slots) for name, worker in session.workers.items()},
        longest=tuple(runs[:SHOWN]),
        remaining=_remaining(session, decision, runs),
        at=now,
        elapsed=now - session.began,
    )


def _of_run(session: Session, run: Run, now: datetime, expected: Estimate | None) -> RunSnapshot:
    going, followed = now - (run.started or run.created), session.followed.runs.get(run.id)
    if followed is None:
        return RunSnapshot(run, going, expected)
    return RunSnapshot(run, going, expected, followed.reading.facts, followed.done)


def _remaining(session: Session, decision: Decision, runs: list[RunSnapshot]) -> Estimate | None:
    copied = decision.copied
    waiting = [
        session.outputs.expectancy.estimate(v.address)
        for v in decision.verdicts
        if v.phase in {Phase.QUEUED, Phase.BACKOFF} and v.address not in copied
    ]
    slots = sum(worker.spec.slots for worker in session.workers.values())
    return until_all_are_done([run.left for run in runs], waiting, slots)
