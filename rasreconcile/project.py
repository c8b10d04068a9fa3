"""What a HEC-RAS project's text files say about the files a plan needs. PURE: text in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rasreconcile.errors import ProjectError

ENCODING = "cp1252"
"""HEC-RAS writes the Windows code page; five of its bytes are undefined, so decoding replaces those."""

ENGLISH_UNITS = "English Units"
SI_UNITS = "SI Units"

DESCRIPTION = re.compile(r"^(BEGIN|END) (FILE )?DESCRIPTION:", re.IGNORECASE)
"""Begins and ends free text, in which nothing is a key."""

IGNORED_KEYS: dict[str, tuple[str, ...]] = {
    # Which machine computes, how much is written to logs and what the GUI shows does not change a result.
    "plan": (
        "UNET D1 Cores",
        "UNET D2 Cores",
        "PS Cores",
        "Echo Input",
        "Echo Parameters",
        "Echo Output",
        "Global Log Level",
        "Write Detailed",
        "Run RASMapper",
    ),
    "geometry": ("Viewing Rectangle",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A `Key=Value` line: `line` counts from 1; a line without `=` has the whole line as key and no value."""

    line: int
    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class ProjectText:
    """What a .prj says. The lists may name files that do not exist."""

    title: str
    units: str
    plans: tuple[str, ...]
    """Two digits each, in the order of the file."""


@dataclass(frozen=True, slots=True)
class PlanText:
    """What a .pNN says about the other files it needs."""

    title: str
    short_id: str
    geometry: str | None
    """An extension: `g01`."""
    flow: str | None
    """`f01` steady, `u01` unsteady, `q01` quasi-unsteady."""
    others: tuple[str, ...]
    """Further extensions named: sediment, water quality."""


def decode(data: bytes) -> str:
    """The text of a HEC-RAS file; never fails."""
    return data.decode(ENCODING, errors="replace")


def entries(text: str) -> Iterator[Entry]:
    """Every line outside description blocks, which hold free text and may contain `=`."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        marker = DESCRIPTION.match(line.strip())
        if marker:
            inside = marker[1].upper() == "BEGIN"
            continue
        if inside or not line.strip():
            continue
        key, equals, value = line.partition("=")
        yield Entry(number, key.strip(), value.strip() if equals else None)


def is_project(text: str) -> bool:
    """Whether this .prj is HEC-RAS's own: ESRI projections carry the same ending."""
    return text.lstrip("\ufeff \t\r\n").startswith("Proj Title=")


def parse_project(text: str, name: str) -> ProjectText:
    """Raises ProjectError where `text` is not a HEC-RAS project."""
    if not is_project(text):
        raise ProjectError(
            f"{name}:1: not a HEC-RAS project: its first line is not 'Proj Title='; name the .prj of the model"
        )
    title, units, plans = "", ENGLISH_UNITS, list[str]()
    for entry in entries(text):
        match entry.key, entry.value:
            case "Proj Title", str(value):
                title = value
            case "SI Units", None:
                units = SI_UNITS
            case "Plan File", str(value) if number := plan_number(value):
                if number not in plans:
                    plans.append(number)
            case _:
                pass
    return ProjectText(title, units, tuple(plans))


def plan_number(reference: str) -> str | None:
    """`p04` -> `04`; None where it is no plan's extension."""
    found = re.fullmatch(r"[pP](\d\d)", reference.strip())
    return found[1] if found else None


def parse_plan(text: str, name: str) -> PlanText:
    """Raises ProjectError where a reference is no extension of a HEC-RAS file."""
    first: dict[str, str] = {}
    for entry in entries(text):
        if entry.value is None or entry.key in first:
            continue
        first[entry.key] = entry.value
        wanted = _REFERENCES.get(entry.key)
        if wanted and entry.value and not re.fullmatch(wanted, entry.value, re.IGNORECASE):
            raise ProjectError(
                f"{name}:{entry.line}: {entry.key}={entry.value}: not the ending of a HEC-RAS file;"
                " open and save the plan in HEC-RAS"
            )

    def reference(*keys: str) -> str | None:
        return next((first[key].lower() for key in keys if first.get(key)), None)

    others = (reference("Sediment File"), reference("Water Quality File"))
    return PlanText(
        title=first.get("Plan Title", ""),
        short_id=first.get("Short Identifier", ""),
        geometry=reference("Geom File"),
        # One script-made plan in a hundred says `Unsteady File=` where HEC-RAS itself writes `Flow File=`.
        flow=reference("Flow File", "Unsteady File"),
        others=tuple(other for other in others if other),
    )


_REFERENCES = {
    "Geom File": r"g\d\d",
    "Flow File": r"[ufq]\d\d",
    "Unsteady File": r"u\d\d",
    "Sediment File": r"s\d\d",
    "Water Quality File": r"w\d\d",
}


def canonical(kind: str, data: bytes) -> bytes:
    """What HEC-RAS makes of a text file: line ends, trailing blanks and IGNORED_KEYS left out.

    Of a project only the units line counts. Anything else about a file's bytes is kept, so that a doubtful change
    costs a run rather than a wrong result.
    """
    text = decode(data)
    if kind == "project":
        return (parse_project(text, "project").units if is_project(text) else text).encode()
    ignored = IGNORED_KEYS.get(kind, ())
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", data.decode("latin-1"))]
    kept = [line for line in lines if not (ignored and line.partition("=")[0].strip() in ignored)]
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept).encode("latin-1")
