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
from rasreconcile.plans import Address, Component, InputFile, Plan, component, digest_of, fingerprint
from rasreconcile.resolve.closure import Closure, closure_of
from rasreconcile.resolve.digests import Digests
from rasreconcile.resolve.folder import Folder
from rasreconcile.resolve.projects import FoundProject, entry_fault, find_projects
from rasreconcile.spec import CommandEngine, EngineSpec, PlanEntry
from rasreconcile.specfile import LoadedSpec

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


@dataclass(frozen=True, slots=True)
class _Draft:
    """A plan before its upstream plans are known."""

    found: FoundProject
    address: Address
    number: str
    engine: EngineSpec
    closure: Closure


def resolve(
    loaded: LoadedSpec,
    digests: Digests,
    engine_for: Callable[[EngineSpec], EngineLike],
    *,
    proven: Collection[str] = (),
    refusals: Refusals | None = None,
) -> Resolution:
    """Looks at every file the plans read. `proven`: fingerprints with a result, which need no engine's consent.

    Raises SpecError where an entry means no project, two plans share an address, or `needs` does not add up.
    """
    projects, faults = find_projects(loaded)
    digests.look_again()
    drafts, more = _drafts(loaded, projects, digests)
    faults += more
    order, wrong = _in_order(loaded, drafts)
    faults += wrong
    if faults:
        raise SpecError(faults)
    remembered = refusals if refusals is not None else Refusals()
    done: dict[Address, Plan] = {}
    for address in order:
        plan = _plan(loaded, drafts[address], done, engine_for(drafts[address].engine))
        if plan.fingerprint not in proven and not plan.blocked_by:
            refused = _refused(plan, drafts[address].closure, engine_for(plan.engine), remembered)
            plan = replace(plan, blocked_by=(refused,)) if refused else plan
        done[address] = plan
    return Resolution(tuple(done[address] for address in drafts))


def _drafts(
    loaded: LoadedSpec, projects: tuple[FoundProject, ...], digests: Digests
) -> tuple[dict[Address, _Draft], tuple[Fault, ...]]:
    drafts: dict[Address, _Draft] = {}
    faults: list[Fault] = []
    folders: dict[Path, Folder] = {}
    for found in projects:
        entry = found.entry
        if found.path.parent not in folders:
            folders[found.path.parent] = Folder(found.path.parent)
        folder = folders[found.path.parent]
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
            closure = closure_of(found.path, number, entry.inputs, folder, digests)
            drafts[address] = _Draft(found, address, number, entry.engine or loaded.spec.engine, closure)
    return drafts, tuple(faults)


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
        needs = [Address(need) for need in draft.found.entry.needs if need != address]
        for need in (need for need in needs if need not in drafts):
            faults.append(
                entry_fault(
                    loaded,
                    draft.found.index,
                    f"{need} is no plan of this spec; `diff` lists them",
                    key="needs",
                )
            )
        graph[address] = [need for need in needs if need in drafts]
    try:
        return tuple(TopologicalSorter(graph).static_order()), tuple(dict.fromkeys(faults))
    except CycleError as error:
        circle = [Address(a) for a in error.args[1]]
        index = drafts[circle[0]].found.index
        what = f"{' needs '.join(reversed(circle))}: a circle; take one `needs` out"
        return (), (*dict.fromkeys(faults), entry_fault(loaded, index, what, key="needs"))


def _plan(loaded: LoadedSpec, draft: _Draft, done: Mapping[Address, Plan], engine: EngineLike) -> Plan:
    entry, found = draft.found.entry, draft.found
    needs = tuple(Address(need) for need in entry.needs if need != draft.address)
    parts = (
        *(_of_input(i) for i in draft.closure.inputs),
        component("engine", engine.identity),
        *_of_spec(loaded, entry, draft.engine),
        *(Component(f"upstream {need}", done[need].fingerprint) for need in needs),
    )
    expectation = json.dumps(entry.expect.model_dump(mode="json"), sort_keys=True)
    minutes = entry.max_runtime_minutes
    return Plan(
        address=draft.address,
        project=found.path,
        number=draft.number,
        engine=draft.engine,
        inputs=tuple(draft.closure.inputs),
        components=parts,
        fingerprint=fingerprint(parts),
        output=_output(loaded, draft),
        expect=entry.expect,
        expectation_digest=digest_of(expectation),
        cores=entry.cores,
        time_limit=timedelta(minutes=minutes) if minutes else DEFAULT_TIME_LIMIT,
        stalled_after=entry.stalled_after or loaded.spec.stalled_after,
        only_on=entry.only_on,
        needs=needs,
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


def _output(loaded: LoadedSpec, draft: _Draft) -> Path:
    name = f"{draft.found.path.stem}.p{draft.number}.hdf"
    root = loaded.results_of(draft.found.entry)
    return root / draft.found.prefix / name if root else draft.found.path.parent / name


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
