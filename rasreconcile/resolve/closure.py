"""The files a plan reads, found on disk and hashed: the order of docs/inputs.md, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rasreconcile.errors import ProjectError
from rasreconcile.plans import Address, InputFile
from rasreconcile.project.prepared import as_written, outdated_by, prepared_names, producer_of
from rasreconcile.project.references import parse_reference
from rasreconcile.records import Mention
from rasreconcile.resolve.disk import Disk
from rasreconcile.resolve.plan_inputs import Closure, InputCollector, NamedFile
from rasreconcile.spelling import composed, name_key

_LAYERS = ("terrain", "land-cover", "infiltration")


@dataclass(frozen=True, slots=True)
class Producer:
    """A plan of the spec, as one that may write restart files for others."""

    address: Address
    results: Path
    """The folder its result is published in."""
    stem: str
    """Of its project, which HEC-RAS begins the names of its files with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRequest:
    """Whose closure is wanted."""

    address: Address
    project: Path
    number: str
    engine: Literal["hec-ras", "steady", "command"]
    extra: Sequence[str] = ()


Producers = Mapping[tuple[Path, str, str], Producer]
"""By the project's folder, its stem in lower case, and the plan's number."""


def closure_of(asked: ClosureRequest, disk: Disk, producers: Producers) -> Closure:
    """Everything the plan reads. What cannot be found or read is told, and blocks it where the engine needs it."""
    gathering = InputCollector(asked.project.parent, asked.engine, disk)
    stem = composed(asked.project.stem)
    gathering.of_project(f"{stem}.prj", "project", named_by="the spec")
    plan = gathering.of_project(f"{stem}.p{asked.number}", "plan", named_by=f"{stem}.prj")
    said = gathering.said_by(plan)
    texts = {m.what: _text(gathering, stem, m, plan) for m in said if m.what in _TEXTS and plan}
    gathering.closure.blocked_by += [m.value for m in said if m.what == "fault"]
    if asked.engine != "steady":
        # The built-in engine reads the texts and nothing else.
        own = [m.value for m in said if m.what == "output-dss"]
        _Companions(asked, gathering, producers).gather(texts.get("geometry"), texts.get("flow"), own)
    gathering.extras(asked.extra)
    if asked.engine == "hec-ras":
        named = {m.what: m.value for m in reversed(said)}
        names = prepared_names(stem, asked.number, named.get("geometry"), named.get("flow"))
        _prepared(gathering, names)
    return gathering.closure


_TEXTS = ("geometry", "flow", "sediment", "water-quality")


def _text(gathering: InputCollector, stem: str, mention: Mention, plan: InputFile | None) -> InputFile | None:
    named_by = plan.name if plan else stem
    return gathering.of_project(f"{stem}.{mention.value}", mention.what, named_by=named_by)


