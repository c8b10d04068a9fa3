"""Which plan of the spec writes a file that another plan reads: the edges between plans."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.output_names import is_pattern
from rasreconcile.plans import Address, digest_of
from rasreconcile.project.prepared import as_written, producer_of
from rasreconcile.project.references import Reference, joined, parse_reference, tails
from rasreconcile.spelling import composed, name_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """A plan of the spec, as one that may write files for others. Names are relative to the project's folder."""

    address: Address
    folder: Path
    """The project's."""
    stem: str
    number: str
    output: Path
    """Where its result is published."""
    outputs: tuple[str, ...] = ()
    """What its `outputs` name, patterns too."""
    short_id: str = ""
    """HEC-RAS writes it as the last part of each DSS path."""
    dss: str | None = None
    """The DSS file that it writes its series into; None: none, or none below the project's folder."""
    dss_outside: Reference | None = None
    """The one that it writes outside of that folder, whence no run can bring it back."""

    def place_of(self, name: str) -> Path:
        """Where a file that its run leaves is published.

        Every plan of a project writes into one DSS file: brought back for another plan, it gets the plan's own name, so
        that no plan replaces what another one wrote, nor the records that were put there by hand.
        """
        return self.output.parent / published_as(name, self)


def published_as(name: str, producer: Producer) -> str:
    """The name beside the result of a file that its run leaves."""
    if producer.dss is None or name.casefold() != producer.dss.casefold() or name in producer.outputs:
        return name
    plan, last = f"{producer.stem}.p{producer.number}", name.rpartition("/")[2]
    own = last.casefold() == f"{producer.stem}.dss".casefold()
    return f"{plan}.dss" if own else f"{plan}.{last}"


def with_series(plan: Producer, engine: str, said: Mapping[str, str]) -> Producer:
    """The plan with what its text says of the series that it writes. `said`: by what, as `plan_said` has it."""
    # A steady plan writes no series, whatever its text says; of the spec's own program nobody knows.
    unsteady = said.get("flow", "")[:1] in {"u", "q"}
    if engine == "steady" or not (unsteady or (engine == "command" and "output-dss" in said)):
        return replace(plan, short_id=said.get("short-id", ""))
    inside, outside = _dss_of(plan.stem, said.get("output-dss", "dss"))
    return replace(plan, short_id=said.get("short-id", ""), dss=inside, dss_outside=outside)


def _dss_of(stem: str, spelled: str) -> tuple[str | None, Reference | None]:
    """The DSS file that a plan writes: its name from the project's folder on, or else where it lies outside.

    `dss` alone is how HEC-RAS spells the project's own file.
    """
    try:
        reference = parse_reference(f"{stem}.dss" if spelled.casefold() == "dss" else spelled)
    except ProjectError:
        return None, None
    name = joined("", reference.parts)
    return (None, reference) if reference.root or name.startswith("../") else (name, None)


@dataclass(frozen=True, slots=True)
class Made:
    """A file that a plan of the spec makes. `name`: in its run; empty: its result."""

    by: Producer
    name: str

    @property
    def place(self) -> Path:
        """Where it is once it is published."""
        return self.by.place_of(self.name) if self.name else self.by.output


@dataclass(frozen=True, slots=True)
class Unclear:
    """Which plan makes it nobody can tell, and what to do."""

    why: Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class DssReading:
    """What one plan reads of one DSS file."""

    address: Address
    file: str
    """Its name."""
    records: Sequence[str]
    """The paths of the records; empty ones where the text names none."""
    needs: Collection[str] = ()
    """Plans that the spec says it needs."""
    is_kept: bool = False
    """The spec says that it is an input, kept by hand."""


