"""Cleaning up: run directories nobody needs, caches, and the store's old memories."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from rasreconcile import held_files
from rasreconcile.clock import Clock
from rasreconcile.errors import Damaged, RasReconcileError, WorkerError
from rasreconcile.jobs import Ended, RunId, Trimmed, Worker
from rasreconcile.plans import Address
from rasreconcile.runs import Run, RunState
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store import Store
from rasreconcile.store.disk import is_lost, name_of_store
from rasreconcile.store.reader import require_store
from rasreconcile.store.retention import Forgotten
from rasreconcile.studies.policies import KEPT_FAILURES
from rasreconcile.studies.preparations import unneeded_products
from rasreconcile.studies.study import Study

How = Literal["remove", "count"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is rubbish, and when."""

    older_than: timedelta
    cache_size: int
    """Bytes that stay in each cache."""
    others: Literal["keep", "remove"] = "keep"
    """Old runs of other stores: they may have ended and wait for their store to collect them."""


@dataclass(slots=True)
class WorkerCollected:
    """What was removed, or would be, on one worker."""

    runs: list[RunId] = field(default_factory=list)
    strangers: list[RunId] = field(default_factory=list)
    """Run directories that the store does not know and that are another's, or not old enough to be rubbish."""
    cache: Trimmed = field(default_factory=lambda: Trimmed(0, 0))
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Collected:
    """What `gc` did, or would do."""

    workers: Mapping[str, WorkerCollected]
    products: tuple[Path, ...]
    """Folders of prepared files that no plan of the spec needs."""
    store: Forgotten


def gc(loaded: LoadedSpec, rubbish: Limits, how: How) -> Collected:
    """Worker by worker, then the store; one that cannot be reached is left for another day, and told.

    Raises StoreError, StoreBusy, and SpecError where the plans of the spec cannot be told: then nothing is known to be
    needless.
    """
    require_store(loaded.state_path)
    clock = Clock()
    with Store.open(loaded.state_path, now=clock.now()) as store:
        return _collected(loaded, store, rubbish, clock, how)


def _collected(loaded: LoadedSpec, store: Store, rubbish: Limits, clock: Clock, how: How) -> Collected:
    now = clock.now()
    products = tuple(_old_products(loaded, store, rubbish, clock))
    workers = {name: _clean_worker(loaded, name, store, rubbish, now, how) for name in loaded.spec.workers}
    if how == "remove":
        for folder in products:
            held_files.when_let_go(partial(shutil.rmtree, folder))
    return Collected(workers, products, store.forget(now - rubbish.older_than, how=how))


def _old_products(loaded: LoadedSpec, store: Store, rubbish: Limits, clock: Clock) -> Iterator[Path]:
    """What was prepared for content that plans no longer have; who changes an input back finds it for a while."""
    plans = Study.open(loaded, store, clock).look()
    going = tuple(run.fingerprint for run in store.runs.live())
    for folder in unneeded_products(loaded, plans):
        written = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        if not any(f.startswith(folder.name) for f in going) and clock.now() - written >= rubbish.older_than:
            yield folder


def _clean_worker(
    loaded: LoadedSpec, name: str, store: Store, rubbish: Limits, now: datetime, how: How
) -> WorkerCollected:
    cleaned = WorkerCollected()
    try:
        worker = loaded.open_worker(name)
    except RasReconcileError as error:
        cleaned.problems.append(str(error))
        return cleaned
    try:
        there = worker.runs()
        unknown = [run for run in there if store.runs.find(run) is None]
        mine = name_of_store(loaded.state_path)
        old = [
            run
            for run in unknown
            if now - there[run] >= rubbish.older_than
            and (rubbish.others == "remove" or not _may_be_awaited(worker, run, mine))
        ]
        cleaned.strangers = sorted(set(unknown) - set(old))
        known = tuple(_needless(store.runs.discardable(), name, keep_good=not loaded.spec.autoclean))
        _discard(worker, [run for run in (*known, *old) if run in there], cleaned, how)
        if how == "remove":
            store.runs.mark_discarded([run for run in known if run in cleaned.runs or run not in there])
        cleaned.cache = worker.trim_cache(unused_for=rubbish.older_than, at_most=rubbish.cache_size, how=how)
    except WorkerError as error:
        cleaned.problems.append(str(error))
    finally:
        worker.close()
    return cleaned


def _may_be_awaited(worker: Worker, run: RunId, mine: str) -> bool:
    """Whether another store may still collect the run. One that was never started, or left no end, is not awaited."""
    try:
        owner = worker.owner(run)
        if owner in {"", mine}:
            return owner == "" and isinstance(worker.poll([run])[run], Ended)
        return not is_lost(owner)
    except Damaged:
        return False


def _discard(worker: Worker, runs: Sequence[RunId], cleaned: WorkerCollected, how: How) -> None:
    for run in runs:
        try:
            if how == "remove":
                worker.discard(run)
            cleaned.runs.append(run)
        except WorkerError as error:
            cleaned.problems.append(f"{run} stays: {error}")


def _needless(ended: Sequence[Run], worker: str, *, keep_good: bool) -> Iterator[RunId]:
    """Of runs that failed the last few of each plan stay. `ended`: newest first."""
    failed: dict[Address, int] = {}
    for run in ended:
        if run.state is RunState.SUCCEEDED:
            if not keep_good and run.worker == worker:
                yield run.id
            continue
        failed[run.address] = failed.get(run.address, 0) + 1
        if failed[run.address] > KEPT_FAILURES and run.worker == worker:
            yield run.id
