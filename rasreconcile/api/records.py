"""The records of tables: what is said of a plan, a run, an event, a result. Frozen, and without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rasreconcile.facts import HdfFacts
from rasreconcile.reasons import in_words
from rasreconcile.reconcile.verdicts import LastVerdict, Verdict, outlook
from rasreconcile.records import Published
from rasreconcile.report.results import unit
from rasreconcile.runs import Run

_HUNDRED_A_D = 1000
"""Steady results of 6.3 say that their simulation is of the year 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """What is said of one plan."""

    plan: str
    """Its address: `Muncie/p04`."""
    sync: str
    """`current`, `stale`, `missing`, `invalid` or `unknown`."""
    phase: str
    """`idle`, `queued`, `running`, `backoff`, `held` or `quarantined`."""
    reasons: tuple[str, ...] = ()
    """Why it is not current."""
    note: str = ""
    """What comes next, or what a person must do."""
    next_at: datetime | None = None
    """When it is looked at again."""
    seen: datetime | None = None
    """When this was found; None: just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that `apply` would do."""

    action: str
    """`record`, `verify`, `copy`, `run` or `collect`."""
    plan: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One attempt of one plan."""

    plan: str
    state: str
    """`starting`, `running`, `publishing`, `succeeded`, `failed`, `lost` or `cancelled`."""
    worker: str
    cores: int
    created: datetime
    started: datetime | None
    ended: datetime | None
    took: timedelta | None
    reason: str
    """Why it was started."""
    failure: str
    """Why it did not succeed."""
    run: str
    """Its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one plan. None: not published, or its file does not say."""

    plan: str
    state: str
    """Its sync, and its phase where it is on its way; `missing` where the file was removed since."""
    hdf: Path | None = None
    max_water_surface: float | None = None
    max_depth: float | None = None
    unit: str | None = None
    """Of lengths: `ft` or `m`."""
    volume_error_percent: float | None = None
    run_seconds: float | None = None
    worker: str | None = None
    version: str | None = None
    simulation_start: datetime | None = None
    """The clock of the model, without a zone."""
    simulation_end: datetime | None = None
    provenance: str | None = None
    """`computed`, `copied`, `recalled` or `adopted`."""
    published: datetime | None = None
    note: str = ""
    """Why there is no result, or why it cannot be read."""


def state_of(verdict: Verdict) -> PlanState:
    """What a look has just found."""
    return PlanState(
        plan=verdict.address,
        sync=str(verdict.sync),
        phase=str(verdict.phase),
        reasons=tuple(map(str, verdict.reasons)),
        note=outlook(verdict.note, verdict.remedy),
        next_at=verdict.next_at,
    )


def last_state_of(verdict: LastVerdict) -> PlanState:
    """What the last apply found."""
    return PlanState(
        plan=verdict.address,
        sync=verdict.sync,
        phase=verdict.phase,
        reasons=tuple(map(str, verdict.reasons)),
        note=outlook(verdict.note, verdict.remedy),
        next_at=verdict.next_at,
        seen=verdict.at,
    )


def run_record(run: Run) -> RunRecord:
    """A run of the store."""
    return RunRecord(
        plan=run.address,
        state=str(run.state),
        worker=run.worker,
        cores=run.cores,
        created=run.created,
        started=run.started,
        ended=run.ended,
        took=run.ended - run.started if run.started and run.ended else None,
        reason=in_words(run.reasons),
        failure=str(run.failure.trouble) if run.failure else "",
        run=run.id,
    )


def result_of(
    verdict: LastVerdict, published: Published | None, took: timedelta | None, facts: HdfFacts | str
) -> Result:
    """`facts`: what the file says, or why that is not known."""
    state = verdict.sync if verdict.phase == "idle" else f"{verdict.sync}, {verdict.phase}"
    if published is None:
        return Result(plan=verdict.address, state=state, note=(verdict.told or ("",))[-1])
    gone = not published.path.exists()
    known = Result(
        plan=verdict.address,
        state="missing" if gone else state,
        hdf=None if gone else published.path,
        run_seconds=took.total_seconds() if took is not None else None,
        worker=published.worker,
        provenance=published.provenance,
        published=published.at,
        note=facts if isinstance(facts, str) else "",
    )
    return known if isinstance(facts, str) else _with(known, facts)


def _with(known: Result, facts: HdfFacts) -> Result:
    surface, start, end = facts.water_surface, facts.simulation_start, facts.simulation_end
    dated = start is not None and start.year >= _HUNDRED_A_D
    took = known.run_seconds
    if took is None and facts.run_window is not None:
        took = max((facts.run_window[1] - facts.run_window[0]).total_seconds(), 0.0)
    return Result(
        plan=known.plan,
        state=known.state,
        hdf=known.hdf,
        max_water_surface=surface.maximum if surface else None,
        max_depth=facts.maximum_depth,
        unit=unit(facts),
        volume_error_percent=facts.volume_error_percent,
        run_seconds=took,
        worker=known.worker,
        version=facts.file_version,
        simulation_start=start if dated else None,
        simulation_end=end if dated else None,
        provenance=known.provenance,
        published=known.published,
    )
