"""What applying would take, before anything runs: hours with a band, and core-hours by worker. PURE.

The future is played with the placement that `apply` uses and the run times that history tells: every plan starts where
and when placement would start it, and ends after its expected time. Faults, retries and transfers are not foreseen.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from rasreconcile.placement import Due, Placed, Room, place
from rasreconcile.plans import Address, Plan, is_preparation
from rasreconcile.reconcile.durations import Estimate, Expectancy, left_of_run
from rasreconcile.reconcile.observed import LiveRun, WorkerSeen
from rasreconcile.reconcile.policy import Policy

_ZERO = timedelta()
_NONE = Estimate(_ZERO, _ZERO, _ZERO)
_OFFERED = 200
"""Waiting plans that are offered at a time, at least: to offer ten thousand whenever a run ends would take minutes."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one study, from now until nothing is left to run."""

    runs: int
    """How many are to be started."""
    left: Estimate
    core_hours: Mapping[str, float]
    """By worker, where it most likely goes; of live runs what is left of them."""
    unplaced: tuple[Address, ...] = ()
    """Plans that no worker can take: they are not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What there is to do, and what it may be done with."""

    due: Sequence[Plan]
    """What is to be started, in the order of the spec."""
    live: Collection[LiveRun]
    workers: Sequence[WorkerSeen]
    policy: Policy
    known: Expectancy
    now: datetime


def forecast(asked: Question) -> Forecast | None:
    """None: there is nothing to run, or no run has succeeded yet that would tell how long one takes."""
    told = {plan.address: _length(plan.address, asked.known) for plan in asked.due}
    lengths = {address: length for address, length in told.items() if length is not None}
    if len(lengths) < len(told) or not (told or asked.live):
        return None
    going = [_left(run, asked) for run in asked.live]
    likely = _Future.of(asked, {a: e.likely for a, e in lengths.items()}, [e.likely for e in going])
    low = _Future.of(asked, {a: e.low for a, e in lengths.items()}, [e.low for e in going])
    high = _Future.of(asked, {a: e.high for a, e in lengths.items()}, [e.high for e in going])
    unplaced = (*(due.address for due in likely.waiting), *likely.blocked)
    return Forecast(
        runs=len(told) - len(unplaced),
        left=Estimate(likely.now, min(low.now, likely.now), max(high.now, likely.now)),
        core_hours=likely.core_hours,
        unplaced=unplaced,
    )


def makespan(asked: Question, lengths: Mapping[Address, timedelta]) -> timedelta:
    """How long it takes where runs take so long at speed 1.0, whatever is expected of them; nothing is running yet."""
    return _Future.of(asked, lengths, []).now


def _length(address: Address, known: Expectancy) -> Estimate | None:
    """A preparation that never ran is over in no time, beside what it prepares."""
    found = known.estimate(address)
    return _NONE if found is None and is_preparation(address) else found


def _left(live: LiveRun, asked: Question) -> Estimate:
    """Of a run that is going. What nothing is known of is as good as over."""
    run = live.run
    so_far = asked.now - run.started if run.started else timedelta()
    return left_of_run(so_far, asked.known.estimate(run.address), live.done) or _NONE


