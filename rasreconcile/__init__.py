"""Declare which HEC-RAS results must exist; rasreconcile makes it so and says why it did each thing.

In a notebook or a script: `rasreconcile.open("rasreconcile.yaml")`, or `rasreconcile.study("Muncie.prj", ["04"])`; then
`.diff()`, `.apply()`, `.results()`. docs/notebooks.md has all of it. Whatever goes wrong is a `RasReconcileError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasreconcile.api.answers import Changes as Changes
    from rasreconcile.api.answers import Readinesses as Readinesses
    from rasreconcile.api.answers import Status as Status
    from rasreconcile.api.apply import Applied as Applied
    from rasreconcile.api.opening import open as open  # noqa: A004
    from rasreconcile.api.opening import study as study
    from rasreconcile.api.ras_commander import workers_from_json as workers_from_json
    from rasreconcile.api.records import Action as Action
    from rasreconcile.api.records import AdoptedPlan as AdoptedPlan
    from rasreconcile.api.records import PlanState as PlanState
    from rasreconcile.api.records import PrunedResult as PrunedResult
    from rasreconcile.api.records import Readiness as Readiness
    from rasreconcile.api.records import Result as Result
    from rasreconcile.api.records import RunRecord as RunRecord
    from rasreconcile.api.study import Study as Study
    from rasreconcile.api.tables import Table as Table
    from rasreconcile.api.tables import Values as Values
    from rasreconcile.api.upkeep import CleanedUp as CleanedUp
    from rasreconcile.api.upkeep import CleanedWorker as CleanedWorker
    from rasreconcile.api.upkeep import NewSpec as NewSpec
    from rasreconcile.api.upkeep import init as init
    from rasreconcile.api.upkeep import schema as schema
    from rasreconcile.api.workers import Worker as Worker
    from rasreconcile.api.workers import worker as worker
    from rasreconcile.errors import ProjectError as ProjectError
    from rasreconcile.errors import RasReconcileError as RasReconcileError
    from rasreconcile.errors import ResultError as ResultError
    from rasreconcile.errors import SpecError as SpecError
    from rasreconcile.errors import StoreBusy as StoreBusy
    from rasreconcile.errors import StoreError as StoreError
    from rasreconcile.errors import UsageError as UsageError
    from rasreconcile.records import Event as Event

__version__ = "0.1.0"

_HOMES = {
    "api.answers": ("Changes", "Readinesses", "Status"),
    "api.apply": ("Applied",),
    "api.ras_commander": ("workers_from_json",),
    "api.records": ("Action", "AdoptedPlan", "PlanState", "PrunedResult", "Readiness", "Result", "RunRecord"),
    "api.opening": ("open", "study"),
    "api.study": ("Study",),
    "api.tables": ("Table", "Values"),
    "api.upkeep": ("CleanedUp", "CleanedWorker", "NewSpec", "init", "schema"),
    "api.workers": ("Worker", "worker"),
    "errors": (
        "ProjectError",
        "RasReconcileError",
        "ResultError",
        "SpecError",
        "StoreBusy",
        "StoreError",
        "UsageError",
    ),
    "records": ("Event",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

# Not `open`: `from rasreconcile import *` must leave Python's own alone.
__all__ = ["__version__", *sorted({*_HOME} - {"open"})]  # noqa: PLE0604  the names above


def __getattr__(name: str) -> object:
    """Imports what is asked for, and nothing before."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_HOME})
