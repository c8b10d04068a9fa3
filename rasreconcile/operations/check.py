"""What every plan reads and what every worker lacks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from rasreconcile.clock import Clock
from rasreconcile.engines.hec_ras.engine import HecRas
from rasreconcile.errors import REACHABLE, Trouble, WorkerError
from rasreconcile.named_plans import EVERY_PLAN, NamedPlans
from rasreconcile.plans import Address, Plan
from rasreconcile.results.writable import unwritable
from rasreconcile.spec import HecRasEngine
from rasreconcile.specfile import LoadedSpec
from rasreconcile.studies.equipment import Equipment
from rasreconcile.studies.store_view import remembered
from rasreconcile.studies.study import Study


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found."""

    plans: tuple[Plan, ...]
    workers: Mapping[str, tuple[Trouble, ...]]
    unable: Mapping[str, Mapping[Address, Trouble]]
    """By worker: the plans that it cannot run, and why."""
    results: tuple[Trouble, ...] = ()
    """Why results could not be put in their places."""

    def nowhere(self, plan: Plan) -> tuple[Trouble, ...]:
        """Why no worker that the plan may use can run it; nothing where one can."""
        names = plan.only_on or tuple(self.unable)
        whys = [why for name in names if (why := self._why(name, plan))]
        return tuple(whys) if len(whys) == len(names) else ()

    def _why(self, name: str, plan: Plan) -> Trouble | None:
        why = self.unable.get(name, {}).get(plan.address)
        if why is None:
            return None
        # What a worker lacks is told once, with the worker.
        return (
            Trouble(f"worker {name} is unfit")
            if self.workers.get(name)
            else why.led_by(f"{name} cannot run it: ")
        )

    def stops(self, plan: Plan) -> tuple[Trouble, ...]:
        """What keeps the plan from running."""
        return (*plan.stopped_by, *self.nowhere(plan))

    @property
    def fit(self) -> bool:
        """Whether every plan can run and every worker is well."""
        stuck = any(self.stops(plan) for plan in self.plans)
        return not stuck and not self.results and not any(self.workers.values())


def check(loaded: LoadedSpec, clock: Clock, named: NamedPlans = EVERY_PLAN) -> Findings:
    """Raises UsageError, and SpecError, also where a kind of worker is not built.

    What else is wrong with one is among the findings.
    """
    loaded.require_built()
    with ExitStack() as stack:
        plans = Study.open(loaded, remembered(loaded.state_path, stack), clock).listed()
    meant = set(named.pick(plan.address for plan in plans))
    plans = tuple(_with_doubt(plan) for plan in plans if plan.address in meant)
    asked = {name: _check(loaded, name, plans) for name in loaded.spec.workers}
    problems = {name: found for name, (found, _) in asked.items()}
    unable = {name: unable for name, (_, unable) in asked.items()}
    # One folder holds the results of many plans: what is wrong with it is told once.
    places = dict.fromkeys(filter(None, (unwritable(plan.output) for plan in plans)))
    return Findings(plans, problems, unable, tuple(places))


def _with_doubt(plan: Plan) -> Plan:
    doubt = HecRas(plan.engine).doubt if isinstance(plan.engine, HecRasEngine) else None
    return replace(plan, warnings=(*plan.warnings, doubt)) if doubt else plan


def _check(
    loaded: LoadedSpec, name: str, plans: tuple[Plan, ...]
) -> tuple[tuple[Trouble, ...], Mapping[Address, Trouble]]:
    """What would stop every run there, and which plans cannot run there."""
    worker = loaded.open_worker(name)
    try:
        problems = worker.check()
        equipment = Equipment.of(loaded, name)
        if not problems:
            equipment.installed.look(worker)
            equipment.installed.try_out(worker)
        return (*problems, *equipment.installed.missing()), equipment.installed.unable(equipment, plans)
    except WorkerError as error:
        return (error.trouble.or_else(REACHABLE),), {}
    finally:
        worker.close()
