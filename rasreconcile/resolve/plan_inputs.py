"""Gathering a plan's inputs: each is found, hashed, and told of where it cannot be."""

from __future__ import annotations

import glob
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.output_names import RECEIPT
from rasreconcile.plans import MISSING, Address, InputFile
from rasreconcile.project.references import Reference, parse_reference
from rasreconcile.records import Mention
from rasreconcile.resolve.disk import Disk
from rasreconcile.resolve.findings import Blocks, Closure, NamedFile
from rasreconcile.resolve.input_files import hashed_input, missing_input, unreadable, why
from rasreconcile.resolve.patterns import matches
from rasreconcile.resolve.producers import Made, Producers
from rasreconcile.resolve.search import Search
from rasreconcile.spelling import legible, name_key

MOST = 20_000
"""Files of one plan."""

_DEEPEST = 16
"""Layers that are made of layers."""

_STOPS_HEC_RAS = frozenset({"dss", "restart", "meteorology", "other-plan", "plan-result"})
"""Without its boundary data HEC-RAS ends; without terrain it continues with the tables that it has."""
_SHOWN = {"other-plan": "plan", "plan-result": "result", "observed": "observed data", "extra": "file"}
"""Kinds of which people speak in other words."""
_TEXTS_OF_A_PLAN = frozenset({"geometry", "flow", "sediment", "water-quality"})
_NEEDS_NO_LAYER = "a plan without 2D areas computes without it"


