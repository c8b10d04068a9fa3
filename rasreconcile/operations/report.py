"""`report`: all that the store knows of a study, for a page; a few result HDFs are read for their profiles."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from rasreconcile.errors import ResultError
from rasreconcile.named_plans import NamedPlans
from rasreconcile.operations.followed import commits_of
from rasreconcile.operations.results import result_rows
from rasreconcile.operations.what_changed import what_changed
from rasreconcile.plans import Address
from rasreconcile.report import water
from rasreconcile.report.costs import NO_PRICES, Prices
from rasreconcile.report.html.study_page import PlanDetails, Profile, StudyPage, failures, most_changed
from rasreconcile.report.results import Row
from rasreconcile.report.told_of_commits import of_commits
from rasreconcile.results import reader_pool
from rasreconcile.runs import Run
from rasreconcile.store.reader import Missing, Reader, opened

Details = Literal["none", "some"]
MOST_FAILED, MOST_CHANGED, MOST_CHOSEN = 20, 20, 50
"""Of how many plans more is told."""
_MOST_RUNS = 50_000
_RUNS_OF_A_PLAN = 10
_MOST_PROFILES = 8
_MOST_SECTIONS = 5_000
_WHERE = ("Steady Profiles/Cross Sections/Water Surface", "Cross Sections/Maximum Water Surface")


def study_page(  # noqa: PLR0913  a study, and what is told of it
    spec: Path,
    state: Path,
    named: NamedPlans,
    *,
    now: datetime,
    details: Details = "some",
    prices: Prices = NO_PRICES,
    missing: Missing = "refuse",
) -> StudyPage:
    """Never reads the project. `state`: the store's file. Raises UsageError, StoreError."""
    rows = tuple(result_rows(state, named, "noted", missing=missing, prices=prices))
    meant = {row.verdict.address for row in rows}
    with opened(state, missing) as reader:
        latest = reader.runs.latest(limit=_MOST_RUNS)
        runs = tuple(run for run in reversed(latest) if run.address in meant)
        controller = reader.controller()
        commits = commits_of(spec, reader)
        told = tuple(_details(reader, rows, runs, named)) if details == "some" else ()
    remarks = [f"of its runs the last {_MOST_RUNS:,} are shown"] if len(latest) == _MOST_RUNS else []
    return StudyPage(
        name=spec.name,
        at=now,
        rows=rows,
        runs=runs,
        commits=of_commits(commits) if commits else None,
        controller=f"process {controller.pid} on {controller.host} is at work" if controller else None,
        details=told,
        remarks=tuple(remarks),
    )


def _details(
    reader: Reader, rows: Sequence[Row], runs: Sequence[Run], named: NamedPlans
) -> Iterator[PlanDetails]:
    by_plan: dict[Address, list[Run]] = {}
    for run in runs:
        by_plan.setdefault(run.address, []).append(run)
    for row, why in _told_of(rows, runs, named):
        yield _of_plan(reader, row, why, by_plan.get(row.verdict.address, []))


def _told_of(rows: Sequence[Row], runs: Sequence[Run], named: NamedPlans) -> Iterator[tuple[Row, str]]:
    by_address = {row.verdict.address: row for row in rows}
    seen: set[Address] = set()
    chosen = list(by_address)[:MOST_CHOSEN] if named.narrowed else []
    failed = [address for group in failures(rows, runs) for address in group.plans][:MOST_FAILED]
    changed = [address for address, _ in most_changed(rows)][:MOST_CHANGED]
    for addresses, why in ((chosen, "chosen"), (failed, "failed"), (changed, "changed")):
        for address in addresses:
            if address not in seen:
                seen.add(address)
                yield by_address[address], why


def _of_plan(reader: Reader, row: Row, why: str, runs: Sequence[Run]) -> PlanDetails:
    published, verdict = row.published, row.verdict
    changes = what_changed(published, reader) if published else ()
    differences = [line for change in changes for line in (change.difference or (f"~ {change.name}",))]
    profiles, left_out = _profiles(row)
    return PlanDetails(
        address=verdict.address,
        why=why,
        verdict=row.state,
        reasons=verdict.told,
        water=tuple(water.lines(published.water)) if published and published.water else (),
        what_changed=tuple(differences),
        runs=tuple(runs[: -_RUNS_OF_A_PLAN - 1 : -1]),
        volume_error=row.shown.volume_error_percent if row.shown else None,
        profiles=profiles,
        unit=(row.shown.unit if row.shown else None) or "",
        left_out=left_out,
    )


# ---- water along the rivers


@dataclass(slots=True)
class _Values:
    """Of one profile, by section in the order of the result."""

    surface: dict[str, float] = field(default_factory=dict)
    depth: dict[str, float] = field(default_factory=dict)


def _profiles(row: Row) -> tuple[tuple[Profile, ...], str]:
    """Of the first profiles; and why there is none."""
    if row.published is None or not row.published.path.is_file():
        return (), ""
    path = row.published.path
    found: dict[str, _Values] = {}
    try:
        for name in _WHERE:
            for profile, section, value in _values(path, name):
                found.setdefault(profile, _Values()).surface[section] = value
            if found:
                for profile, section, value in _values(path, f"{name.rpartition('/')[0]}/Maximum Depth"):
                    found.setdefault(profile, _Values()).depth[section] = value
                break
    except (ResultError, OSError) as error:
        return (), f"No profile is drawn: {error}"
    return tuple(_by_reach(found)), ""


def _values(path: Path, place: str) -> Iterator[tuple[str, str, float]]:
    """(profile, section, value); nothing where the result has no such field."""
    try:
        for index, values in reader_pool.rows(path, place):
            sections = index.get("section")
            if sections is None:
                return
            profiles: Sequence[Any] = index.get("profile") or ["maximum"] * len(values)
            yield from zip(map(str, profiles), map(str, sections), values, strict=True)
    except ResultError as error:
        if "does not exist" not in str(error):
            raise


def _by_reach(found: Mapping[str, _Values]) -> Iterator[Profile]:
    for name in list(found)[:_MOST_PROFILES]:
        values = found[name]
        for reach, sections in _reaches(values.surface):
            surface = tuple(_number(values.surface[one]) for one in sections)
            ground = tuple(
                values.surface[one] - values.depth[one] if one in values.depth else math.nan
                for one in sections
            )
            stations = tuple(one.rpartition(", ")[2] for one in sections)
            yield Profile(f"{name}, {reach}" if reach else name, stations, surface, ground)


def _number(value: float) -> float:
    return value if math.isfinite(value) and value > -9998 else math.nan


def _reaches(sections: Collection[str]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for one in list(sections)[:_MOST_SECTIONS]:
        found.setdefault(one.rpartition(", ")[0], []).append(one)
    yield from found.items()
