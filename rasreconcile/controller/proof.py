"""Collecting a run: fetch its result, prove it, and put it in its place. Runs in a transfer lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath

from rasreconcile.errors import Damaged, PublishHeld, ResultError, Trouble
from rasreconcile.facts import HdfFacts
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Ended, Engine, Fetched, RunEvidence, Worker
from rasreconcile.plans import Component, Plan
from rasreconcile.reconcile.outcome import failure_of, fell_short, for_want_of_room, with_missing_files
from rasreconcile.records import Published
from rasreconcile.results import expectations, publish
from rasreconcile.results.aside import set_aside
from rasreconcile.runs import Run
from rasreconcile.study import identities
from rasreconcile.study.evidence import facts_of, shortfalls, summary
from rasreconcile.study.owners import Owners

ENDLESS = 4 << 30
"""Bytes after which a log is read no further: a host may say that there is always more."""
LONGEST_LOG = 16 << 20
"""Bytes of a log that are judged; of a longer one its beginning and its end."""


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
    beside: tuple[tuple[Path, Path], ...] = ()
    """Side outputs: the temporary file, and the place that it takes before the result takes its own."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A result in its place."""

    published: Published
    aside: Path | None
    """Where the adopted result is kept that it took the place of; None: there was none."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of a run that has ended, and what it printed or wrote as messages."""

    outcome: Proven | Failure
    log: str


def collect(asked: ProofRequest) -> Collected:
    """Raises WorkerError where the worker cannot be asked, OSError where there is no room here."""
    name = _left_as(asked.plan.result_name, asked.status)
    left = RunEvidence(
        ended=asked.status, log=whole_log(asked.worker, asked.run), messages=_messages(asked, name)
    )
    outcome = _prove(asked, name, left)
    if isinstance(outcome, Failure):
        outcome = for_want_of_room(outcome, left, asked.run.worker)
        outcome = with_missing_files(outcome, asked.plan)
    return Collected(outcome, "\n".join(filter(None, (left.log, left.messages))))


def _prove(asked: ProofRequest, name: str, left: RunEvidence) -> Proven | Failure:
    run, plan, status = asked.run, asked.plan, asked.status
    record = status.outputs.get(name)
    if record is None or status.cause != "exited":
        return _failure(asked, left) or _no_result(plan)
    in_place = _digest(plan.output) == record.digest
    temporary = None if in_place else publish.temporary_name(plan.output, run.id)
    if temporary is not None:
        publish.make_folder(plan.output)
        if _digest(temporary) != record.digest:
            fetched = _fetched(asked, name, temporary)
            if fetched.digest != record.digest:
                temporary.unlink(missing_ok=True)
                return _damaged(run, plan.result_name, record.digest, fetched.digest)
    failure, facts = _judge(asked, temporary or plan.output, left)
    if failure is not None or facts is None:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        return failure or _no_result(plan)
    beside = _side_outputs(asked)
    if isinstance(beside, Failure):
        if temporary is not None:
            temporary.unlink(missing_ok=True)
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
        spec=plan.spec,
    )
    return Proven(published, temporary, beside)


def _fetched(asked: ProofRequest, name: str, temporary: Path) -> Fetched:
    """Raises PublishHeld where there is no room for it beside its place; half of it would only take more.

    Raises Damaged where the run has no such file.
    """
    try:
        return asked.worker.fetch(asked.run.id, name, temporary)
    except FileNotFoundError as error:
        if error.filename != name:
            raise
        raise Damaged(f"{name} does not exist, although its run recorded it") from error
    except OSError as error:
        if not publish.says_no_room(error):
            raise
        publish.drop(temporary)
        raise publish.held(temporary.parent / name, error) from error


def _side_outputs(asked: ProofRequest) -> tuple[tuple[Path, Path], ...] | Failure:
    """Brings the files that other plans read of this run beside their places; those that are there already stay."""
    fetched = []
    for place in asked.plan.side_paths:
        name = _left_as(place.name, asked.status)
        record = asked.status.outputs.get(name)
        if record is None:
            return _no_side_output(asked.plan, place.name)
        if _digest(place) == record.digest:
            continue
        temporary = publish.temporary_name(place, asked.run.id)
        if _digest(temporary) != record.digest:
            found = _fetched(asked, name, temporary)
            if found.digest != record.digest:
                temporary.unlink(missing_ok=True)
                return _damaged(asked.run, place.name, record.digest, found.digest)
        fetched.append((temporary, place))
    return tuple(fetched)


