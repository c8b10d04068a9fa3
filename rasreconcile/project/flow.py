"""The .uNN and .qNN: the files that are in use by boundaries, gates, weather and the initial state.

Values stay in the text when they are switched off, so nothing is taken without its switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rasreconcile.errors import Trouble
from rasreconcile.project.file_keys import FLOW, MET_FILES
from rasreconcile.project.followed import followed
from rasreconcile.project.text import Entry, entries, is_on
from rasreconcile.records import Mention

_STATION = "TS Name"
"""The setting that begins a gauge of a variable."""
_CHOOSE = "choose one in HEC-RAS"


@dataclass(frozen=True, slots=True)
class _Setting:
    value: str
    line: int


@dataclass(slots=True)
class _Variable:
    """What the `Met BC=` lines say of one: its settings, and its gauges."""

    settings: dict[str, _Setting] = field(default_factory=dict)
    gauges: list[dict[str, _Setting]] = field(default_factory=list)

    def take(self, name: str, setting: _Setting) -> None:
        if name == _STATION:
            self.gauges.append({})
        if name.startswith("TS ") and self.gauges:
            self.gauges[-1][name] = setting
        else:
            self.settings[name] = setting

    def mentions(self, variable: str) -> Iterator[Mention]:
        mode = self.settings.get("Mode", _Setting("", 0))
        if mode.value.casefold() == "point":
            yield from self._gauged(variable)
        elif mode.value.casefold() == "gridded":
            yield from self._gridded(variable, mode)

    def _gridded(self, variable: str, mode: _Setting) -> Iterator[Mention]:
        source = self.settings.get("Gridded Source", _Setting("DSS", 0)).value.casefold()
        way = "GDAL" if source.startswith("gdal") else "DSS"
        named = list(_files(self.settings, f"Gridded {way} Filename"))
        if not named and way == "GDAL":
            wanted = self.settings.get("Gridded GDAL Filter", _Setting("*", 0)).value or "*"
            folders = _files(self.settings, "Gridded GDAL Folder")
            named = [Mention(m.what, f"{m.value}/{wanted}", m.line) for m in folders]
        if not named and way == "DSS":
            trouble = Trouble(f"{variable} is gridded from DSS, but no file is named", _CHOOSE)
            named = [Mention.fault(trouble, mode.line)]
        yield from named
        if way == "GDAL":
            # HEC-RAS imports the raster into the .hdf beside this text and computes from there.
            yield Mention("imported-raster", variable, mode.line)

    def _gauged(self, variable: str) -> Iterator[Mention]:
        for gauge in self.gauges:
            used, source = gauge.get("TS Used"), gauge.get("TS Source", _Setting("", 0))
            if (used is not None and not is_on(used.value)) or source.value.casefold() != "dss":
                continue
            named = list(_files(gauge, "TS DSS Filename"))
            trouble = Trouble(f"{variable} at a gauge is read from DSS, but no file is named", _CHOOSE)
            yield from named or [Mention.fault(trouble, source.line)]


def _files(settings: Mapping[str, _Setting], name: str) -> Iterator[Mention]:
    found = settings.get(name)
    if found is not None and found.value:
        yield Mention(MET_FILES[name].kind, found.value, found.line)


def _is_off(variable: str, modes: Mapping[str, str]) -> bool:
    if variable == "Precipitation":
        return modes.get("Precipitation Mode", "").casefold() == "disable"
    return variable.startswith("Wind") and modes.get("Wind Mode", "").casefold() == "no wind forces"


def flow_mentions(text: str) -> Iterator[Mention]:
    """Every file that the boundaries of this text are computed from, in the order of the text."""
    weather: dict[str, _Variable] = {}
    modes: dict[str, str] = {}
    plain: list[Entry] = []
    for entry in entries(text):
        if entry.key == "Met BC":
            variable, _, setting = (entry.value or "").partition("|")
            name, _, value = setting.partition("=")
            known = weather.setdefault(variable.strip(), _Variable())
            known.take(name.strip(), _Setting(value.strip(), entry.line))
        elif entry.value is not None:
            if entry.key in {"Precipitation Mode", "Wind Mode"}:
                modes[entry.key] = entry.value
            plain.append(entry)
    yield from followed(FLOW, plain)
    for variable, said in weather.items():
        if not _is_off(variable, modes):
            yield from said.mentions(variable)


def observed_mentions(text: str) -> Iterator[Mention]:
    """The files with observed series, which matter only to a plan that fits its inflows to them."""
    for entry in entries(text):
        named = entry.value if entry.key == "Observed DSS Filename" else ""
        if entry.key == "Observed Time Series":
            name, _, value = (entry.value or "").partition("|")[2].partition("=")
            named = value.strip() if name.strip() == "TS DSS Filename" else ""
        if named:
            yield Mention("observed", named, entry.line)
