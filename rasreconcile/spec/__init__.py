"""The shape of a spec, as pydantic models: what may be written, and what each field means."""

from rasreconcile.spec.engines import CommandEngine, EngineSpec, HecRasEngine, SteadyEngine
from rasreconcile.spec.expectations import AtMost, DatasetExpectation, Expectations

__all__ = [
    "AtMost",
    "CommandEngine",
    "DatasetExpectation",
    "EngineSpec",
    "Expectations",
    "HecRasEngine",
    "SteadyEngine",
]
