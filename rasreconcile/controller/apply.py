"""Apply: open the store, take its lock, run the loop, and say how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Literal

from rasreconcile.clock import Clock
from rasreconcile.controller.connected_workers import connect_workers, spool_of
from rasreconcile.controller.discard import discard_left_over
from rasreconcile.controller.followed_runs import FollowedRuns
from rasreconcile.controller.health import look_at_images
from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.controller.loop import Loop
from rasreconcile.controller.session import Session
from rasreconcile.controller.shared_store import refuse_runs_of_others, whose
from rasreconcile.controller.snapshot import Snapshot
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.decision import Decision, Health
from rasreconcile.reconcile.selection import Select, every_plan
from rasreconcile.reconcile.verdicts import Phase, Sync
from rasreconcile.records import Event
from rasreconcile.results import publish
from rasreconcile.runs import Run
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store import Store
from rasreconcile.studies.policies import policy_of
from rasreconcile.studies.study import Study

Stay = Literal["converge", "detach"]
"""Until everything has converged; or until what had ended is published and what fits now has been started."""
FAULTS_REMEMBERED = timedelta(minutes=15)
"""Controllers that do not stay count the faults of workers together: each alone would never see three in a row."""


class Exit(IntEnum):
    """The exit codes of the program."""

    CONVERGED = 0
    ERROR = 1
    WORK_TO_DO = 2
    FAILURES = 3
    STALLED = 4
    BUSY = 5
    USAGE = 64
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Requester:
    """The user who started this apply, and the commit of the models, where they are under git."""

    by: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an apply ended."""

    decision: Decision
    counts: Mapping[str, int]
    """Events by kind: started, succeeded, failed, lost, cancelled, copied, verified, recalled."""
    live: tuple[Run, ...]
    """Runs that are still running, or have ended and are kept."""
    kept: frozenset[RunId]
    """Of these, those that have ended and whose result could not take its place."""
    exit: Exit
    failed: Mapping[Address, Run] = field(default_factory=dict)
    """The last failed run of each plan whose run directory is kept."""
    paid: tuple[Run, ...] = ()
    """Runs that ended in this apply; empty where no worker has a price."""


