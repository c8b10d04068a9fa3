"""The one door for work given to lanes: sets the mark, removes it, sorts what went wrong, and has it decided again.

Callers say only what is special: what the lane does, and what follows from it. A lane runs `Work.do`; all else runs in
the main thread, once the mark is removed. Whether it is a change (`Session.change`), says who records what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rasreconcile.controller.connected_workers import ConnectedWorker
from rasreconcile.controller.in_flight import K, Marks
from rasreconcile.controller.lanes import Lane
from rasreconcile.controller.session import Session
from rasreconcile.errors import Trouble, Unreachable
from rasreconcile.plans import Plan
from rasreconcile.runs import Run

T = TypeVar("T")

TRY_AGAIN = 5.0
"""Seconds before something is tried again after the worker, or this disk, failed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[T]):
    """What a lane does, and what follows from what it brings."""

    lane: Lane
    do: Callable[[], T]
    then: Callable[[T], None]
    failed: Callable[[Exception], None]


def work_on_run(
    session: Session,
    run: Run,
    work: Work[T],
    *,
    unanswered: Callable[[Exception], None] | None = None,
    again: float | None = TRY_AGAIN,
) -> None:
    """Leaves the run alone until the lane has finished.

    A worker that is Unreachable falls silent, and the run is put off for `again` seconds (None: it is left to the next
    poll); `unanswered` comes before that. `Work.failed` follows any other error.
    """

    def failed(error: Exception) -> None:
        if not isinstance(error, Unreachable):
            work.failed(error)
            return
        if unanswered is not None:
            unanswered(error)
        if again is not None:
            put_off(session, session.in_flight.runs, run.id, again)
        fell_silent(session, session.workers[run.worker], error)

    _give(session.in_flight.runs, run.id, _deciding(session, work, failed))


def work_on_plan(session: Session, plan: Plan, work: Work[T]) -> None:
    """Leaves the plan alone until the lane has finished: its result is verified or copied here."""
    _give(session.in_flight.plans, plan.address, _deciding(session, work, work.failed))


def ask_worker(
    session: Session,
    worker: ConnectedWorker,
    do: Callable[[], T],
    then: Callable[[T], None],
    *,
    marks: Marks[str],
    unanswered: Callable[[Exception], None] | None = None,
) -> None:
    """Asks the worker how it is. Any error is its silence; `unanswered` follows that."""

    def failed(error: Exception) -> None:
        fell_silent(session, worker, error)
        if unanswered is not None:
            unanswered(error)

    _give(marks, worker.name, Work(lane=worker.control, do=do, then=then, failed=failed))


def work_aside(marks: Marks[K], key: K, work: Work[T]) -> None:
    """No decision waits for it or follows it, and polls see whether the worker is silent."""
    _give(marks, key, work)


def put_off(session: Session, marks: Marks[K], key: K, seconds: float = TRY_AGAIN) -> None:
    """It is not tried again for so long."""
    marks.again_at[key] = session.clock.monotonic() + seconds


def hold(session: Session, marks: Marks[K], key: K, why: Trouble) -> Literal["first", "again"]:
    """Puts it off for a reason that the user sees. Again it is no change: else the loop would never end for it."""
    first = key not in marks.why
    marks.why[key] = why
    put_off(session, marks, key)
    if first:
        session.change()
    session.decide_again()
    return "first" if first else "again"


def fell_silent(session: Session, worker: ConnectedWorker, error: Exception) -> None:
    """It gave no answer: reported when it begins, and asked again later each time."""
    if worker.silent is None:
        session.say("worker-silent", f"{worker.name}: {error}")
        session.change()
    worker.fell_silent(str(error), session.clock)
    session.decide_again()


def _deciding(session: Session, work: Work[T], failed: Callable[[Exception], None]) -> Work[T]:
    def then(result: T) -> None:
        work.then(result)
        session.decide_again()

    def wrong(error: Exception) -> None:
        failed(error)
        session.decide_again()

    return Work(lane=work.lane, do=work.do, then=then, failed=wrong)


def _give(marks: Marks[K], key: K, work: Work[T]) -> None:
    marks.take(key)

    def then(result: T) -> None:
        marks.give_back(key)
        work.then(result)

    def failed(error: Exception) -> None:
        marks.give_back(key)
        work.failed(error)

    work.lane.do(work.do, then, failed)
