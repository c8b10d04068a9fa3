"""Assessing found results: what each HDF says of itself, beside the texts of its plan; read once for each stat."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rasreconcile.errors import ProjectError, ResultError, Trouble
from rasreconcile.facts import Identity
from rasreconcile.plain_files import whole
from rasreconcile.plans import MISSING, BroughtBack, InputFile, Plan, digest_of
from rasreconcile.project import decode, parse_plan
from rasreconcile.reconcile.adoption import assess
from rasreconcile.reconcile.observed import Assessed, Assessment, FoundResult, HdfEvidence
from rasreconcile.records import FileStat
from rasreconcile.resolve.digests import TEXT_KINDS, stat_of
from rasreconcile.results import expectations, publish
from rasreconcile.results.beside import matching
from rasreconcile.results.receipts import SUFFIX
from rasreconcile.results.times import last_edited
from rasreconcile.studies import identities
from rasreconcile.studies.evidence import facts_of, shown, summary

_READ_AS = "3"
"""Raised whenever the same file would give other evidence."""
_NO_TEXT = frozenset({"project"})
"""HEC-RAS rewrites the .prj whenever a plan is chosen: its time tells nothing."""


@dataclass(slots=True)
class Assessments:
    """Keeps what it read until the file changes."""

    known: dict[Path, Assessed]
    fresh: dict[Path, Assessed] = field(default_factory=dict)
    _edits: dict[str, datetime | None] = field(default_factory=dict)

    def assess(self, plan: Plan) -> Assessment:
        """Of the file at the plan's output. Raises OSError where it is gone."""
        return assess(plan, self.found(plan))

    def found(self, plan: Plan) -> FoundResult:
        """Raises OSError where there is no file."""
        stat = stat_of(plan.output.stat())
        text = " ".join(file.raw for file in plan.inputs if file.kind in {"plan", "geometry"})
        judged_as = digest_of(f"{_READ_AS} {plan.expectation_digest} {plan.stem}.p{plan.number} {text}")
        known = self.known.get(plan.output)
        if known is None or (known.stat, known.judged_as) != (stat, judged_as):
            known = Assessed(plan.output, stat, judged_as, evidence(plan, "summary"))
            self.known[plan.output] = self.fresh[plan.output] = known
        texts = [i for i in plan.inputs if i.kind in TEXT_KINDS - _NO_TEXT and i.raw != MISSING]
        names = {file.kind: file.name for file in texts}
        geometry = next((file for file in texts if file.kind == "geometry"), None)
        return FoundResult(
            evidence=known.evidence,
            modified=_time(stat),
            texts={file.name: at for file in texts if (at := _written(file.source)) is not None},
            short_id=_short_id(texts),
            geometry=names.get("geometry", ""),
            flow=names.get("flow", ""),
            lacking=lacking_beside(plan),
            geometry_edited=self._edited(geometry) if geometry else None,
        )

    def take_fresh(self) -> tuple[Assessed, ...]:
        """What was read since the last call, for the store to remember."""
        fresh = tuple(self.fresh.values())
        self.fresh.clear()
        return fresh

    def _edited(self, geometry: InputFile) -> datetime | None:
        # Hundreds of plans share a geometry.
        if geometry.raw not in self._edits:
            data = _bytes(geometry.source)
            self._edits[geometry.raw] = last_edited(decode(data)) if data is not None else None
        return self._edits[geometry.raw]


def evidence(plan: Plan, thoroughness: publish.Thoroughness) -> HdfEvidence:
    """What the file at the plan's output says of itself, and what it lacks of what is expected of it."""
    try:
        geometry = next((i.source for i in plan.inputs if i.kind == "geometry" and i.raw != MISSING), None)
        facts = facts_of(plan, plan.output, thoroughness, geometry=geometry)
        # Whose it is, and of which version, is weighed by itself: it makes a result suspicious, not unfit.
        whose = identities.of_plan(plan)
        wanted = Identity(
            plan_filename=whose.plan_filename,
            simulation=whose.simulation,
            computes=whose.computes,
            breaches=whose.breaches,
        )
    except ResultError as error:
        trouble = error.trouble
        what = trouble.what.removeprefix(f"{plan.output}: ")
        # What is to be done about a file that is no result is said once, where the plan is held for it.
        return HdfEvidence(shortfalls=(Trouble(what),))
    return HdfEvidence(
        shortfalls=expectations.judge(plan.expect, facts, wanted),
        file_version=facts.file_version,
        short_id=facts.short_id,
        geometry=facts.geometry_filename,
        flow=facts.flow_filename,
        window=facts.run_window,
        geometry_written=facts.geometry_time,
        other_geometry=facts.other_geometry or "",
        summary=summary(facts),
        shown=shown(facts),
    )


def lacking_beside(plan: Plan) -> tuple[str, ...]:
    """What the plan publishes together with its result, and is not there."""
    return tuple(one.published_as for one in plan.brought_back if not found_beside(plan, one))


def found_beside(plan: Plan, one: BroughtBack) -> tuple[str, ...]:
    """The files that stand where a run would publish them, by their names below the result's folder."""
    folder = plan.output.parent
    if one.is_pattern:
        return tuple(name for name in matching(folder, one.name) if not name.endswith(SUFFIX))
    return (one.published_as,) if (folder / one.published_as).is_file() else ()


def _short_id(texts: list[InputFile]) -> str:
    plan = next((file for file in texts if file.kind == "plan"), None)
    data = _bytes(plan.source) if plan else None
    if plan is None or data is None:
        return ""
    try:
        return parse_plan(decode(data), plan.name).short_id
    except ProjectError:
        # That blocks the plan, which the assessment tells.
        return ""


def _bytes(path: Path) -> bytes | None:
    try:
        return whole(path)
    except OSError:
        # It is hashed in the same look: what is wrong with it is told there.
        return None


def _written(path: Path) -> datetime | None:
    try:
        return _time(stat_of(path.stat()))
    except OSError:
        return None


def _time(stat: FileStat) -> datetime:
    return datetime.fromtimestamp(stat.mtime_ns / 1e9, UTC)
