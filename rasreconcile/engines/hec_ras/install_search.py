"""Where HEC-RAS is on a worker: the usual places by platform and version, and what finding one there means. PURE."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Literal

from rasreconcile.engines.hec_ras.judgement import why_no_start
from rasreconcile.engines.hec_ras.versions import STEADY, form_of
from rasreconcile.errors import Trouble
from rasreconcile.hecras_versions import SPELLED, Version, as_written, means, names_family, parsed

_WINDOWS = (
    r"C:\Program Files (x86)\HEC\HEC-RAS",
    r"C:\Program Files\HEC\HEC-RAS",
    r"D:\Program Files (x86)\HEC\HEC-RAS",
    r"C:\HEC\HEC-RAS",
)
_POSIX = ("/opt/hecras", "/opt/hec-ras", "/opt/HEC-RAS", "/opt/ras", "/usr/local/hecras", "/hecras")
_WINE: tuple[str, ...] = (
    "/usr/bin/wine",
    "/usr/local/bin/wine",
    "/opt/wine-stable/bin/wine",
    "/usr/bin/wine64",
    "/usr/lib/wine/wine64",
)
_VERSION = re.compile(SPELLED)
_LONGEST_LINE = 600
"""Characters of what a host says of one program: it becomes part of a message, and of a command."""
_MOST_PROGRAMS = 1000
_NEWEST_MAJOR = 9
"""A folder may be named after another number too: `2024.1`."""
_MOST_PATCHES = 9
_ARCHIVE = re.compile(r"(?:Linux_RAS_v|HEC-RAS_|RAS_)(\d{2,3})(?:_linux)?", re.IGNORECASE)
"""HEC's own archives: `Linux_RAS_v66`, `HEC-RAS_610_Linux`, `RAS_507_linux`."""
_PROGRAMS = re.compile(r"RAS_v(\d{2,3})", re.IGNORECASE)
"""The folder of programs in them. Scripts in the archive of 6.6 call it `RAS_v65`: a hint, where nothing else is."""


@dataclass(frozen=True, slots=True)
class WantedInstall:
    """What is looked for on a worker: `named` is its `ras_exe_path`."""

    version: str
    platform: Literal["posix", "windows"]
    named: str | None

    @property
    def is_solvers(self) -> bool:
        """Whether it is the Linux solvers, not Ras.exe."""
        return self.platform == "posix" and not _is_exe(self.named)


@dataclass(frozen=True, slots=True)
class FoundInstall:
    """HEC-RAS is there. `home` is Ras.exe on Windows and under Wine, else the folder of its solvers."""

    home: str
    wine: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """It is not, or is another version, or does not start; what to do about it."""

    why: str
    remedy: str

    @property
    def trouble(self) -> Trouble:
        """The same as a message has it."""
        return Trouble(self.why, self.remedy)

    def __str__(self) -> str:
        return str(self.trouble)


# ---- Ras.exe: at one of a few paths


def places(wanted: WantedInstall) -> tuple[str, ...]:
    """Every path that must be asked for to find Ras.exe, in one round trip."""
    wine = _WINE if wanted.platform == "posix" else ()
    return (*_programs(wanted), *wine)


def found_in(wanted: WantedInstall, there: Collection[str]) -> FoundInstall | NotFound:
    """What those of `places` that are there mean."""
    programs = [place for place in _programs(wanted) if place in there]
    if not programs:
        return _nowhere(wanted)
    program = programs[0]
    said = _versions_in(program)
    if said and not means(wanted.version, said[-1]):
        return _another(wanted, program, said[-1])
    if wanted.platform == "windows":
        return FoundInstall(program)
    wine = next((place for place in _WINE if place in there), None)
    return (
        FoundInstall(program, wine)
        if wine
        else NotFound(f"{program} needs Wine", "install wine on this worker")
    )


def _programs(wanted: WantedInstall) -> tuple[str, ...]:
    return tuple(h if _is_exe(h) else str(PureWindowsPath(h, "Ras.exe")) for h in _homes(wanted))


# ---- the Linux solvers: laid out in several ways, so the worker's own shell looks for them


def question(wanted: Collection[WantedInstall]) -> tuple[str, ...]:
    """The words for `solvers.sh` that look for the solvers of all of these, in one round trip."""
    words = ["find"]
    for one in wanted:
        words += [_solver(one), *_homes(one), ""]
    return tuple(words)


def solvers_in(wanted: WantedInstall, answer: str) -> FoundInstall | NotFound:
    """What the script's answer to `question` means: lines `PATH<tab>REAL PATH`."""
    lines = [line for line in answer.splitlines() if "\t" in line and len(line) <= _LONGEST_LINE]
    there = [_Solver(*line.split("\t")[:2]) for line in lines[:_MOST_PROGRAMS]]
    programs = [program for program in there if program.name == _solver(wanted)]
    # The archive of 6.1 has the programs twice, with and without help for its makers.
    programs.sort(key=lambda program: "debug" in program.path.lower())
    says = {program: program.version for program in programs}
    fit = [program for program, version in says.items() if version and means(wanted.version, version)]
    fit.sort(key=lambda program: _preference(wanted, says[program]), reverse=True)
    # A place that says no version is believed: the result's own `File Version` is asked after every run.
    fit += [program for program, version in says.items() if version is None]
    if fit:
        return FoundInstall(fit[0].path.rpartition("/")[0])
    for program, version in says.items():
        if version is not None:
            return _another(wanted, program.path, version)
    return _nowhere(wanted)


