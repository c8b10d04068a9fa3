"""What a result HDF says, as plain values: read once by results.hdf, judged by pure code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

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


@dataclass(frozen=True, slots=True, kw_only=True)
class HdfFacts:
    """Everything verification asks of a HEC-RAS plan HDF. None means that the file does not say.

    Source of the places and strings: HEC-RAS 5.0.3 to 7.0 plan HDFs. Times carry no zone: they are the clock of
    the machine that computed.
    """

    kind: FlowKind | None
    """Which of Results/Steady, Results/Unsteady, Results/Sediment is there; None: no results."""
    file_version: str | None = None
    units_system: str | None = None
    plan_filename: str | None = None
    short_id: str | None = None
    geometry_filename: str | None = None
    flow_filename: str | None = None
    solution: str | None = None
    """`Solution` of the Summary group: 'Steady Finished Successfully'."""
    unstable_at: str | None = None
    """`Time Stamp Solution Went Unstable` where it is not 'Not Applicable'."""
    messages: str | None = None
    """`Results/Summary/Compute Messages (text)`."""
    processes: tuple[str, ...] | None = None
    """Names in `Results/Summary/Compute Processes`."""
    run_window: tuple[datetime, datetime] | None = None
    simulation_end: datetime | None = None
    last_output: datetime | None = None
    """The last `Time Date Stamp` of the unsteady time series."""
    volume_error_percent: float | None = None
    profiles: tuple[str, ...] = ()
    """Names of steady profiles."""
    water_surface: DatasetFacts | None = None
    """Steady: Cross Sections/Water Surface. Unsteady: every Maximum Water Surface of the file, summed up as one."""
    datasets: Mapping[str, DatasetFacts | None] = field(default_factory=dict)
    """The datasets asked for by name; None where absent."""
    unreadable: tuple[str, ...] = ()
    """Objects that could not be read: a file with a damaged interior."""
