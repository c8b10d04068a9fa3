"""Whether a result that rasreconcile did not produce may be taken under control, and what to do with each. PURE."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rasreconcile.errors import Trouble
from rasreconcile.hecras_versions import means, version_in
from rasreconcile.plans import Address, Plan
from rasreconcile.reasons import Cause, Reason, because
from rasreconcile.reconcile.observed import Assessment, Fitness, FoundResult
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Verdict, held
from rasreconcile.spec import CommandEngine, EngineSpec, HecRasEngine, SteadyEngine
from rasreconcile.spelling import name_key

_ZONES = timedelta(hours=26)
"""Times inside an HDF are some machine's clock, without zone: only a difference beyond any zone proves something."""
_SAME_WRITE = timedelta(seconds=2)
_COPYING = timedelta(hours=1)
"""A folder that was copied or cloned has times of that hour, in any order."""
_MOST_FILES = 3


def assess(plan: Plan, found: FoundResult) -> Assessment:
    """What the file is short of makes it unfit; what may be innocent makes it suspicious."""
    lacking = tuple(
        Trouble(f"{name}, which is published together with it, is not beside it") for name in found.lacking
    )
    if found.evidence.shortfalls or lacking:
        return Assessment(Fitness.UNFIT, (*found.evidence.shortfalls, *lacking))
    against = (
        *map(Trouble, _engine(plan.engine, found)),
        *map(Trouble, _identity(found)),
        *map(Trouble, _geometry(found)),
        *map(Trouble, _times(found)),
        *_inputs(plan),
    )
    return Assessment(Fitness.SUSPICIOUS if against else Fitness.ADOPTABLE, against)


def _engine(engine: EngineSpec, found: FoundResult) -> Iterator[str]:
    said = found.evidence.file_version or ""
    match engine:
        case HecRasEngine(version=wanted):
            version = version_in(said)
            if version is None:
                yield (
                    f"it was made by {said or 'a program it does not name'}, the spec requires HEC-RAS"
                    f" {wanted}"
                )
            elif not means(wanted, version):
                yield f"it was made by {said}, the spec requires HEC-RAS {wanted}"
        case SteadyEngine():
            if not said.startswith("rasreconcile steady"):
                yield (
                    f"it was made by {said or 'a program it does not name'}, the spec requires the steady"
                    " engine"
                )
        case CommandEngine():
            # What a command writes there is its own business.
            return


def _identity(found: FoundResult) -> Iterator[str]:
    evidence = found.evidence
    pairs = (
        ("short identifier", evidence.short_id, found.short_id),
        ("geometry", _file_name(evidence.geometry), found.geometry),
        ("flow file", _file_name(evidence.flow), found.flow),
    )
    for what, said, wanted in pairs:
        if said and wanted and name_key(said.strip()) != name_key(wanted.strip()):
            yield f"its {what} is {said.strip()!r}, the plan's is {wanted.strip()!r}"


def _file_name(said: str | None) -> str:
    # 5.0 writes whole paths, and titles where later versions write file names: a title says nothing of the file.
    name = re.split(r"[\\/]", said or "")[-1]
    return name if re.search(r"\.[guqf]\d\d$", name, re.IGNORECASE) else ""


def _geometry(found: FoundResult) -> Iterator[str]:
    if found.evidence.other_geometry:
        yield f"it was computed from another geometry than today's: {found.evidence.other_geometry}"


def _times(found: FoundResult) -> Iterator[str]:
    if found.evidence.window is not None:
        began, ended = found.evidence.window
        written = found.evidence.geometry_written
        if written is not None and written > ended + _SAME_WRITE:
            yield (
                f"its geometry was written into it {written}, after its results of {ended}: a later run was"
                " started and failed"
            )
        if found.geometry_edited is not None and found.geometry_edited > began:
            yield f"the geometry was edited {found.geometry_edited}, after the run that began {began}"
    newer = sorted(name for name, at in found.texts.items() if at > _trusted_until(found, at))
    if newer:
        more = f" and {len(newer) - _MOST_FILES} more" if len(newer) > _MOST_FILES else ""
        yield (
            f"{', '.join(newer[:_MOST_FILES])}{more} changed after it was written, by their times"
            " (a copy or a git clone resets those)"
        )


