"""The whole spec."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from rasreconcile.spec.base import Duration, Model
from rasreconcile.spec.engines import EngineSpec
from rasreconcile.spec.plans import PlanEntry
from rasreconcile.spec.workers import Workers


class Retries(Model):
    """How often, and how soon, a run that failed is tried again."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Runs that may fail before the plan is quarantined; failures of workers do not count."""
    wait: Duration = timedelta(seconds=30)
    """Before the second attempt; doubled before each further one."""
    at_most: Duration = timedelta(minutes=15)
    """The longest wait."""


class Spec(Model):
    """Which results must exist, what they must show, and who may compute them."""

    version: Literal[1]
    """Of this format."""
    state: str | None = None
    """The store, relative to the spec file; left out: `.rasreconcile/<name of the spec>.db` beside it."""
    results: str | None = None
    """Folder for results; left out: the project's own folder, where HEC-RAS would write."""
    engine: EngineSpec
    max_concurrent: Annotated[int, Field(ge=1)] | None = None
    """Most runs at once over all workers."""
    max_fails: Annotated[int, Field(ge=1)] | None = None
    """Stop dispatching when this many plans are quarantined: a common cause is likely."""
    placement: Literal["prefer", "strict"] = "prefer"
    """`prefer`: longest first, where it finishes first. `strict`: lowest priority number first, in file order."""
    autoclean: bool = True
    """Remove the run directories of runs that succeeded; the last three failed ones of a plan are always kept."""
    strict_platform: bool = False
    """A result computed on another platform is stale."""
    strict_cores: bool = False
    """A result computed with another number of cores is stale."""
    salt: str = ""
    """Any change makes every plan stale."""
    retries: Retries = Retries()
    workers: Workers
    plans: Annotated[tuple[PlanEntry, ...], Field(strict=False)]

    @field_validator("workers", "plans")
    @classmethod
    def _some(cls, value: Any) -> Any:
        if not value:
            raise ValueError("names none; add one")
        return value
