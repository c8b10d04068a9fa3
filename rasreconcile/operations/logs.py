"""`logs`: what a plan's run printed, or wrote to its messages file; and the files it left, brought here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rasreconcile.errors import UsageError, WorkerError
from rasreconcile.jobs import Ended, Vanished, Worker
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.fetch import Existing, FetchedRun, fetch_run
from rasreconcile.operations.last_seen import Load
from rasreconcile.plans import Address
from rasreconcile.runs import Run
from rasreconcile.store.reader import Reader
from rasreconcile.studies.messages import source

LONGEST_KEPT_LOG = 1 << 20
"""Bytes: of a log this long the store has the end alone."""
LOOK_EVERY = 0.5
"""Seconds between two looks at a log that is followed."""
WAITS_FOR = frozenset({"queued", "backoff", "running"})
"""Phases of a plan whose next run is on its way."""


class Listener(Protocol):
    """Is given a log as it comes."""

    def begins(self, run: Run) -> None:
        """Before anything else: whose log it is."""

    def add(self, data: bytes) -> None:
        """What comes next; it may end amid a character."""

    def begins_again(self) -> None:
        """Another file follows, from its beginning."""

    def remark(self, line: str) -> None:
        """What a person is told meanwhile, which is not the log's."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was told."""

    run: Run
    """As it is now."""
    files_kept: bool
    """Whether it failed, and its run directory is kept on its worker."""


