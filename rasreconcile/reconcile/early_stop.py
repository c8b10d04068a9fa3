"""Whether the messages of a run show that there is no use in continuing it. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rasreconcile.errors import Trouble
from rasreconcile.facts import LogFacts
from rasreconcile.failures import Failure, FailureCause

if TYPE_CHECKING:
    from rasreconcile.spec import StopWhen


def hopeless(when: StopWhen | None, said: LogFacts | None) -> Failure | None:
    """Why the run is to be ended now, and its plan not to be tried again as it is; None: it continues."""
    if when is None or said is None:
        return None
    if when.unstable and said.unstable:
        what = f"went unstable: {said.unstable}{_worst(said)}"
        return _failure(FailureCause.WENT_UNSTABLE, what, "time step and mesh there")
    error, bound = said.volume_error_percent, when.volume_error_percent
    if bound is not None and error is not None and abs(error) > bound:
        what = f"volume accounting error is {error:.4g} %, stop_when allows {bound:g} %"
        return _failure(FailureCause.VOLUME_ERROR, f"{what}{_worst(said)}", "boundaries and time step")
    limit = when.iterations_at_limit
    if limit is not None and said.troubles > limit:
        steps = "step" if said.troubles == 1 else "steps"
        what = f"{said.troubles} computation {steps} ran out of iterations, stop_when allows {limit}"
        return _failure(FailureCause.ITERATIONS_AT_LIMIT, f"{what}{_worst(said)}", "time step and mesh there")
    return None


def _worst(said: LogFacts) -> str:
    if said.worst is None or said.worst.at in said.unstable:
        return ""
    return f"; the largest error was at {said.worst}"


def _failure(cause: FailureCause, what: str, where: str) -> Failure:
    trouble = Trouble(f"{what}; the run was stopped early", f"check {where}")
    return Failure(kind="permanent", cause=cause, trouble=trouble)
