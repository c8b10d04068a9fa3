"""How each version of HEC-RAS is called, and what it needs and leaves. All that depends on the version stands here.

In the words {stem} is the project's name, {plan} and {geometry} are two digits each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from rasreconcile.errors import Trouble
from rasreconcile.hecras_versions import Version, names_family, parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The commands of the versions from `since` on."""

    since: Version
    geometry: tuple[str, ...]
    """Geometry preprocessor on Linux: program in the folder of the solvers, and arguments. Empty: there is none."""
    copies: tuple[tuple[str, str], ...]
    """Files to copy between the two."""
    unsteady: tuple[str, ...]
    prepared: tuple[str, ...]
    """What the preprocessing on Windows must have made for an unsteady plan."""
    welcome: tuple[str, ...]
    """What is staged where it is there, and not missed where it is not."""
    messages: tuple[str, ...]
    """Where Ras.exe writes its messages; the first is the usual one."""
    ras: Literal["plan", "current plan"]
    """Whether Ras.exe is told the plan, or computes the one the project calls current."""


_GROWING = "{stem}.p{plan}.tmp.hdf"
_MESSAGES = "{stem}.p{plan}.computeMsgs.txt"

FORMS = (
    Form(
        since=(5, 0),
        geometry=(),
        copies=(),
        unsteady=("rasUnsteady64", "{stem}.c{geometry}", "b{plan}"),
        prepared=(_GROWING, "{stem}.b{plan}", "{stem}.c{geometry}"),
        welcome=("{stem}.x{geometry}",),
        messages=(_MESSAGES, "{stem}.p{plan}.comp_msgs.txt"),
        ras="current plan",
    ),
    Form(
        since=(6, 0),
        geometry=("RasGeomPreprocess", "{stem}.x{geometry}"),
        copies=(("{stem}.c{geometry}.tmp", "{stem}.c{geometry}"),),
        unsteady=("RasUnsteady", "{stem}.c{geometry}", "b{plan}"),
        prepared=(_GROWING, "{stem}.b{plan}", "{stem}.x{geometry}"),
        welcome=("{stem}.c{geometry}",),
        messages=(_MESSAGES,),
        ras="plan",
    ),
    Form(
        since=(6, 3, 1),
        geometry=("RasGeomPreprocess", _GROWING, "x{geometry}"),
        copies=(),
        unsteady=("RasUnsteady", _GROWING, "x{geometry}"),
        prepared=(_GROWING, "{stem}.b{plan}", "{stem}.x{geometry}"),
        welcome=(),
        messages=(_MESSAGES,),
        ras="plan",
    ),
)
"""Oldest first. 6.3.0 is called as 6.2: the new form is known from 6.3.1 on."""

LEAVE_OUT_GEOMETRY: tuple[Version, ...] = ((6, 1), (6, 2))
"""They write no geometry, and say nothing, where a land cover, infiltration or bed material file is missing (seen)."""

NEWEST_TRIED: Version = (7, 0)
"""Of later versions nothing is known: they are called as this one, with a word of warning."""

STEADY = ("RasSteady", "{stem}.r{plan}")
STEADY_PREPARED = (_GROWING, "{stem}.r{plan}")
LINKS = (("{stem}.b{plan}", "io.b"), ("{stem}.x{geometry}", "io.x"), ("{stem}.c{geometry}", "io.c"))
"""Names by which the Fortran programs may look for their units."""
RESULT = "{stem}.p{plan}.hdf"
DATA_ERRORS = "{stem}.p{plan}.data_errors.txt"
"""Where Ras.exe writes what it finds wrong with its input; in a window it shows the same."""
SOLVER_LOG = "{stem}.bco{plan}"
"""What the unsteady solver writes beside the messages, on every platform."""
GROWING = _GROWING


def form_of(version: str) -> Form:
    """The form of a version; where its patch is left open, of its newest; of one older than all, the oldest."""
    wanted: tuple[float, ...] = _padded(parsed(version))
    if names_family(version):
        wanted = (*wanted[:2], math.inf)
    return next((form for form in reversed(FORMS) if form.since <= wanted), FORMS[0])


def _padded(version: Version) -> Version:
    """`5.0` is (5,): with the zeros that are left out at its end, to be compared with others."""
    return (*version, *(0,) * (2 - len(version)))


def doubt(version: str) -> Trouble | None:
    """Why it is not certain that the version is called rightly; None: it is."""
    oldest, newest = (".".join(map(str, version[:2])) for version in (FORMS[0].since, NEWEST_TRIED))
    supported = f"than the supported range {oldest}-{newest}"
    wanted = _padded(parsed(version))
    if wanted[:2] > NEWEST_TRIED:
        return Trouble(f"HEC-RAS {version} is newer {supported}: using the command line of {newest}")
    if wanted < FORMS[0].since:
        return Trouble(f"HEC-RAS {version} is older {supported}: using the command line of {oldest}")
    return None
