"""What the plans of each project were found to read, worked out again only where the disk answers otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, Plan, digest_of
from rasreconcile.records import Mentions
from rasreconcile.resolve.asked import Asked, unchanged
from rasreconcile.resolve.closure import ClosureRequest, closure_of, plan_said
from rasreconcile.resolve.disk import Disk
from rasreconcile.resolve.draft import Draft
from rasreconcile.resolve.findings import Closure
from rasreconcile.resolve.look import Look
from rasreconcile.resolve.places import Places
from rasreconcile.resolve.producers import Producer, Producers, with_series
from rasreconcile.resolve.read_project import KIND, ReadProject, read_of, row_of
from rasreconcile.specfile import LoadedSpec

_Project: TypeAlias = tuple[int, str]
"""A project of the spec: the place of its entry, and its path."""


@dataclass(slots=True)
class Memory:
    """From one look to the next. It rests on nothing but answers of the disk, all of which are asked for again."""

    loaded: LoadedSpec | None = None
    """The spec that it is of; of another one nothing is remembered."""
    producers: Producers | None = None
    projects: dict[_Project, ReadProject] = field(default_factory=dict)
    fresh: dict[_Project, ReadProject] = field(default_factory=dict)
    """What is not in the store yet."""
    rows: dict[_Project, Mentions] = field(default_factory=dict)
    """What is in the store, and was not read yet."""
    plans: dict[Address, tuple[object, Plan]] = field(default_factory=dict)
    """What each plan was made of, and the plan."""
    refused: dict[tuple[str, ...], Trouble | None] = field(default_factory=dict)
    """What engines refused, by the digests of the texts they were shown."""

    @classmethod
    def of(cls, known: Iterable[Mentions]) -> Memory:
        """With what a store keeps of earlier looks; rows of other kinds are left out."""
        rows = [(row.kind.split(), row) for row in known]
        return cls(rows={(int(k[1]), str(row.path)): row for k, row in rows if k[0] == KIND})

    def take_fresh(self) -> tuple[Mentions, ...]:
        """What was found since the last call, for the store to remember."""
        rows = tuple(row_of(Path(path), index, read) for (index, path), read in self.fresh.items())
        self.fresh.clear()
        return rows

    def begin(self, loaded: LoadedSpec) -> None:
        """Forgets what belongs to another spec."""
        if self.loaded is not loaded:
            self.loaded, self.producers = loaded, None
            self.projects.clear()
            self.plans.clear()
            self.fresh.clear()


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
        if read is None or read.among != producers.digest:
            disk = new.get(key) or gathering.disk()
            if read is not None:
                # What was asked for the makers alone is not asked again.
                disk.asked.answers.update(read.answers)
            among = producers.through(disk.asked.real)
            closures = tuple(_closure(draft, disk, among) for draft in group)
            read = ReadProject(
                gathering.wanted(group), producers.digest, disk.asked.answers, makers[key], closures
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

    def still(self, key: _Project, group: Sequence[Draft]) -> ReadProject | None:
        """What is remembered of a project, where it still holds."""
        wanted = self.wanted(group)
        row = self.memory.rows.pop(key, None)
        if row is not None and (known := read_of(row, group, wanted)) is not None:
            self.memory.projects[key] = known
        read = self.memory.projects.get(key)
        return read if read and read.wanted == wanted and unchanged(read.answers, self.look) else None

    def wanted(self, group: Sequence[Draft]) -> str:
        """Digest of all of the spec that a closure, or a producer, is made of."""
        found = group[0].found
        plans = tuple((d.address, d.number, d.engine.type, str(d.output), d.outputs) for d in group)
        entry = (str(found.path), str(self.loaded.folder), found.fault, found.entry.inputs, found.entry.needs)
        return digest_of(repr((plans, entry, tuple(map(str, self.loaded.path_map.items())))))

    def producers(self, makers: Sequence[Producer]) -> Producers:
        """Those of the last look where they are the same: then so are the edges between plans."""
        last = self.memory.producers
        if last is None or not last.still(makers, self.look.real):
            last = self.memory.producers = Producers.of(makers, self.look.real)
        return last

    def keep(self, key: _Project, read: ReadProject, asked: Asked) -> None:
        """For the next look, unless something was asked that cannot be asked again."""
        if asked.whole:
            self.memory.projects[key] = self.memory.fresh[key] = read
        else:
            self.memory.projects.pop(key, None)


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
    return with_series(draft.producer(), draft.engine.type, plan_said(draft.found.path, draft.number, disk))
