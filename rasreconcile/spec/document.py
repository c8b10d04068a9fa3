"""The whole spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from reprlib import repr as short
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from rasreconcile.errors import Wrong
from rasreconcile.spec.base import CountOrShare, Duration, Patience, SpecModel, Words, in_words
from rasreconcile.spec.engines import EngineSpec
from rasreconcile.spec.plans import PlanEntry, StopWhen
from rasreconcile.spec.workers import Workers


class Retries(SpecModel):
    """How often, and how soon, a run that failed is tried again."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Runs that may fail before the plan is quarantined; failures of workers do not count."""
    wait: Duration = timedelta(seconds=30)
    """Before the second attempt; doubled before each further one."""
    at_most: Duration = timedelta(minutes=15)
    """The longest wait."""

    @field_validator("at_most")
    @classmethod
    def _not_below_the_first(cls, value: timedelta, others: ValidationInfo) -> timedelta:
        wait = others.data.get("wait", value)
        if value < wait:
            raise Wrong(f"is shorter than `wait` ({in_words(wait)})", "raise it, or lower `wait`")
        return value


def _whole(value: Any) -> Any:
    # `true` and `1.0` equal 1 for Python, and so for Literal.
    if type(value) is not int:
        raise Wrong("is not a version of this format", "write 1")
    return value


class Spec(SpecModel):
    """Which results must exist, what they must show, and who may compute them."""

    version: Annotated[Literal[1], BeforeValidator(_whole)]
    """Of this format."""
    state: Words | None = None
    """The store, relative to the spec file; left out: `.rasreconcile/<name of the spec>.db` beside it."""
    results: Words | None = None
    """Folder for results; left out: the project's own folder, where HEC-RAS would write."""
    path_map: Mapping[Words, Words] = {}
    """Where folders of other machines are here, for paths in projects and in `project`: `'C:\\Models': ../models`."""
    engine: EngineSpec
    """The program that computes the plans, where they name none themselves."""
    max_concurrent: Annotated[int, Field(ge=1)] | None = None
    """Most runs at once over all workers."""
    max_fails: CountOrShare | None = None
    """Stop dispatching when this many plans (`10%`: of all in the spec) are quarantined: a common cause is likely."""
    placement: Literal["prefer", "strict"] = "prefer"
    """`prefer`: longest first, where it finishes first. `strict`: lowest priority number first, in file order."""
    autoclean: bool = True
    """Remove the run directories of runs that succeeded; the last three failed ones of a plan are always kept."""
    strict_platform: bool = False
    """A result is stale where no worker of its plan has the platform, or the image, it was computed on."""
    strict_cores: bool = False
    """A result is stale where no worker of its plan would give it as many cores as it was computed with."""
    salt: str = ""
    """Any change makes every plan stale."""
    stalled_after: Patience | None = None
    """A run that writes nothing for this long, neither log nor files, is ended and retried; left out: never."""
    retries: Retries = Retries()
    """What happens after a run that failed."""
    stop_when: StopWhen | None = None
    """End a run early when its growing messages show that its result will be of no use; left out: never."""
    workers: Workers
    """The places that may compute, each under a name of your choice."""
    plans: Annotated[tuple[PlanEntry, ...], Field(strict=False)]
    """The plan set. Plans are computed in any order that `needs` allows."""

    @field_validator("path_map")
    @classmethod
    def _from_elsewhere(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for prefix in value:
            if re.match(r"\s*(?:[A-Za-z]:|[\\/])", prefix) is None:
                raise Wrong(
                    f"{short(prefix)} is not an absolute path",
                    "write a drive, `C:\\Models`, or a share, `\\\\host\\share`",
                )
        return value

    @field_validator("workers", "plans")
    @classmethod
    def _some(cls, value: Any) -> Any:
        if not value:
            raise Wrong("is empty", "add at least one")
        return value

    @property
    def prices(self) -> Mapping[str, float]:
        """`price_per_core_hour` of the workers that have one."""
        found = {name: worker.price_per_core_hour for name, worker in self.workers.items()}
        return {name: price for name, price in found.items() if price is not None}
