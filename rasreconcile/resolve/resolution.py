"""Every plan of a spec with its inputs, components and fingerprint."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Protocol

from rasreconcile.errors import Fault, ProjectError, SpecError
from rasreconcile.plans import Address, Component, InputFile, Plan, component, fingerprint
from rasreconcile.resolve.baselines import expectation_digest, with_baseline
from rasreconcile.resolve.closure import ClosureRequest, Producer, Producers, closure_of
from rasreconcile.resolve.contents import Contents
from rasreconcile.resolve.digests import Digests
from rasreconcile.resolve.disk import Disk
from rasreconcile.resolve.outputs import Claim, RealPaths, shared_files
from rasreconcile.resolve.places import Places
from rasreconcile.resolve.plan_inputs import Closure
from rasreconcile.resolve.projects import FoundProject, entry_fault, find_projects
from rasreconcile.spec import CommandEngine, EngineSpec, PlanEntry
from rasreconcile.specfile import LoadedSpec
from rasreconcile.spelling import composed, name_key

DEFAULT_TIME_LIMIT = timedelta(days=7)


class EngineLike(Protocol):
    """What resolving asks of an engine: a part of `jobs.Engine`."""

    @property
    def identity(self) -> str: ...

    def refuses(self, texts: Mapping[str, bytes], names: Mapping[str, str]) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """The plans of a spec as they are now, in its order."""

    plans: tuple[Plan, ...]

    def __getitem__(self, address: Address) -> Plan:
        return next(plan for plan in self.plans if plan.address == address)


@dataclass(slots=True)
class Refusals:
    """What engines refused, by the digests of the texts they were shown; kept from one resolving to the next."""

    known: dict[tuple[str, ...], str | None] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """A plan before its upstream plans are known."""

    found: FoundProject
    address: Address
    number: str
    engine: EngineSpec
    output: Path
    closure: Closure = field(default_factory=Closure)

    @property
    def needs(self) -> tuple[Address, ...]:
        """As the spec says, and for the restart files it reads."""
        named = [Address(need) for need in self.found.entry.needs]
        restarts = [address for address, _ in self.closure.restarts]
        return tuple(need for need in dict.fromkeys((*named, *restarts)) if need != self.address)


def resolve(
    loaded: LoadedSpec,
    digests: Digests,
    engine_for: Callable[[EngineSpec], EngineLike],
    *,
    contents: Contents,
    proven: Collection[str] = (),
    refusals: Refusals | None = None,
) -> Resolution:
    """Looks at every file the plans read. `proven`: fingerprints with a result, which need no engine's consent.

    Raises SpecError where an entry means no project, two plans share an address or a file, or `needs` does not add up.
    """
    projects, faults = find_projects(loaded)
    digests.look_again()
    contents.look_again()
    drafts, more = _drafts(loaded, projects)
    faults += more
    _gather(drafts, Disk(digests, contents, Places(loaded.path_map)))
    order, wrong = _in_order(loaded, drafts)
    asked_for = _side_outputs(drafts)
    faults += (*wrong, *shared_files(loaded, _claims(drafts, asked_for)))
    if faults:
        raise SpecError(faults)
    remembered = refusals if refusals is not None else Refusals()
    done: dict[Address, Plan] = {}
    for address in order:
        plan = _plan(loaded, drafts[address], done, engine_for(drafts[address].engine))
        plan = replace(plan, side_outputs=asked_for.get(address, ()))
        plan = with_baseline(plan, loaded.folder, digests)
        if plan.fingerprint not in proven and not plan.blocked_by:
            refused = _refused(plan, drafts[address].closure, engine_for(plan.engine), remembered)
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


def _drafts(
    loaded: LoadedSpec, projects: tuple[FoundProject, ...]
) -> tuple[dict[Address, _Draft], tuple[Fault, ...]]:
    drafts: dict[Address, _Draft] = {}
    faults: list[Fault] = []
    for found in projects:
        entry = found.entry
        if not entry.numbers and not found.text.plans:
            faults.append(
                entry_fault(
                    loaded, found.index, f"{found.path.name} lists no plans; give `numbers`", key="project"
                )
            )
        for number in entry.numbers or found.text.plans:
            address = Address(f"{found.prefix}/p{number}")
            if address in drafts:
                faults.append(entry_fault(loaded, found.index, _twice(drafts[address], found)))
                continue
            engine = entry.engine or loaded.spec.engine
            drafts[address] = _Draft(found, address, number, engine, _output(loaded, found, number))
    return drafts, tuple(faults)


def _gather(drafts: Mapping[Address, _Draft], disk: Disk) -> None:
    """The inputs of every plan. Which plans there are is known by then: a restart file may be the work of one."""
    producers: Producers = {
        (d.found.path.parent, name_key(d.found.path.stem), d.number): Producer(
            d.address, d.output.parent, composed(d.found.path.stem)
        )
        for d in drafts.values()
    }
    for draft in drafts.values():
        if draft.found.fault:
            draft.closure = Closure(blocked_by=[draft.found.fault])
            continue
        asked = ClosureRequest(
            address=draft.address,
            project=draft.found.path,
            number=draft.number,
            engine=draft.engine.type,
            extra=draft.found.entry.inputs,
        )
        draft.closure = closure_of(asked, disk, producers)


def _side_outputs(drafts: Mapping[Address, _Draft]) -> Mapping[Address, tuple[str, ...]]:
    """The restart files that other plans read of each plan."""
    wanted: dict[Address, dict[str, None]] = {}
    for draft in drafts.values():
        for address, name in draft.closure.restarts:
            wanted.setdefault(address, {})[name] = None
    return {address: tuple(sorted(names)) for address, names in wanted.items()}


def _claims(drafts: Mapping[Address, _Draft], side_outputs: Mapping[Address, tuple[str, ...]]) -> list[Claim]:
    return [
        Claim(
            address,
            draft.found.index,
            (draft.output, *(draft.output.with_name(name) for name in side_outputs.get(address, ()))),
        )
        for address, draft in drafts.items()
    ]


def _twice(first: _Draft, again: FoundProject) -> str:
    if first.found.path == again.path:
        return f"{first.address} is in plans[{first.found.index}] already; name it once"
    return (
        f"{first.address} means {first.found.path} in plans[{first.found.index}] already;"
        " give one of the entries a `name` of its own"
    )


def _in_order(
    loaded: LoadedSpec, drafts: Mapping[Address, _Draft]
) -> tuple[tuple[Address, ...], tuple[Fault, ...]]:
    """Every plan after those it needs."""
    faults: list[Fault] = []
    graph: dict[Address, list[Address]] = {}
    for address, draft in drafts.items():
        for need in (need for need in draft.needs if need not in drafts):
            faults.append(
                entry_fault(
                    loaded,
                    draft.found.index,
                    f"{need} is not a plan of this spec; `diff` lists them",
                    key="needs",
                )
            )
        graph[address] = [need for need in draft.needs if need in drafts]
    try:
        return tuple(TopologicalSorter(graph).static_order()), tuple(dict.fromkeys(faults))
    except CycleError as error:
        circle = [Address(a) for a in error.args[1]]
        index = drafts[circle[0]].found.index
        what = (
            f"{' needs '.join(reversed(circle))}: a cycle; remove one `needs`, or stop using one restart file"
        )
        return (), (*dict.fromkeys(faults), entry_fault(loaded, index, what, key="needs"))


def _plan(loaded: LoadedSpec, draft: _Draft, done: Mapping[Address, Plan], engine: EngineLike) -> Plan:
    entry, found = draft.found.entry, draft.found
    parts = (
        *(_of_input(i) for i in draft.closure.inputs if i.counts),
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
        spec=loaded.identity,
        expect=entry.expect,
        expectation_digest=expectation_digest(entry.expect),
        cores=entry.cores,
        time_limit=timedelta(minutes=minutes) if minutes else DEFAULT_TIME_LIMIT,
        stop_when=entry.stop_when or loaded.spec.stop_when,
        stalled_after=entry.stalled_after or loaded.spec.stalled_after,
        only_on=entry.only_on,
        needs=draft.needs,
        blocked_by=tuple(draft.closure.blocked_by),
        warnings=(*draft.closure.warnings, *_unlisted(draft)),
    )


def _of_input(file: InputFile) -> Component:
    return Component(f"input {file.name}", file.semantic)


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


def _output(loaded: LoadedSpec, found: FoundProject, number: str) -> Path:
    name = f"{found.path.stem}.p{number}.hdf"
    root = loaded.results_of(found.entry)
    return root / found.prefix / name if root else found.path.parent / name


def _unlisted(draft: _Draft) -> tuple[str, ...]:
    if draft.number in draft.found.text.plans:
        return ()
    return (f"{draft.found.path.name} does not list p{draft.number}; HEC-RAS will not show this plan",)


def _refused(plan: Plan, closure: Closure, engine: EngineLike, refusals: Refusals) -> str | None:
    texts = closure.texts()
    key = (engine.identity, *(f"{kind} {file.name} {file.raw}" for kind, file in sorted(texts.items())))
    if key not in refusals.known:
        try:
            names = {kind: file.name for kind, file in texts.items()}
            refusals.known[key] = engine.refuses({k: f.source.read_bytes() for k, f in texts.items()}, names)
        except (OSError, ProjectError) as error:
            return str(error)
    return refusals.known[key]
