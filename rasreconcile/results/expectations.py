"""Whether a result HDF shows what it must. PURE."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

from rasreconcile.facts import DatasetFacts, FlowKind, HdfFacts
from rasreconcile.plans import digest_of
from rasreconcile.results.messages import is_failure
from rasreconcile.results.times import started
from rasreconcile.spec import DatasetExpectation, Expectations

FINISHED: dict[FlowKind, str] = {
    "unsteady": "Finished Unsteady Flow Simulation",
    "steady": "Finished Steady Flow Simulation",
    "sediment": "Finished Sediment Transport Simulation",
    "quasi-unsteady": "Finished Sediment Transport Simulation",
}
_SOLVERS: dict[FlowKind, str] = {
    "unsteady": "unsteady flow computations",
    "steady": "steady flow computations",
    "sediment": "sediment computations",
    "quasi-unsteady": "sediment computations",
}
_UNITS = {"english": "US Customary", "si": "SI Units"}

_CLOCK = timedelta(seconds=2)
"""Messages and run window are both of whole seconds."""
_LONGEST_PREPARATION = timedelta(hours=12)
"""A good run's solver begins seconds after `Simulation started at`; half a day forgives every preprocessing."""
_NO_DATA = -9998.0
"""HEC-RAS writes -9999 where there is no water."""
_MOST_OF_A_SORT = 5


def digest(expect: Expectations) -> str:
    """sha256 of the expectations as canonical JSON, defaults written out: a default that changes, changes it."""
    return digest_of(json.dumps(expect.model_dump(mode="json"), sort_keys=True))


def log_errors(text: str) -> tuple[str, ...]:
    """The lines of a HEC-RAS log that tell of a failure."""
    return tuple(line.strip() for line in text.splitlines() if is_failure(line))


def judge(
    expect: Expectations, facts: HdfFacts, *, plan_filename: str | None = None, short_id: str | None = None
) -> tuple[str, ...]:
    """What the result falls short of, one line each; empty: it meets every expectation.

    `plan_filename` (`Muncie.p04`) and `short_id` are those of the plan it must be the result of; what the file does
    not say is not held against it.
    """
    shortfalls = [
        f"part of the file cannot be read: {_shown(at)}" for at in facts.unreadable[:_MOST_OF_A_SORT]
    ]
    if len(facts.unreadable) > _MOST_OF_A_SORT:
        shortfalls.append(f"and {len(facts.unreadable) - _MOST_OF_A_SORT} more parts cannot be read")
    if expect.completed:
        shortfalls += _completion(facts)
    shortfalls += _identity(facts, plan_filename, short_id)
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


# ---- completion: every sign that is there must say the same, since each alone has lied


def _completion(facts: HdfFacts) -> Iterator[str]:
    if facts.kind is None:
        yield "holds no results: the computation did not begin, or this is an extract"
        return
    if facts.messages is not None:
        yield from _messages(facts, facts.kind, facts.messages)
    yield from _solution(facts)
    if facts.processes is not None and not _has_solver(facts.processes, _SOLVERS[facts.kind]):
        yield "its list of processes has no solver: a later run failed in preprocessing and left the old results"
    yield from _populated(facts)


def _messages(facts: HdfFacts, kind: FlowKind, messages: str) -> Iterator[str]:
    for line in log_errors(messages)[:_MOST_OF_A_SORT]:
        yield f"its messages tell of a failure: {_shown(line)}"
    if FINISHED[kind] not in messages:
        # `Complete Process` is no evidence: a rerun that failed in preprocessing ends with it too.
        yield f"its messages do not say {FINISHED[kind]!r}"
    begun = started(messages)
    if begun is None or facts.run_window is None:
        return
    if not begun - _CLOCK <= facts.run_window[0] <= begun + _LONGEST_PREPARATION:
        yield (
            f"its messages are of a run that started {begun}, its results of one that ran from"
            f" {facts.run_window[0]}: a later run failed and left the old results"
        )


def _solution(facts: HdfFacts) -> Iterator[str]:
    if facts.solution is not None and not facts.solution.endswith("Finished Successfully"):
        yield f"its solution is {_shown(facts.solution)!r}, '... Finished Successfully' is expected"
    if facts.solution is None and facts.messages is None:
        yield "has neither a solution record nor compute messages: nothing says that the computation finished"
    if facts.unstable_at is not None:
        yield f"the solution went unstable at {_shown(facts.unstable_at)}; look at time step and mesh there"


def _has_solver(processes: tuple[str, ...], solver: str) -> bool:
    # `Unsteady Flow Computations` holds the words of the steady solver too, hence the start of the name.
    return any(process.strip().lower().startswith(solver) for process in processes)


def _populated(facts: HdfFacts) -> Iterator[str]:
    surface = facts.water_surface
    if surface is not None:
        yield from _has_values(surface)
    elif facts.kind == "steady" or (facts.kind == "unsteady" and facts.last_output is None):
        yield "holds no water surfaces"
    if facts.kind == "steady" and surface is not None:
        if facts.profiles and surface.shape[0] != len(facts.profiles):
            yield f"names {len(facts.profiles)} profiles and holds water surfaces of {surface.shape[0]}"
        if 0 < surface.finite < surface.size:
            yield f"{surface.size - surface.finite} of {surface.size} water surfaces are not finite"
    if facts.kind != "unsteady" or facts.simulation_end is None or facts.last_output is None:
        return
    if facts.last_output < facts.simulation_end:
        yield f"its output ends at {facts.last_output}, the simulation was to end at {facts.simulation_end}"


def _has_values(surface: DatasetFacts) -> Iterator[str]:
    if surface.maximum is None:
        yield f"none of its {surface.size} water surfaces is finite"
    elif surface.maximum < _NO_DATA:
        yield f"its {surface.size} water surfaces are all {surface.maximum:g}, which stands for no data"


# ---- what the spec asks for beside


def _identity(facts: HdfFacts, plan_filename: str | None, short_id: str | None) -> Iterator[str]:
    # 5.0 writes the whole path; file names of a project differ in case.
    inside = re.split(r"[\\/]", facts.plan_filename or "")[-1]
    if plan_filename and inside and inside.casefold() != plan_filename.casefold():
        yield f"says it is the result of {_shown(inside)}, not of {plan_filename}"
    if short_id and facts.short_id and facts.short_id.strip() != short_id.strip():
        yield f"says its plan's short identifier is {_shown(facts.short_id)!r}, not {short_id.strip()!r}"


def _units(expect: Expectations, facts: HdfFacts) -> Iterator[str]:
    if expect.units is not None and facts.units_system != (wanted := _UNITS[expect.units]):
        yield f"its units are {_shown(facts.units_system or 'not given')}, {wanted} are expected"


def _volume(at_most: float, facts: HdfFacts) -> Iterator[str]:
    found = facts.volume_error_percent
    if found is None:
        yield f"gives no volume accounting error, at most {at_most:g} % is expected"
    elif not abs(found) <= at_most:
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
    if not found.minimum >= low:
        yield f"{name}: lowest value is {found.minimum:.7g}, at least {low:.7g} is expected"
    if not found.maximum <= high:
        yield f"{name}: highest value is {found.maximum:.7g}, at most {high:.7g} is expected"


def _shown(text: str) -> str:
    """What stands in a file, as a part of one line."""
    words = "".join(c if c.isprintable() else " " for c in text).split()
    line = " ".join(words)
    return line if len(line) <= 200 else f"{line[:199]}…"