def logs(
    state: Path, load: Load, named: NamedPlans, listener: Listener, *, run_id: str | None, follow: bool
) -> Written:
    """The log of the latest run of the one plan that is named, or of a run by its id.

    From its worker while it exists there, else from the store. `follow`: waits for a run, and until it has ended.
    Raises UsageError, StoreError, SpecError, WorkerError.
    """
    with Reader(state) as reader:
        run = _run(reader, named, run_id) if run_id or not follow else _awaited(reader, named, listener)
        listener.begins(run)
        log = _Log(listener)
        kept = None if run.live else reader.runs.log(run.id)
        if kept is not None:
            log.add(kept)
        else:
            _from_worker(reader, load, run, log, follow=follow)
        files = bool(run.failure) and any(kept.id == run.id for kept in reader.runs.discardable())
        return Written((reader.runs.find(run.id) or run) if follow else run, files)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The files of a run, brought here."""

    run: Run
    files: FetchedRun


def fetch(
    state: Path,
    load: Load,
    named: NamedPlans,
    into: Path,
    *,
    run_id: str | None = None,
    existing: Existing = "keep",
) -> Fetched:
    """The run directory of the latest run of the one plan that is named, copied to `into/RUN` from any worker.

    Raises UsageError where there is nothing to bring, StoreError, SpecError, WorkerError.
    """
    with Reader(state) as reader:
        run, loaded = _run(reader, named, run_id), load()
        if run.worker not in loaded.spec.workers:
            raise UsageError(
                f"{run.id} ran on {run.worker}, which is not in the spec",
                "put that worker back to fetch its files",
            )
        worker = loaded.open_worker(run.worker)
        try:
            inputs = reader.runs.inputs_of(run.id)
            found = fetch_run(worker, run.id, into, inputs=inputs, existing=existing)
        finally:
            worker.close()
        if found is None:
            raise UsageError(f"{run.id} has no run directory on {run.worker} any more", _instead(reader, run))
        return Fetched(run, found)


def _instead(reader: Reader, run: Run) -> str:
    published = reader.outputs.published().get(run.address)
    if published is not None and published.run == run.id:
        return f"its result is {published.path}"
    return "`history` lists earlier runs, and --run names one"


def _from_worker(reader: Reader, load: Load, run: Run, log: _Log, *, follow: bool) -> None:
    loaded = load()
    if run.worker not in loaded.spec.workers:
        raise UsageError(f"{run.id} ran on {run.worker}, which is not in the spec, and its log was not kept")
    worker = loaded.open_worker(run.worker)
    try:
        if follow:
            _follow(reader, worker, run, log)
        else:
            log.read(source(worker, run.id, _messages(reader, run)))
    finally:
        worker.close()


# ---- which run


def _run(reader: Reader, named: NamedPlans, wanted: str | None) -> Run:
    if wanted is not None:
        run = reader.runs.find(wanted)
        if run is None:
            raise UsageError(f"{wanted}: no such run", "`history` lists them")
        return run
    runs = reader.runs.latest(limit=1_000_000)
    known = _known(reader)
    if not known:
        raise UsageError("no plan of this study has run yet", "`apply` starts them")
    address = named.one(known)
    found = next((run for run in runs if run.address == address), None)
    if found is None:
        raise UsageError(f"{address} has not run yet", "`logs -f` waits for its run")
    return found


def _known(reader: Reader) -> dict[Address, None]:
    return dict.fromkeys(
        [verdict.address for verdict in reader.verdicts.latest()]
        + [run.address for run in reader.runs.latest(limit=1_000_000)]
    )


def _awaited(reader: Reader, named: NamedPlans, listener: Listener) -> Run:
    """The live run of the plan; where one is on its way, it is waited for; else the latest there was."""
    address = named.one(_known(reader))
    told = False
    while True:
        runs = reader.runs.latest(address=address, limit=1)
        if runs and runs[0].live:
            return runs[0]
        phase = next((v.phase for v in reader.verdicts.latest() if v.address == address), "")
        coming = phase in WAITS_FOR and reader.controller() is not None
        if not coming and runs:
            return runs[0]
        if not coming:
            raise UsageError(
                f"{address} has not run yet, and no controller is running", "start one with `apply`"
            )
        if not told:
            listener.remark(f"waiting for a run of {address}")
            told = True
        time.sleep(LOOK_EVERY)


# ---- what it says


@dataclass(slots=True)
class _Log:
    """How far a log was told."""

    listener: Listener
    offset: int = 0

    def read(self, read: Callable[[int, int], bytes]) -> None:
        """Tells what has come since."""
        while chunk := read(self.offset, 1 << 20):
            self.add(chunk)

    def add(self, data: bytes) -> None:
        self.offset += len(data)
        self.listener.add(data)

    def begin_again(self) -> None:
        self.offset = 0
        self.listener.begins_again()


def _messages(reader: Reader, run: Run) -> str | None:
    """The file that the run writes its messages to, as the controller noted it."""
    known = reader.progress.latest().get(run.id)
    return known.messages if known else None


def _follow(reader: Reader, worker: Worker, run: Run, log: _Log) -> None:
    """Until the run has ended and all it said is written; a worker that does not answer is waited for."""
    messages, silent = None, False
    while True:
        current = reader.runs.find(run.id) or run
        if messages is None and (messages := _messages(reader, run)) is not None:
            log.begin_again()
        read = source(worker, run.id, messages)
        try:
            gone = isinstance(worker.poll([run.id])[run.id], Ended | Vanished)
            over = not current.live or (gone and reader.controller() is None)
            # A log that is gone was not begun anew: its run directory was removed.
            if log.offset and not read(log.offset - 1, 1) and read(0, 1):
                log.listener.remark("the log was restarted")
                log.begin_again()
            log.read(read)
            silent = False
        except (WorkerError, OSError) as error:
            if not current.live:
                raise
            over = False
            if not silent:
                log.listener.remark(f"{run.worker} does not answer: {error}; waiting")
            silent = True
        if over:
            if messages is None:
                _rest(reader, run, log)
            return
        time.sleep(LOOK_EVERY)


def _rest(reader: Reader, run: Run, log: _Log) -> None:
    """What the run printed between the last look and the removal of its run directory."""
    kept = reader.runs.log(run.id)
    if kept is not None and log.offset < len(kept) < LONGEST_KEPT_LOG:
        log.add(kept[log.offset :])
