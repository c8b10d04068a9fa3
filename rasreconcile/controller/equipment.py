"""What a worker has for computing, seen without lanes to it: for `check`, `diff` and `explain`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rasreconcile.controller.installs import Installs, engines_of
from rasreconcile.jobs import Install
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import WorkerSeen
from rasreconcile.spec import EngineSpec, LocalWorker, PsExecWorker, WorkerSpec
from rasreconcile.specfile import LoadedSpec
from rasreconcile.workers.local import local_worker


@dataclass(frozen=True, slots=True)
class Equipment:
    """Of one worker."""

    spec: WorkerSpec
    installs: Installs
    folder: str
    """Where its run directories are made, in its own spelling."""

    def install(self, cores: int, engine: EngineSpec) -> Install:
        """Where this engine is found here, for a run with this many cores."""
        found = self.installs.found(engine)
        return Install(
            platform=self.installs.platform,
            cores=cores,
            home=found.home if found else None,
            wine=found.wine if found else None,
            python=self._python,
            process_priority=self.spec.process_priority,
            worker_folder=self.folder,
        )

    @property
    def _python(self) -> str:
        if isinstance(self.spec, LocalWorker):
            return sys.executable
        # On Windows `python3` is as a rule a door to the Store.
        return "python" if self.installs.platform == "windows" else "python3"


def folder_of(spec: WorkerSpec, folder: Path) -> str:
    """The worker's folder in its own spelling; of this machine relative to `folder`, the spec file's."""
    match spec:
        case LocalWorker():
            return str(Path(folder, Path(spec.worker_folder).expanduser()).absolute())
        case PsExecWorker():
            return spec.folder_on_host
        case _:
            return spec.worker_folder


def looked_at_here(
    workers: Sequence[WorkerSeen], loaded: LoadedSpec, plans: Sequence[Plan]
) -> tuple[WorkerSeen, ...]:
    """With what the workers on this machine cannot run: there a look costs next to nothing. No other is asked."""
    return tuple(replace(seen, unable=_unable_here(loaded, seen.name, plans)) for seen in workers)


def _unable_here(loaded: LoadedSpec, name: str, plans: Sequence[Plan]) -> Mapping[Address, str]:
    spec, engines = loaded.spec.workers[name], engines_of(loaded.spec)
    if not isinstance(spec, LocalWorker) or not engines:
        return {}
    place = folder_of(spec, loaded.folder)
    equipment = Equipment(spec, Installs.of(spec, engines, loaded.folder), place)
    equipment.installs.look(local_worker(name, Path(place)))
    return equipment.installs.unable(equipment, plans)
