"""Collecting a run: fetch its result, prove it, and put it in its place. Runs in a transfer lane."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from rasreconcile import held_files
from rasreconcile.controller.brought_back import (
    Left,
    brought_back,
    copied,
    damaged,
    digest_at,
    fetched,
    left_as,
)
from rasreconcile.errors import ResultError, Trouble
from rasreconcile.facts import HdfFacts
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Ended, Engine, RunEvidence, Worker
from rasreconcile.plans import Component, Plan, prepared_of, without_prepared
from rasreconcile.reconcile.outcome import failure_of, fell_short, for_want_of_room, with_missing_files
from rasreconcile.records import Published, WaterChange
from rasreconcile.results import expectations, publish, reader_pool
from rasreconcile.results.aside import set_aside
from rasreconcile.results.beside import Beside, put_beside
from rasreconcile.results.receipts import read_receipt, receipt_path
from rasreconcile.runs import Run
from rasreconcile.studies import identities
from rasreconcile.studies.evidence import facts_of, shortfalls, shown, summary
from rasreconcile.studies.messages import whole
from rasreconcile.studies.owners import refuse_other, taking

_MESSAGES = re.compile(r"(?<!\.data_errors)\.txt$")
_DATA_ERRORS = re.compile(r"\.data_errors\.txt$")
_SOLVER_LOG = re.compile(r"\.bco[0-9]{2}$", re.IGNORECASE)
_TOLD = re.compile(r"_?msgs\.txt$|\.data_errors\.txt$|\.bco[0-9]{2}$", re.IGNORECASE)
"""What HEC-RAS tells of a run is read also where the spec wants it brought back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRequest:
    """All that is needed to prove the result of a run."""

    run: Run
    plan: Plan
    """As it is today: where the result goes and what it must show."""
    components: tuple[Component, ...]
    """As they were when the run was started: what the result is a result of."""
    status: Ended
    engine: Engine
    worker: Worker
    at: datetime
    platform: str
    """Where it was computed, as the result records it."""
    time_limit: timedelta
    """What the run was allowed on its worker."""
    plan_text: bytes | None = None
    """The plan file that the run was started with."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A result that met its expectations, beside its destination or already in it."""

    published: Published
    temporary: Path | None
    """None: it is in its place."""
    beside: tuple[Beside, ...] = ()
    """Further outputs, which take their places before the result takes its own."""
    patterns: tuple[str, ...] = ()
    """Of further outputs: what they mean beside an older result does not stay."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A result in its place."""

    published: Published
    aside: Path | None
    """Where the adopted result is kept that it took the place of; None: there was none."""
    kept: tuple[Path, ...] = ()
    """Where files are kept that rasreconcile had not published, and whose places further outputs took."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of a run that has ended, and what it printed or wrote as messages."""

    outcome: Proven | Failure
    log: str


def collect(asked: ProofRequest) -> Collected:
    """Raises WorkerError where the worker cannot be asked, OSError where there is no room here."""
    name = left_as(asked.plan.result_name, asked.status)
    left = RunEvidence(
        ended=asked.status,
        log=whole_log(asked.worker, asked.run),
        messages=_texts(asked, _MESSAGES, but=name),
        solver_log=_texts(asked, _SOLVER_LOG, but=name),
        data_errors=_texts(asked, _DATA_ERRORS, but=name),
    )
    outcome = _prove(asked, name, left)
    if isinstance(outcome, Failure):
        outcome = for_want_of_room(outcome, left, asked.run.worker)
        outcome = with_missing_files(outcome, asked.plan)
    told = (left.log, left.messages, left.data_errors, left.solver_log)
    return Collected(outcome, "\n".join(filter(None, told)))


def _prove(asked: ProofRequest, name: str, left: RunEvidence) -> Proven | Failure:
    run, plan, status = asked.run, asked.plan, asked.status
    record = status.outputs.get(name)
    if record is None or status.cause != "exited":
        return _failure(asked, left) or _no_result(plan)
    in_place = digest_at(plan.output) == record.digest
    temporary = None if in_place else publish.temporary_name(plan.output, run.id)
    if temporary is not None:
        publish.make_folder(plan.output)
        if digest_at(temporary) != record.digest:
            arrived = fetched(_left(asked), name, temporary)
            if arrived.digest != record.digest:
                held_files.remove(temporary)
                return damaged(run, plan.result_name, record.digest, arrived.digest)
    failure, facts = _judge(asked, temporary or plan.output, left)
    if failure is not None or facts is None:
        if temporary is not None:
            held_files.remove(temporary)
        return failure or _no_result(plan)
    water = None if temporary is None else _water_change(temporary, plan.output)
    beside = brought_back(_left(asked))
    if isinstance(beside, Failure):
        if temporary is not None:
            held_files.remove(temporary)
        return beside
    published = Published(
        address=plan.address,
        run=run.id,
        path=plan.output,
        size=record.size,
        digest=record.digest,
        fingerprint=run.fingerprint,
        components=asked.components,
        expectation_digest=plan.expectation_digest,
        provenance="computed",
        engine=asked.engine.identity,
        worker=run.worker,
        at=asked.at,
        platform=asked.platform,
        cores=run.cores,
        summary=summary(facts),
        shown=shown(facts),
        spec=plan.spec,
        beside=tuple(one.output for one in beside),
        water=water,
    )
    return Proven(published, temporary, beside, _patterns(plan))


