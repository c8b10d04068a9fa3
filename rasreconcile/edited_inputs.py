"""What is changed in the copy of an input that a run gets, never in the project itself. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnixLines:
    """Line ends become LF, as the Linux solvers want them."""


@dataclass(frozen=True, slots=True)
class SetKeys:
    """`Key=value` lines of a HEC-RAS text get these values; a key that is not there is added at the end."""

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SetReferences:
    """Lines of a HEC-RAS text that end in `=old` end in `=new`: where a run finds a file that was named otherwise."""

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """Integer attributes of a group of an HDF get these values, in each element; those that are not there stay away."""

    group: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class WithoutResults:
    """A plan HDF without the groups of its root that a run leaves: `Results`, and what sediment runs put beside it.

    Source: `remove_HDF5_Results_Sed.py` of HEC's archive of 6.6.
    """

    groups: tuple[str, ...] = (
        "Results",
        "Bed Time Series",
        "DSS Time Series",
        "Transport Time Series",
        "Unsteady Time Series",
    )


@dataclass(frozen=True, slots=True)
class OfVersion:
    """An HDF must be of this version of HEC-RAS, where it says of which it is; nothing is changed."""

    version: str


Edit = UnixLines | SetKeys | SetReferences | SetAttributes | WithoutResults | OfVersion
"""Made by the controller before the worker hears of the job: workers only copy bytes."""
