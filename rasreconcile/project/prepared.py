"""Files that were prepared for the Linux solvers: which, and whether they may still be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NOT_IN_THEM = frozenset({"project", "projection", "extra", "rasmap", "geometry-hdf", "prepared"})


SAME_MOMENT_NS = 2_000_000_000
"""Archives and FAT keep times in steps of two seconds, and a checkout writes its files in any order: times closer than
this say nothing about which file came first."""


def prepared_names(stem: str, number: str, geometry: str | None, flow: str | None) -> tuple[str, ...]:
    """Of a plan: its `.tmp.hdf`, `.bNN` and `.rNN` are named after the plan, `.xNN` and `.cNN` after its geometry.

    A steady plan (`flow`: `f01`) has the first and the third, any other all but the third.
    """
    growing = f"{stem}.p{number}.tmp.hdf"
    if flow is not None and flow.lower().startswith("f"):
        return growing, f"{stem}.r{number}"
    names = [growing, f"{stem}.b{number}"]
    if geometry is not None:
        names += [f"{stem}.x{geometry[1:]}", f"{stem}.c{geometry[1:]}"]
    return tuple(names)


def are_prepared(there: Iterable[str], names: Sequence[str]) -> bool:
    """Whether a form of the Linux solvers finds all of `prepared_names` that it needs among the names that are there.

    Some versions read the geometry's `.xNN`, the others its `.cNN`.
    """
    found = {name.casefold() for name in there}
    always, either = names[:2], names[2:]
    return (
        len(always) == 2
        and all(name.casefold() in found for name in always)
        and (not either or any(name.casefold() in found for name in either))
    )


def outdated_by(prepared_ns: int, inputs: Iterable[tuple[str, str, int]]) -> str | None:
    """The first input, as (kind, name, mtime in ns), that was written after a file was prepared from it.

    The project is not asked: HEC-RAS rewrites it whenever another plan is chosen.
    """
    latest = prepared_ns + SAME_MOMENT_NS
    return next(
        (name for kind, name, written in inputs if kind not in _NOT_IN_THEM and written > latest), None
    )


def producer_of(name: str) -> tuple[str, str] | None:
    """Stem and number of the plan that writes a file of this name; None where the name tells no plan.

    `Muncie.p05.02JAN1900 1200.rst`, `Muncie.p05.hdf`, `Muncie.O05`, `Muncie.IC.O05`, `Muncie.bco05`.
    """
    found = re.fullmatch(r"(.+)\.p([0-9]{2})\.(?:.+\.rst|hdf)", name, re.IGNORECASE) or re.fullmatch(
        r"(.+?)\.(?:ic\.o|o|bco)([0-9]{2})", name, re.IGNORECASE
    )
    return (found[1], found[2]) if found else None


_RESTART = re.compile(r"(.+)\.p([0-9]{2})\.(.+)\.rst", re.IGNORECASE)
_MOMENT = re.compile(r"[0-9]{2}[A-Z]{3}[0-9]{4} [0-9]{4}", re.IGNORECASE)


def as_written(restart: str, stem: str) -> str:
    """As HEC-RAS spells a restart file that a text may name in other case; `stem`: of the project that writes it."""
    found = _RESTART.fullmatch(restart)
    if found is None or not _MOMENT.fullmatch(found[3]):
        return restart
    return f"{stem}.p{found[2]}.{found[3].upper()}.rst"