def _water_change(path: Path, before: Path) -> WaterChange | None:
    """From the result whose place it is going to take; None: there is none. That one's faults are not this one's."""
    if not before.is_file():
        return None
    try:
        known = read_receipt(before)
        found = reader_pool.water_change(path, before)
    except (ResultError, OSError) as error:
        return WaterChange(not_compared=f"the result before it: {error}")
    return replace(found, since=known.run if known else None)


def _left(asked: ProofRequest) -> Left:
    return Left(asked.run, asked.plan, asked.status, asked.worker)


def _patterns(plan: Plan) -> tuple[str, ...]:
    return tuple(one.name for one in plan.brought_back if one.is_pattern)


def put_in_place(proven: Proven) -> Placed:
    """The proven file takes the place of the last one, and its receipt stands beside it. May be repeated.

    Further outputs go first: where the result is, they are, and no older one is. An adopted result is set aside before:
    nobody can compute it again. Raises PublishHeld where somebody holds the file that is there, or another spec or plan
    owns it.
    """
    published, what = proven.published, f"cannot be put at {proven.published.path}"
    if receipt_path(published.path).exists():
        refuse_other(published, what=what)
        return _put(proven)
    # Two that begin together see no receipt of each other: the later one is to find that of the other.
    with taking(published, what=what):
        return _put(proven)


def _put(proven: Proven) -> Placed:
    published = proven.published
    kept = put_beside(published, proven.beside, proven.patterns)
    aside = None
    if proven.temporary is not None:
        aside = set_aside(published.path, published.at.date())
        publish.replace(proven.temporary, published.path)
    publish.write_receipts(published)
    return Placed(published, aside, kept)


def copy_result(plan: Plan, source: Published, at: datetime) -> Proven | tuple[Trouble, ...]:
    """The result of a plan with the same fingerprint, copied beside this plan's output; or what it lacks.

    Raises ResultError where it is not what was published, or not all that this plan wants was published with it.
    """
    lacking = shortfalls(plan, source.path)
    if lacking:
        return lacking
    publish.make_folder(plan.output)
    temporary = publish.temporary_name(plan.output, source.run)
    size, digest = publish.copy_file(source.path, temporary)
    try:
        if digest != source.digest:
            raise ResultError(f"{source.path} changed while it was copied", "it will be checked again")
        beside = copied(plan, source)
    except ResultError:
        held_files.remove(temporary)
        raise
    copy = replace(
        source,
        address=plan.address,
        path=plan.output,
        size=size,
        components=(*without_prepared(plan.components), *prepared_of(source.components)),
        expectation_digest=plan.expectation_digest,
        provenance="copied",
        at=at,
        spec=plan.spec,
        beside=tuple(one.output for one in beside),
        water=_water_change(temporary, plan.output),
    )
    return Proven(copy, temporary, beside, _patterns(plan))


def whole_log(worker: Worker, run: Run) -> str:
    """What the run printed; of a very long log the first and the last part."""
    return whole(partial(worker.read_log, run.id))


def _texts(asked: ProofRequest, pattern: re.Pattern[str], *, but: str) -> str:
    """What the program wrote to those of its outputs that are of this kind, and are not only brought back."""
    parts = []
    for name in sorted(asked.status.outputs):
        is_own = posixpath.basename(name) in asked.plan.side_outputs and not _TOLD.search(name)
        if name != but and pattern.search(name) and not is_own:
            read = partial(asked.worker.read_work, asked.run.id, name)
            parts.append(whole(read))
    return "\n".join(parts)


def _failure(asked: ProofRequest, evidence: RunEvidence) -> Failure | None:
    verdict = asked.engine.judge(evidence)
    return failure_of(asked.status, verdict, time_limit=asked.time_limit, engine=asked.plan.engine)


def _judge(asked: ProofRequest, path: Path, left: RunEvidence) -> tuple[Failure | None, HdfFacts | None]:
    try:
        facts = facts_of(asked.plan, path, "every dataset")
    except ResultError as error:
        said = error.trouble.what.replace(str(path), asked.plan.result_name)
        trouble = Trouble(f"its result cannot be read: {said}", f"see `logs {asked.plan.address}`")
        return Failure(kind="retryable", cause=FailureCause.UNREADABLE_RESULT, trouble=trouble), None
    failure = _failure(asked, replace(left, hdf=facts))
    if failure is None and (lacking := _lacking(asked, facts, left.log)):
        failure = fell_short(lacking)
    return failure, facts


def _lacking(asked: ProofRequest, facts: HdfFacts, log: str) -> tuple[Trouble, ...]:
    identity = identities.of_run(asked.plan, asked.plan_text, started=asked.status.started, log=log)
    return expectations.judge(asked.plan.expect, facts, identity)


def _no_result(plan: Plan) -> Failure:
    trouble = Trouble(f"it ended successfully but left no {plan.result_name}", f"see `logs {plan.address}`")
    return Failure(kind="retryable", cause=FailureCause.NO_RESULT, trouble=trouble)