@dataclass(slots=True)
class _Future:
    """Time goes from one end of a run to the next."""

    rooms: dict[str, Room]
    policy: Policy
    lengths: Mapping[Address, timedelta]
    waiting: list[Due] = field(default_factory=list)
    """In the order in which placement looks at them."""
    blocked: dict[Address, tuple[Due, set[Address]]] = field(default_factory=dict)
    """Plans that may not start yet, and what they still need."""
    needed_by: dict[Address, list[Address]] = field(default_factory=dict)
    ends: list[tuple[timedelta, int, Placed]] = field(default_factory=list)
    now: timedelta = timedelta()
    core_hours: dict[str, float] = field(default_factory=dict)
    _number: count[int] = field(default_factory=count)

    @classmethod
    def of(cls, asked: Question, lengths: Mapping[Address, timedelta], going: Sequence[timedelta]) -> _Future:
        """Played to its end."""
        rooms = {worker.name: _room(worker, asked.known) for worker in asked.workers}
        future = cls(rooms, asked.policy, lengths)
        for live, left in zip(asked.live, going, strict=True):
            run = live.run
            if run.worker in rooms:
                future._begin(Placed(run.address, run.worker, run.slot, run.cores), left)
        to_come = {plan.address for plan in asked.due} | {live.run.address for live in asked.live}
        for order, plan in enumerate(asked.due):
            expected = asked.known.estimate(plan.address)
            due = _due(plan, order, expected.likely if expected else None, asked.workers)
            needs = to_come.intersection(plan.needs) - {plan.address}
            if needs:
                future.blocked[plan.address] = (due, needs)
                for need in needs:
                    future.needed_by.setdefault(need, []).append(plan.address)
            else:
                future.waiting.append(due)
        future._sort()
        future._play()
        return future

    def _play(self) -> None:
        self._start()
        while self.ends:
            self.now = self.ends[0][0]
            over = []
            while self.ends and self.ends[0][0] == self.now:
                _, _, placed = heapq.heappop(self.ends)
                room = self.rooms[placed.worker]
                slots = (*room.free_slots, placed.slot)
                self.rooms[placed.worker] = replace(
                    room, free_slots=slots, free_cores=room.free_cores + placed.cores
                )
                over.append(placed.address)
            self._let_go(over)
            self._start()

    def _start(self) -> None:
        """What placement would start now."""
        most = self.policy.max_concurrent
        at_most = None if most is None else max(0, most - len(self.ends))
        if not self.waiting or at_most == 0:
            return
        busy: dict[str, list[timedelta]] = {}
        for end, _, placed in self.ends:
            busy.setdefault(placed.worker, []).append(end - self.now)
        rooms = [replace(room, busy_for=tuple(busy.get(name, ()))) for name, room in self.rooms.items()]
        if not any(room.free_slots for room in rooms):
            return
        some = max(_OFFERED, 4 * sum(len(room.free_slots) for room in rooms))
        started = place(self.waiting[:some], rooms, self.policy.placement, at_most=at_most)
        if not started and len(self.waiting) > some:
            some = len(self.waiting)
            started = place(self.waiting, rooms, self.policy.placement, at_most=at_most)
        for one in started:
            speed = self.rooms[one.worker].speed
            self._begin(one, self.lengths[one.address] / speed)
        gone = {one.address for one in started}
        self.waiting[:some] = [due for due in self.waiting[:some] if due.address not in gone]

    def _begin(self, placed: Placed, lasts: timedelta) -> None:
        room = self.rooms[placed.worker]
        slots = tuple(slot for slot in room.free_slots if slot != placed.slot)
        self.rooms[placed.worker] = replace(room, free_slots=slots, free_cores=room.free_cores - placed.cores)
        spent = placed.cores * lasts / _HOUR
        self.core_hours[placed.worker] = self.core_hours.get(placed.worker, 0.0) + spent
        heapq.heappush(self.ends, (self.now + lasts, next(self._number), placed))

    def _let_go(self, over: Collection[Address]) -> None:
        """Plans that needed only these may start."""
        free = []
        for need in over:
            for address in self.needed_by.pop(need, ()):
                due, needs = self.blocked[address]
                needs.discard(need)
                if not needs:
                    free.append(due)
                    del self.blocked[address]
        if free:
            self.waiting += free
            self._sort()

    def _sort(self) -> None:
        if self.policy.placement == "strict":
            self.waiting.sort(key=lambda due: due.order)
        else:
            self.waiting.sort(key=lambda due: (due.expected is not None, -(due.expected or _ZERO), due.order))


def _room(worker: WorkerSeen, known: Expectancy) -> Room:
    """All of it free."""
    return Room(
        worker=worker.name,
        priority=worker.priority,
        free_slots=() if worker.unfit else tuple(range(worker.slots)),
        free_cores=worker.cores_total,
        cores_total=worker.cores_total,
        cores_per_plan=worker.cores_per_plan,
        speed=known.speed(worker.name),
    )


def _due(plan: Plan, order: int, expected: timedelta | None, workers: Sequence[WorkerSeen]) -> Due:
    unable = frozenset(worker.name for worker in workers if plan.address in worker.unable)
    return Due(
        address=plan.address,
        order=order,
        cores=plan.cores,
        only_on=plan.only_on,
        unable=unable,
        expected=expected,
    )
