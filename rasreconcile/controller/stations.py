"""A station: a worker of the spec with the lanes that talk to it and what it last said of its runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rasreconcile.controller.clock import Clock
from rasreconcile.controller.equipment import Equipment, folder_of
from rasreconcile.controller.installs import Installs, engines_of
from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.edits.spool import Spool
from rasreconcile.errors import UsageError
from rasreconcile.jobs import Install, Job, Problem, RunId, Status, Worker
from rasreconcile.plans import Address, Plan
from rasreconcile.spec import (
    DockerWorker,
    EngineSpec,
    LocalWorker,
    Spec,
    SshWorker,
    WorkerSpec,
)
from rasreconcile.specfile import LoadedSpec
from rasreconcile.workers.local import local_worker
from rasreconcile.workers.secret import hide

FASTEST_POLL = 0.05
SLOWEST_POLL = 2.0
LONGEST_SILENCE = 60.0
"""Seconds after which a silent worker is asked again at the latest."""


@dataclass(slots=True)
class Station:
    """One worker. Only the main thread touches its fields."""

    name: str
    spec: WorkerSpec
    worker: Worker
    control: Lane
    transfer: Lane
    """To the worker."""
    fetching: Lane
    """From the worker: a large upload keeps no result waiting."""
    ahead: Lane
    """Inputs of runs that have not begun."""
    installs: Installs
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
    staging: bool = False
    """Whether inputs are on their way ahead of their run."""
    staged: set[tuple[Address, str]] = field(default_factory=set)
    """Plans whose inputs were sent ahead in this apply, with their fingerprints."""
    polling: bool = False
    interval: float = FASTEST_POLL
    next_poll: float = 0.0
    """Monotonic."""

    def install(self, cores: int, engine: EngineSpec) -> Install:
        """Where this engine is found here, for a run with this many cores."""
        return Equipment(self.spec, self.installs, self.folder).install(cores, engine)

    def check(self) -> list[Problem]:
        """What would stop every run here; also looks for the engines, which stop some. Blocks: for the control lane."""
        problems = self.worker.check()
        if not problems:
            self.installs.look(self.worker)
        return problems

    def start(self, run: RunId, job: Job) -> None:
        """Makes the edits of the job's inputs, then gives it to the worker. Blocks: for the transfer lane."""
        self.worker.start(run, self.spool.job(job))

    def stage(self, job: Job) -> None:
        """The inputs of a coming run, edited, where its start will find them. Blocks: for the lane ahead."""
        self.worker.stage(self.spool.job(job))

    def time_limit(self, plan: Plan) -> timedelta:
        """How long a run of the plan may take here: the plan's limit or the worker's, whichever is shorter."""
        minutes = self.spec.max_runtime_minutes
        return plan.time_limit if minutes is None else min(plan.time_limit, timedelta(minutes=minutes))

    def hurry(self) -> None:
        """Something has just changed here: look again soon."""
        self.interval = FASTEST_POLL
        self.next_poll = 0.0

    def relax(self, monotonic: float) -> None:
        """Nothing new: look again later than last time."""
        self.interval = min(self.interval * 1.25, SLOWEST_POLL)
        self.next_poll = monotonic + self.interval

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

    def found(self, problems: Collection[Problem], clock: Clock) -> None:
        """What a check came to. What is in the way may be put right while others compute: it is asked again."""
        self.unfit = "; ".join(map(str, problems)) or None
        if self.unfit is not None:
            self.next_poll = clock.monotonic() + LONGEST_SILENCE

    def close(self) -> None:
        self.control.close()
        self.transfer.close()
        self.fetching.close()
        self.ahead.close()
        self.worker.close()


def not_built(spec: Spec) -> str | None:
    """Why this spec cannot be applied by this version, by the names of what is not built; None: it can."""
    kinds = sorted({w.type for w in spec.workers.values()} - {"local", "ssh", "docker"})
    if kinds:
        names = [n for n, w in spec.workers.items() if w.type in kinds]
        return (
            f"workers of type {', '.join(kinds)} are not built yet ({', '.join(names)}); "
            " use `local`, `ssh` or `docker`"
        )
    return None


def open_stations(
    loaded: LoadedSpec, answers: Answers, *, wanted: Collection[str] | None = None
) -> Mapping[str, Station]:
    """A station for every worker of the spec. Raises UsageError where a kind is not built."""
    refused = not_built(loaded.spec)
    if refused:
        raise UsageError(f"{loaded.name}: {refused}")
    hide(loaded.spec.workers.values())
    spool = Spool(loaded.state_path.with_name(f"{loaded.state_path.stem}.edits"))
    spool.sweep()
    threads = min(4, max(2, os.cpu_count() or 2))
    return {
        name: Station(
            name=name,
            spec=spec,
            worker=open_worker(name, spec, loaded.folder),
            control=Lane(f"{name}-control", 1, answers),
            installs=Installs.of(spec, engines_of(loaded.spec), loaded.folder),
            spool=spool,
            folder=folder_of(spec, loaded.folder),
            transfer=Lane(f"{name}-transfer", threads, answers),
            fetching=Lane(f"{name}-fetching", threads, answers),
            ahead=Lane(f"{name}-ahead", 1, answers),
        )
        for name, spec in loaded.spec.workers.items()
        if wanted is None or name in wanted
    }


def open_worker(name: str, spec: WorkerSpec, folder: Path) -> Worker:
    """The worker that this part of the spec describes; its folder is relative to the spec file."""
    match spec:
        case LocalWorker():
            return local_worker(name, Path(folder_of(spec, folder)))
        case SshWorker():
            from rasreconcile.workers.ssh import ssh_worker  # noqa: PLC0415  paramiko takes a third of a second

            return ssh_worker(name, spec, folder)
        case DockerWorker():
            from rasreconcile.workers.docker.worker import docker_worker  # noqa: PLC0415  half a second of import

            return docker_worker(name, spec, folder)
        case _:
            raise UsageError(
                f"workers.{name}: workers of type {spec.type} are not built yet; use `local`, `ssh` or `docker`"
            )
