"""Whether a result HDF shows what it must. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from rasreconcile.errors import Trouble
from rasreconcile.facts import NO_DATA, DatasetFacts, Difference, FlowKind, HdfFacts, Identity
from rasreconcile.hecras_messages import FINISHED, has_finished, log_errors
from rasreconcile.hecras_versions import means, version_in
from rasreconcile.results.switched_on import later_water_quality, switched_on
from rasreconcile.results.times import started
from rasreconcile.spec import DatasetExpectation, Expectations
from rasreconcile.spelling import name_key

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
_MOST_OF_A_SORT = 5
_SHORTEST_CUT = 12
_ZONES = timedelta(hours=26)
_PATH = "give its path; `results --dataset` lists the paths of a name"


def judge(expect: Expectations, facts: HdfFacts, identity: Identity | None = None) -> tuple[Trouble, ...]:
    """What the result falls short of; empty: it meets every expectation.

    `identity` is what its plan and its run say of it; what the file does not say is not held against it.
    """
    return tuple(_shortfalls(expect, facts, identity))


def _shortfalls(expect: Expectations, facts: HdfFacts, identity: Identity | None) -> Iterator[Trouble]:
    yield from map(Trouble, _unreadable(facts))
    if expect.completed:
        yield from _completion(facts, identity)
    if identity is not None:
        yield from map(Trouble, _identity(facts, identity))
    yield from map(Trouble, _units(expect, facts))
    if expect.profiles is not None and len(facts.profiles) != expect.profiles:
        found, wanted = _many(len(facts.profiles), "steady profile"), expect.profiles
        yield Trouble(f"has {found}, {wanted} {_are(wanted)} expected")
    if expect.volume_error_percent is not None:
        yield from map(Trouble, _volume(expect.volume_error_percent.at_most, facts))
    if expect.water_surface is not None:
        yield from _dataset("water surface", expect.water_surface, facts.water_surface)
    for name, bounds in expect.datasets.items():
        yield from _dataset(name, bounds, facts.datasets.get(name))
    if expect.baseline is not None:
        yield from map(Trouble, _baseline(expect.baseline.water_surface_within, facts.difference))


def _unreadable(facts: HdfFacts) -> Iterator[str]:
    for at in facts.unreadable[:_MOST_OF_A_SORT]:
        yield f"part of the file cannot be read: {_shown(at)}"
    if len(facts.unreadable) > _MOST_OF_A_SORT:
        yield f"and {len(facts.unreadable) - _MOST_OF_A_SORT} more parts cannot be read"


# ---- completion: every sign that is there must say the same, since each alone has lied


def _completion(facts: HdfFacts, identity: Identity | None) -> Iterator[Trouble]:
    if facts.kind is None:
        yield Trouble("holds no results: the computation did not begin, or this is an extract")
        return
    # Linux solvers print what the Windows ones write into the file, whose messages are then of the preparation; and a
    # water quality computation writes its own over them.
    log = (identity.log if identity else None) or ""
    elsewhere = bool(facts.solution) and (has_finished(facts.kind, log) or later_water_quality(facts))
    if facts.messages is not None:
        yield from map(Trouble, _errors(facts.messages))
        if not elsewhere:
            yield from map(Trouble, _messages(facts, facts.kind, facts.messages))
    yield from _solution(facts)
    if facts.processes is not None and not elsewhere and not _has_solver(facts):
        yield Trouble(
            "its list of processes has no solver: a later run failed in preprocessing and left the old results"
        )
    yield from map(Trouble, _populated(facts))
    if identity is not None:
        yield from map(Trouble, switched_on(facts, identity))
    if facts.kind == "unsteady":
        yield from map(Trouble, _to_the_end(facts, identity))


def _errors(messages: str) -> Iterator[str]:
    for line in log_errors(messages)[:_MOST_OF_A_SORT]:
        yield f"its messages report a failure: {_shown(line)}"


def _messages(facts: HdfFacts, kind: FlowKind, messages: str) -> Iterator[str]:
    if not has_finished(kind, messages):
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


def _solution(facts: HdfFacts) -> Iterator[Trouble]:
    if facts.solution is not None and not facts.solution.endswith("Finished Successfully"):
        yield Trouble(f"its solution is {_shown(facts.solution)!r}, '... Finished Successfully' is expected")
    if facts.solution is None and facts.messages is None:
        yield Trouble(
            "has neither a solution record nor compute messages: nothing says that the computation finished"
        )
    if facts.unstable_at is not None:
        yield Trouble(
            f"the solution went unstable at {_shown(facts.unstable_at)}", "look at time step and mesh there"
        )


def _has_solver(facts: HdfFacts) -> bool:
    # `Unsteady Flow Computations` holds the words of the steady solver too, hence the start of the name.
    solver = _SOLVERS[facts.kind] if facts.kind else ""
    names = [process.strip().lower() for process in facts.processes or ()]
    if any(name.startswith(solver) for name in names):
        return True
    return facts.kind != "steady" and any("sediment" in name and "computations" in name for name in names)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _populated(facts: HdfFacts) -> Iterator[str]:
    surface = facts.water_surface
    if surface is not None:
        yield from _has_values(surface)
    elif facts.kind == "steady" or (facts.kind == "unsteady" and facts.last_output is None):
        yield "holds no water surfaces"
    if facts.kind == "steady" and surface is not None:
        if facts.profiles and surface.shape[0] != len(facts.profiles):
            yield f"names {_many(len(facts.profiles), 'profile')} and holds water surfaces of {surface.shape[0]}"
        if 0 < surface.finite < surface.size:
            not_finite = surface.size - surface.finite
            yield f"{not_finite} of {surface.size} water surfaces {_are(not_finite)} not finite"
    lacking = [f"2D area {area}" for area, found in facts.areas.items() if _empty(found)]
    lacking += [f"reach {reach}" for reach, found in facts.reaches.items() if _empty(found)]
    lacking += [f"pipe network {name}" for name, found in facts.pipe_networks.items() if not found]
    for name in lacking[:_MOST_OF_A_SORT]:
        yield f"{_shown(name)} of its geometry has no output"
    if len(lacking) > _MOST_OF_A_SORT:
        yield f"and {len(lacking) - _MOST_OF_A_SORT} more areas, reaches or pipe networks have no output"


def _empty(found: DatasetFacts | None) -> bool:
    return found is None or found.maximum is None or found.maximum < NO_DATA


def _to_the_end(facts: HdfFacts, identity: Identity | None) -> Iterator[str]:
    """Output is written at whole intervals: where the simulation's length is none, its very end has no output."""
    start, end = identity.simulation if identity and identity.simulation else (None, None)
    start, end = start or facts.simulation_start, end or facts.simulation_end
    every = facts.output_interval or timedelta()
    if end is None or facts.last_output is None:
        return
    if facts.last_output < end and facts.last_output + max(every, _CLOCK) <= end:
        yield f"its output ends at {facts.last_output}, the simulation was to end at {end}"
    elif start is not None and every and facts.output_times is not None:
        expected = (end - start + _CLOCK) // every + 1
        if facts.output_times < expected:
            yield f"it has output of {facts.output_times} times, one every {every} from {start} to {end} are {expected}"


