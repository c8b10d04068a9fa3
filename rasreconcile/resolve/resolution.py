"""Every plan of a spec with its inputs, components and fingerprint."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from rasreconcile.errors import Fault, ProjectError, SpecError, Trouble, trouble_of
from rasreconcile.plain_files import whole
from rasreconcile.plans import (
    PREPARED,
    Address,
    BroughtBack,
    Component,
    InputFile,
    Plan,
    component,
    fingerprint,
)
from rasreconcile.resolve.baselines import expectation_digest, with_baseline
from rasreconcile.resolve.contents import Contents
from rasreconcile.resolve.digests import Digests
from rasreconcile.resolve.draft import Draft
from rasreconcile.resolve.findings import Closure
from rasreconcile.resolve.look import Look
from rasreconcile.resolve.misnamed import named_twice
from rasreconcile.resolve.order import in_order
from rasreconcile.resolve.outputs import (
    Claim,
    Reads,
    RealPaths,
    inputs_published_over,
    plan_that_brings_back,
    shared_files,
)
from rasreconcile.resolve.producers import Producers, published_as
from rasreconcile.resolve.projects import FoundProject, entry_fault, find_projects
from rasreconcile.resolve.remembered import Memory, gather
from rasreconcile.spec import CommandEngine, EngineSpec, Expectations, PlanEntry
from rasreconcile.specfile import LoadedSpec

DEFAULT_TIME_LIMIT = timedelta(days=7)


class EngineLike(Protocol):
    """What resolving asks of an engine: a part of `jobs.Engine`."""

    @property
    def identity(self) -> str: ...

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> Trouble | None: ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """The plans of a spec as they are now, in its order."""

    plans: tuple[Plan, ...]

    def __getitem__(self, address: Address) -> Plan:
        return next(plan for plan in self.plans if plan.address == address)


def resolve(
    loaded: LoadedSpec,
    digests: Digests,
    engine_for: Callable[[EngineSpec], EngineLike],
    *,
    contents: Contents,
    proven: Collection[str] = (),
    memory: Memory | None = None,
) -> Resolution:
    """Looks at every file the plans read. `proven`: fingerprints with a result, which need no engine's consent.

    `memory`: of the looks before; what it remembers is what a look without it would find.

    Raises SpecError where an entry means no project, two plans share an address or a file, or `needs` does not add up.
    """
    projects, faults = find_projects(loaded)
    digests.look_again()
    contents.look_again()
    drafts, more = _drafts(loaded, projects)
    faults += more
    look = Look(digests, contents, loaded.folder)
    memory = Memory() if memory is None else memory
    producers = gather(loaded, drafts, look, memory)
    order, wrong = in_order(loaded, drafts)
    asked_for = _brought_back(drafts, producers)
    claims = _claims(drafts, asked_for)
    faults += (*wrong, *shared_files(loaded, claims), *inputs_published_over(loaded, claims, _read(drafts)))
    if faults:
        raise SpecError(faults)
    done: dict[Address, Plan] = {}
    common = _Common(loaded, loaded.identity, engine_for)
    for address in order:
        plan = _remembered_plan(common, drafts[address], done, asked_for[address], memory)
        plan = with_baseline(plan, loaded.folder, digests)
        if plan.fingerprint not in proven and not plan.blocked_by:
            refused = _refused(plan, drafts[address].closure, engine_for(plan.engine), memory)
            plan = replace(plan, blocked_by=(refused,)) if refused else plan
        done[address] = plan
    return Resolution(tuple(done[address] for address in drafts))


def published_by(loaded: LoadedSpec) -> frozenset[str]:
    """The real paths of the results of a spec, without a look at what its plans read. Raises SpecError."""
    projects, faults = find_projects(loaded)
    drafts, more = _drafts(loaded, projects)
    if faults or more:
        raise SpecError([*faults, *more])
    real = RealPaths()
    return frozenset(real.of(draft.output) for draft in drafts.values())


def addresses_of(loaded: LoadedSpec) -> tuple[Address, ...]:
    """The plans of a spec by name, without a look at what they read. Raises SpecError."""
    projects, faults = find_projects(loaded)
    drafts, more = _drafts(loaded, projects)
    if faults or more:
        raise SpecError([*faults, *more])
    return tuple(drafts)


def _drafts(
    loaded: LoadedSpec, projects: tuple[FoundProject, ...]
) -> tuple[dict[Address, Draft], tuple[Fault, ...]]:
    drafts: dict[Address, Draft] = {}
    faults: list[Fault] = []
    for found in projects:
        entry = found.entry
        if not entry.numbers and not found.text.plans:
            faults.append(
                entry_fault(
                    loaded,
                    found.index,
                    Trouble(f"{found.path.name} lists no plans", "give `numbers`"),
                    key="project",
                )
            )
        results = _results(loaded, found)
        named = {Address(f"{found.prefix}/p{number}"): number for number in entry.numbers or found.text.plans}
        if first := [drafts[address] for address in named if address in drafts]:
            faults.append(entry_fault(loaded, found.index, named_twice(loaded, first, found)))
        for address in (address for address in named if address not in drafts):
            number, engine = named[address], entry.engine or loaded.spec.engine
            output = results / f"{found.path.stem}.p{number}.hdf"
            drafts[address] = Draft(found, address, number, engine, output)
    return drafts, tuple(faults)


def _brought_back(
    drafts: Mapping[Address, Draft], producers: Producers
) -> Mapping[Address, tuple[BroughtBack, ...]]:
    """What the spec names of each plan, and what other plans read of it."""
    wanted: dict[Address, dict[str, BroughtBack]] = {address: {} for address in drafts}
    for address, draft in drafts.items():
        for name in draft.outputs:
            wanted[address][name.casefold()] = BroughtBack(name, name)
    makers = {plan.address: plan for plan in producers.plans}
    for address, draft in drafts.items():
        for maker, name in draft.closure.made:
            if name:
                found = BroughtBack(name, published_as(name, makers[maker]), read_by=address)
                wanted[maker].setdefault(name.casefold(), found)
    return {address: tuple(found[name] for name in sorted(found)) for address, found in wanted.items()}


def _claims(
    drafts: Mapping[Address, Draft], brought_back: Mapping[Address, tuple[BroughtBack, ...]]
) -> list[Claim]:
    return [
        Claim(
            address,
            draft.found.index,
            (draft.output, *(draft.output.parent / one.published_as for one in brought_back[address])),
        )
        for address, draft in drafts.items()
    ]


def _read(drafts: Mapping[Address, Draft]) -> Iterator[Reads]:
    for address, draft in drafts.items():
        makers = {maker for maker, _ in draft.closure.made}
        yield Reads(address, draft.closure.inputs, makers)


@dataclass(slots=True)
class _Common:
    """What is the same for many plans, worked out once."""

    loaded: LoadedSpec
    identity: Path
    engine_for: Callable[[EngineSpec], EngineLike]
    _expected: dict[int, str] = field(default_factory=dict)
    """Digests of expectations, which all plans of an entry share."""

    def expected(self, expect: Expectations) -> str:
        if id(expect) not in self._expected:
            self._expected[id(expect)] = expectation_digest(expect)
        return self._expected[id(expect)]


def _remembered_plan(
    common: _Common,
    draft: Draft,
    done: Mapping[Address, Plan],
    brought_back: tuple[BroughtBack, ...],
    memory: Memory,
) -> Plan:
    """The plan without its baseline: that of the last look, where all that it is made of is the same."""
    found, engine = draft.found, common.engine_for(draft.engine)
    made_of = (
        *(
            draft.closure,
            brought_back,
            engine.identity,
            tuple(done[need].fingerprint for need in draft.needs),
        ),
        *(common.identity, found.index, found.path, found.prefix, found.remark, found.text.plans),
    )
    known = memory.plans.get(draft.address)
    if known is None or known[0] != made_of:
        plan = plan_that_brings_back(_plan(common, draft, done, engine), brought_back)
        known = memory.plans[draft.address] = (made_of, plan)
    return known[1]


def _plan(common: _Common, draft: Draft, done: Mapping[Address, Plan], engine: EngineLike) -> Plan:
    entry, found, loaded = draft.found.entry, draft.found, common.loaded
    parts = (
        *(_of_input(i) for i in draft.closure.inputs if i.counts),
        *(_of_prepared(i) for i in draft.closure.inputs if draft.closure.prepared and i.kind == "prepared"),
        component("engine", engine.identity),
        *_of_spec(loaded, entry, draft.engine),
        *(Component(f"upstream {need}", done[need].fingerprint) for need in draft.needs),
    )
    minutes = entry.max_runtime_minutes
    return Plan(
        address=draft.address,
        project=found.path,
        number=draft.number,
        engine=draft.engine,
        inputs=tuple(draft.closure.inputs),
        components=parts,
        fingerprint=fingerprint(parts),
        output=draft.output,
        spec=common.identity,
        expect=entry.expect,
        expectation_digest=common.expected(entry.expect),
        cores=entry.cores,
        time_limit=timedelta(minutes=minutes) if minutes else DEFAULT_TIME_LIMIT,
        stop_when=entry.stop_when or loaded.spec.stop_when,
        stalled_after=entry.stalled_after or loaded.spec.stalled_after,
        only_on=entry.only_on,
        needs=draft.needs,
        computes=draft.closure.computes,
        blocked_by=tuple(draft.closure.blocked_by),
        ras_exe_lacks=tuple(draft.closure.ras_exe_lacks),
        warnings=(*draft.closure.warnings, *draft.closure.only_prepared(), *_of_project(found, draft.number)),
    )


def _of_input(file: InputFile) -> Component:
    return Component(f"input {file.name}", file.semantic)


def _of_prepared(file: InputFile) -> Component:
    return Component(f"{PREPARED} {file.name}", file.raw)


def _of_spec(loaded: LoadedSpec, entry: PlanEntry, engine: EngineSpec) -> list[Component]:
    """The fields of the spec that can change a result."""
    parts = []
    if isinstance(engine, CommandEngine):
        parts.append(component("spec engine.command", json.dumps(engine.command)))
        if engine.env:
            parts.append(component("spec engine.env", json.dumps(dict(sorted(engine.env.items())))))
    if entry.clear_geompre:
        parts.append(component("spec clear_geompre", "true"))
    if loaded.spec.strict_cores and entry.cores is not None:
        parts.append(component("spec cores", str(entry.cores)))
    if loaded.spec.salt:
        parts.append(component("salt", loaded.spec.salt))
    return parts


def _results(loaded: LoadedSpec, found: FoundProject) -> Path:
    """The folder of the results of a project."""
    root = loaded.results_of(found.entry)
    return root / found.prefix if root else found.path.parent


def _of_project(found: FoundProject, number: str) -> Iterator[Trouble]:
    if found.remark is not None:
        yield found.remark
    if number not in found.text.plans:
        what = f"{found.path.name} does not list p{number}: HEC-RAS will not show this plan"
        yield Trouble(what, "add the plan to the project in HEC-RAS")


def _refused(plan: Plan, closure: Closure, engine: EngineLike, memory: Memory) -> Trouble | None:
    texts = closure.texts()
    key = (engine.identity, *(f"{kind} {file.name} {file.raw}" for kind, file in sorted(texts.items())))
    if key not in memory.refused:
        try:
            names = {kind: file.name for kind, file in texts.items()}
            memory.refused[key] = engine.refuses({k: whole(f.source) for k, f in texts.items()}, names)
        except (OSError, ProjectError) as error:
            return trouble_of(error)
    return memory.refused[key]
