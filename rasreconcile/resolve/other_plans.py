"""What a plan reads of what other plans computed: their results, found by the plan that is named."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace

from rasreconcile.errors import ProjectError, Trouble
from rasreconcile.plans import Address
from rasreconcile.project.references import parse_reference
from rasreconcile.records import Mention
from rasreconcile.resolve.findings import NamedFile
from rasreconcile.resolve.plan_inputs import InputCollector
from rasreconcile.resolve.producers import Made, Producer, Producers


@dataclass(frozen=True, slots=True)
class NamedPlan:
    """A plan as a text names it: `X.p01`, `p01`, `X.p01.hdf`, with or without a folder."""

    folder: str
    """As spelled, with `/` at its end; empty: the project's own."""
    stem: str
    number: str

    @property
    def text(self) -> str:
        """Its text, spelled as the reference is."""
        return f"{self.folder}{self.stem}.p{self.number}"


def named_plan(spelled: str, stem: str) -> NamedPlan | None:
    """None where it names no plan. `stem`: of the project, where only `p01` is said."""
    folder, slash, name = spelled.strip().strip("\"'").strip().replace("\\", "/").rpartition("/")
    found = re.fullmatch(r"(?:(.+)\.)?p(\d\d)(?:\.hdf)?", name, re.IGNORECASE)
    if found is None:
        return None
    return NamedPlan("" if folder == "." else f"{folder}{slash}", found[1] or stem, found[2])


def plan_of_short_id(gathering: InputCollector, stem: str, wanted: str) -> str | None:
    """The plan of this project with that `Short Identifier`; None where none has it."""
    folder = gathering.disk.places.folder(gathering.home)
    for name in folder.names if folder else ():
        if re.fullmatch(rf"{re.escape(stem)}\.p\d\d", name, re.IGNORECASE):
            said = gathering.disk.asked.said(gathering.home / name, "plan")
            if any(m.what == "short-id" and m.value == wanted.strip() for m in said):
                return name
    return None


def read_result(
    gathering: InputCollector, reader: Address, plan: NamedPlan, wanted: NamedFile, producers: Producers
) -> None:
    """Adds the result of a plan, and its text: an edge where the spec has that plan, else files that count.

    HEC-RAS finds a result through the plan, so both go along.
    """
    producer = producer_of_result(gathering, plan, producers)
    line, named_by = wanted.mention.line, wanted.named_by.name
    if producer is not None and producer.address == reader:
        own = f"{plan.stem}.p{plan.number}.hdf"
        trouble = Trouble(f"the plan reads {own}, which it computes itself", "choose another plan in HEC-RAS")
        gathering.closure.tell(named_by, line, trouble, blocks="every program")
        return
    text = replace(wanted, kind="other-plan", mention=_spelled(wanted, plan.text), counts=producer is None)
    found = gathering.referenced(text)
    result = replace(wanted, mention=_spelled(wanted, f"{plan.text}.hdf"))
    if producer is not None:
        name = f"{plan.stem}.p{plan.number}.hdf"
        below = posixpath.dirname(found.name) if found else ""
        gathering.produced(
            Made(producer, ""),
            name=posixpath.join(below, name),
            kind=wanted.kind,
            named_by=named_by,
            reference=result.mention.value,
        )
    elif found is not None:
        gathering.referenced(result)
        # Versions before 5 keep their results in this one.
        older = f"{found.name[: -len('.p01')]}.O{plan.number}"
        if "/" not in older:
            gathering.optional(older, "plan-result", counts=True, named_by=named_by)


def producer_of_result(gathering: InputCollector, plan: NamedPlan, producers: Producers) -> Producer | None:
    """The plan of the spec that is named; None where the spec lacks it."""
    home = gathering.home
    if plan.folder:
        try:
            place = gathering.disk.places.find(parse_reference(plan.text), home)
        except ProjectError:
            return None
        if place.path is None:
            return None
        home = place.path.parent
    return producers.numbered(home, plan.stem, plan.number)


def _spelled(wanted: NamedFile, name: str) -> Mention:
    """The mention of that file: as the text spells it, where it is what the text names."""
    as_it_stands = wanted.mention.value.strip().strip("\"'").strip().replace("\\", "/").removeprefix("./")
    spelled = wanted.mention.value if as_it_stands.casefold() == name.casefold() else name
    return replace(wanted.mention, value=spelled)