def _trusted_until(found: FoundResult, text: datetime) -> datetime:
    """The latest time that a text it was made from may carry."""
    written = found.modified
    ran = None if found.evidence.window is None else found.evidence.window[1]
    if ran is None or written.replace(tzinfo=None) - ran <= _ZONES:
        return written + _SAME_WRITE
    # The file was copied since its run, so its own time tells of the copy; texts copied with it are of that hour.
    if abs(text - written) <= _COPYING:
        return text
    return min(written, (ran + _ZONES).replace(tzinfo=written.tzinfo))


def _inputs(plan: Plan) -> Iterator[Trouble]:
    if plan.blocked_by:
        yield plan.blocked_by[0].led_by("the plan could not be computed today: ")


# ---- what is said of a plan with a found result, and proposed for a whole spec


def may_be_adopted(verdict: Verdict, assessment: Assessment | None) -> bool:
    """Whether a person's word is enough to make the plan current."""
    unknown = any(reason.cause is Cause.UNKNOWN_ORIGIN for reason in verdict.reasons)
    return unknown and assessment is not None and assessment.fitness is not Fitness.UNFIT


def doubts(assessment: Assessment) -> tuple[Reason, ...]:
    """What speaks against adopting the result."""
    cause = Cause.UNFIT if assessment.fitness is Fitness.UNFIT else Cause.SUSPICIOUS
    return because(cause, assessment.reasons)


def found_result(verdict: Verdict, assessment: Assessment | None) -> Verdict:
    """Held: neither run over, nor taken for a result of ours, without a person's word."""
    if assessment is None:
        remedy = "`retry` computes it and replaces the file; or move the file away"
        return held(verdict, Obstacle.UNKNOWN_ORIGIN, Trouble("", remedy))
    match assessment.fitness:
        case Fitness.ADOPTABLE:
            why = Trouble("adoptable", "`adopt` accepts it; `retry` recomputes it")
        case Fitness.SUSPICIOUS:
            why = Trouble("check it", "`adopt` accepts it anyway if it is named; `retry` recomputes it")
        case Fitness.UNFIT:
            why = Trouble("must run", "`retry` computes it and replaces the file")
    verdict = replace(verdict, reasons=(*verdict.reasons, *doubts(assessment)))
    return held(verdict, Obstacle.UNKNOWN_ORIGIN, why)


def with_unfit_file(verdict: Verdict, assessment: Assessment | None) -> Verdict:
    """Of a plan that is held, or quarantined, for something else: that the file that exists is no result."""
    known = any(reason.cause is Cause.UNFIT for reason in verdict.reasons)
    if known or assessment is None or assessment.fitness is not Fitness.UNFIT:
        return verdict
    if verdict.phase not in {Phase.HELD, Phase.QUARANTINED}:
        return verdict
    return replace(verdict, reasons=(*verdict.reasons, *doubts(assessment)))


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person may do about a spec with found results, by plan, in the order of the spec."""

    adopt: tuple[Address, ...] = ()
    run: tuple[Address, ...] = ()
    """Due anyway: `apply` runs them."""
    replace: tuple[Address, ...] = ()
    """Due, but an unfit file stands in the way: `retry` says that it may be replaced."""
    look: tuple[Address, ...] = ()
    """Suspicious: adopt by name, or `retry`."""

    def __bool__(self) -> bool:
        return bool(self.adopt or self.look or self.replace)


def propose(
    verdicts: Sequence[Verdict],
    assessments: Mapping[Address, Assessment],
    copied: Collection[Address] = frozenset(),
) -> Proposal:
    """One place at most for each plan; what is current, running, copied, or blocked for other reasons has none."""
    adopt, run, instead, look = list[Address](), list[Address](), list[Address](), list[Address]()
    for verdict in verdicts:
        assessment = assessments.get(verdict.address)
        if verdict.address in copied:
            continue
        if verdict.phase in {Phase.QUEUED, Phase.BACKOFF}:
            run.append(verdict.address)
        elif verdict.phase is Phase.HELD and assessment and may_be_adopted(verdict, assessment):
            (look if assessment.fitness is Fitness.SUSPICIOUS else adopt).append(verdict.address)
        elif verdict.obstacle is Obstacle.UNKNOWN_ORIGIN and any(
            r.cause is Cause.UNFIT for r in verdict.reasons
        ):
            instead.append(verdict.address)
    return Proposal(adopt=tuple(adopt), run=tuple(run), replace=tuple(instead), look=tuple(look))
