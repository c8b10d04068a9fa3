"""What a result HDF says, as plain values: read once by results.plan_hdf, judged by pure code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

NO_DATA = -9998.0
"""HEC-RAS writes -9999 where there is no water: what is below this is dry."""

FlowKind = Literal["unsteady", "steady", "sediment", "quasi-unsteady"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """One numeric dataset, summed up. Extremes are over finite values; None where there are none."""

    shape: tuple[int, ...]
    dtype: str
    finite: int
    """How many values are finite."""
    size: int
    """How many values were looked at (ghost cells of 2D areas left out)."""
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The result that another is compared with, and how far their water surfaces may lie apart."""

    path: Path
    within: float
    """In the unit of the results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How the water surfaces of a result differ from those of a baseline."""

    mismatched: tuple[str, ...] = ()
    """What cannot be compared, because one of the two has not got it or has it in another shape; one line each."""
    compared: int = 0
    """Places (a section in a profile, a section or cell at its maximum) where both have water."""
    beyond: int = 0
    """How many of those lie further apart than allowed."""
    largest: float = 0.0
    """The largest absolute difference."""
    worst: str = ""
    """Where that is, with both values."""
    one_sided: int = 0
    """Places with water in one of the two only."""
    one_sided_at: str = ""
    """The first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a result must say of itself, from the text inputs of its plan and from its run. None: not known."""

    plan_filename: str
    """`Muncie.p04`."""
    short_id: str | None = None
    geometry_filename: str | None = None
    flow_filename: str | None = None
    simulation: tuple[datetime, datetime] | None = None
    """The plan file's `Simulation Date`; steady plans have none."""
    program: str | None = None
    """`HEC-RAS 6.6`, `rasreconcile steady`: how `File Version` begins."""
    not_before: datetime | None = None
    """When its run was started, UTC without a zone."""
    log: str | None = None
    """What its run printed."""
    computes: tuple[str, ...] = ()
    """What its plan file switches on: `unsteady`, `steady`, `sediment`, `water-quality`."""
    breaches: tuple[frozenset[str], ...] = ()
    """Structures that its plan file lets fail, each by the names, in lower case, that a result may call it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HdfFacts:
    """Everything verification asks of a HEC-RAS plan HDF. None means that the file does not say.

    Source of the places and strings: HEC-RAS 5.0.3 to 7.0 plan HDFs. Times carry no zone: they are the clock of
    the machine that computed.
    """

    groups: tuple[str, ...] = ()
    """Which of `Geometry`, `Plan Data`, `Event Conditions`, `Results` its root holds."""
    kind: FlowKind | None
    """Which of Results/Steady, Results/Unsteady, Results/Sediment is there; None: no results."""
    file_version: str | None = None
    units_system: str | None = None
    plan_filename: str | None = None
    short_id: str | None = None
    geometry_filename: str | None = None
    flow_filename: str | None = None
    geometry_time: datetime | None = None
    """`Geometry Time`: when the geometry was written into this file."""
    solution: str | None = None
    """`Solution` of the Summary group: 'Steady Finished Successfully'."""
    unstable_at: str | None = None
    """`Time Stamp Solution Went Unstable` where it is not 'Not Applicable'."""
    messages: str | None = None
    """`Results/Summary/Compute Messages (text)`."""
    processes: tuple[str, ...] | None = None
    """Names in `Results/Summary/Compute Processes`."""
    run_window: tuple[datetime, datetime] | None = None
    simulation_start: datetime | None = None
    simulation_end: datetime | None = None
    last_output: datetime | None = None
    """The last `Time Date Stamp` of the unsteady time series."""
    output_interval: timedelta | None = None
    """`Base Output Interval`: the plan's mapping interval, at which the series is written."""
    output_times: int | None = None
    """How many `Time Date Stamp` there are."""
    volume_error_percent: float | None = None
    outputs: tuple[str, ...] = ()
    """For which of `unsteady`, `steady`, `sediment`, `water-quality` there are numbers."""
    structures: Mapping[str, bool] = field(default_factory=dict)
    """Structures of the file's own geometry, in lower case, and whether there is output of a breach of each."""
    pipe_networks: Mapping[str, bool] = field(default_factory=dict)
    """Pipe networks of the file's own geometry, and whether there is output of each."""
    profiles: tuple[str, ...] = ()
    """Names of steady profiles."""
    water_surface: DatasetFacts | None = None
    """Steady: Cross Sections/Water Surface. Unsteady: every Maximum Water Surface of the file, summed up as one."""
    areas: Mapping[str, DatasetFacts | None] = field(default_factory=dict)
    """Water surface of each 2D area of the file's own geometry that has cells; None: no output."""
    reaches: Mapping[str, DatasetFacts | None] = field(default_factory=dict)
    """The same of each reach ('River, Reach') that has cross sections."""
    maximum_depth: float | None = None
    """Largest water surface above the lowest point of its cell or section."""
    difference: Difference | None = None
    """From the baseline, where one was given."""
    datasets: Mapping[str, DatasetFacts | None] = field(default_factory=dict)
    """The datasets asked for by name; None where absent."""
    unreadable: tuple[str, ...] = ()
    """Objects that could not be read: a file with a damaged interior."""
    other_geometry: str | None = None
    """The first cross section that is not as in the geometry text it was compared with, and how; None: all are."""


def unit_of(units_system: str | None) -> str | None:
    """The unit of lengths, `ft` or `m`, of what HEC-RAS calls `US Customary` or `SI Units`."""
    return {"SI": "m", "US": "ft"}.get((units_system or "")[:2])


@dataclass(frozen=True, slots=True)
class LargestError:
    """A computation step that HEC-RAS gave up iterating on: it prints one line for each."""

    at: str
    """Simulated time as printed: `01JAN1900 01:58:20`."""
    place: str
    """2D: area and cell, `Muncie_Geom Cell # 10346`. 1D: river, reach and station."""
    error: float | None
    """Of the water surface, in ft or m; None: no finite number."""
    iterations: int

    def __str__(self) -> str:
        size = "not finite" if self.error is None else f"{self.error:g}"
        return f"{self.at} {self.place}: error {size} after {self.iterations} iterations"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What the messages of a run say so far. None, or empty, means that they do not say."""

    process: str = ""
    """The present one: `RasUnsteady`."""
    fraction: float | None = None
    """Of the present process, 0 to 1; goes back where the process counts its stages one by one."""
    simulated: datetime | None = None
    """The latest simulated time; the clock of the model, without zone."""
    share: float = 0.0
    """Of the simulation window, as the solver itself counts it, 0 to 1."""
    troubles: int = 0
    """Computation steps whose iterations ran to their limit."""
    worst: LargestError | None = None
    """The one with the largest error."""
    volume_error_percent: float | None = None
    first_error: str = ""
    """The first line that tells of a failure."""
    unstable: str = ""
    """The first line that tells of a solution gone unstable."""
    finished: bool = False
    """`Finished ... Simulation` was said."""
