"""What every plan reads and what every worker lacks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from rasreconcile.controller.clock import Clock
from rasreconcile.controller.equipment import Equipment, folder_of
from rasreconcile.controller.installs import Installs, engines_of
from rasreconcile.controller.preparations import with_preparations
from rasreconcile.controller.preview import remembered
from rasreconcile.controller.stations import open_worker
from rasreconcile.engines.hec_ras.engine import HecRas
from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import UsageError, WorkerError
from rasreconcile.jobs import Problem
from rasreconcile.plans import Address, Plan
from rasreconcile.resolve import Contents, Digests, resolve
from rasreconcile.results.associations import associations
from rasreconcile.spec import HecRasEngine
from rasreconcile.specfile import LoadedSpec


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found."""

    plans: tuple[Plan, ...]
    workers: Mapping[str, tuple[Problem, ...]]
    unable: Mapping[str, Mapping[Address, str]]
    """By worker: the plans that it cannot run, and why."""

    def nowhere(self, plan: Plan) -> tuple[str, ...]:
        """Why no worker that the plan may use can run it; nothing where one can."""
        names = plan.only_on or tuple(self.unable)
        whys = [why for name in names if (why := self._why(name, plan))]
        return tuple(whys) if len(whys) == len(names) else ()

    def _why(self, name: str, plan: Plan) -> str | None:
        why = self.unable.get(name, {}).get(plan.address)
        if why is None:
            return None
        # What a worker lacks is told once, with the worker.
        return f"worker {name} is unfit" if self.workers.get(name) else f"{name} cannot run it: {why}"

    @property
    def fit(self) -> bool:
        """Whether every plan can run and every worker is well."""
        stuck = any(plan.stopped_by or self.nowhere(plan) for plan in self.plans)
        return not stuck and not any(self.workers.values())


def check(loaded: LoadedSpec, clock: Clock) -> Findings:
    """Raises SpecError. Whatever is wrong with a worker is among the findings."""
    with ExitStack() as stack:
        memory = remembered(loaded.state_path, stack)
        digests = Digests(memory.hashes(), clock.wall_ns)
        contents = Contents(memory.mentions(), clock.wall_ns, associations)
        resolution = resolve(loaded, digests, engine_for, contents=contents)
        plans = with_preparations(loaded, digests, resolution).plans
    plans = tuple(_with_doubt(plan) for plan in plans if not plan.prepares)
    asked = {name: _check(loaded, name, plans) for name in loaded.spec.workers}
    problems = {name: found for name, (found, _) in asked.items()}
    return Findings(plans, problems, {name: unable for name, (_, unable) in asked.items()})


def _with_doubt(plan: Plan) -> Plan:
    doubt = HecRas(plan.engine).doubt if isinstance(plan.engine, HecRasEngine) else None
    return replace(plan, warnings=(*plan.warnings, doubt)) if doubt else plan


def _check(
    loaded: LoadedSpec, name: str, plans: tuple[Plan, ...]
) -> tuple[tuple[Problem, ...], Mapping[Address, str]]:
    """What would stop every run there, and which plans cannot run there."""
    spec = loaded.spec.workers[name]
    try:
        worker = open_worker(name, spec, loaded.folder)
    except UsageError as error:
        return (Problem(str(error), "leave the worker out for now"),), {}
    try:
        problems = worker.check()
        installs = Installs.of(spec, engines_of(loaded.spec), loaded.folder)
        if not problems:
            installs.look(worker)
        equipment = Equipment(spec, installs, folder_of(spec, loaded.folder))
        return (*problems, *installs.missing()), installs.unable(equipment, plans)
    except WorkerError as error:
        # Where, what, and what to do: the last is the remedy.
        what, _, remedy = str(error).rpartition("; ")
        fallback = "see that it is switched on and can be reached"
        return (Problem(what or remedy, remedy if what else fallback),), {}
    finally:
        worker.close()
