"""A connected worker: a worker of the spec with the lanes that talk to it and what it last said of its runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rasreconcile.clock import Clock
from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.edits.spool import Spool
from rasreconcile.errors import Trouble, in_one_line
from rasreconcile.jobs import Install, Job, RunId, Status, Worker
from rasreconcile.plans import Address, Plan
from rasreconcile.spec import EngineSpec, WorkerBase
from rasreconcile.specfile import LoadedSpec
from rasreconcile.studies.equipment import Equipment
from rasreconcile.studies.installed_engines import InstalledEngines, platform_of
from rasreconcile.workers.kind import Kind
from rasreconcile.workers.secret import hide

FASTEST_POLL = 0.05
SLOWEST_POLL = 2.0
LONGEST_SILENCE = 60.0
"""Seconds after which a silent worker is asked again at the latest."""


@dataclass(slots=True)
class ConnectedWorker:
    """One worker. Only the main thread touches its fields."""

    name: str
    spec: WorkerBase
    kind: Kind
    calls: Worker
    """What it can be asked. Every call blocks, and is made in a lane."""
    control: Lane
    transfer: Lane
    """To the worker."""
    fetching: Lane
    """From the worker: a large upload keeps no result waiting."""
    ahead: Lane
    """Inputs of runs that have not begun."""
    installed: InstalledEngines
    """Where HEC-RAS is here, once it was looked for."""
    spool: Spool
    folder: str
    """Where its run directories are made, in its own spelling."""
    statuses: dict[RunId, Status] = field(default_factory=dict)
    silent: str | None = None
    """Why the last poll got no answer."""
    silences: list[datetime] = field(default_factory=list)
    unfit: str | None = None
    checked: bool = False
    """Whether `Worker.check` was asked in this apply; its problems are in `unfit`."""
    staged: set[tuple[Address, str]] = field(default_factory=set)
    """Plans whose inputs were sent ahead in this apply, with their fingerprints."""
    fit_at: datetime | None = None
    """When a check last found nothing in the way."""
    probe_at: datetime | None = None
    """When it is to be checked, because it was given up for its faults."""
    interval: float = FASTEST_POLL
    next_poll: float = 0.0
    """Monotonic."""
    earliest: float = 0.0
    """Before this it is not polled, whatever happens; monotonic."""

    def install(self, cores: int, engine: EngineSpec) -> Install:
        """Where this engine is found here, for a run with this many cores."""
        return Equipment(self.spec, self.kind, self.installed, self.folder).install(cores, engine)

    def check(self) -> list[Trouble]:
        """What would stop every run here; also looks for the engines, which stop some. Blocks: for the control lane."""
        problems = self.calls.check()
        if not problems:
            self.installed.look(self.calls)
        return problems

    def start(self, run: RunId, job: Job) -> None:
        """Makes the edits of the job's inputs, then gives it to the worker. Blocks: for the transfer lane."""
        self.calls.start(run, self.spool.job(job))

    def stage(self, job: Job) -> None:
        """The inputs of a coming run, edited, where its start will find them. Blocks: for the lane ahead."""
        self.calls.stage(self.spool.job(job))

    def time_limit(self, plan: Plan) -> timedelta:
        """How long a run of the plan may take here: the plan's limit or the worker's, whichever is shorter."""
        minutes = self.spec.max_runtime_minutes
        return plan.time_limit if minutes is None else min(plan.time_limit, timedelta(minutes=minutes))

    def platform(self, remembered_image: str | None) -> str | None:
        """As a result that is computed here would record it; None: not known yet."""
        return platform_of(self.kind, self.spec, self.installed.image or remembered_image)

    def hurry(self) -> None:
        """Something has just changed here: look again soon."""
        self.interval = max(FASTEST_POLL, self.kind.pause)
        self.next_poll = self.earliest

    def relax(self, monotonic: float) -> None:
        """Nothing new: look again later than last time."""
        self.interval = min(self.interval * 1.25, max(SLOWEST_POLL, 4 * self.kind.pause))
        self.next_poll = monotonic + self.interval
        self.earliest = monotonic + self.kind.pause

    def fell_silent(self, why: str, clock: Clock) -> None:
        """A call got no answer: each time in a row it is left alone for longer."""
        self.silent = why
        self.silences.append(clock.now())
        pause = min(2.0 ** (len(self.silences) - 1), LONGEST_SILENCE)
        self.next_poll = clock.monotonic() + pause

    def answered(self) -> None:
        """A call got an answer."""
        self.silent = None
        self.silences.clear()

    def found(self, problems: Collection[Trouble], clock: Clock) -> None:
        """What a check came to. What is in the way may be put right while others compute: it is asked again."""
        self.unfit = in_one_line(problems) or None
        if self.unfit is None:
            self.fit_at = clock.now()
        else:
            self.next_poll = clock.monotonic() + LONGEST_SILENCE

    def close(self) -> None:
        self.control.close()
        self.transfer.close()
        self.fetching.close()
        self.ahead.close()
        self.calls.close()


def spool_of(loaded: LoadedSpec) -> Spool:
    """Where the edited inputs of the spec's runs are kept, beside its store."""
    return Spool(loaded.state_path.with_name(f"{loaded.state_path.stem}.edits"))


def connect_workers(loaded: LoadedSpec, answers: Answers) -> Mapping[str, ConnectedWorker]:
    """Every worker of the spec, with lanes of its own. Raises SpecError where a kind is not built."""
    loaded.require_built()
    hide(loaded.spec.workers.values())
    spool = spool_of(loaded)
    threads = min(4, max(2, os.cpu_count() or 2))
    return {
        name: ConnectedWorker(
            name=name,
            spec=spec,
            calls=loaded.open_worker(name),
            control=Lane(f"{name}-control", 1, answers),
            installed=InstalledEngines.of(loaded, name),
            spool=spool,
            folder=loaded.folder_of(name),
            kind=loaded.kind_of(name),
            transfer=Lane(f"{name}-transfer", threads, answers),
            fetching=Lane(f"{name}-fetching", threads, answers),
            ahead=Lane(f"{name}-ahead", 1, answers),
        )
        for name, spec in loaded.spec.workers.items()
    }
