"""The files a plan reads, found on disk and hashed: the order of docs/inputs.md, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.plans import MISSING, Address, InputFile
from rasreconcile.project.own_files import is_result, written_by_run
from rasreconcile.project.prepared import are_prepared, outdated_by, prepared_names
from rasreconcile.records import Mention
from rasreconcile.resolve.disk import Disk
from rasreconcile.resolve.findings import Closure, NamedFile
from rasreconcile.resolve.other_plans import (
    NamedPlan,
    named_plan,
    plan_of_short_id,
    producer_of_result,
    read_result,
)
from rasreconcile.resolve.places import name_from
from rasreconcile.resolve.plan_inputs import InputCollector
from rasreconcile.resolve.producers import DssReading, Made, Producers, Unclear
from rasreconcile.spelling import composed

_LAYERS = ("terrain", "land-cover", "infiltration")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRequest:
    """Whose closure is wanted."""

    address: Address
    project: Path
    number: str
    engine: Literal["hec-ras", "steady", "command"]
    extra: Sequence[str] = ()
    needs: Sequence[str] = ()
    """As the spec says."""


def closure_of(asked: ClosureRequest, disk: Disk, producers: Producers) -> Closure:
    """Everything the plan reads. What cannot be found or read is told, and blocks it where the engine needs it."""
    gathering = InputCollector(asked.project.parent, asked.engine, disk)
    stem = composed(asked.project.stem)
    gathering.of_project(f"{stem}.prj", "project", named_by="the spec")
    plan = gathering.of_project(f"{stem}.p{asked.number}", "plan", named_by=f"{stem}.prj")
    said = gathering.said_by(plan)
    texts = {m.what: _text(gathering, stem, m, plan) for m in said if m.what in _TEXTS and plan}
    gathering.closure.blocked_by += [m.trouble for m in said if m.what == "fault" and not m.line]
    gathering.closure.computes = tuple(m.value for m in said if m.what == "computes")
    named = {m.what: m.value for m in reversed(said)}
    if asked.engine != "steady":
        # The built-in engine reads the texts and nothing else.
        _Companions(asked, gathering, producers, said).gather({"plan": plan, **texts})
    gathering.extras(asked.extra, producers, asked.address, lambda name: is_result(name, stem, asked.number))
    names: tuple[str, ...] = ()
    if asked.engine == "hec-ras":
        names = prepared_names(stem, asked.number, named.get("geometry"), named.get("flow"))
        _prepared(gathering, names)
    _weigh(gathering.closure, names)
    return gathering.closure


def plan_said(project: Path, number: str, disk: Disk) -> dict[str, str]:
    """What the plan's text says, by what; empty where it cannot be read, which its closure tells."""
    gathering = InputCollector(project.parent, "", disk)
    try:
        found = gathering.peek(f"{project.stem}.p{number}")
        said = disk.asked.said(found, "plan") if found is not None else ()
    except (OSError, ProjectError):
        return {}
    return {mention.what: mention.value for mention in reversed(said)}


def _weigh(closure: Closure, names: Sequence[str]) -> None:
    """Without prepared files nothing computes what Ras.exe cannot."""
    there = [i.name for i in closure.inputs if i.kind in {"prepared", "extra"} and i.raw != MISSING]
    closure.prepared = are_prepared(there, names)
    if not closure.prepared:
        closure.blocked_by += closure.ras_exe_lacks
        closure.ras_exe_lacks.clear()


_TEXTS = ("geometry", "flow", "sediment", "water-quality")
_FOLLOWED = ("flow", "plan", "geometry", "sediment", "water-quality")


def _text(gathering: InputCollector, stem: str, mention: Mention, plan: InputFile | None) -> InputFile | None:
    named_by = plan.name if plan else stem
    return gathering.of_project(f"{stem}.{mention.value}", mention.what, named_by=named_by)


