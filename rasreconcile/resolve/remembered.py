"""What the plans of each project were found to read, worked out again only where the disk answers otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address
from rasreconcile.resolve.asked import Asked, unchanged
from rasreconcile.resolve.closure import ClosureRequest, closure_of, plan_said
from rasreconcile.resolve.disk import Disk
from rasreconcile.resolve.draft import Draft
from rasreconcile.resolve.findings import Closure
from rasreconcile.resolve.look import Answer, Look, Question
from rasreconcile.resolve.places import Places
from rasreconcile.resolve.producers import Producer, Producers, with_series
from rasreconcile.specfile import LoadedSpec

_Project: TypeAlias = tuple[int, str]
"""A project of the spec: the place of its entry, and its path."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What the plans of one project read, for as long as everything here stays the same."""

    wanted: Any
    """What the spec says of them, as plain values."""
    answers: Mapping[Question, Answer]
    """All that was asked of the disk."""
    makers: tuple[Producer, ...]
    among: Producers
    """The plans of the whole spec, any of which may make a file for these."""
    closures: tuple[Closure, ...]


@dataclass(slots=True)
class Memory:
    """From one look to the next. It rests on nothing but answers of the disk, all of which are asked for again."""

    loaded: LoadedSpec | None = None
    """The spec that it is of; of another one nothing is remembered."""
    producers: Producers | None = None
    projects: dict[_Project, _Read] = field(default_factory=dict)
    refused: dict[tuple[str, ...], Trouble | None] = field(default_factory=dict)
    """What engines refused, by the digests of the texts they were shown."""

    def begin(self, loaded: LoadedSpec) -> None:
        """Forgets what belongs to another spec."""
        if self.loaded is not loaded:
            self.loaded, self.producers = loaded, None
            self.projects.clear()


def gather(loaded: LoadedSpec, drafts: Mapping[Address, Draft], look: Look, memory: Memory) -> Producers:
    """Gives every draft its closure. All plans of the spec are asked first: any may make a file for another."""
    memory.begin(loaded)
    gathering = _Gathering(loaded, look, memory)
    projects: dict[_Project, list[Draft]] = {}
    for draft in drafts.values():
        projects.setdefault((draft.found.index, str(draft.found.path)), []).append(draft)
    same = {key: read for key, group in projects.items() if (read := gathering.still(key, group)) is not None}
    new = {key: gathering.disk() for key in projects if key not in same}
    makers = {
        key: same[key].makers if key in same else tuple(_producer(draft, new[key]) for draft in group)
        for key, group in projects.items()
    }
    producers = gathering.producers([maker for group in makers.values() for maker in group])
    for key, group in projects.items():
        read = same.get(key)
        if read is None or read.among is not producers:
            disk = new.get(key) or gathering.disk()
            closures = tuple(_closure(draft, disk, producers) for draft in group)
            read = _Read(_wanted(group), disk.asked.answers, makers[key], producers, closures)
            if key in same:
                # What was asked for the makers alone is not in the new answers.
                read = _Read(
                    read.wanted, {**same[key].answers, **read.answers}, read.makers, producers, closures
                )
            gathering.keep(key, read, disk.asked)
        for draft, closure in zip(group, read.closures, strict=True):
            draft.closure = closure
    memory.projects = {key: memory.projects[key] for key in projects if key in memory.projects}
    return producers


@dataclass(frozen=True, slots=True)
class _Gathering:
    """One look at all projects of a spec."""

    loaded: LoadedSpec
    look: Look
    memory: Memory

    def disk(self) -> Disk:
        asked = Asked(self.look)
        return Disk(asked, Places(asked, self.loaded.path_map), self.loaded.folder)

    def still(self, key: _Project, group: Sequence[Draft]) -> _Read | None:
        """What is remembered of a project, where it still holds."""
        read = self.memory.projects.get(key)
        if read is None or read.wanted != _wanted(group) or not unchanged(read.answers, self.look):
            return None
        return read

    def producers(self, makers: Sequence[Producer]) -> Producers:
        """Those of the last look where they are the same: then so are the edges between plans."""
        last = self.memory.producers
        if last is None or not last.still(makers, self.look.real):
            last = self.memory.producers = Producers.of(makers, self.look.real)
        return last

    def keep(self, key: _Project, read: _Read, asked: Asked) -> None:
        """For the next look, unless something was asked that cannot be asked again."""
        if asked.whole:
            self.memory.projects[key] = read
        else:
            self.memory.projects.pop(key, None)


def _wanted(group: Sequence[Draft]) -> Any:
    """All of the spec that a closure, or a producer, is made of."""
    found = group[0].found
    plans = tuple((d.address, d.number, d.engine.type, str(d.output), d.outputs) for d in group)
    return (found.fault, found.entry.inputs, found.entry.needs, plans)


def _closure(draft: Draft, disk: Disk, producers: Producers) -> Closure:
    if draft.found.fault:
        return Closure(blocked_by=[draft.found.fault])
    asked = ClosureRequest(
        address=draft.address,
        project=draft.found.path,
        number=draft.number,
        engine=draft.engine.type,
        extra=draft.found.entry.inputs,
        needs=draft.found.entry.needs,
    )
    return closure_of(asked, disk, producers)


def _producer(draft: Draft, disk: Disk) -> Producer:
    project = draft.found.path
    plan = Producer(
        address=draft.address,
        folder=project.parent,
        stem=project.stem,
        number=draft.number,
        output=draft.output,
        outputs=draft.outputs,
    )
    return with_series(plan, draft.engine.type, plan_said(project, draft.number, disk))
