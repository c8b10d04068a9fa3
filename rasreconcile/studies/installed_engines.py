"""Installs: where HEC-RAS is on one worker, looked for once, and which plans cannot run there for want of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from rasreconcile.engines.hec_ras import install_search
from rasreconcile.engines.hec_ras.engine import HecRas
from rasreconcile.engines.hec_ras.install_search import FoundInstall, NotFound, WantedInstall
from rasreconcile.engines.hec_ras.preparation import hec_ras_for
from rasreconcile.engines.hec_ras.scripts import script
from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.jobs import Install, Worker
from rasreconcile.plans import Address, Plan
from rasreconcile.spec import EngineSpec, HecRasEngine, Spec, WorkerBase
from rasreconcile.specfile import LoadedSpec
from rasreconcile.workers.kind import Kind


class Equipped(Protocol):
    """A worker and what is installed on it."""

    @property
    def spec(self) -> WorkerBase: ...
    def install(self, cores: int, engine: EngineSpec) -> Install: ...


_SOLVERS = "solvers.sh"

_Needs = tuple[str, str, str]
"""Of a plan: engine, version, and which kind of flow: each kind has a program of its own."""


@dataclass(slots=True)
class InstalledEngines:
    """Of one worker. `look` runs in its control lane, the rest in the main thread."""

    platform: Literal["posix", "windows"]
    named: str | None
    engines: tuple[HecRasEngine, ...]
    image: str | None = None
    """Digest of the container image that runs are computed in, once it was asked for."""
    _found: Mapping[str, FoundInstall | NotFound] = field(default_factory=dict)
    """By version."""
    _lacks: dict[_Needs, Trouble] = field(default_factory=dict)
    """What was found missing by running it, and in what words."""
    _unable: dict[tuple[Address, str, Address | None], Trouble | None] = field(default_factory=dict)
    _answered: tuple[object, object, Mapping[Address, Trouble]] = (None, None, MappingProxyType({}))
    """The plans that were asked about last, what had been found then, and the answer."""

    @classmethod
    def of(cls, loaded: LoadedSpec, worker: str) -> InstalledEngines:
        """Of this worker of the spec, before it was looked."""
        spec, kind = loaded.spec.workers[worker], loaded.kind_of(worker)
        return cls(kind.platform(spec), kind.program(spec, loaded.folder), engines_of(loaded.spec))

    def look(self, worker: Worker) -> None:
        """For every version that the spec asks for, in one round trip. Raises Unreachable."""
        self.image = worker.image()
        wanted = self._wanted
        if not wanted:
            return
        if all(one.is_solvers for one in wanted.values()):
            answer = worker.ask(script(_SOLVERS), install_search.question(wanted.values()))
            self._found = {v: install_search.solvers_in(one, answer) for v, one in wanted.items()}
        else:
            asked = dict.fromkeys(place for one in wanted.values() for place in install_search.places(one))
            there = worker.find(tuple(asked))
            self._found = {v: install_search.found_in(one, there) for v, one in wanted.items()}
        self._forget()

    def try_out(self, worker: Worker) -> None:
        """Starts each program of the Linux solvers once: one that does not start is as good as missing.

        Raises Unreachable.
        """
        for version, one in self._wanted.items():
            found = self._found.get(version)
            if isinstance(found, FoundInstall) and one.is_solvers:
                answer = worker.ask(script(_SOLVERS), install_search.trial(one, found))
                self._found = {**self._found, version: install_search.started(one, found, answer)}
                self._forget()

    @property
    def _wanted(self) -> Mapping[str, WantedInstall]:
        return {e.version: WantedInstall(e.version, self.platform, self.named) for e in self.engines}

    def found(self, engine: EngineSpec) -> FoundInstall | None:
        """None where the engine is not there, was not looked for, or needs no install."""
        known = self._found.get(engine.version) if isinstance(engine, HecRasEngine) else None
        return known if isinstance(known, FoundInstall) else None

    def missing(self) -> tuple[Trouble, ...]:
        """What was looked for and is not there."""
        return tuple(f.trouble for f in self._found.values() if isinstance(f, NotFound))

    def note_lack(self, plan: Plan, why: Trouble) -> None:
        """A run found out that what the plan needs is not here: in this apply no other need find it out again."""
        self._lacks[_needs(plan)] = why
        self._forget()

    @property
    def doubts(self) -> tuple[Trouble, ...]:
        """Versions of which it is not certain how they are called."""
        return tuple(doubt for e in self.engines if (doubt := HecRas(e).doubt))

    def unable(self, equipment: Equipped, plans: Sequence[Plan]) -> Mapping[Address, Trouble]:
        """Which of the plans cannot run here, and why; nothing before it was looked."""
        if not self._found and not self._lacks:
            return {}
        asked, looked_at, answer = self._answered
        there = self._found
        if asked is plans and looked_at is there:
            return answer
        found = {}
        for plan in plans:
            key = (plan.address, plan.fingerprint, plan.prepared_by)
            looked = self._found or not isinstance(plan.engine, HecRasEngine)
            if looked and key not in self._unable:
                self._unable[key] = self.why_not(equipment, plan)
            if (why := self._unable.get(key)) is not None:
                found[plan.address] = why
        self._answered = (plans, there, found)
        return found

    def _forget(self) -> None:
        """It is asked anew."""
        self._unable, self._answered = {}, (None, None, {})

    def why_not(self, equipment: Equipped, plan: Plan) -> Trouble | None:
        """Why this plan cannot run here, once it was looked; None: it can."""
        engine = plan.engine
        if (lack := self._lacks.get(_needs(plan))) is not None:
            return lack
        if not isinstance(engine, HecRasEngine):
            return None
        known = self._found.get(engine.version)
        if isinstance(known, NotFound):
            return known.trouble
        cores = plan.cores or equipment.spec.cores_per_plan
        try:
            return hec_ras_for(plan).why_not(plan, equipment.install(cores, engine))
        except ProjectError:
            # The plan is blocked for this, whoever would run it.
            return None


def _needs(plan: Plan) -> _Needs:
    if not isinstance(plan.engine, HecRasEngine):
        return plan.engine.type, "", ""
    flow = next((file.name.rpartition(".")[2][:1] for file in plan.inputs if file.kind == "flow"), "")
    return plan.engine.type, plan.engine.version, flow.lower()


def computed_on(platform: Literal["posix", "windows"], image: str | None) -> str:
    """As a result records where it was computed."""
    return f"image {image}" if image else platform


def platform_of(kind: Kind, spec: WorkerBase, image: str | None) -> str | None:
    """As a result that is computed there would record it; `image`: the worker's, as far as it is known."""
    return None if kind.has_image(spec) and image is None else computed_on(kind.platform(spec), image)


def engines_of(spec: Spec) -> tuple[HecRasEngine, ...]:
    """Every HEC-RAS that the spec asks for, each version once."""
    engines = [spec.engine, *(entry.engine for entry in spec.plans if entry.engine)]
    return tuple({e.version: e for e in engines if isinstance(e, HecRasEngine)}.values())
