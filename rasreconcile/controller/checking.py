"""What every plan reads and what every worker lacks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from rasreconcile.controller.clock import Clock
from rasreconcile.controller.looking import Memory
from rasreconcile.controller.preview import NoMemory
from rasreconcile.controller.stations import open_worker
from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import UsageError, WorkerError
from rasreconcile.jobs import Problem
from rasreconcile.plans import Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results.associations import associations
from rasreconcile.specfile import LoadedSpec
from rasreconcile.store.reading import Reader


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found."""

    plans: tuple[Plan, ...]
    workers: Mapping[str, tuple[Problem, ...]]

    @property
    def fit(self) -> bool:
        """Whether every plan can run and every worker is well."""
        return not any(plan.blocked_by for plan in self.plans) and not any(self.workers.values())


def check(loaded: LoadedSpec, clock: Clock) -> Findings:
    """Raises SpecError. Whatever is wrong with a worker is among the findings."""
    with ExitStack() as stack:
        memory: Memory = NoMemory()
        if loaded.state_path.exists():
            memory = stack.enter_context(Reader(loaded.state_path))
        digests = Digests(memory.hashes(), clock.wall_ns)
        contents = Contents(memory.mentions(), clock.wall_ns, associations)
        plans = resolve(loaded, digests, engine_for, contents=contents).plans
    return Findings(plans, {name: _check(loaded, name) for name in loaded.spec.workers})


def _check(loaded: LoadedSpec, name: str) -> tuple[Problem, ...]:
    try:
        worker = open_worker(name, loaded.spec.workers[name], loaded.folder)
    except UsageError as error:
        return (Problem(str(error), "leave the worker out for now"),)
    try:
        return tuple(worker.check())
    except WorkerError as error:
        return (Problem(str(error), "see that it is switched on and can be reached"),)
    finally:
        worker.close()
