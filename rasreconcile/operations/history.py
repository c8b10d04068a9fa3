"""`history`: the runs there were, or all that happened, from the store only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.records import Event
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.store.reader import Missing

_ALL = 1_000_000


def past_runs(
    state: Path, named: NamedPlans = EVERY_PLAN, limit: int = 50, *, missing: Missing = "refuse"
) -> tuple[Run, ...]:
    """The latest `limit` of these plans, newest first. `state`: the store's file. Raises UsageError, StoreError."""
    from rasreconcile.store.reader import opened  # noqa: PLC0415  so that --help is quick

    with opened(state, missing) as reader:
        runs = reader.runs.latest(limit=_ALL if named.narrowed else limit)
    if not named.narrowed:
        return runs
    wanted = set(named.pick(dict.fromkeys(run.address for run in runs)))
    return tuple(run for run in runs if run.address in wanted)[:limit]


def past_events(
    state: Path, named: NamedPlans = EVERY_PLAN, limit: int = 50, *, missing: Missing = "refuse"
) -> tuple[Event, ...]:
    """What `apply` told: the latest `limit` about these plans, oldest first. Raises UsageError, StoreError."""
    from rasreconcile.store.reader import opened  # noqa: PLC0415  as above

    with opened(state, missing) as reader:
        events = reader.events.latest(limit=_ALL if named.narrowed else limit)
    if not named.narrowed:
        return events
    wanted = set(named.pick(dict.fromkeys(event.address for event in events if event.address)))
    return tuple(event for event in events if event.address in wanted)[-limit:]