@dataclass(slots=True)
class Producers:
    """The plans of a spec by the files they write."""

    real: Callable[[str], str]
    plans: tuple[Producer, ...] = ()
    _by_number: dict[tuple[str, str, str], Producer] = field(default_factory=dict)
    _by_place: dict[str, Made] = field(default_factory=dict)
    _writers: dict[str, list[Producer]] = field(default_factory=dict)
    _by_address: dict[Address, Producer] = field(default_factory=dict)
    _folders: dict[str, str] = field(default_factory=dict)
    _real: dict[str, str] = field(default_factory=dict)
    """What the links on the way to each folder were found to lead to."""
    _digest: str = ""

    @classmethod
    def of(cls, plans: Iterable[Producer], real: Callable[[str], str] = os.path.realpath) -> Producers:
        producers = cls(real, tuple(plans))
        for plan in producers.plans:
            producers._take(plan)
        return producers

    def _take(self, plan: Producer) -> None:
        self._by_address[plan.address] = plan
        self._by_number[self._folder(str(plan.folder)), name_key(plan.stem), plan.number] = plan
        result = Made(plan, "")
        for path in (plan.folder / plan.output.name, plan.output):
            self._by_place.setdefault(self._key(path), result)
        for name in plan.outputs:
            for folder in dict.fromkeys((plan.folder, plan.output.parent)):
                # What a pattern will mean only the run can tell: it makes no edge.
                if not is_pattern(name):
                    self._by_place.setdefault(self._key(folder / name), Made(plan, name))
        if plan.dss is not None:
            for path in dict.fromkeys((plan.folder / plan.dss, plan.place_of(plan.dss))):
                self._writers.setdefault(self._key(path), []).append(plan)
        if (outside := plan.dss_outside) is not None:
            spelled = [plan.folder.joinpath(*outside.parts)]
            if outside.root:
                # Projects travel as folders: it may mean this one.
                spelled = [Path(str(outside)), *(plan.folder.joinpath(*tail) for tail in tails(outside))]
            for path in spelled:
                self._writers.setdefault(self._key(path), []).append(plan)

    def file(self, path: Path) -> Made | None:
        """The plan that makes the file at `path`, of which its name, its place or the spec tells."""
        key = self._key(path)
        if key in self._by_place:
            return self._by_place[key]
        # The bed's gradation is kept in `X.p05.tmp.rst.hdf`.
        is_gradation = path.name.lower().endswith(".rst.hdf")
        named = producer_of(path.name[: -len(".hdf")] if is_gradation else path.name)
        if named and (plan := self.numbered(path.parent, *named)):
            # As HEC-RAS spells it on a system where that matters.
            stem = composed(plan.stem)
            return Made(plan, as_written(stem + path.name[len(named[0]) :], stem))
        return None

    def numbered(self, folder: Path, stem: str, number: str) -> Producer | None:
        """The plan of that number of the project `stem` in a folder."""
        return self._by_number.get((self._folder(str(folder)), name_key(stem), number))

    def dss(self, path: Path, reading: DssReading) -> Made | Unclear | None:
        """The plan whose series are read from the DSS file at `path`; None: no other plan's.

        The last part of a record's path is the short identifier of the plan that wrote it.
        """
        others = [plan for plan in self._writers.get(self._key(path), ()) if plan.address != reading.address]
        if not others:
            return None
        reader = self._by_address.get(reading.address)
        own = reader.short_id.casefold() if reader is not None else ""
        chosen: dict[Address, Producer] = {}
        left = []
        for record in reading.records:
            found = _writers_of(record, others, reading)
            if len(found) == 1:
                chosen[found[0].address] = found[0]
            elif not (_last_part(record) and _last_part(record) == own):
                left.append(record)
        if not chosen and (not left or reading.is_kept):
            return None
        return _one(reading, others, chosen, left)

    def _key(self, path: Path) -> str:
        folder, name = os.path.split(os.path.normpath(path))
        return f"{self._folder(folder)}/{name_key(name)}"

    def _folder(self, path: str) -> str:
        if path not in self._folders:
            self._real[path] = self.real(path)
            self._folders[path] = self._real[path].replace(os.sep, "/").casefold()
        return self._folders[path]

    def still(self, plans: Sequence[Producer], real: Callable[[str], str]) -> bool:
        """Whether these are the plans, and every folder of theirs is where it was."""
        return self.plans == tuple(plans) and all(real(path) == found for path, found in self._real.items())

    def through(self, real: Callable[[str], str]) -> Producers:
        """The same, for one project: `real` is asked for every folder that is not one of the plans' own."""
        return replace(self, real=real, _folders=dict(self._folders), _real=dict(self._real))

    @property
    def digest(self) -> str:
        """Equal for the same plans with their folders in the same places."""
        if not self._digest:
            parts = [
                (
                    p.address,
                    str(p.folder),
                    p.stem,
                    p.number,
                    str(p.output),
                    p.outputs,
                    p.short_id,
                    p.dss,
                    p.dss_outside,
                )
                for p in self.plans
            ]
            self._digest = digest_of(repr((parts, sorted(self._real.items()))))
        return self._digest


def _last_part(record: str) -> str:
    """`/RIVER REACH/5.0/FLOW//1HOUR/BASE/` -> `base`."""
    parts = record.strip().split("/")
    return parts[6].strip().casefold() if len(parts) > 6 else ""


def _writers_of(record: str, others: Sequence[Producer], reading: DssReading) -> Sequence[Producer]:
    last = _last_part(record)
    found = [plan for plan in others if last and plan.short_id.casefold() == last]
    if len(found) == 1 or (reading.is_kept and not found):
        return found
    if named := [plan for plan in found or others if plan.address in reading.needs]:
        return named
    return others if not last else found


def _one(
    reading: DssReading, others: Sequence[Producer], chosen: dict[Address, Producer], left: Sequence[str]
) -> Made | Unclear:
    unknown = [record for record in left if record]
    if len(chosen) == 1 and not unknown:
        plan = next(iter(chosen.values()))
        if plan.dss is not None:
            return Made(plan, plan.dss)
        what = (
            f"it reads from {reading.file} what {plan.address} writes outside of its project's folder, from where"
            " no run can bring it back"
        )
        do = "give that plan a DSS file inside the folder (`DSS File` of its plan in HEC-RAS)"
        return Unclear(Trouble(what, do))
    file = reading.file
    if len(chosen) > 1:
        what = f"it reads from {file} what {_and(chosen)} write, and each run brings back a {file} of its own"
        return Unclear(Trouble(what, "give one of them another DSS file (`DSS File` of its plan in HEC-RAS)"))
    if chosen:
        what = (
            f"it reads from {file} what {_and(chosen)} writes, and {unknown[0]}, which no other plan of the spec"
            " writes"
        )
        return Unclear(Trouble(what, "move that record to a DSS file of its own"))
    who = _and(plan.address for plan in others)
    writes = "writes" if len(others) == 1 else "write"
    record = f" ({unknown[0]})" if unknown else ""
    what = (
        f"it reads from {file}{record}, which {who} {writes} into, and no plan's short identifier is the last part of"
        " that path"
    )
    do = (
        f"name the plan that writes it in `needs`, or, if the record is kept by hand, name {file} in `inputs`"
    )
    return Unclear(Trouble(what, do))


def _and(addresses: Iterable[Address]) -> str:
    *first, last = addresses
    return f"{', '.join(first)} and {last}" if first else last
