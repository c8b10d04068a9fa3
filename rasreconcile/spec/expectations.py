"""What a result HDF must show before it counts as a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from rasreconcile.errors import Wrong
from rasreconcile.spec.base import SpecModel, Words


class AtMost(SpecModel):
    """A bound on the absolute value."""

    at_most: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """The bound; the value may be as large, positive or negative."""


class DatasetExpectation(SpecModel):
    """What one numeric dataset must show; its presence is demanded by naming it."""

    finite: bool = False
    """Every value is finite (cells that are dry and NaN fail this)."""
    between: Annotated[tuple[float, float], Field(strict=False)] | None = None
    """Smallest and largest value allowed among the finite ones, in the units of the dataset."""
    shape: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] | None = None
    """Exact lengths, one for each dimension."""

    @field_validator("between")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[0] > value[1]:
            raise Wrong("the first number is larger than the second", "give [lowest, highest]")
        return value


class BaselineExpectation(SpecModel):
    """Another result of the same model, from which the water surfaces may differ only so far."""

    file: Words
    """An HDF, or a folder that holds one of the result's own name; relative to the spec file."""
    water_surface_within: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Largest absolute difference, in the unit of the results: of steady profiles at every section, of unsteady
    maxima at every cell and section. Water in one of the two only is a difference too."""


class Expectations(SpecModel):
    """What the result of a plan must show. The defaults ask for a completed HEC-RAS computation."""

    completed: bool = True
    """The HDF carries HEC-RAS's own evidence of a completed computation. `false` for results that are not HEC-RAS's."""
    units: Literal["english", "si"] | None = None
    """Unit system of the result; left out: either."""
    profiles: Annotated[int, Field(ge=1)] | None = None
    """Number of steady profiles."""
    volume_error_percent: AtMost | None = None
    """Unsteady: bound on the absolute overall volume accounting error."""
    water_surface: DatasetExpectation | None = None
    """Steady: water surface at cross sections. Unsteady: every maximum water surface of the file, taken together."""
    baseline: BaselineExpectation | None = None
    """Another result that this one must agree with."""
    datasets: Mapping[str, DatasetExpectation] = {}
    """By full path in the HDF, or by the name of a field: `Water Surface`."""
