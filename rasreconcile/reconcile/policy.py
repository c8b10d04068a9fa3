"""How often a run is tried again and when, when a plan is left alone, when a worker is set aside. PURE."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.plans import Address
from rasreconcile.reconcile.observed import WorkerSeen
from rasreconcile.runs import Run, RunState


@dataclass(frozen=True, slots=True)
class Share:
    """A part of all plans of the spec."""

    percent: float

    def of(self, total: int) -> int:
        """Rounded up, and never none: a share of few plans is one plan."""
        return max(1, ceil(total * self.percent / 100))

    def __str__(self) -> str:
        return f"{self.percent:g}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the spec says about trying again, and the constants of this house."""

    attempts: int = 3
    wait: timedelta = timedelta(seconds=30)
    at_most: timedelta = timedelta(minutes=15)
    placement: Literal["prefer", "strict"] = "prefer"
    max_concurrent: int | None = None
    max_fails: int | Share | None = None
    strict_platform: bool = False
    strict_cores: bool = False
    failed_starts: int = 3
    """A launch that gets no answer this often is the worker's fault, and the plan goes elsewhere."""
    worker_faults_per_plan: int = 8
    """A plan that eight workers, or one worker eight times, lost is a person's business."""
    faults_to_set_aside: int = 3
    faults_to_give_up: int = 6
    probe_after: timedelta = timedelta(minutes=1)
    probe_at_most: timedelta = timedelta(minutes=15)
    """Between two looks at a worker that was set aside or given up."""


@dataclass(frozen=True, slots=True)
class Clear:
    """It may run now."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """It may run again from then on."""

    until: datetime
    why: Trouble


@dataclass(frozen=True, slots=True)
class Quarantined:
    """It failed for good at this fingerprint; any change, or `retry`, frees it."""

    why: Trouble
    cause: FailureCause


@dataclass(frozen=True, slots=True)
class OnHold:
    """A person stopped it, or must look at it."""

    why: Trouble
    cause: FailureCause


Standing = Clear | BackOff | Quarantined | OnHold


def standing(attempts: Sequence[Run], now: datetime, policy: Policy) -> Standing:
    """What the ended runs of a plan at its present fingerprint, oldest first, mean for the next one."""
    counted = [run for run in attempts if run.state in {RunState.FAILED, RunState.LOST, RunState.CANCELLED}]
    if not counted:
        return Clear()
    last = counted[-1]
    if last.failure is None:
        return Clear()
    if last.state is RunState.CANCELLED:
        if last.failure.cause is not FailureCause.CANCELLED_BY_REQUEST:
            return Clear()
        free = Trouble(
            "cancelled by request",
            f"`retry {last.address}` starts it again, and so does any change to an input",
        )
        return OnHold(free, last.failure.cause)
    if last.failure.kind == "permanent":
        return Quarantined(_until_changed("", last.failure, last.address), last.failure.cause)
    by_plan = [run for run in counted if run.failure and run.failure.blame == "plan"]
    by_worker = [run for run in counted if run.failure and run.failure.blame == "worker"]
    if len(by_plan) >= policy.attempts:
        failed = f"{_times('failed', len(by_plan))}: "
        return Quarantined(_until_changed(failed, last.failure, last.address), last.failure.cause)
    if len(by_worker) >= policy.worker_faults_per_plan:
        what = f"{_times('workers lost it', len(by_worker))}: {last.failure.trouble.what}"
        remedy = f"see what `check` says about them, then `retry {last.address}`"
        return OnHold(_then(last.failure.trouble, what, remedy), last.failure.cause)
    tries = len(by_plan) if last.failure.blame == "plan" else len(by_worker) - 1
    if tries < 1 or last.ended is None:
        return Clear()
    pause = backoff(tries, last.id, policy)
    until = last.ended + pause
    # A run that ended in the future: the clock was set back, and would make this a wait of days.
    if not now < until <= now + pause:
        return Clear()
    attempt = f"will be retried as attempt {len(by_plan) + 1} of {policy.attempts}"
    if last.failure.blame == "worker":
        attempt = "will be retried, on another worker if there is one"
    trouble = last.failure.trouble
    return BackOff(until, Trouble(f"{attempt}; {trouble.what}", trouble.remedy))


def _times(what: str, count: int) -> str:
    return f"{what} once" if count == 1 else f"{what} {count} times, last"


def _until_changed(before: str, last: Failure, address: Address) -> Trouble:
    what = f"{before}{last.trouble.what}"
    if last.cause in {FailureCause.NO_RESTART_FILE, FailureCause.OUTPUT_NOT_WRITTEN}:
        # Its remedy says what to do before a `retry`.
        return Trouble(what, last.trouble.remedy)
    return _then(
        last.trouble, what, f"will not be retried until an input changes or you run `retry {address}`"
    )


def _then(failed: Trouble, what: str, remedy: str) -> Trouble:
    """What came of a failure: first the remedy of the failure itself."""
    return Trouble(what, f"{failed.remedy}; {remedy}" if failed.remedy else remedy)


def backoff(tries: int, run: str, policy: Policy) -> timedelta:
    """wait x 2^(tries-1), up to a quarter more so that plans that failed together do not return together."""
    jitter = hashlib.sha256(run.encode()).digest()[0] / 255 / 4
    longest = policy.at_most
    doublings = float(1 << min(tries - 1, 20))
    return min(policy.wait * doublings * (1 + jitter), longest)


@dataclass(frozen=True, slots=True)
class InUse:
    """The worker takes runs; `probing`: only one, to see whether it has recovered."""

    probing: bool = False


@dataclass(frozen=True, slots=True)
class SetAside:
    """The worker takes no runs until then; None: not any more in this apply."""

    until: datetime | None
    why: str


def probe_at(worker: WorkerSeen, policy: Policy) -> datetime | None:
    """When a worker that was given up for its faults is to be checked again; None: it is not given up for them."""
    over = len(worker.faults) - policy.faults_to_give_up
    if over < 0 or worker.unreachable is not None or worker.unfit is not None:
        return None
    if worker.fit_at is not None and worker.fit_at > worker.faults[-1]:
        return None
    return worker.faults[-1] + _pause(over, policy)


def _pause(doublings: int, policy: Policy) -> timedelta:
    return min(policy.probe_after * float(1 << min(doublings, 20)), policy.probe_at_most)


def worker_standing(worker: WorkerSeen, now: datetime, policy: Policy) -> InUse | SetAside:
    """Whether a worker takes runs, from the faults since its last good run."""
    if worker.unfit is not None:
        return SetAside(None, worker.unfit)
    faults = len(worker.faults)
    if faults < policy.faults_to_set_aside:
        return InUse()
    why = f"{faults} faults in a row, last: {worker.last_fault}"
    if faults >= policy.faults_to_give_up:
        if worker.fit_at is not None and worker.fit_at > worker.faults[-1]:
            return InUse(probing=True)
        return SetAside(None, why)
    pause = _pause(faults - policy.faults_to_set_aside, policy)
    until = worker.faults[-1] + pause
    return SetAside(until, why) if now < until <= now + pause else InUse(probing=True)
