"""What a worker has for computing, seen without lanes to it: for `check`, `diff` and `explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rasreconcile.errors import Trouble
from rasreconcile.jobs import Install
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import WorkerSeen
from rasreconcile.spec import EngineSpec, WorkerBase
from rasreconcile.specfile import LoadedSpec
from rasreconcile.studies.installed_engines import InstalledEngines, engines_of
from rasreconcile.workers.kind import Kind


@dataclass(frozen=True, slots=True)
class Equipment:
    """Of one worker."""

    spec: WorkerBase
    kind: Kind
    installed: InstalledEngines
    folder: str
    """Where its run directories are made, in its own spelling."""

    @classmethod
    def of(cls, loaded: LoadedSpec, name: str) -> Equipment:
        """Of this worker of the spec, before it was looked."""
        installed = InstalledEngines.of(loaded, name)
        return cls(loaded.spec.workers[name], loaded.kind_of(name), installed, loaded.folder_of(name))

    def install(self, cores: int, engine: EngineSpec) -> Install:
        """Where this engine is found here, for a run with this many cores."""
        found = self.installed.found(engine)
        return Install(
            platform=self.installed.platform,
            cores=cores,
            home=found.home if found else None,
            wine=found.wine if found else None,
            python=self._python,
            process_priority=self.spec.process_priority,
            worker_folder=self.folder,
        )

    @property
    def _python(self) -> str:
        if self.kind.python is not None:
            return self.kind.python
        # On Windows `python3` is as a rule a door to the Store.
        return "python" if self.installed.platform == "windows" else "python3"


def looked_at_here(
    workers: Sequence[WorkerSeen], loaded: LoadedSpec, plans: Sequence[Plan]
) -> tuple[WorkerSeen, ...]:
    """With what the workers on this machine cannot run: there a look costs next to nothing. No other is asked."""
    return tuple(replace(seen, unable=_unable_here(loaded, seen.name, plans)) for seen in workers)


def _unable_here(loaded: LoadedSpec, name: str, plans: Sequence[Plan]) -> Mapping[Address, Trouble]:
    if not loaded.kind_of(name).here or not engines_of(loaded.spec):
        return {}
    equipment = Equipment.of(loaded, name)
    worker = loaded.open_worker(name)
    try:
        equipment.installed.look(worker)
    finally:
        worker.close()
    return equipment.installed.unable(equipment, plans)