def trial(wanted: WantedInstall, found: FoundInstall) -> tuple[str, ...]:
    """The words for `solvers.sh` that start each program of this install once, without arguments."""
    form = form_of(wanted.version)
    needed = (form.geometry[:1], form.unsteady[:1], STEADY[:1])
    return ("try", found.home, *(name for names in needed for name in names))


def started(wanted: WantedInstall, found: FoundInstall, answer: str) -> FoundInstall | NotFound:
    """What the script's answer to `trial` means: does every program that the version's form calls start?"""
    for name, end, said in _tries(answer):
        program = f"{found.home}/{name}"
        if end == "absent" and name == STEADY[0]:
            # Some installs are made for unsteady plans alone.
            continue
        if end == "absent":
            return NotFound(f"{program} is not there", "HEC-RAS's programs must all lie in one folder")
        if end == "locked":
            return NotFound(f"{program} may not be executed", "run `chmod a+x` on HEC-RAS's programs")
        if why := why_no_start(said):
            return NotFound(f"{program} does not start: {why.what}", why.remedy)
    return found


def _tries(answer: str) -> Iterator[tuple[str, str, str]]:
    """Name, how it ended, and what it said, of each program."""
    for part in re.split(r"^program ", answer, flags=re.MULTILINE)[1:]:
        head, *lines = part.splitlines() or [""]
        name, _, end = head.rpartition(" ")
        said = (line[2:_LONGEST_LINE] for line in lines[:_MOST_PROGRAMS] if line.startswith("| "))
        yield name[:_LONGEST_LINE], end, "\n".join(said)


@dataclass(frozen=True, slots=True)
class _Solver:
    """A program that was found."""

    path: str
    real: str
    """Without links; empty where nobody could tell."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def version(self) -> str | None:
        """The version its place says it is of. The folder of the programs may only say which patch that is."""
        paths = (self.real, self.path)
        said = next((found[-1] for path in paths if (found := _versions_in(path))), None)
        parts = (part for path in paths for part in reversed(PurePosixPath(path).parts))
        hint = next((".".join(named[1]) for part in parts if (named := _PROGRAMS.fullmatch(part))), None)
        return hint if said is None or (hint is not None and means(said, hint)) else said


# ---- both


def _homes(wanted: WantedInstall) -> tuple[str, ...]:
    if wanted.named:
        return (wanted.named.rstrip("/") or "/",)
    if wanted.platform == "windows":
        versions = (wanted.version, *_meant(wanted.version))
        return tuple(str(PureWindowsPath(place, version)) for version in versions for place in _WINDOWS)
    # An image made for one version has no folder for it; below these every folder is looked at.
    return (*(f"{place}/{wanted.version}" for place in _POSIX), *_POSIX)


def _meant(version: str) -> Iterator[str]:
    """What else a version may mean, newest first: `5.0` what is in a folder 5.0.7, `6.7 Beta` any of its betas."""
    more = " " if version.endswith("Beta") else "." if names_family(version) and "Beta" not in version else ""
    if more:
        yield from (f"{version}{more}{last}" for last in range(_MOST_PATCHES, 0, -1))


def _preference(wanted: WantedInstall, version: str | None) -> tuple[bool, Version]:
    """Of several that are meant: the one named exactly, else the newest."""
    return version == wanted.version, parsed(version or "0.0")


def _nowhere(wanted: WantedInstall) -> NotFound:
    usual = [home for home in _homes(wanted) if not any(home.endswith(v) for v in _meant(wanted.version))]
    looked = wanted.named or ", ".join(usual)
    below = f", or below it ({_solver(wanted)})" if wanted.is_solvers and wanted.named else ""
    remedy = "install it there, or set ras_exe_path to the place where it is"
    return NotFound(f"HEC-RAS {wanted.version} is not at {looked}{below}", remedy)


def _another(wanted: WantedInstall, program: str, version: str) -> NotFound:
    remedy = f"set ras_exe_path to {wanted.version}, or ask for {version} in `engine`"
    return NotFound(f"{program} is HEC-RAS {version}, the spec asks for {wanted.version}", remedy)


def _versions_in(program: str) -> Sequence[str]:
    """The versions that folders of its path are named after."""
    kind = PureWindowsPath if "\\" in program else PurePosixPath
    found = []
    for part in kind(program).parts:
        if _VERSION.fullmatch(part) and int(part.partition(".")[0]) <= _NEWEST_MAJOR:
            found.append(as_written(part))
        elif archive := _ARCHIVE.fullmatch(part):
            found.append(".".join(archive[1]))
    return found


def _solver(wanted: WantedInstall) -> str:
    return form_of(wanted.version).unsteady[0]


def _is_exe(path: str | None) -> bool:
    return path is not None and path.lower().endswith(".exe")
