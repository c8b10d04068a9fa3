"""The .uNN and .qNN: the files that are in use by boundaries, gates, weather and the initial state.

Values stay in the text when they are switched off, so nothing is taken without its switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rasreconcile.project.text import Entry, entries, is_on
from rasreconcile.records import Mention


@dataclass(slots=True)
class _Record:
    """Where a boundary, or a gate of it, gets its series from."""

    file: Entry | None = None
    on: Entry | None = None
    path: Entry | None = None

    def take(self, key: str, entry: Entry) -> None:
        if key == "DSS File":
            self.file = entry
        elif key == "Use DSS":
            self.on = entry
        elif key == "DSS Path":
            self.path = entry

    def mentions(self) -> Iterator[Mention]:
        if self.on is None or not is_on(self.on.value or ""):
            return
        if self.file is None or not self.file.value:
            what = f"{self.on.key}={self.on.value}, but no DSS file is named there; choose one in HEC-RAS"
            yield Mention("fault", what, self.on.line)
        else:
            yield Mention("dss", self.file.value, self.file.line)
            if self.path is not None and self.path.value:
                # Of the line that names its file.
                yield Mention("dss-record", self.path.value, self.file.line)


@dataclass(slots=True)
class _Weather:
    """`Met BC=<variable>|...` lines, and the modes that switch them on."""

    variables: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        variable, _, setting = (entry.value or "").partition("|")
        name, _, value = setting.partition("=")
        self.variables.setdefault(variable.strip(), {})[name.strip()] = (value.strip(), entry.line)

    def mentions(self, modes: Mapping[str, str]) -> Iterator[Mention]:
        for variable, settings in self.variables.items():
            if _is_off(variable, modes) or settings.get("Mode", ("", 0))[0].casefold() != "gridded":
                continue
            source = settings.get("Gridded Source", ("DSS", 0))[0].casefold()
            way = "GDAL" if source.startswith("gdal") else "DSS"
            path, line = settings.get(f"Gridded {way} Filename", ("", settings["Mode"][1]))
            if path:
                yield Mention("meteorology", path, line)
            elif way == "DSS":
                what = f"{variable} is gridded from DSS, but no file is named; choose one in HEC-RAS"
                yield Mention("fault", what, line)
            if way == "GDAL":
                # HEC-RAS imports the raster into the .hdf beside this text and computes from there.
                yield Mention("imported-raster", variable, line)


def _is_off(variable: str, modes: Mapping[str, str]) -> bool:
    if variable == "Precipitation":
        return modes.get("Precipitation Mode", "").casefold() == "disable"
    return variable.startswith("Wind") and modes.get("Wind Mode", "").casefold() == "no wind forces"


_SETTINGS = frozenset({"Use Restart", "Restart Filename", "Precipitation Mode", "Wind Mode"})


def flow_mentions(text: str) -> Iterator[Mention]:
    """Every file that the boundaries of this text are computed from, in the order of the text."""
    boundary, gate, weather = _Record(), _Record(), _Weather()
    settings: dict[str, Entry] = {}
    for entry in entries(text):
        if entry.key in {"Boundary Location", "Gate Name"}:
            yield from gate.mentions()
            gate = _Record()
            if entry.key == "Boundary Location":
                yield from boundary.mentions()
                boundary = _Record()
        elif entry.key == "Met BC":
            weather.take(entry)
        elif entry.key in _SETTINGS:
            settings[entry.key] = entry
        elif entry.key.startswith("Gate "):
            gate.take(entry.key.removeprefix("Gate "), entry)
        else:
            boundary.take(entry.key, entry)
    yield from (*gate.mentions(), *boundary.mentions())
    yield from weather.mentions({key: entry.value or "" for key, entry in settings.items()})
    yield from _restart(settings.get("Use Restart"), settings.get("Restart Filename"))


def _restart(use: Entry | None, file: Entry | None) -> Iterator[Mention]:
    if use is None or not is_on(use.value or ""):
        return
    if file is not None and file.value:
        yield Mention("restart", file.value, file.line)
    else:
        yield Mention("fault", "a restart file is in use, but none is named; choose one in HEC-RAS", use.line)
