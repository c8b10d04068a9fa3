"""Apply: open the store, take its lock, run the loop, and say how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Literal

from rasreconcile.clock import Clock
from rasreconcile.controller.connected_workers import connect_workers
from rasreconcile.controller.health import look_at_images
from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.controller.loop import Loop
from rasreconcile.controller.progress_reader import ProgressReader
from rasreconcile.controller.publish_run import discard_left_over
from rasreconcile.controller.session import Session
from rasreconcile.controller.snapshot import Snapshot
from rasreconcile.jobs import RunId
from rasreconcile.plans import Plan
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.verdicts import Phase, Sync
from rasreconcile.records import Event
from rasreconcile.results import publish
from rasreconcile.runs import Run
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store import Store
from rasreconcile.study.policies import policy_of
from rasreconcile.study.study import Study

Stay = Literal["converge", "detach"]
"""Until everything has converged; or until what fits now has been started."""


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
    """Who asked for this apply, and for which state of the models."""

    by: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an apply ended."""

    decision: Decision
    counts: Mapping[str, int]
    """Events by kind: started, succeeded, failed, lost, cancelled, copied, verified, recalled."""
    live: tuple[Run, ...]
    """Runs that go on without us, or have ended and are kept."""
    kept: frozenset[RunId]
    """Of these, those that have ended and whose result could not take its place."""
    exit: Exit


@dataclass(slots=True)
class Apply:
    """One apply of one spec. `interrupt` may be called from a signal handler at any time."""

    loaded: LoadedSpec
    asked: Requester
    tell: Callable[[Event], None]
    show: Callable[[Snapshot], None]
    clock: Clock
    stay: Stay = "converge"
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
            self._loop.session.changed = True
            self._loop.answers.put(lambda: None)
        return self._interrupts

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
            for connected in workers.values():
                stack.callback(connected.close)
            store = stack.enter_context(Store.open(self.loaded.state_path, now=began))
            verifying, messages = Lane("verify", 2, answers), ProgressReader(answers)
            stack.callback(verifying.close)
            stack.callback(messages.close)
            study = Study.open(self.loaded, store, self.clock)
            _sweep(study.look(), store.live_runs())
            store.remember_spec(self.loaded.text_digest, self.loaded.text)
            apply_id = store.begin_apply(
                spec_path=self.loaded.path,
                spec_digest=self.loaded.text_digest,
                by=self.asked.by,
                commit=self.asked.commit,
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
                messages=messages,
                tell=self.tell,
                images=store.images(),
                keep_runs=not self.loaded.spec.autoclean,
            )
            discard_left_over(session)
            if self.loaded.spec.strict_platform:
                look_at_images(session)
            self._loop = Loop(session, answers, policy_of(self.loaded.spec), self.show, self._interrupts)
            # A signal may have come while it was made.
            self._loop.interrupts = self._interrupts
            self._loop.detaching = self.stay == "detach"
            decision = self._loop.run()
            code = exit_of(decision, interrupted=self._interrupts > 0)
            if self.stay == "detach" and code is Exit.STALLED and self._loop.moving():
                # What was asked for was done: something is on its way.
                code = Exit.CONVERGED
            store.end_apply(apply_id, outcome=code.name.lower(), exit_code=code, now=self.clock.now())
            return Outcome(
                decision, session.counts, store.live_runs(), frozenset(session.in_flight.held), code
            )


def exit_of(decision: Decision, *, interrupted: bool = False) -> Exit:
    """What the program ends with."""
    if interrupted:
        return Exit.INTERRUPTED
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
        names.setdefault(plan.output.parent, []).extend((plan.output.name, *plan.side_outputs))
    for folder, outputs in names.items():
        publish.sweep(folder, outputs, keep)
