"""Answers that are a table and more: what would be done, what is, what stands in the way, what was removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rasreconcile.api.records import (
    Action,
    AdoptedPlan,
    PlanState,
    PrunedResult,
    Readiness,
    RunRecord,
    last_state_of,
    run_record,
    state_of,
)
from rasreconcile.api.tables import Table
from rasreconcile.plans import is_preparation
from rasreconcile.report.text import counted, how_many, many

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rasreconcile.operations.adopt import Answer
    from rasreconcile.operations.check import Findings
    from rasreconcile.operations.diff import Diff
    from rasreconcile.operations.prune import Leavers
    from rasreconcile.operations.status import State
    from rasreconcile.reconcile.forecast import Forecast


@dataclass(frozen=True, repr=False, eq=False)
class Changes(Table[PlanState]):
    """What apply would do: every plan as it is now, and the actions."""

    actions: Table[Action] = field(default_factory=lambda: Table(Action, ()))
    work: bool = False
    """Whether apply would do anything."""
    health: str = ""
    """`healthy`, `progressing` or `stalled`."""
    forecast: Forecast | None = None
    """How long applying may take, with a band, and core-hours by worker.

    None: nothing to run, or nothing tells; of more than a thousand plans it is asked for with `what_if`."""


@dataclass(frozen=True, repr=False, eq=False)
class Status(Table[PlanState]):
    """What the last apply found, and what runs now."""

    running: Table[RunRecord] = field(default_factory=lambda: Table(RunRecord, ()))
    controller: int | None = None
    """The process that works on the study now."""


@dataclass(frozen=True, repr=False, eq=False)
class Readinesses(Table[Readiness]):
    """Whether each plan can run, and each worker is ready."""

    fit: bool = True
    """Whether all of them are."""
    workers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What would stop a run on each worker; nothing: it is ready."""
    results: tuple[str, ...] = ()
    """Why results could not be put in their places."""


def changes_of(name: str, seen: Diff, *, of_many: bool) -> Changes:
    """`name`: of the spec. `of_many`: forecast however many plans there are to run."""
    from rasreconcile.report import changeset  # noqa: PLC0415  pydantic only where needed

    verdicts = [v for v in seen.decision.verdicts if not is_preparation(v.address)]
    actions = tuple(
        Action(action=one["action"], plan=one["plan"], note=one["note"])
        for one in changeset.actions_of(seen.decision, seen.recalled)
    )
    plans = how_many(v.address for v in seen.decision.verdicts)
    return Changes(
        PlanState,
        tuple(map(state_of, verdicts)),
        f"{name}: {plans}: {counted((str(v.sync) for v in verdicts), changeset.SYNCS)}",
        Table(Action, actions),
        changeset.has_work(seen.decision),
        str(seen.decision.health),
        seen.forecast(of_many=of_many),
    )


def status_of(state: State) -> Status:
    """What the store says."""
    verdicts = [v for v in state.verdicts if not is_preparation(v.address)]
    if not verdicts:
        caption = "no plan has been checked yet; run apply()"
    else:
        words = list(dict.fromkeys(v.sync for v in verdicts))
        caption = f"{how_many(v.address for v in verdicts)}: {counted((v.sync for v in verdicts), words)}"
    caption += f"; {many(len(state.live), 'run')} running" if state.live else ""
    return Status(
        PlanState,
        tuple(map(last_state_of, verdicts)),
        caption,
        Table(RunRecord, tuple(map(run_record, state.live))),
        state.controller.pid if state.controller else None,
    )


def readiness_of(found: Findings) -> Readinesses:
    """What `check` found."""
    rows = tuple(
        Readiness(
            plan=plan.address,
            ready=not found.stops(plan),
            problems=tuple(map(str, found.stops(plan))),
            warnings=tuple(map(str, plan.warnings)),
            inputs=tuple(one.name for one in plan.inputs),
        )
        for plan in found.plans
    )
    workers = {name: tuple(map(str, troubles)) for name, troubles in found.workers.items()}
    told = [f"worker {name}: {'; '.join(troubles)}" for name, troubles in workers.items() if troubles]
    results = tuple(map(str, found.results))
    return Readinesses(Readiness, rows, "\n".join([*told, *results]), found.fit, workers, results)


def adopted_of(answers: Iterable[Answer]) -> Table[AdoptedPlan]:
    """What came of each result."""
    return Table(
        AdoptedPlan,
        tuple(
            AdoptedPlan(
                plan=one.address,
                what=one.what,
                why=str(one.why or ""),
                doubts=tuple(map(str, one.assessment.reasons)) if one.assessment else (),
            )
            for one in answers
        ),
    )


def pruned_of(found: Leavers) -> Table[PrunedResult]:
    """Results that left the spec."""
    return Table(
        PrunedResult,
        tuple(
            PrunedResult(
                plan=one.published.address,
                hdf=one.published.path,
                size=one.published.size,
                kept_because=one.kept_because or "",
            )
            for one in found.all
        ),
    )
