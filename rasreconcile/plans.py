"""A plan as the reconciler sees it: its inputs, what its result must show, and the fingerprint over both."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NewType

from rasreconcile.errors import Trouble
from rasreconcile.output_names import is_pattern
from rasreconcile.spelling import composed

if TYPE_CHECKING:
    from rasreconcile.spec import EngineSpec, Expectations, StopWhen

Address = NewType("Address", str)
"""A plan's name in the spec: `Muncie/p04`."""

_PREPARATION = re.compile(r"/prepare-[0-9a-f]{8}$")

FINGERPRINT_SCHEMA = "1"
PREPARED = "prepared"
"""The sort of components that are files prepared for the Linux solvers."""
MISSING = "MISSING"
"""Stands for the digest of a reference that is not there: its later arrival makes the plan stale."""


Kind = str
"""What part a file has in the computation. Texts: project, plan, geometry, flow, sediment, water-quality, projection,
other-plan (that of a plan whose result is read). Binary: plan-result, geometry-hdf, flow-hdf, terrain, land-cover,
infiltration, dss, restart, meteorology, observed, prepared. And rasmap, extra, made (by another plan of the spec, and
named by `inputs`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file a plan reads."""

    name: str
    """Relative to the project folder, forward slashes; `../` where it lies outside."""
    source: Path
    raw: str
    """sha256 of the bytes, hex; MISSING where there is no such file."""
    semantic: str
    """sha256 of what HEC-RAS makes of it: line ends, padding and what HEC-RAS itself rewrites left out."""
    size: int
    kind: Kind
    is_text: bool
    counts: bool = True
    """Whether it is part of the fingerprint. A run gets a `.gNN.hdf` too, but each run rewrites it."""
    reference: str = ""
    """As the file that names it spells it, where that is a path: `C:\\Models\\dss\\flow.dss`, `.\\precip.nc`."""
    aliases: tuple[str, ...] = ()
    """Further spellings of it, by the same file or others."""
    named_by: str = ""
    """Name of the file that names it; `the spec` for the project itself and for `inputs`."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a fingerprint. The name's first word is its sort: `input Muncie.g01`, `spec command`, `engine`."""

    name: str
    digest: str
    value: str = ""
    """The value itself where it is short enough to show; empty for files."""

    @property
    def sort(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def subject(self) -> str:
        return self.name.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """A further file that a run must bring back: the spec names it, or another plan reads it."""

    name: str
    """As the run leaves it, relative to the project's folder; with `*` or `?` every file that matches."""
    published_as: str
    """Relative to the folder of the result."""
    read_by: Address | None = None
    """The plan that reads it, where the spec does not name it."""

    @property
    def is_pattern(self) -> bool:
        return is_pattern(self.name)


def without_prepared(components: Iterable[Component]) -> tuple[Component, ...]:
    """Of a result that was not made from prepared files beside its project, or of which that is not known."""
    return tuple(part for part in components if part.sort != PREPARED)


def prepared_of(components: Iterable[Component]) -> tuple[Component, ...]:
    """Those that are prepared files."""
    return tuple(part for part in components if part.sort == PREPARED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One HEC-RAS plan that must have a current result."""

    address: Address
    project: Path
    """The .prj file."""
    number: str
    """Two digits: `04`."""
    engine: EngineSpec
    inputs: tuple[InputFile, ...]
    components: tuple[Component, ...]
    fingerprint: str
    output: Path
    """Where the proven result HDF stands."""
    expect: Expectations
    expectation_digest: str
    spec: Path | None = None
    """The spec that it is a plan of, by its real folder and name; None: what is prepared belongs to no spec."""
    baseline: Path | None = None
    """The result that `expect.baseline` names."""
    cores: int | None = None
    time_limit: timedelta = timedelta(days=7)
    stop_when: StopWhen | None = None
    """What ends a run of it early; None: nothing."""
    stalled_after: timedelta | None = None
    """A run that writes nothing for so long is ended."""
    only_on: tuple[str, ...] = ()
    needs: tuple[Address, ...] = ()
    """Plans whose results it is computed from: those the spec names, and those that its texts name."""
    computes: tuple[str, ...] = ()
    """What its plan file switches on: `unsteady`, `steady`, `sediment`, `water-quality`."""
    brought_back: tuple[BroughtBack, ...] = ()
    """Further files of its run, which are published together with the result."""
    prepares: bool = False
    """Its output is no result, but what the Linux solvers need of HEC-RAS for Windows before they can compute."""
    prepared_by: Address | None = None
    """The preparation whose products it is computed from where it runs on the Linux solvers; one of its needs."""
    blocked_by: tuple[Trouble, ...] = ()
    """Why it cannot run at all: a missing geometry, an element the engine does not model."""
    ras_exe_lacks: tuple[Trouble, ...] = ()
    """Why Ras.exe could not compute it, although the Linux solvers could from its prepared files."""
    no_worker: tuple[Trouble, ...] = ()
    """Why no worker of the spec could compute it, although nothing is wrong with it: each worker's why, once."""
    warnings: tuple[Trouble, ...] = ()

    @property
    def side_outputs(self) -> tuple[str, ...]:
        """The names of what is brought back, as the run leaves them; patterns too."""
        return tuple(one.name for one in self.brought_back)

    @property
    def side_paths(self) -> tuple[Path, ...]:
        """Where the side outputs are published; those of patterns only a run can tell."""
        return tuple(self.output.parent / b.published_as for b in self.brought_back if not b.is_pattern)

    @property
    def stopped_by(self) -> tuple[Trouble, ...]:
        """All that keeps it from running: in itself, and for want of a worker."""
        return (*self.blocked_by, *self.no_worker)

    @property
    def stem(self) -> str:
        return composed(self.project.stem)

    @property
    def result_name(self) -> str:
        """The result's name in the run directory: `Muncie.p04.hdf`; of a preparation `Muncie.p04.tmp.hdf`."""
        return f"{self.stem}.p{self.number}.{'tmp.' if self.prepares else ''}hdf"


def preparation_address(stem: str, number: str, fingerprint: str) -> Address:
    """`Muncie.p04/prepare-1a2b3c4d`: by content, so that it is found again whoever asks for it."""
    return Address(f"{stem}.p{number}/prepare-{fingerprint[:8]}")


def is_preparation(address: str) -> bool:
    """Whether it names no plan of the spec, but what is prepared for one."""
    return _PREPARATION.search(address) is not None


def digest_of(value: str | bytes) -> str:
    """sha256, hex; text is hashed as UTF-8."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()


def component(name: str, value: str) -> Component:
    """A component that is a short value, shown as it is."""
    return Component(name=name, digest=digest_of(value), value=value)


def fingerprint(components: Iterable[Component]) -> str:
    """sha256 over the schema version and the sorted, length-framed (name, digest) pairs, hex.

    Length framing keeps ("ab", "c") and ("a", "bc") apart. PREPARED components are compared where a result was made
    from such files, and are no part of it: the same plan computed by Ras.exe reads none.
    """
    whole = hashlib.sha256()
    for part in (FINGERPRINT_SCHEMA, *_flatten(components)):
        data = part.encode()
        whole.update(len(data).to_bytes(8, "big"))
        whole.update(data)
    return whole.hexdigest()


def _flatten(components: Iterable[Component]) -> Sequence[str]:
    pairs = sorted((c.name, c.digest) for c in components if c.sort != PREPARED)
    return [word for pair in pairs for word in pair]