@dataclass(slots=True)
class _Companions:
    """What HEC-RAS reads beyond the texts that a plan names."""

    asked: ClosureRequest
    gathering: InputCollector
    producers: Producers
    said: Sequence[Mention]
    """By the plan."""

    def gather(self, texts: Mapping[str, InputFile | None]) -> None:
        """`texts`: by kind."""
        for kind in _FOLLOWED:
            if (text := texts.get(kind)) is not None:
                self._text(text)
        if (flow := texts.get("flow")) is not None:
            self._beside_flow(flow)
        geometry = texts.get("geometry")
        two_d = any(m.what == "2d-area" for m in self.gathering.said_by(geometry))
        associated = self._geometry_hdf(geometry, two_d) if geometry is not None else True
        if geometry is None and (ending := next((m.value for m in self.said if m.what == "geometry"), None)):
            # Folders for the Linux solvers often lack the text, and have this.
            self.gathering.optional(f"{self.asked.project.stem}.{ending}.hdf", "geometry-hdf", counts=False)
        self._map(two_d and not associated)

    def _text(self, text: InputFile) -> None:
        """What one of the plan's texts names, key by key as the tables of `project.file_keys` have them."""
        said = self.gathering.said_by(text)
        for mention in said:
            match mention.what:
                case "meteorology" | "restart":
                    self._named(NamedFile(mention.what, mention, text))
                case "meteorology-folder":
                    self.gathering.folder(NamedFile("meteorology", mention, text))
                case "plan-output":
                    self._plan_output(mention, text)
                case "base-plan" | "plan-by-id":
                    self._compared(mention, text)
                case "further":
                    self._further(mention, text)
                case "commands":
                    what = Trouble(
                        f"HEC-RAS runs `{mention.value}` too", "name the files that it reads under `inputs`"
                    )
                    self._warn(text, mention, what)
                case "fault" if mention.line:
                    self._warn(text, mention, mention.trouble)
                case "fault" if text.kind != "plan":
                    # The file as a whole is not understood: what it reads cannot be told.
                    self.gathering.closure.blocked_by.append(mention.trouble)
                case _:
                    pass
        self._dss(said, text)

    def _beside_flow(self, flow: InputFile) -> None:
        said = self.gathering.said_by(flow)
        imported = any(m.what == "imported-raster" for m in said)
        self.gathering.beside(flow, ".hdf", "flow-hdf", counts=imported, expected=imported)
        if any(m.what == "calibrates" for m in self.said):
            for mention in self.gathering.said_by(replace(flow, kind="observed")):
                self.gathering.referenced(NamedFile("observed", mention, flow))

    def _further(self, mention: Mention, text: InputFile) -> None:
        """A file of which nobody knows what HEC-RAS makes of it: it counts, unless the plan's own run writes it."""
        stem, value = self.asked.project.stem, mention.value
        spelled = f"{stem}.{value}" if len(value) == len("f01") else value
        geometry = next((m.value for m in self.said if m.what == "geometry"), None)
        name = self.gathering.name_of(spelled)
        if written_by_run(name, stem, self.asked.number, geometry):
            return
        other, renamed = named_plan(spelled, stem), replace(mention, value=spelled)
        producer = producer_of_result(self.gathering, other, self.producers) if other is not None else None
        if producer is not None and producer.address != self.asked.address:
            self._plan_output(renamed, text)
        elif producer is None:
            self._named(NamedFile("extra", renamed, text))

    def _plan_output(self, mention: Mention, text: InputFile) -> None:
        found = named_plan(mention.value, self.asked.project.stem)
        if found is None:
            self._named(NamedFile("restart", mention, text))
        else:
            wanted = NamedFile("plan-result", mention, text)
            read_result(self.gathering, self.asked.address, found, wanted, self.producers)

    def _compared(self, mention: Mention, text: InputFile) -> None:
        """The result of a plan that may be looked at: nobody saw that a run stops without it, and several plans share
        the text that says so, the plan itself among them."""
        stem, value = self.asked.project.stem, mention.value
        steady = any(m.what == "flow" and m.value.startswith("f") for m in self.said)
        by_id = mention.what == "plan-by-id"
        name = plan_of_short_id(self.gathering, stem, value) if by_id and not steady else value
        found = named_plan(name, stem) if name and not steady else None
        if found is None or found == NamedPlan("", found.stem, self.asked.number):
            return
        if producer_of_result(self.gathering, found, self.producers) is not None:
            self._plan_output(replace(mention, value=found.text), text)
        else:
            result = replace(mention, value=f"{found.text}.hdf")
            self._named(NamedFile("extra", result, text))

    def _warn(self, text: InputFile, mention: Mention, trouble: Trouble) -> None:
        self.gathering.closure.tell(text.name, mention.line, trouble, blocks="nothing")

    def _dss(self, said: Sequence[Mention], text: InputFile) -> None:
        """Each DSS file once, with all its records: they come from one place."""
        stem = composed(self.asked.project.stem)
        own_dss = [m.value for m in self.said if m.what == "output-dss"]
        # `dss` alone is how HEC-RAS spells the project's own file.
        own = {self.gathering.name_of(_own(stem, path)) for path in ("dss", *own_dss)}
        records = {m.line: m.value for m in said if m.what == "dss-record"}
        files: dict[str, list[Mention]] = {}
        for mention in (m for m in said if m.what == "dss"):
            spelled = Mention("dss", _own(stem, mention.value), mention.line)
            files.setdefault(self.gathering.name_of(spelled.value), []).append(spelled)
        for name, mentions in files.items():
            self._dss_file(mentions, [records.get(m.line, "") for m in mentions], text, is_own=name in own)

    def _dss_file(
        self, mentions: Sequence[Mention], records: Sequence[str], flow: InputFile, is_own: bool
    ) -> None:
        first = NamedFile("dss", mentions[0], flow)
        made, place = self._dss_made(first, records)
        if isinstance(made, Unclear):
            self.gathering.closure.tell(flow.name, mentions[0].line, made.why, blocks="every program")
        for mention in mentions:
            wanted = NamedFile("dss", mention, flow, counts=isinstance(made, Unclear) or not is_own)
            if isinstance(made, Made) and place is not None:
                self._produced(wanted, made, place)
                continue
            found = self.gathering.referenced(wanted)
            if is_own and made is None and found is not None:
                trouble = Trouble(
                    f"a boundary is read from {found.name}, which HEC-RAS writes results into: a change of its content"
                    " is not noticed",
                    "move the record to a file of its own, or name this one under `inputs`",
                )
                self._warn(flow, mention, trouble)

    def _dss_made(
        self, wanted: NamedFile, records: Sequence[str]
    ) -> tuple[Made | Unclear | None, Path | None]:
        """The plan that writes what is read from the file, and where HEC-RAS would look for it."""
        asked = self.asked
        for place in self.gathering.candidates(wanted):
            made = self.producers.file(place)
            if made is not None and made.by.address != asked.address:
                return made, place
            kept = any(
                name_from(self.gathering.home, place).casefold() == Path(w).as_posix().casefold()
                for w in asked.extra
            )
            reading = DssReading(
                address=asked.address, file=place.name, records=records, needs=asked.needs, is_kept=kept
            )
            if (found := self.producers.dss(place, reading)) is not None:
                return found, place
        return None, None

    def _named(self, wanted: NamedFile) -> None:
        """A file that is named by a path: another plan's, the plan's own, or a file like any other."""
        for place in self.gathering.candidates(wanted):
            made = self.producers.file(place)
            if made is not None and made.by.address != self.asked.address:
                self._produced(wanted, made, place)
                return
            if made is not None:
                does = "restarts from" if wanted.kind == "restart" else "reads"
                trouble = Trouble(
                    f"the plan {does} {made.name}, which it writes itself",
                    "keep a copy in a folder of its own, so that every run starts from the same state",
                )
                self._warn(wanted.named_by, wanted.mention, trouble)
                break
        self.gathering.referenced(wanted)

    def _produced(self, wanted: NamedFile, made: Made, place: Path) -> None:
        self.gathering.produced(
            made,
            name=name_from(self.gathering.home, place),
            kind=wanted.kind,
            named_by=wanted.named_by.name,
            reference=wanted.mention.value,
        )

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
        faults = [m.trouble for m in said if m.what == "fault"]
        self.gathering.closure.warnings += faults
        return not faults

    def _map(self, layers_unknown: bool) -> None:
        name = f"{composed(self.asked.project.stem)}.rasmap"
        rasmap = self.gathering.optional(name, "rasmap", counts=False)
        said = self.gathering.said_by(rasmap)
        self.gathering.closure.warnings += [m.trouble for m in said if m.what == "fault"]
        for mention in said:
            if mention.what == "projection" and rasmap:
                self.gathering.referenced(NamedFile("projection", mention, rasmap))
            elif mention.what in _LAYERS and layers_unknown and rasmap:
                self.gathering.layer(NamedFile(mention.what, mention, rasmap))
        if layers_unknown:
            where = f"those that {name} names are taken" if rasmap else "none are known"
            trouble = Trouble(
                f"the geometry has a 2D area, and no .hdf beside it names its terrain and land cover: {where}",
                "open and save the geometry in HEC-RAS",
            )
            self.gathering.closure.warnings.append(trouble)


def _own(stem: str, path: str) -> str:
    return f"{stem}.dss" if path.casefold() == "dss" else path


def _prepared(gathering: InputCollector, names: Sequence[str]) -> None:
    """Offered to the Linux solvers only where nothing that went into them was written later."""
    # Boundaries of another plan's DSS file are in them; a restart file is read by the solver itself.
    into = [i for i in gathering.closure.inputs if i.counts or (i.kind == "dss" and gathering.is_made(i))]
    counted = [(i.kind, i.name, gathering.mtime_of(i)) for i in into]
    for name in names:
        found = gathering.peek(name)
        if found is None:
            continue
        newer = outdated_by(gathering.disk.asked.written_ns(found), counted)
        if newer is None:
            gathering.optional(name, "prepared", counts=False)
        else:
            what = f"{name} was prepared before {newer} was written, and is left out"
            gathering.closure.warnings.append(Trouble(what, "prepare it again"))
