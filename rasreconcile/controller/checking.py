"""What every plan reads and what every worker lacks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from rasreconcile.controller.clock import Clock
from rasreconcile.controller.installs import Installs, engines_of
from rasreconcile.controller.preparations import with_preparations
from rasreconcile.controller.preview import remembered
from rasreconcile.controller.stations import open_worker
from rasreconcile.engines.hec_ras.engine import HecRas
from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import UsageError, WorkerError
from rasreconcile.jobs import Problem
from rasreconcile.plans import Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results.associations import associations
from rasreconcile.spec import HecRasEngine
from rasreconcile.specfile import LoadedSpec


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
        memory = remembered(loaded.state_path, stack)
        digests = Digests(memory.hashes(), clock.wall_ns)
        contents = Contents(memory.mentions(), clock.wall_ns, associations)
        resolution = resolve(loaded, digests, engine_for, contents=contents)
        plans = with_preparations(loaded, digests, resolution).plans
    plans = tuple(_with_doubt(plan) for plan in plans if not plan.prepares)
    return Findings(plans, {name: _check(loaded, name) for name in loaded.spec.workers})


def _with_doubt(plan: Plan) -> Plan:
    doubt = HecRas(plan.engine).doubt if isinstance(plan.engine, HecRasEngine) else None
    return replace(plan, warnings=(*plan.warnings, doubt)) if doubt else plan


def _check(loaded: LoadedSpec, name: str) -> tuple[Problem, ...]:
    try:
        worker = open_worker(name, loaded.spec.workers[name], loaded.folder)
    except UsageError as error:
        return (Problem(str(error), "leave the worker out for now"),)
    try:
        problems = worker.check()
        installs = Installs.of(loaded.spec.workers[name], engines_of(loaded.spec), loaded.folder)
        if not problems:
            installs.look(worker)
        return (*problems, *installs.missing())
    except WorkerError as error:
        # Where, what, and what to do: the last is the remedy.
        what, _, remedy = str(error).rpartition("; ")
        return (Problem(what or remedy, remedy if what else "see that it is switched on and can be reached"),)
    finally:
        worker.close()
