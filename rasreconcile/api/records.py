"""The records of tables: what is said of a plan, a run, an event, a result. Frozen, and without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rasreconcile.reasons import in_words
from rasreconcile.reconcile.verdicts import LastVerdict, Verdict, outlook
from rasreconcile.records import ResultSummary
from rasreconcile.report.results import Row
from rasreconcile.runs import Run


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
    predicted: timedelta | None
    """How long it was expected to take when it was started."""
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
    rise: float | None = None
    """By how much its water is higher at most than that of the result whose place it took; None: there was none."""
    fall: float | None = None
    """By how much it is lower at most."""
    note: str = ""
    """Why there is no result, or why it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether one plan can run."""

    plan: str
    ready: bool
    problems: tuple[str, ...] = ()
    """What would stop it."""
    warnings: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    """Names of the files and values it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedPlan:
    """What came of one result that was to be adopted."""

    plan: str
    what: str
    """`adopted`, `would adopt`, `under control`, `left` or `refused`."""
    why: str = ""
    doubts: tuple[str, ...] = ()
    """What is suspicious of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedResult:
    """A result whose plan is not in the spec any more."""

    plan: str
    hdf: Path
    size: int
    """Bytes."""
    kept_because: str = ""
    """Why it is not removed; empty: it is, or would be."""


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
        predicted=run.predicted,
        reason=in_words(run.reasons),
        failure=str(run.failure.trouble) if run.failure else "",
        run=run.id,
    )


def result_of(row: Row) -> Result:
    """What was noted of a plan's result, or why there is none."""
    published, shown = row.published, row.shown or ResultSummary()
    there = published is not None and row.state != "missing"
    change = published.water if published else None
    return Result(
        plan=row.verdict.address,
        state=row.state,
        hdf=row.hdf if there else None,
        max_water_surface=shown.max_water_surface,
        max_depth=shown.max_depth,
        unit=shown.unit,
        volume_error_percent=shown.volume_error_percent,
        run_seconds=row.took.total_seconds() if row.took is not None else shown.run_seconds,
        worker=published.worker if published else None,
        version=shown.version,
        simulation_start=_model_time(shown.simulation_start),
        simulation_end=_model_time(shown.simulation_end),
        provenance=published.provenance if published else None,
        published=published.at if published else None,
        rise=change.rise if change and change.compared else None,
        fall=change.fall if change and change.compared else None,
        note=row.note,
    )


def _model_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
