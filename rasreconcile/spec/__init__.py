"""The shape of a spec, as pydantic models: what may be written, and what each field means."""

from rasreconcile.spec.base import Secret
from rasreconcile.spec.document import Retries, Spec
from rasreconcile.spec.engines import CommandEngine, EngineSpec, HecRasEngine, SteadyEngine
from rasreconcile.spec.expectations import AtMost, BaselineExpectation, DatasetExpectation, Expectations
from rasreconcile.spec.plans import PlanEntry, StopWhen
from rasreconcile.spec.workers import WorkerBase

__all__ = [
    "AtMost",
    "BaselineExpectation",
    "CommandEngine",
    "DatasetExpectation",
    "EngineSpec",
    "Expectations",
    "HecRasEngine",
    "PlanEntry",
    "Retries",
    "Secret",
    "Spec",
    "SteadyEngine",
    "StopWhen",
    "WorkerBase",
]