def _has_values(surface: DatasetFacts) -> Iterator[str]:
    if surface.maximum is None:
        yield f"none of its {surface.size} water surfaces is finite"
    elif surface.maximum < NO_DATA:
        yield f"its {surface.size} water surfaces are all {surface.maximum:g}, which stands for no data"


# ---- what the spec asks for beside


def _identity(facts: HdfFacts, identity: Identity) -> Iterator[str]:
    inside = _file_name(facts.plan_filename)
    if inside and name_key(inside) != name_key(identity.plan_filename):
        yield f"says it is the result of {_shown(inside)}, not of {identity.plan_filename}"
    if not _same_id(facts.short_id, identity.short_id):
        own = (identity.short_id or "").strip()
        yield f"says its plan's short identifier is {_shown(facts.short_id or '')!r}, not {own!r}"
    for what, said, wanted in (
        ("geometry", facts.geometry_filename, identity.geometry_filename),
        ("flow", facts.flow_filename, identity.flow_filename),
    ):
        name = _file_name(said)
        # 5.0 may give a title here, which says nothing.
        if wanted and re.search(r"\.[gufqGUFQ]\d\d$", name) and name_key(name) != name_key(wanted):
            yield f"says its {what} file is {_shown(name)}, not {wanted}"
    if identity.simulation and facts.kind == "unsteady":
        yield from _window(facts, identity.simulation)
    if identity.program and facts.file_version and not _made_by(identity.program, facts.file_version):
        yield f"was made by {_shown(facts.file_version)!r}, {identity.program} is expected"
    # Clocks of workers have other zones, which are at most 14 hours apart: what this finds is of another day.
    if identity.not_before and facts.run_window and facts.run_window[0] < identity.not_before - _ZONES:
        yield (
            f"its results are of a run at {facts.run_window[0]}, this one was started at"
            f" {identity.not_before:%Y-%m-%d %H:%M:%S} UTC: an old result"
        )