@dataclass(slots=True)
class Apply:
    """One apply of one spec. `interrupt` may be called from a signal handler at any time."""

    loaded: LoadedSpec
    requester: Requester
    tell: Callable[[Event], None]
    show: Callable[[Snapshot], None]
    clock: Clock
    stay: Stay = "converge"
    select: Select = every_plan
    """Which plans of the spec are meant; may raise UsageError."""
    _loop: Loop | None = None
    _interrupts: int = 0

    def interrupt(self, linger: float = 0.0) -> int:
        """Once: stop dispatching. Twice: cancel the runs. Thrice: leave at once. Returns how often by now.

        `linger`: seconds for which the first one waits for a second while runs are going.
        """
        self._interrupts += 1
        if self._loop is not None:
            self._loop.linger_until = self.clock.monotonic() + linger
            self._loop.interrupts = self._interrupts
            self._loop.session.interrupted = self._interrupts >= 2
            self._loop.session.decide_again()
            self._loop.answers.put(lambda: None)
        return self._interrupts

    def leave(self) -> bool:
        """Stop dispatching, cancel nothing, wait for nobody. Whether it was the first to say so."""
        first = self._interrupts == 0
        if first:
            self.interrupt()
        elif self._interrupts == 1 and self._loop is not None:
            self._loop.linger_until = self.clock.monotonic()
            self._loop.answers.put(lambda: None)
        return first

    @property
    def interrupted(self) -> bool:
        """Whether the user asked to stop."""
        return self._interrupts > 0

    def run(self) -> Outcome:
        """Raises SpecError, UsageError, StoreError, StoreBusy before anything was started."""
        began = self.clock.now()
        answers = Answers(self.clock)
        with ExitStack() as stack:
            # Closed however it ends: `watch` applies again and again in one process.
            workers = connect_workers(self.loaded, answers)
            for worker in workers.values():
                stack.callback(worker.close)
            store = stack.enter_context(Store.open(self.loaded.state_path, now=began))
            refuse_runs_of_others(store, self.loaded.state_path, self.requester.by)
            spool_of(self.loaded).sweep()
            verifying, followed = Lane("verify", 2, answers), FollowedRuns(answers)
            stack.callback(verifying.close)
            stack.callback(followed.close)
            study = Study.open(self.loaded, store, self.clock)
            plans = study.look()
            selection = self.select([plan.address for plan in plans])
            _sweep(plans, store.runs.live())
            store.texts.keep({self.loaded.text_digest: self.loaded.text.encode()})
            apply_id = store.applies.begin(
                spec_path=self.loaded.path,
                spec_digest=self.loaded.text_digest,
                by=self.requester.by,
                commit=self.requester.commit,
                now=began,
            )
            session = Session(
                store=store,
                workers=workers,
                study=study,
                clock=self.clock,
                apply_id=apply_id,
                began=began,
                verifying=verifying,
                followed=followed,
                tell=self.tell,
                images=store.caches.images(),
                keep_runs=not self.loaded.spec.autoclean,
            )
            if told := whose(self.loaded.state_path):
                session.say("store", told)
            discard_left_over(session)
            if self.loaded.spec.strict_platform:
                look_at_images(session)
            self._loop = Loop(session, answers, policy_of(self.loaded.spec), self.show, self._interrupts)
            # A signal may have come while it was made.
            self._loop.interrupts = self._interrupts
            self._loop.selection = selection
            if self.stay == "detach":
                self._loop.detaching = True
                followed.at_once = frozenset(run.id for run in store.runs.live())
                self._loop.faults_since = began - FAULTS_REMEMBERED
            decision = self._loop.run()
            code = Exit.INTERRUPTED if self._interrupts else exit_of(decision)
            store.applies.end(apply_id, outcome=code.name.lower(), exit_code=code, now=self.clock.now())
            return Outcome(
                decision=decision,
                counts=session.counts,
                live=store.runs.live(),
                kept=frozenset(session.in_flight.runs.why),
                exit=code,
                failed={run.address: run for run in reversed(store.runs.discardable()) if run.failure},
                paid=store.runs.ended_since(began) if self.loaded.spec.prices else (),
            )


def exit_of(decision: Decision) -> Exit:
    """What a decision means for a program that waits for nothing more."""
    if decision.health is Health.PROGRESSING:
        return Exit.WORK_TO_DO
    if any(v.phase is Phase.QUARANTINED for v in decision.verdicts):
        return Exit.FAILURES
    if all(v.sync is Sync.CURRENT and v.phase is Phase.IDLE for v in decision.verdicts):
        return Exit.CONVERGED
    return Exit.STALLED


def _sweep(plans: tuple[Plan, ...], live: tuple[Run, ...]) -> None:
    """Removes the temporary files that controllers before this one left when they were ended."""
    keep: set[RunId] = {run.id for run in live}
    names: dict[Path, list[str]] = {}
    for plan in plans:
        patterns = (p for one in plan.brought_back if one.is_pattern for p in _places(plan, one.name))
        for path in (plan.output, *plan.side_paths, *patterns):
            names.setdefault(path.parent, []).append(path.name)
            if path.is_symlink():
                # The temporary file of what is published through a link is beside the file it leads to.
                real = Path(os.path.realpath(path))
                names.setdefault(real.parent, []).append(real.name)
    for folder, outputs in names.items():
        publish.sweep(folder, outputs, keep)


def _places(plan: Plan, pattern: str) -> Iterator[Path]:
    """The pattern in each folder that it means."""
    folders, _, name = pattern.replace("[", "[[]").rpartition("/")
    for folder in plan.output.parent.glob(folders) if folders else (plan.output.parent,):
        yield folder / name.replace("[[]", "[")
