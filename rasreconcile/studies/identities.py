"""What the result of a plan must say of itself, from the plan's own text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from rasreconcile.errors import ProjectError, ResultError
from rasreconcile.facts import Identity
from rasreconcile.plain_files import whole
from rasreconcile.plans import MISSING, Plan
from rasreconcile.project import breaches, computations, decode, entries, parse_plan
from rasreconcile.results.times import simulation
from rasreconcile.spec import HecRasEngine, SteadyEngine


def of_plan(plan: Plan) -> Identity:
    """From its plan file as it is today. Raises ResultError where that cannot be read."""
    source = next((i.source for i in plan.inputs if i.kind == "plan" and i.raw != MISSING), None)
    try:
        return _identity(plan, whole(source) if source else None)
    except OSError as error:
        raise ResultError(
            f"{source}: {error.strerror or error}", "what its result must say is not known"
        ) from error


def of_run(plan: Plan, text: bytes | None, *, started: datetime, log: str) -> Identity:
    """From the plan file that a run was started with, and from the run."""
    return replace(_identity(plan, text), not_before=started.astimezone(UTC).replace(tzinfo=None), log=log)


def _identity(plan: Plan, text: bytes | None) -> Identity:
    name = f"{plan.stem}.p{plan.number}"
    program: str | None = None
    match plan.engine:
        case HecRasEngine():
            program = f"HEC-RAS {plan.engine.version}"
        case SteadyEngine():
            program = "rasreconcile steady"
        case _:
            pass
    identity = Identity(plan_filename=name, program=program)
    if text is None:
        return identity
    try:
        said = parse_plan(decode(text), name)
    except ProjectError:
        # A program of the user's own may take plan files that HEC-RAS would not; they identify nothing.
        return identity
    of_hec_ras = isinstance(plan.engine, HecRasEngine)
    dates = (e.value for e in entries(decode(text)) if e.key == "Simulation Date" and e.value)
    return replace(
        identity,
        short_id=said.short_id or None,
        geometry_filename=f"{plan.stem}.{said.geometry}" if said.geometry else None,
        flow_filename=f"{plan.stem}.{said.flow}" if said.flow else None,
        simulation=simulation(next(dates, "")),
        # What a program of the user's own leaves is its own business.
        computes=computations(decode(text), name) if of_hec_ras else (),
        breaches=tuple(one.names for one in breaches(decode(text))) if of_hec_ras else (),
    )