@dataclass(slots=True)
class _Companions:
    """What HEC-RAS reads beyond the texts that a plan names."""

    asked: ClosureRequest
    gathering: InputCollector
    producers: Producers

    def gather(self, geometry: InputFile | None, flow: InputFile | None, own_dss: Sequence[str]) -> None:
        if flow is not None:
            self._boundaries(flow, own_dss)
        two_d = any(m.what == "2d-area" for m in self.gathering.said_by(geometry))
        associated = self._geometry_hdf(geometry, two_d) if geometry is not None else True
        self._map(two_d and not associated)

    def _boundaries(self, flow: InputFile, own_dss: Sequence[str]) -> None:
        said = self.gathering.said_by(flow)
        for mention in said:
            match mention.what:
                case "dss":
                    self._dss(mention, flow, own_dss)
                case "meteorology":
                    self.gathering.referenced(NamedFile("meteorology", mention, flow))
                case "restart":
                    self._restart(mention, flow)
                case "fault" if mention.line:
                    self.gathering.closure.warnings.append(f"{flow.name}:{mention.line}: {mention.value}")
                case "fault":
                    # The file as a whole is not understood: what it reads cannot be told.
                    self.gathering.closure.blocked_by.append(mention.value)
                case _:
                    pass
        imported = any(m.what == "imported-raster" for m in said)
        self.gathering.beside(flow, ".hdf", "flow-hdf", counts=imported, expected=imported)

    def _dss(self, mention: Mention, flow: InputFile, own_dss: Sequence[str]) -> None:
        stem = composed(self.asked.project.stem)
        # `dss` alone is how HEC-RAS spells the project's own file.
        own = {self.gathering.name_of(_own(stem, path)) for path in ("dss", *own_dss)}
        spelled = _own(stem, mention.value)
        is_own = self.gathering.name_of(spelled) in own
        wanted = NamedFile("dss", Mention("dss", spelled, mention.line), flow, counts=not is_own)
        found = self.gathering.referenced(wanted)
        if is_own and found is not None:
            self.gathering.closure.warnings.append(
                f"{flow.name}:{mention.line}: a boundary is read from {found.name}, which HEC-RAS writes results into:"
                " a change of its content is not noticed; move the record to a file of its own, or name this one under"
                " `inputs`"
            )

    def _restart(self, mention: Mention, flow: InputFile) -> None:
        wanted = NamedFile("restart", mention, flow)
        try:
            reference = parse_reference(mention.value)
        except ProjectError:
            self.gathering.referenced(wanted)
            return
        name = reference.name
        made_by = producer_of(name)
        home = self.asked.project.parent
        producer = self.producers.get((home, name_key(made_by[0]), made_by[1])) if made_by else None
        # HEC-RAS writes it into the project's own folder: one that is kept elsewhere is kept by somebody.
        kept = not reference.root and len(reference.parts) > 1
        if producer is None or kept:
            self.gathering.referenced(wanted)
        elif producer.address == self.asked.address:
            self.gathering.referenced(wanted)
            what = f"{flow.name}:{mention.line}: the plan restarts from {name}, which it writes itself"
            self.gathering.closure.warnings.append(
                f"{what}; keep a copy in a folder of its own, so that every run starts from the same state"
            )
        else:
            written = as_written(name, producer.stem)
            self.gathering.produced(wanted, name, producer.results / written)
            self.gathering.closure.restarts.append((producer.address, written))

    def _geometry_hdf(self, geometry: InputFile, two_d: bool) -> bool:
        """Whether the layers of this geometry are known."""
        hdf = self.gathering.beside(geometry, ".hdf", "geometry-hdf", counts=False)
        if hdf is None:
            return False
        said = self.gathering.said_by(hdf)
        for mention in said:
            if mention.what in _LAYERS:
                # Without a 2D area the solver never looks at them: a change of them changes maps only.
                self.gathering.layer(NamedFile(mention.what, mention, hdf, counts=two_d))
        faults = [m.value for m in said if m.what == "fault"]
        self.gathering.closure.warnings += faults
        return not faults

    def _map(self, layers_unknown: bool) -> None:
        name = f"{composed(self.asked.project.stem)}.rasmap"
        rasmap = self.gathering.optional(name, "rasmap", counts=False)
        said = self.gathering.said_by(rasmap)
        self.gathering.closure.warnings += [m.value for m in said if m.what == "fault"]
        for mention in said:
            if mention.what == "projection" and rasmap:
                self.gathering.referenced(NamedFile("projection", mention, rasmap))
            elif mention.what in _LAYERS and layers_unknown and rasmap:
                self.gathering.layer(NamedFile(mention.what, mention, rasmap))
        if layers_unknown:
            where = f"those that {name} names are taken" if rasmap else "none are known"
            self.gathering.closure.warnings.append(
                "the geometry has a 2D area, and no .hdf beside it names its terrain and land cover:"
                f" {where}; open and save the geometry in HEC-RAS"
            )


def _own(stem: str, path: str) -> str:
    return f"{stem}.dss" if path.casefold() == "dss" else path


def _prepared(gathering: InputCollector, names: Sequence[str]) -> None:
    """Offered to the Linux solvers only where nothing that went into them was written later."""
    counted = [(i.kind, i.name, gathering.mtime_of(i)) for i in gathering.closure.inputs if i.counts]
    for name in names:
        found = gathering.peek(name)
        if found is None:
            continue
        newer = outdated_by(found.stat().st_mtime_ns, counted)
        if newer is None:
            gathering.optional(name, "prepared", counts=False)
        else:
            gathering.closure.warnings.append(
                f"{name} was prepared before {newer} was written, and is left out; prepare it again"
            )
