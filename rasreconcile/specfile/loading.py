"""Loading a spec: bytes, YAML, pydantic; then one error with everything that is wrong."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from rasreconcile.errors import Fault, SpecError
from rasreconcile.spec import Spec
from rasreconcile.specfile.faults import fault_of
from rasreconcile.specfile.names import names_that_mean_nothing
from rasreconcile.specfile.peek import place_of
from rasreconcile.specfile.yamltext import LARGEST, Document, Place, parse


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A spec without faults, and the file it was read from."""

    spec: Spec
    path: Path
    """Absolute."""
    name: str
    """As the user named it."""
    text: str
    text_digest: str
    """sha256 of the file's bytes, hex."""
    document: Document = field(repr=False, compare=False)

    @property
    def folder(self) -> Path:
        """What paths in the spec are relative to."""
        return self.path.parent

    @property
    def state_path(self) -> Path:
        return place_of(self.path, self.spec.state)

    @property
    def results_root(self) -> Path | None:
        """Where results go; None: into each project's own folder."""
        if self.spec.results is None:
            return None
        return Path(os.path.normpath(self.folder / Path(self.spec.results).expanduser()))

    def line_of(self, place: Place) -> int:
        """The line of a key or item, for faults that are found later."""
        return self.document.line_of(place)


def load(path: Path) -> LoadedSpec:
    """The spec at `path`. Raises SpecError with every fault there is."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SpecError([Fault(name, 1, "", error.strerror or str(error), "name a spec file")]) from error
    except ValueError as error:  # a NUL byte in a name
        raise SpecError([Fault(name, 1, "", str(error), "name a spec file")]) from error
    document = parse(data, name)
    if document.value is None:
        raise SpecError(
            document.faults or [Fault(name, 1, "", "is empty", "see specs/demo.yaml for a first spec")]
        )
    faults = list(document.faults)
    try:
        spec = Spec.model_validate(document.value)
    except ValidationError as error:
        faults += [fault_of(found, document, name) for found in error.errors(include_url=False)]
    faults += names_that_mean_nothing(document, name)
    if faults:
        raise SpecError(list(dict.fromkeys(faults)))
    digest = hashlib.sha256(data).hexdigest()
    return LoadedSpec(spec, path.absolute(), name, data.decode("utf-8-sig"), digest, document)
