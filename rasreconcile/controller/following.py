"""Following the messages of runs while they go on: what is new is read now and then, in lanes of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from rasreconcile.controller.lanes import Answers, Lane
from rasreconcile.engines.registry import engine_of
from rasreconcile.errors import RasReconcileError, Unreachable
from rasreconcile.jobs import RunId, Running, Worker
from rasreconcile.plans import Address, Plan
from rasreconcile.project import decode
from rasreconcile.records import Progress
from rasreconcile.results.log import Reading, Window, done, resumed, simulation_window
from rasreconcile.runs import Run

if TYPE_CHECKING:
    from rasreconcile.controller.site import Site
    from rasreconcile.controller.stations import Station

READ_EVERY = 2.0
"""Seconds between two looks at the messages of a run."""
READ_ON = 0.5
"""As long as there is more than was read at once: a log of hundreds of megabytes is caught up with gently."""
READ_AT_ONCE = 256 << 10
AFTER_AN_ERROR = 15.0
WRITE_EVERY = 2.0
"""Seconds between two notes of it in the store, for `status` and for whoever comes after this controller."""


@dataclass(slots=True)
class Followed:
    """One run."""

    messages: str | None
    window: Window | None
    reading: Reading
    next_read: float
    """Monotonic."""
    at: datetime
    busy: bool = False
    noted: bool = False
    """Whether the store has it as it is."""
    warned: bool = False

    @property
    def done(self) -> float | None:
        return done(self.reading.facts, self.window)


@dataclass(slots=True)
class Following:
    """Only the main thread touches it."""

    answers: Answers
    runs: dict[RunId, Followed] = field(default_factory=dict)
    next_note: float = 0.0
    lanes: dict[str, Lane] = field(default_factory=dict)

    def lane(self, worker: str) -> Lane:
        """Of its own: neither polls nor transfers wait for a long log."""
        if worker not in self.lanes:
            self.lanes[worker] = Lane(f"{worker}-messages", 1, self.answers)
        return self.lanes[worker]

    def close(self) -> None:
        for lane in self.lanes.values():
            lane.close()


def follow_due(site: Site, live: Sequence[Run], plans: Mapping[Address, Plan]) -> None:
    """Reads on where the time has come, takes up runs that have begun, lets go of those that are over."""
    following, monotonic = site.following, site.clock.monotonic()
    for over in following.runs.keys() - {run.id for run in live}:
        del following.runs[over]
    for run in live:
        station, plan = site.stations.get(run.worker), plans.get(run.address)
        if station is None or plan is None or not isinstance(station.statuses.get(run.id), Running):
            continue
        if run.id not in following.runs:
            following.runs[run.id] = _taken_up(site, run, plan, station)
        followed = following.runs[run.id]
        if not followed.busy and station.silent is None and monotonic >= followed.next_read:
            _read(site, run, plan, station)
    _note(site)


def seconds_to_next_read(site: Site) -> float | None:
    """Until there is something to read; None: nothing is followed."""
    waits = [followed.next_read for followed in site.following.runs.values() if not followed.busy]
    return max(min(waits) - site.clock.monotonic(), 0.0) if waits else None


def read_on(read: Callable[[int, int], bytes], reading: Reading) -> tuple[Reading, bool]:
    """The reading with what has come since, at most READ_AT_ONCE; and whether there may be more.

    `read`: (offset, limit) to bytes. A log that was begun anew is read from its beginning; one that is not there
    (yet, or any more) leaves the reading as it is.
    """
    tail = reading.tail
    data = read(reading.offset - len(tail), len(tail) + READ_AT_ONCE)
    if data.startswith(tail):
        return reading.fed(data[len(tail) :]), len(data) == len(tail) + READ_AT_ONCE
    data = read(0, READ_AT_ONCE)
    return (Reading().fed(data), len(data) == READ_AT_ONCE) if data else (reading, False)


def source(worker: Worker, run: RunId, messages: str | None) -> Callable[[int, int], bytes]:
    """Where the messages of a run are read."""
    return partial(worker.read_log, run) if messages is None else partial(worker.read_work, run, messages)


def _taken_up(site: Site, run: Run, plan: Plan, station: Station) -> Followed:
    # A run that ends within READ_EVERY is not worth a look: what it says is read when it is collected.
    begin = site.clock.monotonic() + READ_EVERY
    known = site.store.progress().get(run.id)
    if known is not None:
        reading = resumed(known.facts, known.resume)
        return Followed(known.messages, _window(plan), reading, begin, known.at, noted=True)
    messages = _messages_file(run, plan, station)
    return Followed(messages, _window(plan), Reading(), begin, site.clock.now())


def _messages_file(run: Run, plan: Plan, station: Station) -> str | None:
    try:
        return engine_of(plan).job(plan, station.install(run.cores, plan.engine)).messages
    except RasReconcileError:
        # The project has changed so that no run of today could be made of it: this one goes on, its log is read.
        return None


def _window(plan: Plan) -> Window | None:
    text = next((file for file in plan.inputs if file.kind == "plan"), None)
    try:
        return simulation_window(decode(text.source.read_bytes())) if text else None
    except OSError:
        # It was there when the run was staged; without it the share is what the solver counts.
        return None


def _read(site: Site, run: Run, plan: Plan, station: Station) -> None:
    followed = site.following.runs[run.id]
    followed.busy = True
    before = followed.reading

    def was_read(found: tuple[Reading, bool]) -> None:
        followed.reading, more = found
        followed.busy = False
        followed.at = site.clock.now()
        followed.next_read = site.clock.monotonic() + (READ_ON if more else READ_EVERY)
        if followed.reading != before:
            followed.noted = False
            site.changed |= plan.stop_when is not None

    def failed(error: Exception) -> None:
        followed.busy = False
        followed.next_read = site.clock.monotonic() + AFTER_AN_ERROR
        # A worker that does not answer is the business of polls.
        if not isinstance(error, Unreachable) and not followed.warned:
            followed.warned = True
            site.say("warning", f"its messages cannot be read on {run.worker}: {error}", run.address, run.id)

    read = source(station.worker, run.id, followed.messages)
    site.following.lane(run.worker).do(lambda: read_on(read, before), was_read, failed)


def _note(site: Site) -> None:
    following, monotonic = site.following, site.clock.monotonic()
    if monotonic < following.next_note:
        return
    following.next_note = monotonic + WRITE_EVERY
    fresh = {run: followed for run, followed in following.runs.items() if not followed.noted}
    site.store.note_progress(
        Progress(
            run=run,
            at=followed.at,
            messages=followed.messages,
            facts=followed.reading.facts,
            done=followed.done,
            resume=followed.reading.kept(),
        )
        for run, followed in fresh.items()
    )
    for followed in fresh.values():
        followed.noted = True
