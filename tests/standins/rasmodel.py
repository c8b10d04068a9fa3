"""What the stand-ins read of a project's texts, and the water surfaces they make of it: no hydraulics, only numbers
that are the same for the same inputs and others for other ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

CELLS, GHOSTS = 12, 4


@dataclass
class Plan:
    """A .pNN with the texts it names."""

    folder: Path
    stem: str
    number: str
    version: str
    keys: dict[str, str] = field(default_factory=dict)
    title: str = ""
    units: str = "US Customary"
    geometry: str = ""
    flow: str = ""

    @property
    def name(self) -> str:
        return f"{self.stem}.p{self.number}"

    @property
    def steady(self) -> bool:
        return self.keys.get("Flow File", "u01").lower().startswith("f")

    @property
    def short_id(self) -> str:
        return self.keys.get("Short Identifier", "").strip()

    @property
    def result(self) -> Path:
        return self.folder / f"{self.name}.hdf"

    @property
    def growing(self) -> Path:
        return self.folder / f"{self.name}.tmp.hdf"

    def text(self, ending: str) -> str:
        path = self.folder / f"{self.stem}.{ending}"
        return path.read_bytes().decode("cp1252", "replace") if path.exists() else ""


def read_plan(folder: Path, stem: str, number: str, version: str) -> Plan:
    plan = Plan(folder, stem, number, version)
    for line in plan.text(f"p{number}").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            plan.keys.setdefault(key.strip(), value.strip())
    project = plan.text("prj")
    plan.title = project.splitlines()[0].partition("=")[2] if project else ""
    plan.units = "SI Units" if re.search(r"^SI Units", project, re.MULTILINE) else "US Customary"
    plan.geometry = plan.text(plan.keys.get("Geom File", "g01"))
    plan.flow = plan.text(plan.keys.get("Flow File", "u01"))
    return plan


def window(plan: Plan) -> tuple[datetime, datetime]:
    """Begin and end of `Simulation Date=01JAN1900,0000,01JAN1900,0200`."""
    words = plan.keys.get("Simulation Date", "").split(",")
    if len(words) != 4 or not all(words):
        words = ["01JAN1900", "0000", "01JAN1900", "0200"]
    return _moment(words[0], words[1]), _moment(words[2], words[3])


def _moment(day: str, clock: str) -> datetime:
    clock = clock.replace(":", "").zfill(4)
    return datetime.strptime(day, "%d%b%Y") + timedelta(hours=int(clock[:2]), minutes=int(clock[2:]))


def interval(text: str) -> timedelta:
    """`15MIN`, `1HOUR`, `10SEC`, `1DAY`."""
    found = re.match(r"(\d+)(SEC|MIN|HOUR|DAY)", text or "15MIN")
    assert found, text
    seconds = {"SEC": 1, "MIN": 60, "HOUR": 3600, "DAY": 86400}[found[2]]
    return timedelta(seconds=int(found[1]) * seconds)


def hydrographs(flow: str) -> dict[str, list[float]]:
    """Every `Flow Hydrograph= n` of a .uNN with its values, by the place it is given for."""
    found: dict[str, list[float]] = {}
    lines = iter(flow.splitlines())
    place = ""
    for line in lines:
        if line.startswith("Boundary Location="):
            place = " ".join(word for word in re.split(r"[\s,]+", line.partition("=")[2]) if word)
        if re.match(r"(Flow|Stage|Lateral Inflow) Hydrograph=", line):
            count = int(line.partition("=")[2] or 0)
            found[f"{line.partition('=')[0]} {place}"] = numbers(lines, count)
    return found


def numbers(lines: Iterator[str], count: int, width: int = 8) -> list[float]:
    """The next `count` numbers of fixed-width columns."""
    found: list[float] = []
    while len(found) < count:
        line = next(lines)
        found += [float(line[at : at + width]) for at in range(0, len(line.rstrip()), width)]
    return found[:count]


def areas(geometry: str) -> list[str]:
    """Names of the 2D areas of a .gNN."""
    found, name = [], ""
    for line in geometry.splitlines():
        if line.startswith("Storage Area="):
            name = line.partition("=")[2].split(",")[0].strip()
        if re.match(r"Storage Area Is2D= *-1", line) and name:
            found.append(name)
    return found


def sections(geometry: str) -> list[tuple[str, str, str]]:
    """River, reach and station of every cross section."""
    found, river, reach = [], "", ""
    for line in geometry.splitlines():
        if line.startswith("River Reach="):
            river, reach = (word.strip() for word in line.partition("=")[2].split(",")[:2])
        match = re.match(r"Type RM Length L Ch R = *1 *,([^,]*),", line)
        if match:
            found.append((river, reach, match[1].strip().strip("*")))
    return found


def profiles(flow: str) -> tuple[list[str], np.ndarray]:
    """Names and flows of the profiles of a .fNN: the flows of its first river station."""
    count = int((re.search(r"^Number of Profiles= *(\d+)", flow, re.MULTILINE) or ["", "0"])[1])
    named = re.search(r"^Profile Names=(.*)$", flow, re.MULTILINE)
    names = [name.strip() for name in named[1].split(",")] if named else []
    lines = iter(flow.splitlines())
    for line in lines:
        if line.startswith("River Rch & RM="):
            return names[:count], np.array(numbers(lines, count))
    return [], np.zeros(0)


def stage(flow: np.ndarray, width: int) -> np.ndarray:
    """float32[n_times, width]: a water surface that rises with the flow and falls along the places."""
    depth = np.sqrt(np.abs(flow))[:, None] / 10.0
    return (930.0 + depth - 0.05 * np.arange(width)[None, :]).astype("f4")