@dataclass(slots=True)
class InputCollector:
    """The inputs of one plan as they come together. `home` is the project's folder."""

    home: Path
    engine: str
    disk: Disk
    closure: Closure = field(default_factory=Closure)
    _known: dict[str, int] = field(default_factory=dict)
    """Places in `closure.inputs` by name, whatever its case: on Windows they are one file."""
    _layers: set[str] = field(default_factory=set)
    _made: set[Path] = field(default_factory=set)

    # ---- files that are named after the project

    def of_project(self, name: str, kind: str, *, named_by: str) -> InputFile | None:
        """A text without which nothing can be computed: None where it is not there, which blocks the plan."""
        try:
            found = self.peek(name)
            if found is not None:
                return self._add(hashed_input(found, name, kind, self.disk.asked), named_by=named_by)
            what = f"{name}, named by {named_by}, is not in {self.disk.shown(self.home)}"
            trouble = Trouble(what, "put it there")
        except (OSError, ProjectError) as error:
            trouble = unreadable(name, error)
        self.closure.list_of("Ras.exe" if kind in _TEXTS_OF_A_PLAN else "every program").append(trouble)
        self._add(missing_input(self.home / name, name, kind), named_by=named_by)
        return None

    def optional(
        self, name: str, kind: str, *, counts: bool, named_by: str = "", expected: bool = False
    ) -> InputFile | None:
        """A file that goes along where it is there. `expected`: that it is missing is a part of the fingerprint."""
        try:
            found = self.peek(name)
            if found is not None:
                return self._add(
                    hashed_input(found, name, kind, self.disk.asked), counts=counts, named_by=named_by
                )
        except (OSError, ProjectError) as error:
            self.closure.warnings.append(unreadable(name, error))
        if expected:
            self._add(missing_input(self.home / name, name, kind), counts=counts, named_by=named_by)
        return None

    def beside(
        self, file: InputFile, ending: str, kind: str, *, counts: bool, expected: bool = False
    ) -> InputFile | None:
        """What HEC-RAS keeps beside a text: `Muncie.g01.hdf`."""
        return self.optional(
            f"{file.name}{ending}", kind, counts=counts, named_by=file.name, expected=expected
        )

    def peek(self, name: str) -> Path | None:
        """The file of this name in the project's folder. Raises ProjectError where two differ in case only."""
        folder = self.disk.places.folder(self.home)
        return folder.find(name) if folder else None

    # ---- files that are named by a path

    def referenced(self, wanted: NamedFile) -> InputFile | None:
        """Adds what a path leads to; None where it leads nowhere, which is told."""
        spelled = wanted.mention.value
        try:
            reference = parse_reference(spelled)
        except ProjectError as error:
            # No file can have such a name: as good as missing.
            self._tell(wanted, error.trouble)
            return None
        try:
            below = posixpath.dirname(wanted.named_by.name)
            place = self.disk.places.find(reference, self.home, below)
        except ProjectError as error:
            # Which file is meant nobody knows: nothing is computed on a guess.
            self._block(wanted, error.trouble)
            return None
        try:
            if place.path is not None:
                found = hashed_input(place.path, place.name, wanted.kind, self.disk.asked)
                return self._add(
                    found, counts=wanted.counts, named_by=wanted.named_by.name, reference=spelled
                )
            how = "is not there"
        except ProjectError as error:
            self._block(wanted, error.trouble)
            how = ""
        except OSError as error:
            how = f"cannot be read: {why(error).what}"
        gone = missing_input(self.home / place.name, place.name, wanted.kind)
        self._add(gone, counts=wanted.counts, named_by=wanted.named_by.name, reference=spelled)
        if how:
            self._tell(wanted, Trouble(f"{_short(str(reference))} {how}", self._remedy(reference, gone)))
        return None

    def folder(self, wanted: NamedFile) -> None:
        """Adds what a pattern in a folder matches: `./Precipitation/*.tif`, relative to the project's folder."""
        folder, _, pattern = wanted.mention.value.replace("\\", "/").rpartition("/")
        names: list[str] = []
        try:
            place = self.disk.places.find_folder(parse_reference(folder), self.home)
            if place is not None:
                names = [
                    f"{place}/{name}" for name in self._matches(self.home / place, pattern, Search(pattern))
                ]
        except ProjectError as error:
            self._tell(wanted, error.trouble)
            return
        for name in names:
            self.referenced(replace(wanted, mention=replace(wanted.mention, value=name)))
        if not names:
            self._tell(wanted, Trouble(f"{_short(folder)} holds no {_short(pattern)}", "put the files there"))

    def produced(self, made: Made, *, name: str, kind: str, named_by: str, reference: str = "") -> None:
        """A file that another plan of the spec writes: it goes along once it is there, and that plan counts for it."""
        try:
            found = hashed_input(made.place, name, kind, self.disk.asked)
        except OSError:
            found = missing_input(made.place, name, kind)
        self._add(found, counts=False, named_by=named_by, reference=reference)
        self.closure.made.append((made.by.address, made.name))
        self._made.add(made.place)

    def is_made(self, file: InputFile) -> bool:
        """Whether another plan of the spec makes it."""
        return file.source in self._made

    def candidates(self, wanted: NamedFile) -> tuple[Path, ...]:
        """Where a file that is named by a path is, or might come to be; empty where its name can be none."""
        try:
            below = posixpath.dirname(wanted.named_by.name)
            return self.disk.places.candidates(parse_reference(wanted.mention.value), self.home, below)
        except ProjectError:
            return ()

    def layer(self, wanted: NamedFile, depth: int = 0) -> None:
        """A terrain, land cover or infiltration layer, and every file that it is made of."""
        found = self.referenced(wanted)
        if found is None or found.name in self._layers or not found.name.casefold().endswith(".hdf"):
            return
        self._layers.add(found.name)
        if depth > _DEEPEST:
            what = f"{found.name}: layers nested deeper than {_DEEPEST}"
            self.closure.blocked_by.append(Trouble(what, "check it"))
            return
        said = self.said_by(found)
        self.closure.warnings += [m.trouble for m in said if m.what == "fault"]
        stem = posixpath.basename(found.name)[: -len(".hdf")]
        parts: list[tuple[str, Mention]] = [("terrain", m) for m in said if m.what == "tile"]
        parts += [("land-cover", m) for m in said if m.what == "dependency"]
        if wanted.kind == "terrain":
            parts.append(("terrain", Mention("companion", f"{stem}.vrt")))
        elif wanted.kind == "land-cover":
            parts.append(("land-cover", Mention("companion", f"{stem}.tif")))
        for kind, mention in parts:
            self.layer(NamedFile(kind, mention, found, counts=wanted.counts), depth + 1)

    def name_of(self, spelled: str) -> str:
        """The name that a path gives, whatever its case; the path itself where it can be none."""
        try:
            return name_key(self.disk.places.find(parse_reference(spelled), self.home).name)
        except ProjectError:
            return spelled

    # ---- files that the spec names

    def extras(
        self, patterns: Sequence[str], producers: Producers, own: Address, is_own: Callable[[str], bool]
    ) -> None:
        """Files of `inputs`, which count even where the project makes nothing of their content. `own`: whose.

        `is_own`: what the plan's own run computes. It is left out: a plan that read it would be stale after each run.
        """
        for pattern in patterns:
            try:
                search = Search(pattern)
                names = self._matches(self.home, pattern, search)
            except ProjectError as error:
                self.closure.blocked_by.append(error.trouble.led_by(f"inputs: {pattern}: "))
                continue
            said = (search.remark(), self._leads_out(pattern, names))
            self.closure.warnings += [what.led_by("inputs: ") for what in said if what is not None]
            plain = Path(pattern).as_posix()
            is_pattern = glob.has_magic(pattern) and names != [plain]
            if not names and is_pattern:
                where = self.disk.shown(self.home)
                self.closure.warnings.append(Trouble(f"inputs: {pattern} matches nothing in {where}"))
                continue
            if is_pattern:
                # Plans that one entry names would need each other: what a plan reads of another one is named in full.
                kept = (n for n in names if not n.endswith(RECEIPT) and producers.file(self.home / n) is None)
                names = list(kept)
            for name in names if is_pattern else (names or [plain]):
                if not is_pattern and self.disk.asked.is_dir(self.home / name):
                    folder = Trouble(f"inputs: {name} is a folder", f"write {name}/* for the files in it")
                    self.closure.blocked_by.append(folder)
                elif not is_own(name):
                    self._named_by_spec(name, plain, producers.file(self.home / name), own)
                elif not is_pattern:
                    what = f"inputs: {name} is written by the plan's own run, and is left out"
                    self.closure.warnings.append(Trouble(what, "remove it from `inputs`"))

    def _matches(self, root: Path, pattern: str, search: Search) -> list[str]:
        if "**" in pattern:
            # How far it came is a matter of time, and of file systems.
            self.disk.asked.whole = False
        return matches(root, pattern, self.disk.places.folder, search, types=self.disk.asked)

    def _leads_out(self, pattern: str, names: Sequence[str]) -> Trouble | None:
        """What is to be said where a pattern follows a link to a folder that is not the project's."""
        for name in names if glob.has_magic(pattern) else ():
            if (link := self.disk.places.link_out(self.home, PurePath(name).parent)) is not None:
                what = f"{link[0]} is a link to {link[1]}, outside the project's folder; its files count too"
                return Trouble(f"{pattern}: {what}", "leave the link out of the pattern")
        return None

    def _named_by_spec(self, name: str, pattern: str, made: Made | None, own: Address) -> None:
        if made is None:
            self._extra(name)
        elif made.by.address != own:
            self.produced(made, name=name, kind="made", named_by="the spec")
        elif name == pattern:
            what = f"inputs: {name} is what the plan itself writes"
            self.closure.blocked_by.append(Trouble(what, "leave it out, or keep a copy in another folder"))

    def _extra(self, name: str) -> None:
        source = self.home / name
        known = self._known.get(name_key(name))
        if known is not None and self.closure.inputs[known].raw != MISSING:
            self.closure.inputs[known] = replace(self.closure.inputs[known], counts=True)
        elif not self.disk.asked.is_dir(source):
            try:
                self._add(hashed_input(source, name, "extra", self.disk.asked), named_by="the spec")
            except (OSError, ProjectError) as error:
                self._add(missing_input(source, name, "extra"), named_by="the spec")
                self.closure.blocked_by.append(self._not_read(source, legible(name), error))

    def _not_read(self, source: Path, name: str, error: OSError | ProjectError) -> Trouble:
        named = f"{name}, named by `inputs`,"
        if not isinstance(error, FileNotFoundError):
            return unreadable(named, error)
        place = _short(self.disk.shown(source))
        return Trouble(
            f"{named} does not exist", f"put it at {place}; `inputs` are relative to the project's folder"
        )

    # ---- what is known of a file

    def said_by(self, file: InputFile | None) -> tuple[Mention, ...]:
        """What the file says about others; nothing where there is no file."""
        if file is None:
            return ()
        try:
            return self.disk.asked.said(file.source, file.kind)
        except OSError as error:
            return (Mention.fault(unreadable(file.name, error)),)

    def mtime_of(self, file: InputFile) -> int:
        """When it was last written, in ns; 0 for what is not there."""
        return 0 if file.raw == MISSING else self.disk.asked.hashed(file.source, file.kind).stat.mtime_ns

    def _add(
        self, file: InputFile, *, counts: bool = True, named_by: str = "", reference: str = ""
    ) -> InputFile:
        """Each file once; what is said of it in several places is put together."""
        place = self._known.get(name_key(file.name))
        if place is not None:
            known = self.closure.inputs[place]
            spelled = {known.reference, *known.aliases, reference, ""}
            aliases = tuple(sorted(spelled - {known.reference, ""}))
            self.closure.inputs[place] = replace(known, aliases=aliases, counts=known.counts or counts)
            return self.closure.inputs[place]
        whole = replace(file, counts=counts, named_by=named_by, reference=reference)
        if len(self.closure.inputs) == MOST:
            what = f"{named_by}: with its files the plan reads more than {MOST}"
            self.closure.blocked_by.append(Trouble(what, "check them"))
        if len(self.closure.inputs) < MOST:
            self._known[name_key(file.name)] = len(self.closure.inputs)
            self.closure.inputs.append(whole)
        return whole

    def _block(self, wanted: NamedFile, trouble: Trouble) -> None:
        self.closure.tell(wanted.named_by.name, wanted.mention.line, trouble, blocks="every program")

    def _remedy(self, reference: Reference, gone: InputFile) -> str:
        if gone.kind == "plan-result":
            return "add its plan to the spec, or compute it in HEC-RAS"
        if reference.root:
            return "put it below the project's folder, or give its folder in `path_map`"
        return f"put it at {_short(self.disk.shown(self.home / gone.name))}"

    def _tell(self, wanted: NamedFile, trouble: Trouble) -> None:
        stops = wanted.kind in _STOPS_HEC_RAS and self.engine == "hec-ras"
        trouble = trouble.led_by(f"{_SHOWN.get(wanted.kind, wanted.kind)} ")
        if wanted.kind in {"terrain", "land-cover", "infiltration"} and not wanted.counts:
            trouble = Trouble(trouble.what, f"{trouble.remedy}, or leave it: {_NEEDS_NO_LAYER}")
        blocks: Blocks = "nothing"
        if stops:
            # Where the state of a restart begins is what the solver itself reads.
            blocks = "every program" if wanted.kind == "restart" else "Ras.exe"
        self.closure.tell(wanted.named_by.name, wanted.mention.line, trouble, blocks=blocks)


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:100]}...{text[-100:]}"
