"""What a page says of a study, as plain records. PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rasreconcile.plans import Address
from rasreconcile.records import WaterChange
from rasreconcile.report.results import Row
from rasreconcile.runs import Run


@dataclass(frozen=True, slots=True)
class Profile:
    """The water along a river, from upstream to downstream as the result has it."""

    name: str
    """Of the steady profile, or `maximum`."""
    sections: tuple[str, ...]
    surface: tuple[float, ...]
    ground: tuple[float, ...]
    """NaN where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDetails:
    """A plan of which the page tells more."""

    address: Address
    why: str
    """Why more is told of it: `failed`, `changed`, `chosen`."""
    verdict: str
    reasons: tuple[str, ...]
    water: tuple[str, ...] = ()
    """What changed when its result took the place of another, in lines."""
    what_changed: tuple[str, ...] = ()
    """Lines of the differences of its inputs between the two."""
    runs: tuple[Run, ...] = ()
    """Newest first."""
    volume_error: float | None = None
    """Percent."""
    profiles: tuple[Profile, ...] = ()
    unit: str = ""
    left_out: str = ""
    """Why no profile is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPage:
    """All that the page is made of."""

    name: str
    at: datetime
    rows: tuple[Row, ...]
    runs: tuple[Run, ...]
    """Of these plans, oldest first."""
    commits: str | None = None
    controller: str | None = None
    """Who is at work now, in words."""
    details: tuple[PlanDetails, ...] = ()
    remarks: tuple[str, ...] = ()
    """What the page leaves out, and why."""

    @property
    def syncs(self) -> Counter[str]:
        """How many plans are current, stale..."""
        return Counter(row.verdict.sync for row in self.rows)

    @property
    def phases(self) -> Counter[str]:
        """How many are running, queued, held... Those at rest are left out."""
        return Counter(row.verdict.phase for row in self.rows if row.verdict.phase != "idle")

    @property
    def health(self) -> str:
        """One word for all of them, as of the last look."""
        if any(row.verdict.phase == "quarantined" for row in self.rows):
            return "degraded"
        if all(row.verdict.sync == "current" and row.verdict.phase == "idle" for row in self.rows):
            return "healthy"
        return "held" if any(row.verdict.phase == "held" for row in self.rows) else "progressing"

    @property
    def spent(self) -> timedelta:
        """Of all runs, whatever became of them: cores times time."""
        took = (run.cores * (run.ended - run.started) for run in self.runs if run.started and run.ended)
        return sum(took, timedelta())


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Plans that failed of one cause."""

    what: str
    remedy: str
    plans: tuple[Address, ...]


def failures(rows: Iterable[Row], runs: Sequence[Run]) -> list[FailureGroup]:
    """Of plans that are not current: what their last run failed of, the commonest cause first."""
    last = {run.address: run for run in runs}
    found: dict[tuple[str, str], list[Address]] = {}
    for row in rows:
        run = last.get(row.verdict.address)
        if row.verdict.sync == "current" or run is None or run.failure is None:
            continue
        trouble = run.failure.trouble
        found.setdefault((trouble.what, trouble.remedy), []).append(run.address)
    groups = [FailureGroup(*cause, tuple(plans)) for cause, plans in found.items()]
    return sorted(groups, key=lambda group: (-len(group.plans), group.what))


def reasons(rows: Iterable[Row]) -> Mapping[str, tuple[Address, ...]]:
    """Why plans are not current, and which."""
    found: dict[str, list[Address]] = {}
    for row in rows:
        if row.verdict.sync == "current":
            continue
        for reason in row.verdict.reasons:
            words = f"{reason.cause} {reason.subject}".strip()
            found.setdefault(words, []).append(row.verdict.address)
    ordered = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return {words: tuple(plans) for words, plans in ordered}


def most_changed(rows: Iterable[Row]) -> list[tuple[Address, WaterChange]]:
    """Plans whose water changed, those that changed most first."""
    found = [
        (row.verdict.address, row.published.water)
        for row in rows
        if row.published and row.published.water and row.published.water.changed
    ]
    return sorted(found, key=lambda pair: -max(pair[1].rise, pair[1].fall))
