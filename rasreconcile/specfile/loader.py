"""Loading a spec: bytes, YAML, pydantic; then one error with everything that is wrong."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rasreconcile.errors import Fault, SpecError
from rasreconcile.jobs import Worker
from rasreconcile.spec import PlanEntry, Spec
from rasreconcile.specfile.faults import faults_of
from rasreconcile.specfile.files import bytes_of, place_of, store_of
from rasreconcile.specfile.model import spec_model
from rasreconcile.specfile.names import (
    folders_of_nobody,
    names_that_mean_nothing,
    paths_of_elsewhere,
    variables_of_workers,
)
from rasreconcile.specfile.written import written
from rasreconcile.specfile.yamltext import Document, Place, parse
from rasreconcile.workers.host import Host
from rasreconcile.workers.kind import Kind, Kinds, not_built
from rasreconcile.workers.kinds import KINDS


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A spec without faults, and the file it was read from."""

    spec: Spec
    path: Path
    """Absolute."""
    name: str
    """As the user named it."""
    text: str = field(repr=False)
    text_digest: str
    """sha256 of the file's bytes, hex."""
    document: Document = field(repr=False, compare=False)
    kinds: Kinds = field(repr=False, compare=False)
    """The kinds of worker there are."""

    @property
    def folder(self) -> Path:
        """What paths in the spec are relative to."""
        return self.path.parent

    @property
    def identity(self) -> Path:
        """What receipts know it by: its real folder and its name. Paths in it are relative to that folder."""
        return Path(os.path.realpath(self.folder), self.path.name)

    @property
    def state_path(self) -> Path:
        """The store."""
        return store_of(self.path, self.spec.state)

    @property
    def results_root(self) -> Path | None:
        """Where results go; None: into each project's own folder."""
        return None if self.spec.results is None else place_of(self.path, self.spec.results)

    def results_of(self, entry: PlanEntry) -> Path | None:
        """Where the results of these plans go: as the entry says, else as the spec does."""
        return self.results_root if entry.results is None else place_of(self.path, entry.results)

    @property
    def path_map(self) -> dict[str, Path]:
        """Where folders of other machines are on this one."""
        return {prefix: place_of(self.path, place) for prefix, place in self.spec.path_map.items()}

    def kind_of(self, worker: str) -> Kind:
        """The kind of this worker of the spec."""
        return self.kinds[self.spec.workers[worker].type]

    def folder_of(self, worker: str) -> str:
        """Where this worker's run directories are made, in its own spelling."""
        return self.kind_of(worker).folder(self.spec.workers[worker], self.folder)

    def directory_of(self, worker: str, run: str) -> str | None:
        """Where the files of a run are, for people: `box, ~/runs/20260401-x`; None: its worker is not in the spec."""
        if worker not in self.spec.workers:
            return None
        kind, spec = self.kind_of(worker), self.spec.workers[worker]
        if kind.runs_at is not None:
            return f"{worker}, {kind.runs_at(worker, spec, self.folder)}/{run}"
        pure = PureWindowsPath if kind.platform(spec) == "windows" else PurePosixPath
        return f"{worker}, {pure(self.folder_of(worker), run)}"

    def open_worker(self, worker: str) -> Worker:
        """This worker of the spec. Raises UsageError where its kind is not built."""

        def host_of(other: str, there: str) -> Host:
            return self.kind_of(other).open_host(other, self.spec.workers[other], self.folder, there)

        return self.kind_of(worker).open(worker, self.spec.workers[worker], self.folder, host_of)

    def require_built(self) -> None:
        """Raises SpecError, naming each line, where a worker is of a kind that no version runs yet."""
        faults = []
        for name, worker in self.spec.workers.items():
            if self.kind_of(name).opener is None:
                why = not_built(worker.type)
                place = ("workers", name, "type")
                faults.append(Fault(self.name, self.line_of(place), ".".join(place), why.what, why.remedy))
        if faults:
            raise SpecError(faults)

    def line_of(self, place: Place) -> int:
        """The line of a key or item, for faults that are found later."""
        return self.document.line_of(place)


def load(path: Path, kinds: Kinds = KINDS) -> LoadedSpec:
    """The spec at `path`, with workers of these kinds. Raises SpecError with every fault there is."""
    return _loaded(bytes_of(path), path, str(path), kinds)


def load_unwritten(value: Mapping[str, Any], path: Path, name: str, kinds: Kinds = KINDS) -> LoadedSpec:
    """A spec of plain values, as if it were at `path`. `name`: what its faults call it, without lines.

    Raises SpecError with every fault there is.
    """
    try:
        return _loaded(written(value).encode(), path, name, kinds, Unwritten)
    except SpecError as error:
        raise SpecError([replace(fault, line=0) for fault in error.faults]) from error


def reloaded(loaded: LoadedSpec, change: Callable[[Any], None]) -> LoadedSpec:
    """The same spec with other values; `change` is given its mapping. Raises SpecError with every fault there is."""
    kind = type(loaded.document)
    return _loaded(loaded.text.encode(), loaded.path, loaded.name, loaded.kinds, kind, change)


@dataclass(slots=True)
class Unwritten(Document):
    """A document that no file holds: nothing in it has a line."""

    def line_of(self, place: Place) -> int:
        return 0


def _loaded(
    data: bytes,
    path: Path,
    name: str,
    kinds: Kinds,
    document_of: Callable[..., Document] = Document,
    change: Callable[[Any], None] = lambda _: None,
) -> LoadedSpec:
    read = parse(data, name)
    document = document_of(read.value, read.faults, read.root, read.unread)
    if document.root is None:
        raise SpecError(document.faults)
    change(document.value)
    found: list[ErrorDetails] = []
    try:
        spec = spec_model(kinds).model_validate(document.value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    faults = [
        *document.faults,
        *faults_of(found, document, name, kinds),
        *names_that_mean_nothing(document, name, kinds),
        *folders_of_nobody(document, path, kinds),
        *paths_of_elsewhere(document, path, kinds),
        *variables_of_workers(document, name, kinds),
    ]
    if faults:
        raise SpecError(list(dict.fromkeys(faults)))
    digest = hashlib.sha256(data).hexdigest()
    return LoadedSpec(spec, path.absolute(), name, data.decode("utf-8-sig"), digest, document, kinds)
