"""How often a run is tried again and when, when a plan is left alone, when a worker is set aside. PURE."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from rasreconcile.reconcile.observed import WorkerSeen
from rasreconcile.runs import Run, RunState

CANCELLED_BY_REQUEST = "cancelled by request"
"""The cause of a cancelled run that keeps its plan idle until a person says `retry`, or an input changes."""


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


@dataclass(frozen=True, slots=True)
class Clear:
    """It may run now."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """It may run again from then on."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """It failed for good at this fingerprint; any change, or `retry`, frees it."""

    why: str


@dataclass(frozen=True, slots=True)
class OnHold:
    """A person stopped it, or must look at it."""

    why: str


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
        stopped = last.failure.cause == CANCELLED_BY_REQUEST
        free = f"cancelled by request; `retry {last.address}` starts it again, and so does any change to it"
        return OnHold(free) if stopped else Clear()
    if last.failure.kind == "permanent":
        return Quarantined(_until_changed(last.failure.message, last))
    by_plan = [run for run in counted if run.failure and run.failure.blame == "plan"]
    by_worker = [run for run in counted if run.failure and run.failure.blame == "worker"]
    if len(by_plan) >= policy.attempts:
        return Quarantined(_until_changed(f"failed {len(by_plan)} times, last: {last.failure.message}", last))
    if len(by_worker) >= policy.worker_faults_per_plan:
        lost = f"workers lost it {len(by_worker)} times, last: {last.failure.message}"
        return OnHold(f"{lost}; see what `check` says of them, then `retry {last.address}`")
    tries = len(by_plan) if last.failure.blame == "plan" else len(by_worker) - 1
    if tries < 1 or last.ended is None:
        return Clear()
    pause = backoff(tries, last.id, policy)
    until = last.ended + pause
    # A run that ended in the future: the clock was set back, and would make this a wait of days.
    if not now < until <= now + pause:
        return Clear()
    attempt = f"tried again as attempt {len(by_plan) + 1} of {policy.attempts}"
    if last.failure.blame == "worker":
        attempt = "tried again, on another worker where there is one"
    return BackOff(until, f"{attempt}; {last.failure.message}")


def _until_changed(what: str, last: Run) -> str:
    if "`retry" in what:
        return what
    return f"{what}; not tried again until something that it is made of changes, or `retry {last.address}`"


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


def worker_standing(worker: WorkerSeen, now: datetime, policy: Policy) -> InUse | SetAside:
    """Whether a worker takes runs, from the faults since its last good run."""
    if worker.unfit is not None:
        return SetAside(None, worker.unfit)
    faults = len(worker.faults)
    if faults < policy.faults_to_set_aside:
        return InUse()
    why = f"{faults} faults in a row, last: {worker.last_fault}"
    if faults >= policy.faults_to_give_up:
        return SetAside(None, why)
    pause = policy.probe_after * 2 ** (faults - policy.faults_to_set_aside)
    until = worker.faults[-1] + pause
    return SetAside(until, why) if now < until <= now + pause else InUse(probing=True)
