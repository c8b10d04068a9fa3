"""The loop: look, decide, do, wait; until there is nothing to do and nothing moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rasreconcile.controller.dispatch import dispatch
from rasreconcile.controller.lanes import Answers
from rasreconcile.controller.losses import tell_losses
from rasreconcile.controller.poll import live_seen, poll_due, seconds_to_next_poll, workers_seen
from rasreconcile.controller.prefetch import prefetch
from rasreconcile.controller.progress_reader import caught_up, note_progress, read_due, seconds_to_next_read
from rasreconcile.controller.session import Session
from rasreconcile.controller.snapshot import Snapshot, snapshot_of
from rasreconcile.errors import SpecError
from rasreconcile.jobs import RunId, Running
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import Decision, Health, decide
from rasreconcile.reconcile.judgement import Judgements
from rasreconcile.reconcile.policy import Policy, probe_at
from rasreconcile.reconcile.selection import Selection, selected
from rasreconcile.reconcile.verdicts import Phase, Verdict, last_verdicts
from rasreconcile.runs import Run
from rasreconcile.studies.outputs import Activity

LOOK_AT_REQUESTS = 1.0
LOOK_AT_FILES = 5.0
"""Seconds between two looks at the inputs, at least; twenty times as long as a look takes, if that is more."""
TELL_PROGRESS = 0.5
WRITE_VERDICTS = 2.0


@dataclass(slots=True)
class Times:
    """When things were last done, monotonic."""

    files: float = 0.0
    files_took: float = 0.0
    requests: float = 0.0
    progress: float = 0.0
    verdicts: float = 0.0


@dataclass(slots=True)
class Loop:
    """Runs in the main thread."""

    session: Session
    answers: Answers
    policy: Policy
    show: Callable[[Snapshot], None]
    interrupts: int = 0
    """Raised by the signal handlers: once stops dispatching, twice cancels, thrice leaves at once."""
    linger_until: float = 0.0
    """Monotonic; until then a second interrupt is waited for."""
    detaching: bool = False
    """End as soon as what had ended is dealt with and what fits now has been started."""
    selection: Selection | None = None
    """The plans that the user named; None: all of them."""
    faults_since: datetime | None = None
    """Faults of workers count from here on; None: from the beginning of this apply."""
    plans: tuple[Plan, ...] = ()
    known: Mapping[Address, Plan] = field(default_factory=dict)
    decision: Decision | None = None
    judgements: Judgements = field(default_factory=Judgements)
    times: Times = field(default_factory=Times)
    _requests: int = 0
    _warned: str = ""
    _changes_at_look: int = 0
    _found: frozenset[RunId] = frozenset()
    """Runs that earlier controllers started."""

    def run(self) -> Decision:
        """Until nothing moves any more, or the user stops it."""
        self._found = frozenset(run.id for run in self.session.store.runs.live())
        self._look()
        while True:
            self._pass()
            if self._over():
                leaving = self.detaching and self.moving()
                if self.interrupts or leaving or not self._happened():
                    break
                # Inputs may have changed while the last runs were going: `converged` is said of a fresh look only.
                self._look_again()
                continue
            self.answers.take(self._pause())
            if self.interrupts >= 3:
                break
            self._refresh()
        self._show(force=True)
        self._write_verdicts(force=True)
        session = self.session
        note_progress(session)
        session.store.runs.mark_discarded(session.in_flight.discarded)
        session.study.remember(session.store.caches)
        assert self.decision is not None
        return self.decision

    def _pass(self) -> None:
        session = self.session
        live = session.store.runs.live()
        poll_due(session, live)
        read_due(session, live, self.known)
        if session.due or self.decision is None or self._time_has_come():
            session.due = False
            self.decision = self._decide(live)
            tell_losses(session, self.decision.actions)
            for action in self.decision.actions:
                if self._may(action):
                    dispatch(session, action)
            if self.interrupts == 0:
                prefetch(session, self.decision.upcoming)
        self._show()
        self._write_verdicts()

    def _decide(self, live: tuple[Run, ...]) -> Decision:
        session = self.session
        faults = session.store.runs.worker_faults(self.faults_since or session.began)
        workers = workers_seen(session, faults, self.plans)
        for worker in workers:
            # One that was given up comes back when it is found fit, for as long as the program runs.
            session.workers[worker.name].probe_at = (
                None if worker.name in session.in_flight.checks.busy else probe_at(worker, self.policy)
            )
        activity = Activity(
            live=live_seen(session, live),
            workers=workers,
            uncopied=frozenset(session.in_flight.uncopied),
            stuck=session.in_flight.plans.held(session.clock.monotonic()),
            selection=self.selection,
            cancelled=self._stopped(live),
        )
        seen = session.outputs.seen(self.plans, activity, session.clock.now())
        decision = decide(self.plans, seen, self.policy, self.judgements)
        self._answer_idle_cancels(live)
        return decision

    def _stopped(self, live: tuple[Run, ...]) -> frozenset[Address]:
        """The plans whose runs the user ends with the program: of those that were named."""
        if self.interrupts < 2:
            return frozenset()
        return frozenset(run.address for run in live) & selected(self.selection, self.plans)

    def _answer_idle_cancels(self, live: tuple[Run, ...]) -> None:
        going = {run.address for run in live}
        for request in self.session.store.requests.open():
            if request.kind == "cancel" and request.address not in going:
                self.session.store.requests.close(
                    request.id, now=self.session.clock.now(), outcome="nothing was running"
                )

    def _may(self, action: act.Action) -> bool:
        """Not what a lane is busy with already, and nothing new once the user has asked to stop."""
        in_flight = self.session.in_flight
        match action:
            case act.Start() | act.Restart():
                return self.interrupts == 0
            case act.Verify(plan) | act.Reuse(plan) | act.Recall(plan):
                return self.interrupts == 0 and plan.address not in in_flight.plans.busy
            case act.Cancel(run) | act.Stop(run):
                return run.id not in in_flight.cancelled
            case _:
                return True

    def _over(self) -> bool:
        session, decision = self.session, self.decision
        if session.due or not session.in_flight.empty or decision is None:
            return False
        if self.interrupts == 1:
            # Runs are going: leave the user a moment to say that they should not.
            return session.clock.monotonic() >= self.linger_until or not session.store.runs.live()
        if self.interrupts >= 2:
            return not any(v.phase is Phase.RUNNING for v in decision.verdicts)
        if self.detaching and not decision.actions:
            return not self._unheard()
        return decision.health is not Health.PROGRESSING

    def _unheard(self) -> bool:
        """Whether a run of an earlier controller was not asked about yet: it may have ended, or be hopeless."""
        session = self.session
        for run in session.store.runs.live():
            worker, plan = session.workers.get(run.worker), self.known.get(run.address)
            if run.id not in self._found or worker is None:
                continue
            status = worker.statuses.get(run.id)
            if status is None:
                return True
            if (
                plan
                and plan.stop_when
                and isinstance(status, Running)
                and not caught_up(session, run, worker)
            ):
                return True
        return False

    def moving(self) -> bool:
        """Whether anything is on its way without us, or would be if we stayed."""
        return self.decision is not None and self.decision.health is Health.PROGRESSING

    def _time_has_come(self) -> bool:
        now = self.session.clock.now()
        due = self.decision is not None and self.decision.next_at is not None and self.decision.next_at <= now
        return self.session.in_flight.wake(self.session.clock.monotonic()) or due

    def _pause(self) -> float:
        """Seconds until there is something to do even if nobody answers."""
        session = self.session
        waits = [LOOK_AT_REQUESTS]
        poll = seconds_to_next_poll(session, session.store.runs.live())
        waits += [wait for wait in (poll, seconds_to_next_read(session)) if wait is not None]
        if self.decision is not None and self.decision.next_at is not None:
            waits.append((self.decision.next_at - session.clock.now()) / timedelta(seconds=1))
        waits += [at - session.clock.monotonic() for at in session.in_flight.waits()]
        return 0.0 if session.due else max(min(waits), 0.0)

    # ---- outputs again

    def _look(self) -> None:
        began = self.session.clock.monotonic()
        self.plans = self.session.study.look()
        self.known = {plan.address: plan for plan in self.plans}
        self.session.outputs.look(self.plans)
        self.session.study.remember(self.session.store.caches)
        self.times.files = self.session.clock.monotonic()
        self.times.files_took = self.times.files - began
        self.session.stale_inputs = False
        self.session.decide_again()
        self._changes_at_look = self.session.changes

    def _refresh(self) -> None:
        monotonic = self.session.clock.monotonic()
        if monotonic - self.times.requests >= LOOK_AT_REQUESTS:
            self.times.requests = monotonic
            requests = len(self.session.store.requests.open())
            if requests != self._requests:
                self.session.decide_again()
            self._requests = requests
        overdue = monotonic - self.times.files >= max(LOOK_AT_FILES, 20 * self.times.files_took)
        if overdue or self.session.stale_inputs:
            self._look_again()

    def _happened(self) -> bool:
        """Whether anything was done since the files were looked at."""
        return self.session.changes > self._changes_at_look

    def _look_again(self) -> None:
        try:
            self._look()
        except SpecError as error:
            self._cannot_look(error)

    def _cannot_look(self, error: SpecError) -> None:
        """Projects moved while runs are going: what is known continues, and the user is told once."""
        self.times.files = self.session.clock.monotonic()
        self.session.stale_inputs = False
        if str(error) != self._warned:
            self._warned = str(error)
            self.session.say("warning", f"the plans cannot be checked now: {error.faults[0]}")
        self._changes_at_look = self.session.changes

    # ---- telling

    def _show(self, *, force: bool = False) -> None:
        monotonic = self.session.clock.monotonic()
        if self.decision is not None and (force or monotonic - self.times.progress >= TELL_PROGRESS):
            self.times.progress = monotonic
            self.show(snapshot_of(self.session, self.decision))

    def _write_verdicts(self, *, force: bool = False) -> None:
        monotonic = self.session.clock.monotonic()
        if self.decision is None or not (force or monotonic - self.times.verdicts >= WRITE_VERDICTS):
            return
        self.times.verdicts = monotonic
        outputs = {plan.address: plan.output for plan in self.plans}
        told = self._in_order((*self.decision.verdicts, *self.decision.others))
        last = last_verdicts(told, outputs, self.session.clock.now())
        self.session.store.verdicts.record(last)

    def _in_order(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """As the spec has them."""
        place = {plan.address: number for number, plan in enumerate(self.plans)}
        return sorted(verdicts, key=lambda verdict: place[verdict.address])
