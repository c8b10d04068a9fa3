"""Where HEC-RAS is on a worker: the usual places by platform and version, and what finding one there means. PURE."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Literal

from rasreconcile.engines.hec_ras.versions import form_of
from rasreconcile.hecras_versions import same

_WINDOWS = (
    r"C:\Program Files (x86)\HEC\HEC-RAS",
    r"C:\Program Files\HEC\HEC-RAS",
    r"D:\Program Files (x86)\HEC\HEC-RAS",
    r"C:\HEC\HEC-RAS",
)
_POSIX = ("/opt/hecras", "/opt/hec-ras", "/opt/HEC-RAS", "/opt/ras", "/usr/local/hecras", "/hecras")
_WINE = (
    "/usr/bin/wine",
    "/usr/local/bin/wine",
    "/opt/wine-stable/bin/wine",
    "/usr/bin/wine64",
    "/usr/lib/wine/wine64",
)
_VERSION = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True, slots=True)
class WantedInstall:
    """What is looked for on a worker: `named` is its `ras_exe_path`."""

    version: str
    platform: Literal["posix", "windows"]
    named: str | None


@dataclass(frozen=True, slots=True)
class FoundInstall:
    """HEC-RAS is there. `home` is Ras.exe on Windows and under Wine, else the folder of its solvers."""

    home: str
    wine: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """It is not, or is another version; what to do about it."""

    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.why}; {self.remedy}"


def places(wanted: WantedInstall) -> tuple[str, ...]:
    """Every path that must be asked for, in one round trip."""
    wine = _WINE if wanted.platform == "posix" and _is_exe(wanted.named) else ()
    return (*_programs(wanted), *wine)


def found_in(wanted: WantedInstall, there: Collection[str]) -> FoundInstall | NotFound:
    """What those of `places` that are there mean."""
    programs = [place for place in _programs(wanted) if place in there]
    if not programs:
        looked = wanted.named or ", ".join(_homes(wanted))
        remedy = "install it there, or set ras_exe_path to the place where it is"
        return NotFound(f"HEC-RAS {wanted.version} is not at {looked}", remedy)
    program = programs[0]
    other = _other_version(wanted, program)
    if other:
        remedy = f"set ras_exe_path to {wanted.version}, or ask for {other} in `engine`"
        return NotFound(f"{program} is HEC-RAS {other}, the spec asks for {wanted.version}", remedy)
    if wanted.platform == "windows":
        return FoundInstall(program)
    if _is_exe(wanted.named):
        wine = next((place for place in _WINE if place in there), None)
        return (
            FoundInstall(program, wine)
            if wine
            else NotFound(f"{program} needs Wine", "install wine on this worker")
        )
    solver = form_of(wanted.version).unsteady[0]
    return FoundInstall(program.removesuffix(f"/{solver}"))


def _programs(wanted: WantedInstall) -> tuple[str, ...]:
    if wanted.platform == "windows" or _is_exe(wanted.named):
        return tuple(h if _is_exe(h) else str(PureWindowsPath(h, "Ras.exe")) for h in _homes(wanted))
    solver = form_of(wanted.version).unsteady[0]
    # Whoever names the solver itself means its folder.
    return tuple(f"{home.removesuffix('/' + solver).rstrip('/')}/{solver}" for home in _homes(wanted))


def _homes(wanted: WantedInstall) -> tuple[str, ...]:
    if wanted.named:
        return (wanted.named,)
    if wanted.platform == "windows":
        return tuple(str(PureWindowsPath(place, wanted.version)) for place in _WINDOWS)
    # An image made for one version has no folder for it.
    return (*(f"{place}/{wanted.version}" for place in _POSIX), *_POSIX)


def _other_version(wanted: WantedInstall, program: str) -> str | None:
    """The version the place says it is of, where that is another; a place that says none is believed.

    The result's own `File Version` is asked after every run.
    """
    kind = PureWindowsPath if "\\" in program else PurePosixPath
    named = [part for part in kind(program).parts if _VERSION.fullmatch(part)]
    return named[-1] if named and not same(named[-1], wanted.version) else None


def _is_exe(path: str | None) -> bool:
    return path is not None and path.lower().endswith(".exe")
