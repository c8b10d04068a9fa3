"""The engine for an `engine:` of the spec."""

from __future__ import annotations

from rasreconcile.engines.command import Command
from rasreconcile.engines.hec_ras.engine import HecRas
from rasreconcile.engines.hec_ras.preparation import hec_ras_for
from rasreconcile.jobs import Engine
from rasreconcile.plans import Plan
from rasreconcile.spec import CommandEngine, EngineSpec, HecRasEngine, SteadyEngine


def engine_for(spec: EngineSpec) -> Engine:
    """The engine that computes what this part of the spec asks for."""
    match spec:
        case SteadyEngine():
            from rasreconcile.engines.steady.engine import Steady  # noqa: PLC0415  only where it is used

            return Steady()
        case CommandEngine():
            return Command(spec)
        case HecRasEngine():
            return HecRas(spec)


def engine_of(plan: Plan) -> Engine:
    """The engine that computes this plan, or prepares what it stands for."""
    return hec_ras_for(plan) if isinstance(plan.engine, HecRasEngine) else engine_for(plan.engine)