def put_in_place(proven: Proven) -> Placed:
    """The proven file takes the place of the last one, and its receipt stands beside it. May be repeated.

    Side outputs go first: where the result is, they are. An adopted result is set aside before: nobody can compute it
    again. Raises PublishHeld where somebody holds the file that is there, or another spec or plan owns it.
    """
    published = proven.published
    other = Owners().other(published.address, published.path, published.spec)
    if other is not None:
        raise PublishHeld(f"cannot be put at {published.path}: {other.what}", other.remedy)
    for temporary, place in proven.beside:
        publish.replace(temporary, place)
    kept = None
    if proven.temporary is not None:
        kept = set_aside(published.path, published.at.date())
        publish.replace(proven.temporary, published.path)
    publish.write_receipts(published)
    return Placed(published, kept)


def copy_result(plan: Plan, source: Published, at: datetime) -> Proven | tuple[str, ...]:
    """The result of a plan with the same fingerprint, copied beside this plan's output; or what it lacks."""
    lacking = shortfalls(plan, source.path)
    sources = [source.path.with_name(name) for name in plan.side_outputs]
    lacking += tuple(f"{path.name} is not beside {source.path}" for path in sources if not path.is_file())
    if lacking:
        return lacking
    publish.make_folder(plan.output)
    temporary = publish.temporary_name(plan.output, source.run)
    size, digest = publish.copy_file(source.path, temporary)
    if digest != source.digest:
        temporary.unlink(missing_ok=True)
        raise ResultError(f"{source.path} changed while it was copied", "it will be checked again")
    copied = replace(
        source,
        address=plan.address,
        path=plan.output,
        size=size,
        components=plan.components,
        expectation_digest=plan.expectation_digest,
        provenance="copied",
        at=at,
        spec=plan.spec,
    )
    beside = [(publish.temporary_name(place, source.run), place) for place in plan.side_paths]
    for path, (aside, _) in zip(sources, beside, strict=True):
        publish.copy_file(path, aside)
    return Proven(copied, temporary, tuple(beside))


def whole_log(worker: Worker, run: Run) -> str:
    """What the run printed; of a very long log the first and the last part."""
    return _whole(partial(worker.read_log, run.id))


def _whole(read: Callable[[int], bytes]) -> str:
    parts: list[bytes] = []
    offset = 0
    while offset < ENDLESS and (chunk := read(offset)):
        parts.append(chunk)
        offset += len(chunk)
        if sum(map(len, parts)) > LONGEST_LOG:
            del parts[len(parts) // 2]
    return b"".join(parts).decode("utf-8", errors="replace")


def _left_as(output: str, status: Ended) -> str:
    """An output's name below `work/`: a job may run in a folder there."""
    return next((name for name in status.outputs if PurePosixPath(name).name == output), output)


def _messages(asked: ProofRequest, result: str) -> str:
    """What the program wrote to the text files among its outputs."""
    parts = []
    for name in sorted(asked.status.outputs):
        if name != result and name.endswith(".txt"):
            read = partial(asked.worker.read_work, asked.run.id, name)
            parts.append(_whole(read))
    return "\n".join(parts)


def _failure(asked: ProofRequest, evidence: RunEvidence) -> Failure | None:
    verdict = asked.engine.judge(evidence)
    return failure_of(asked.status, verdict, time_limit=asked.time_limit)


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


def _lacking(asked: ProofRequest, facts: HdfFacts, log: str) -> tuple[str, ...]:
    identity = identities.of_run(asked.plan, asked.plan_text, started=asked.status.started, log=log)
    return expectations.judge(asked.plan.expect, facts, identity)


def _digest(path: Path) -> str | None:
    try:
        return publish.digest_file(path)[1]
    except FileNotFoundError:
        return None


def _no_result(plan: Plan) -> Failure:
    trouble = Trouble(f"it ended successfully but left no {plan.result_name}", f"see `logs {plan.address}`")
    return Failure(kind="retryable", cause=FailureCause.NO_RESULT, trouble=trouble)


def _no_side_output(plan: Plan, name: str) -> Failure:
    trouble = Trouble(
        f"it ended successfully but left no {name}, which another plan restarts from",
        f"let the plan write it (Write IC File, at that time), then `retry {plan.address}`",
    )
    return Failure(kind="permanent", cause=FailureCause.NO_RESTART_FILE, trouble=trouble)


def _damaged(run: Run, name: str, wanted: str, got: str) -> Failure:
    trouble = Trouble(
        f"{name} arrived from {run.worker} as {got[:12]}, the run recorded {wanted[:12]}",
        "the worker's disk or the connection damages files",
    )
    return Failure(kind="worker", cause=FailureCause.DAMAGED_TRANSFER, trouble=trouble)
