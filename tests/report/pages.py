"""Studies of any size as a page is made of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import Published, ResultSummary, WaterChange
from rasreconcile.report.html.study_page import StudyPage
from rasreconcile.report.results import Row
from rasreconcile.runs import Run, RunState

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TROUBLE = Trouble("it went unstable at 02JAN1900 10:00", "shorten the time step")


def page_of(count: int, name: str = "study.yaml") -> StudyPage:
    """`count` plans, a tenth of them not current, over three days on 64 slots."""
    chance = random.Random(count)
    free: dict[tuple[str, int], datetime] = {}
    rows, runs = [], []
    for number in range(count):
        slot = (f"host{chance.randrange(8)}", chance.randrange(8))
        began = free.get(slot, NOW - timedelta(days=3))
        took = timedelta(seconds=chance.lognormvariate(6, 0.7))
        free[slot] = began + took + timedelta(seconds=5)
        row, run = _plan(chance, number, slot, (began, took))
        rows.append(row)
        runs.append(run)
    return StudyPage(
        name=name, at=NOW, rows=tuple(rows), runs=tuple(sorted(runs, key=lambda run: run.created))
    )


def _plan(
    chance: random.Random, number: int, slot: tuple[str, int], when: tuple[datetime, timedelta]
) -> tuple[Row, Run]:
    began, took = when
    address = Address(f"Basin{number // 99:03}/p{number % 99 + 1:02}")
    sync = chance.choices(["current", "stale", "missing"], [90, 6, 4])[0]
    phase = "idle" if sync == "current" else chance.choice(["queued", "quarantined", "running", "held"])
    failed = phase == "quarantined"
    run = Run(
        id=RunId(f"run-{number}"),
        address=address,
        fingerprint="0" * 64,
        worker=slot[0],
        slot=slot[1],
        cores=2,
        state=RunState.FAILED if failed else RunState.SUCCEEDED,
        reasons=(),
        created=began,
        started=began,
        ended=began + took,
        failure=Failure(kind="permanent", cause=FailureCause.TIME_LIMIT, trouble=TROUBLE) if failed else None,
        predicted=took * chance.lognormvariate(0, 0.2),
    )
    water = WaterChange(compared=10, changed=3, rise=chance.random(), rise_at="x: 1.00 to 2.00", unit="ft")
    published = Published(
        address=address,
        run=run.id,
        path=Path("results") / f"{number}.hdf",
        size=1,
        digest="0" * 64,
        fingerprint="0" * 64,
        components=(),
        expectation_digest="",
        provenance="computed",
        engine="hec-ras 6.6",
        worker=slot[0],
        at=began + took,
        water=water if chance.random() < 0.2 else None,
    )
    verdict = LastVerdict(
        address=address,
        sync=sync,
        phase=phase,
        reasons=() if sync == "current" else (Reason(Cause.INPUT_CHANGED, "Basin.u01", "abc -> def"),),
        next_at=None,
        output=published.path,
        at=NOW,
    )
    return (
        Row(
            verdict=verdict,
            state=sync if phase == "idle" else f"{sync}, {phase}",
            published=published if sync != "missing" else None,
            shown=ResultSummary(max_water_surface=900 + chance.random() * 50, unit="ft"),
            took=took,
            cost=took / timedelta(hours=1) * 2 * 0.03,
        ),
        run,
    )
