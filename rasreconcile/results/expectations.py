"""Whether a result HDF shows what it must. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from rasreconcile.facts import DatasetFacts, HdfFacts
from rasreconcile.spec import DatasetExpectation, Expectations

FINISHED = {
    "unsteady": "Finished Unsteady Flow Simulation",
    "steady": "Finished Steady Flow Simulation",
    "sediment": "Finished Sediment Transport Simulation",
    "quasi-unsteady": "Finished Sediment Transport Simulation",
}
_SOLVERS = {
    "unsteady": "unsteady flow computations",
    "steady": "steady flow computations",
    "sediment": "sediment computations",
    "quasi-unsteady": "sediment computations",
}
_ERROR = re.compile(
    r"^\s*(?:Message\s*\|\s*)?(?:ERROR:|.*HDF_ERROR|.*encountered an error|.*did not complete|.*failed to converge"
    r"|.*computations were stopped|.*fatal error|.*Geometry Writer Failed|.*Error Processing|forrtl: severe"
    r"|Program execution halted|.*Error with program:)",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"Accounting Error|'wmic' is not recognized|above default range|HDF5-DIAG|Maximum iteration location",
    re.IGNORECASE,
)
_STARTED = re.compile(
    r"Simulation started at:\s*(\d{2}[A-Za-z]{3}\d{4})\s+(\d{1,2}):(\d{2}):(\d{2})(?:\s*([AP]M))?",
    re.IGNORECASE,
)
_SAME_RUN = timedelta(hours=12)
"""A good run's window begins seconds after `Simulation started at`; half a day forgives every preprocessing."""


def log_errors(text: str) -> tuple[str, ...]:
    """The lines of a HEC-RAS log that tell of a failure."""
    return tuple(line.strip() for line in text.splitlines() if _ERROR.match(line) and not _NOISE.search(line))


def judge(expect: Expectations, facts: HdfFacts, *, plan_filename: str | None = None) -> tuple[str, ...]:
    """What the result falls short of, one line each; empty: it meets every expectation."""
    shortfalls = [f"part of the file cannot be read: {place}" for place in facts.unreadable[:5]]
    if expect.completed:
        shortfalls += _completion(facts)
        shortfalls += _identity(facts, plan_filename)
    shortfalls += _units(expect, facts)
    if expect.profiles is not None and len(facts.profiles) != expect.profiles:
        shortfalls.append(f"has {len(facts.profiles)} steady profiles, {expect.profiles} are expected")
    if expect.volume_error_percent is not None:
        shortfalls += _volume(expect.volume_error_percent.at_most, facts)
    if expect.water_surface is not None:
        shortfalls += _dataset("water surface", expect.water_surface, facts.water_surface)
    for name, wanted in expect.datasets.items():
        shortfalls += _dataset(name, wanted, facts.datasets.get(name))
    return tuple(shortfalls)


def _completion(facts: HdfFacts) -> Iterator[str]:
    """HEC-RAS's own evidence; every sign that is there must say the same, since each alone has lied."""
    if facts.kind is None:
        yield "holds no results: the computation did not begin, or this is an extract"
        return
    yield from _messages(facts)
    if facts.solution is not None and not facts.solution.endswith("Finished Successfully"):
        yield f"its solution is {facts.solution!r}"
    if facts.solution is None and facts.messages is None:
        yield "has neither a solution record nor compute messages: nothing says that the computation finished"
    if facts.unstable_at is not None:
        yield f"the solution went unstable at {facts.unstable_at}; look at time step and mesh there"
    if facts.processes is not None and not any(_SOLVERS[facts.kind] in p.lower() for p in facts.processes):
        yield "its list of processes has no solver: a later run failed in preprocessing and left the old results"
    yield from _populated(facts)