def _window(facts: HdfFacts, wanted: tuple[datetime, datetime]) -> Iterator[str]:
    for what, said, asked in (
        ("begins", facts.simulation_start, wanted[0]),
        ("ends", facts.simulation_end, wanted[1]),
    ):
        if said is not None and said != asked:
            yield f"says its simulation {what} at {said}, the plan's `Simulation Date` {what} at {asked}"


def _file_name(text: str | None) -> str:
    """5.0 writes the whole path; file names of a project differ in case."""
    return re.split(r"[\\/]", text or "")[-1]


def _same_id(said: str | None, wanted: str | None) -> bool:
    short, long = sorted(((said or "").strip(), (wanted or "").strip()), key=len)
    # Older versions cut long identifiers off.
    return not short or short == long or (len(short) >= _SHORTEST_CUT and long.startswith(short))


def _made_by(program: str, said: str) -> bool:
    """`HEC-RAS 6.4` made `HEC-RAS 6.4.1 June 2023`, `rasreconcile steady` any of its own."""
    wanted, found = version_in(program), version_in(said)
    if wanted is None or found is None:
        return wanted is found and said.startswith(program)
    return means(wanted, found)


def _baseline(within: float, found: Difference | None) -> Iterator[str]:
    if found is None:
        yield "was not compared with its baseline"
        return
    for line in found.mismatched[:_MOST_OF_A_SORT]:
        yield f"cannot be compared with the baseline: {_shown(line)}"
    if found.one_sided:
        yield (
            f"{_many(found.one_sided, 'place')} {'has' if found.one_sided == 1 else 'have'} water in one of result and"
            f" baseline only: {_shown(found.one_sided_at)}"
        )
    if found.beyond:
        yield (
            f"water surface differs from the baseline by up to {found.largest:.4g}, at most {within:g} is allowed:"
            f" {found.beyond} of {found.compared} places differ by more, the worst is {_shown(found.worst)}"
        )


def _units(expect: Expectations, facts: HdfFacts) -> Iterator[str]:
    if expect.units is not None and facts.units_system != (wanted := _UNITS[expect.units]):
        yield f"its units are {_shown(facts.units_system or 'not given')}, {wanted} are expected"


def _volume(at_most: float, facts: HdfFacts) -> Iterator[str]:
    found = facts.volume_error_percent
    if found is None:
        yield f"gives no volume accounting error, at most {at_most:g} % is expected"
    elif not abs(found) <= at_most:
        yield f"volume accounting error is {found:.4g} %, at most {at_most:g} % is expected"


def _dataset(name: str, wanted: DatasetExpectation, found: DatasetFacts | None) -> Iterator[Trouble]:
    if found is None:
        several, do = ("", "") if name.startswith("/") else (", or is the name of several fields", _PATH)
        yield Trouble(f"{name}: does not exist, or holds no numbers{several}", do)
        return
    yield from map(Trouble, _bounds(name, wanted, found))


def _bounds(name: str, wanted: DatasetExpectation, found: DatasetFacts) -> Iterator[str]:
    if wanted.shape is not None and found.shape != wanted.shape:
        yield f"{name}: has shape {list(found.shape)}, {list(wanted.shape)} is expected"
    if wanted.finite and found.finite < found.size:
        yield f"{name}: {found.size - found.finite} of {found.size} values {_are(found.size - found.finite)} not finite"
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
