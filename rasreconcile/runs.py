"""A run and the moves it may make. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rasreconcile.failures import Failure
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.reasons import Reason


class RunState(StrEnum):
    """Where a run is. The first three are live: a plan, and a slot, has at most one live run."""

    STARTING = "starting"
    """Recorded; whether the worker has heard of it is what the next poll tells."""
    RUNNING = "running"
    PUBLISHING = "publishing"
    """Its result is proven and about to take the place of the last one."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    """The worker no longer has it; nobody's fault but the worker's."""
    CANCELLED = "cancelled"
    """A person, or a changed input, made it pointless."""


LIVE = frozenset({RunState.STARTING, RunState.RUNNING, RunState.PUBLISHING})

MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.STARTING: frozenset(
        {RunState.RUNNING, RunState.PUBLISHING, RunState.FAILED, RunState.LOST, RunState.CANCELLED}
    ),
    RunState.RUNNING: frozenset({RunState.PUBLISHING, RunState.FAILED, RunState.LOST, RunState.CANCELLED}),
    RunState.PUBLISHING: frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.LOST}),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.LOST: frozenset(),
    RunState.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt of one plan at one fingerprint, on one slot."""

    id: RunId
    address: Address
    fingerprint: str
    worker: str
    slot: int
    """From 0; unique among the live runs of a worker."""
    cores: int
    state: RunState
    reasons: tuple[Reason, ...]
    """Why it was started."""
    created: datetime
    started: datetime | None = None
    """The worker's clock."""
    ended: datetime | None = None
    failure: Failure | None = None
    exit_code: int | None = None
    predicted: timedelta | None = None
    """How long it was expected to take there, when it was started; None: nothing told."""

    @property
    def live(self) -> bool:
        return self.state in LIVE


def named(addresses: Iterable[Address], most: int = 20) -> str:
    """Plans in a sentence; of very many the first."""
    names = list(addresses)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


class IllegalMove(RuntimeError):
    """A run was asked to make a move it may not make: a bug, never a user's fault."""


def check_move(run: RunId, old: RunState, new: RunState) -> None:
    """Raises IllegalMove where `new` may not follow `old`."""
    if new not in MOVES[old]:
        raise IllegalMove(f"run {run}: {old} -> {new} is not a valid change of a run's state")


RUN_TOKEN = 8
"""Hex digits at the end of a run's name."""


def new_run_id(address: Address, now: datetime, token: str) -> RunId:
    """A name no run had before: time to the second, the plan, and `token`, at least six random hex digits."""
    plan = (
        "".join(c if c.isascii() and c.isalnum() else "-" for c in address.lower())
        .strip("-")[-40:]
        .strip("-")
    )
    return RunId(f"{now:%Y%m%d-%H%M%S}-{plan or 'plan'}-{token}")
