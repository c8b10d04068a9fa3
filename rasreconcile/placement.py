"""Which due plan goes to which free slot. PURE.

`strict` fills the lowest priority number first, in the order of the spec, as compute_parallel_remote does.
`prefer` starts the longest expected run first, where it finishes first; a slow slot stays idle where waiting for a
fast one is better.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from rasreconcile.plans import Address

UNKNOWN_LENGTH = timedelta(hours=1)
"""Stands in where no run of any plan has ended yet: then every plan is as long as every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A plan that may start now."""

    address: Address
    order: int
    """Its place in the spec."""
    cores: int | None = None
    """None: what the worker gives each plan."""
    only_on: tuple[str, ...] = ()
    avoid: frozenset[str] = frozenset()
    """Workers that lost it before: only where nothing else is left."""
    unable: frozenset[str] = frozenset()
    """Workers that cannot run it at all."""
    expected: timedelta | None = None
    """At speed 1.0; None: unknown, and counted as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is free on a worker."""

    worker: str
    priority: int
    free_slots: tuple[int, ...]
    free_cores: int
    cores_total: int
    cores_per_plan: int
    speed: float = 1.0
    busy_for: tuple[timedelta, ...] = ()
    """How much longer each of its live runs is expected to take."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A plan and its slot."""

    address: Address
    worker: str
    slot: int
    cores: int


def place(
    due: Sequence[Due],
    rooms: Sequence[Room],
    mode: Literal["prefer", "strict"],
    *,
    at_most: int | None = None,
) -> tuple[Placed, ...]:
    """The runs to start now, at most `at_most`; the rest waits. No slot is used twice, no core promised twice."""
    free = [_Free.of(room) for room in sorted(rooms, key=lambda r: (r.priority, r.worker))]
    ordered = _in_order(due, mode)
    known = sorted(d.expected for d in due if d.expected is not None)
    median = known[len(known) // 2] if known else UNKNOWN_LENGTH
    placed: list[Placed] = []
    for plan in ordered:
        if (at_most is not None and len(placed) >= at_most) or not any(f.slots for f in free):
            break
        chosen = _choose(plan, free, mode, plan.expected or median)
        if chosen is not None:
            placed.append(chosen)
    return tuple(placed)


def fits(plan: Due, room: Room) -> bool:
    """Whether the worker could ever run the plan, were all of it free."""
    named = room.worker not in plan.unable and (not plan.only_on or room.worker in plan.only_on)
    return named and (plan.cores or room.cores_per_plan) <= room.cores_total


def _in_order(due: Sequence[Due], mode: Literal["prefer", "strict"]) -> list[Due]:
    if mode == "strict":
        return sorted(due, key=lambda d: d.order)
    longest = timedelta.max
    by_order = sorted(due, key=lambda d: d.order)
    return sorted(by_order, key=lambda d: longest if d.expected is None else d.expected, reverse=True)


@dataclass(slots=True)
class _Free:
    """The room of one worker while plans are being placed."""

    room: Room
    slots: list[int]
    cores: int
    ends: list[timedelta] = field(default_factory=list)
    """A heap: when each busy slot is expected to come free."""

    @classmethod
    def of(cls, room: Room) -> _Free:
        ends = list(room.busy_for)
        heapq.heapify(ends)
        return cls(room, sorted(room.free_slots), room.free_cores, ends)

    def cores_for(self, plan: Due) -> int:
        return plan.cores or self.room.cores_per_plan

    def has_room(self, plan: Due) -> bool:
        return bool(self.slots) and self.cores >= self.cores_for(plan)

    def finish(self, plan: Due, length: timedelta) -> timedelta:
        """When the plan would be done here, from now."""
        wait = timedelta() if self.has_room(plan) else (self.ends[0] if self.ends else timedelta.max)
        if wait == timedelta.max:
            return wait
        return wait + length / self.room.speed

    def take(self, plan: Due, length: timedelta) -> Placed:
        cores = self.cores_for(plan)
        self.cores -= cores
        heapq.heappush(self.ends, length / self.room.speed)
        return Placed(plan.address, self.room.worker, self.slots.pop(0), cores)

    def reserve(self, length: timedelta) -> None:
        """The plan waits for the slot that comes free first; those behind it see it taken."""
        soonest = heapq.heappop(self.ends)
        heapq.heappush(self.ends, soonest + length / self.room.speed)


def _choose(
    plan: Due, free: Sequence[_Free], mode: Literal["prefer", "strict"], length: timedelta
) -> Placed | None:
    allowed = [f for f in free if fits(plan, f.room)]
    candidates = [f for f in allowed if f.room.worker not in plan.avoid] or allowed
    if mode == "strict":
        first = next((f for f in candidates if f.has_room(plan)), None)
        return first.take(plan, length) if first else None
    best = min(candidates, key=lambda f: (f.finish(plan, length), f.room.priority), default=None)
    if best is None or best.finish(plan, length) == timedelta.max:
        return None
    if best.has_room(plan):
        return best.take(plan, length)
    best.reserve(length)
    return None
