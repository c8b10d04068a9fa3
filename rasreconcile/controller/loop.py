"""The loop: look, decide, do, wait; until there is nothing to do and nothing moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from rasreconcile.controller.effects import carry_out
from rasreconcile.controller.following import follow_due, seconds_to_next_read
from rasreconcile.controller.lanes import Answers
from rasreconcile.controller.polling import live_seen, poll_due, seconds_to_next_poll, workers_seen
from rasreconcile.controller.progress import Progress, progress_of
from rasreconcile.controller.site import Site
from rasreconcile.controller.staging_ahead import stage_ahead
from rasreconcile.errors import SpecError
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import Decision, Health, decide
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.verdicts import Phase, Verdict
from rasreconcile.records import LastVerdict
from rasreconcile.resolve import Resolution
from rasreconcile.runs import Run

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

    site: Site
    answers: Answers
    policy: Policy
    resolve: Callable[[], Resolution]
    show: Callable[[Progress], None]
    interrupts: int = 0
    """Raised by the signal handlers: once stops dispatching, twice cancels, thrice leaves at once."""
    linger_until: float = 0.0
    """Monotonic; until then a second interrupt is waited for."""
    detaching: bool = False
    """End as soon as what fits now has been started."""
    plans: tuple[Plan, ...] = ()
    known: Mapping[Address, Plan] = field(default_factory=dict)
    decision: Decision | None = None
    times: Times = field(default_factory=Times)
    _requests: int = 0
    _warned: str = ""
    _told_at_look: int = 0

    def run(self) -> Decision:
        """Until nothing moves any more, or the user stops it."""
        self._look()
        while True:
            self._pass()
            if self._over():
                if self.interrupts or self.detaching or not self._happened():
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
        site = self.site
        site.store.mark_discarded(site.flight.discarded)
        site.store.remember_hashes(site.looking.digests.take_fresh())
        assert self.decision is not None
        return self.decision

    def _pass(self) -> None:
        site = self.site
        live = site.store.live_runs()
        poll_due(site, live)
        follow_due(site, live, self.known)
        if site.changed or self.decision is None or self._time_has_come():
            site.changed = False
            self.decision = self._decide(live)
            for action in self.decision.actions:
                if self._may(action):
                    carry_out(site, action)
            if self.interrupts == 0:
                stage_ahead(site, self.decision.upcoming)
        self._show()
        self._write_verdicts()

    def _decide(self, live: tuple[Run, ...]) -> Decision:
        site = self.site
        faults = site.store.worker_faults(site.began)
        seen = replace(
            site.looking.seen(self.plans, site.clock.now()),
            live=live_seen(site, live),
            workers=workers_seen(site, faults, self.plans),
            uncopied=frozenset(site.flight.uncopied),
            stuck={a: why for a, why in site.flight.stuck.items() if a in site.flight.settle_at},
        )
        if self.interrupts >= 2:
            seen = replace(seen, cancelled=seen.cancelled | {run.address for run in live})
        decision = decide(self.plans, seen, self.policy)
        self._answer_idle_cancels(live)
        return decision

    def _answer_idle_cancels(self, live: tuple[Run, ...]) -> None:
        going = {run.address for run in live}
        for request in self.site.store.open_requests():
            if request.kind == "cancel" and request.address not in going:
                self.site.store.close_request(
                    request.id, now=self.site.clock.now(), outcome="nothing was running"
                )

    def _may(self, action: act.Action) -> bool:
        """Not what a lane is busy with already, and nothing new once the user has asked to stop."""
        flight = self.site.flight
        match action:
            case act.Start() | act.Restart():
                return self.interrupts == 0
            case act.Verify(plan) | act.Reuse(plan):
                return self.interrupts == 0 and plan.address not in flight.plans
            case act.Cancel(run) | act.Stop(run):
                return run.id not in flight.cancelled
            case _:
                return True

    def _over(self) -> bool:
        site, decision = self.site, self.decision
        if site.changed or not site.flight.empty or decision is None:
            return False
        if self.interrupts == 1:
            # Runs are going: leave the user a moment to say that they should not.
            return site.clock.monotonic() >= self.linger_until or not site.store.live_runs()
        if self.interrupts >= 2:
            return not any(v.phase is Phase.RUNNING for v in decision.verdicts)
        if self.detaching and not decision.actions:
            return True
        return decision.health is not Health.PROGRESSING

    def moving(self) -> bool:
        """Whether anything is on its way without us, or would be if we stayed."""
        return self.decision is not None and self.decision.health is Health.PROGRESSING

    def _time_has_come(self) -> bool:
        now = self.site.clock.now()
        due = self.decision is not None and self.decision.next_at is not None and self.decision.next_at <= now
        return self.site.flight.wake(self.site.clock.monotonic()) or due

    def _pause(self) -> float:
        """Seconds until there is something to do even if nobody answers."""
        site = self.site
        waits = [LOOK_AT_REQUESTS]
        poll = seconds_to_next_poll(site, site.store.live_runs())
        waits += [wait for wait in (poll, seconds_to_next_read(site)) if wait is not None]
        if self.decision is not None and self.decision.next_at is not None:
            waits.append((self.decision.next_at - site.clock.now()) / timedelta(seconds=1))
        waits += [at - site.clock.monotonic() for at in site.flight.waits()]
        return 0.0 if site.changed else max(min(waits), 0.0)

    # ---- looking again

    def _look(self) -> None:
        began = self.site.clock.monotonic()
        self.plans = self.resolve().plans
        self.known = {plan.address: plan for plan in self.plans}
        self.site.looking.look(self.plans)
        self.site.store.remember_hashes(self.site.looking.digests.take_fresh())
        self.site.store.remember_assessed(self.site.looking.take_assessed())
        self.times.files = self.site.clock.monotonic()
        self.times.files_took = self.times.files - began
        self.site.stale_inputs = False
        self.site.changed = True
        self._told_at_look = sum(self.site.counts.values())

    def _refresh(self) -> None:
        monotonic = self.site.clock.monotonic()
        if monotonic - self.times.requests >= LOOK_AT_REQUESTS:
            self.times.requests = monotonic
            requests = len(self.site.store.open_requests())
            self.site.changed |= requests != self._requests
            self._requests = requests
        overdue = monotonic - self.times.files >= max(LOOK_AT_FILES, 20 * self.times.files_took)
        if overdue or self.site.stale_inputs:
            self._look_again()

    def _happened(self) -> bool:
        """Whether anything was done since the files were looked at."""
        return sum(self.site.counts.values()) > self._told_at_look

    def _look_again(self) -> None:
        try:
            self._look()
        except SpecError as error:
            self._cannot_look(error)

    def _cannot_look(self, error: SpecError) -> None:
        """Projects moved while runs are going: what is known goes on, and the user is told once."""
        self.times.files = self.site.clock.monotonic()
        self.site.stale_inputs = False
        if str(error) != self._warned:
            self._warned = str(error)
            self.site.say("warning", f"the plans cannot be looked at now: {error.faults[0]}")
        self._told_at_look = sum(self.site.counts.values())

    # ---- telling

    def _show(self, *, force: bool = False) -> None:
        monotonic = self.site.clock.monotonic()
        if self.decision is not None and (force or monotonic - self.times.progress >= TELL_PROGRESS):
            self.times.progress = monotonic
            self.show(progress_of(self.site, self.decision))

    def _write_verdicts(self, *, force: bool = False) -> None:
        monotonic = self.site.clock.monotonic()
        if self.decision is None or not (force or monotonic - self.times.verdicts >= WRITE_VERDICTS):
            return
        self.times.verdicts = monotonic
        now = self.site.clock.now()
        outputs = {plan.address: plan.output for plan in self.plans}
        last = [
            LastVerdict(
                address=v.address,
                sync=v.sync,
                phase=v.phase,
                reasons=_told(v),
                next_at=v.next_at,
                output=outputs[v.address],
                at=now,
            )
            for v in self.decision.verdicts
        ]
        self.site.store.record_verdicts(last)


def _told(verdict: Verdict) -> tuple[str, ...]:
    reasons = tuple(str(reason) for reason in verdict.reasons)
    return (*reasons, verdict.note) if verdict.note else reasons
