"""What a run leaves besides its result: fetched beside its places, to be published together with the result."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rasreconcile import held_files
from rasreconcile.errors import Damaged, ResultError, Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.hashed_copy import digest_of_file
from rasreconcile.jobs import Ended, Fetched, OutputRecord, Worker
from rasreconcile.output_names import matches
from rasreconcile.plans import BroughtBack, Plan
from rasreconcile.records import FurtherOutput, Published
from rasreconcile.results import publish
from rasreconcile.results.beside import Beside
from rasreconcile.runs import Run


@dataclass(frozen=True, slots=True)
class Left:
    """What a run that has ended left for a plan."""

    run: Run
    plan: Plan
    status: Ended
    worker: Worker


def left_as(output: str, status: Ended) -> str:
    """The result's name below `work/`: a job may run in a folder there."""
    return next((name for name in status.outputs if posixpath.basename(name) == output), output)


def brought_back(left: Left) -> tuple[Beside, ...] | Failure:
    """Brings what the run left beside its places; what is there already stays. Raises what `fetched` does."""
    found: list[Beside] = []
    for one in left.plan.brought_back:
        there = _recorded(left, one)
        if not there:
            drop(found)
            return not_written(left.plan, one)
        for name, record in there.items():
            beside = _beside(left, one, name, record)
            if isinstance(beside, Failure):
                drop(found)
                return beside
            if all(known.output.name != beside.output.name for known in found):
                found.append(beside)
    return tuple(found)


def _recorded(left: Left, one: BroughtBack) -> Mapping[str, OutputRecord]:
    """The files that it means, by the name that each has from the project's folder on: as it is spelled, else in any
    case, as on Windows."""
    there = dict(_inside(left))
    if one.name in there:
        return {one.name: there[one.name]}
    # A pattern does not mean what the run was given.
    given = {left.plan.result_name, *(file.name for file in left.plan.inputs)} if one.is_pattern else set()
    passed_over, wanted = {name.casefold() for name in given}, one.name.casefold()
    return {
        name: record
        for name, record in there.items()
        if matches(name.casefold(), wanted) and name.casefold() not in passed_over
    }


def _inside(left: Left) -> Iterator[tuple[str, OutputRecord]]:
    """What the run left in the folder of its result and below: the rest would be published beside the results."""
    folder = posixpath.dirname(left_as(left.plan.result_name, left.status))
    for name, record in sorted(left.status.outputs.items()):
        inside = posixpath.relpath(name, folder) if folder else name
        if not inside.startswith("../"):
            yield inside, record


def _beside(left: Left, one: BroughtBack, name: str, record: OutputRecord) -> Beside | Failure:
    place = left.plan.output.parent / (name if one.is_pattern else one.published_as)
    output = FurtherOutput(name if one.is_pattern else one.published_as, record.size, record.digest)
    if digest_at(place) == record.digest:
        return Beside(None, output)
    publish.make_folder(place)
    temporary = publish.temporary_name(place, left.run.id)
    if digest_at(temporary) != record.digest:
        folder = posixpath.dirname(left_as(left.plan.result_name, left.status))
        found = fetched(left, posixpath.join(folder, name), temporary)
        if found.digest != record.digest:
            held_files.remove(temporary)
            return damaged(left.run, name, record.digest, found.digest)
    return Beside(temporary, output)


def drop(found: Sequence[Beside]) -> None:
    """Of a run whose outputs are not published."""
    for beside in found:
        if beside.temporary is not None:
            held_files.remove(beside.temporary)


def fetched(left: Left, name: str, temporary: Path) -> Fetched:
    """Raises PublishHeld where there is no room for it beside its place; half of it would only take more.

    Raises Damaged where the run has no such file.
    """
    try:
        return left.worker.fetch(left.run.id, name, temporary)
    except FileNotFoundError as error:
        if error.filename != name:
            raise
        raise Damaged(f"{name} does not exist, although its run recorded it") from error
    except OSError as error:
        if not publish.says_no_room(error):
            raise
        publish.drop(temporary)
        raise publish.held(temporary.parent / name, error) from error


def copied(plan: Plan, source: Published) -> tuple[Beside, ...]:
    """The further outputs of a result with the same inputs, copied beside this plan's places.

    Raises ResultError where one is not what was published with that result, PublishHeld where it cannot be written.
    """
    known = {output.name: output for output in source.beside or ()}
    found: list[Beside] = []
    for one in plan.brought_back:
        wanted = [o for name, o in known.items() if name == one.published_as or _means(one, name)]
        if not wanted:
            drop(found)
            what = f"{one.published_as} was not published with {source.path}"
            raise ResultError(what, "it will be computed")
        for output in wanted:
            place, old = plan.output.parent / output.name, source.path.parent / output.name
            publish.make_folder(place)
            temporary = publish.temporary_name(place, source.run)
            copy = publish.copy_file(old, temporary)
            found.append(Beside(temporary, output))
            if copy != (output.size, output.digest):
                drop(found)
                raise ResultError(f"{old} is not what was published", "it will be computed")
    return tuple(found)


def _means(one: BroughtBack, name: str) -> bool:
    return one.is_pattern and matches(name.casefold(), one.name.casefold())


def digest_at(path: Path) -> str | None:
    """None: there is no such file. Raises OSError."""
    try:
        return digest_of_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def not_written(plan: Plan, one: BroughtBack) -> Failure:
    """Of a run that ended well and did not leave one of its outputs."""
    restart = one.read_by is not None and one.name.endswith(".rst")
    cause = FailureCause.NO_RESTART_FILE if restart else FailureCause.OUTPUT_NOT_WRITTEN
    again = f"then `retry {plan.address}`"
    if one.read_by is None:
        why = ", which its `outputs` name" if not plan.prepares else ""
        do = f"let the plan write it in HEC-RAS, or correct `outputs`; {again}"
    elif restart:
        why = ", which another plan restarts from"
        do = f"let the plan write it (Write IC File, at that time), {again}"
    else:
        why = f", which {one.read_by} reads"
        do = f"let the plan write it in HEC-RAS, or let {one.read_by} read another file; {again}"
    left = f"nothing that matches {one.name}" if one.is_pattern else f"no {one.name}"
    trouble = Trouble(f"it ended successfully but left {left}{why}", do)
    return Failure(kind="permanent", cause=cause, trouble=trouble)


def damaged(run: Run, name: str, wanted: str, got: str) -> Failure:
    """A file that arrived as another one."""
    trouble = Trouble(
        f"{name} arrived from {run.worker} as {got[:12]}, the run recorded {wanted[:12]}",
        "the worker's disk or the connection damages files",
    )
    return Failure(kind="worker", cause=FailureCause.DAMAGED_TRANSFER, trouble=trouble)