def _messages(facts: HdfFacts) -> Iterator[str]:
    if facts.messages is None or facts.kind is None:
        return
    for line in log_errors(facts.messages)[:3]:
        yield f"its messages tell of a failure: {line}"
    if FINISHED[facts.kind] not in facts.messages:
        yield f"its messages do not say {FINISHED[facts.kind]!r}"
    started = _started(facts.messages)
    if started is not None and facts.run_window is not None:
        apart = facts.run_window[0] - started
        if not -timedelta(minutes=1) <= apart <= _SAME_RUN:
            yield (
                f"its messages are of a run that started {started}, its results of one that ran from"
                f" {facts.run_window[0]}: a later run failed and left the old results"
            )


def _populated(facts: HdfFacts) -> Iterator[str]:
    surface = facts.water_surface
    if surface is None and facts.kind in {"steady", "unsteady"}:
        yield "holds no water surfaces"
    elif surface is not None and not surface.finite:
        yield "its water surfaces hold no finite value"
    if facts.kind == "steady" and surface is not None and facts.profiles and len(surface.shape) == 2:
        if surface.shape[0] != len(facts.profiles):
            yield f"names {len(facts.profiles)} profiles and holds water surfaces of {surface.shape[0]}"
        if surface.finite < surface.size:
            yield f"{surface.size - surface.finite} of {surface.size} water surfaces are not finite"
    early = facts.kind == "unsteady" and facts.simulation_end is not None and facts.last_output is not None
    if early and facts.last_output < facts.simulation_end:  # type: ignore[operator]  # both are there
        yield f"its output ends at {facts.last_output}, the simulation was to end at {facts.simulation_end}"


def _identity(facts: HdfFacts, plan_filename: str | None) -> Iterator[str]:
    if plan_filename is None or facts.plan_filename is None:
        return
    inside = re.split(r"[\\/]", facts.plan_filename)[-1]
    if inside.lower() != plan_filename.lower():
        yield f"says it is the result of {inside}, not of {plan_filename}"


def _units(expect: Expectations, facts: HdfFacts) -> Iterator[str]:
    if expect.units is None:
        return
    wanted = {"english": "US Customary", "si": "SI Units"}[expect.units]
    if facts.units_system != wanted:
        yield f"its units are {facts.units_system or 'not given'}, {wanted} are expected"


def _volume(at_most: float, facts: HdfFacts) -> Iterator[str]:
    found = facts.volume_error_percent
    if found is None:
        yield f"gives no volume accounting error, at most {at_most} % is expected"
    elif abs(found) > at_most:
        yield f"volume accounting error is {found:.4g} %, at most {at_most:g} % is expected"


def _dataset(name: str, wanted: DatasetExpectation, found: DatasetFacts | None) -> Iterator[str]:
    if found is None:
        yield f"{name}: is not there, or holds no numbers"
        return
    if wanted.shape is not None and found.shape != wanted.shape:
        yield f"{name}: has shape {list(found.shape)}, {list(wanted.shape)} is expected"
    if wanted.finite and found.finite < found.size:
        yield f"{name}: {found.size - found.finite} of {found.size} values are not finite"
    if wanted.between is None:
        return
    low, high = wanted.between
    if found.minimum is None or found.maximum is None:
        yield f"{name}: holds no finite value, {low:g} to {high:g} are expected"
        return
    if found.minimum < low:
        yield f"{name}: lowest value is {found.minimum:.6g}, at least {low:g} is expected"
    if found.maximum > high:
        yield f"{name}: highest value is {found.maximum:.6g}, at most {high:g} is expected"


def _started(messages: str) -> datetime | None:
    found = _STARTED.search(messages)
    if found is None:
        return None
    hour = int(found[2])
    if found[5] is not None and hour <= 12:
        # HEC-RAS writes both `08:16:24 AM` and `18:16:24 PM`, by locale.
        hour = hour % 12 + (12 if found[5].upper() == "PM" else 0)
    try:
        day = datetime.strptime(found[1].title(), "%d%b%Y")  # noqa: DTZ007  HEC-RAS's times have no zone
    except ValueError:
        return None
    return day + timedelta(hours=hour, minutes=int(found[3]), seconds=int(found[4]))
