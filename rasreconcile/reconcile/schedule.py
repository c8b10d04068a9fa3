"""Which due plans get a slot now, and what to tell the others. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rasreconcile.errors import Trouble
from rasreconcile.placement import Due, Placed, Room, fits, place
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.durations import left
from rasreconcile.reconcile.observed import LiveRun, Seen, WorkerSeen
from rasreconcile.reconcile.policy import InUse, Policy, SetAside, Share, worker_standing
from rasreconcile.reconcile.verdicts import Obstacle


@dataclass(frozen=True, slots=True)
class Failing:
    """How many plans are quarantined, of how many that the spec names."""

    count: int
    total: int

    def why_stop(self, policy: Policy) -> Trouble | None:
        """Why nothing more is dispatched; None: few enough failed."""
        most = policy.max_fails
        limit = most.of(self.total) if isinstance(most, Share) else most
        if limit is None or self.count < limit:
            return None
        plans = f"{self.count} plan" if self.count == 1 else f"{self.count} plans"
        of_all = f" of {self.total} plans" if isinstance(most, Share) else ""
        return Trouble(
            f"{plans} failed and max_fails is {most}{of_all}", "fix those first, or raise max_fails"
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """What placement came to."""

    placed: tuple[Placed, ...]
    held: Mapping[Address, Trouble] = field(default_factory=dict)
    """Plans that no worker of today's can take, and why."""
    held_by: Obstacle = Obstacle.NO_WORKER
    waiting: str = "waits for a free slot"
    opens: tuple[datetime, ...] = ()
    """When workers that are set aside are tried again."""
    next_at: datetime | None = None
    """The first of these, where nobody takes runs before."""
    upcoming: tuple[Placed, ...] = ()
    """Where the next plans would go, were every run of now over: at most one for each slot."""


def make_schedule(
    due: Sequence[Plan], order: Mapping[Address, int], seen: Seen, policy: Policy, *, failing: Failing
) -> Schedule:
    """Places as many due plans as there is room for."""
    if not due:
        return Schedule(())
    if why := failing.why_stop(policy):
        return Schedule((), {plan.address: why for plan in due}, Obstacle.MAX_FAILS)
    standings = {w.name: worker_standing(w, seen.now, policy) for w in seen.workers}
    rooms = [_room(w, seen, standings[w.name]) for w in seen.workers]
    offers = {plan.address: _due(plan, order[plan.address], seen) for plan in due}
    held = _held(offers.values(), rooms, standings, seen)
    at_most = None if policy.max_concurrent is None else max(0, policy.max_concurrent - len(seen.live))
    open_rooms = [r for r in rooms if isinstance(standings[r.worker], InUse) and r.free_slots]
    placed = place(
        [o for a, o in offers.items() if a not in held], open_rooms, policy.placement, at_most=at_most
    )
    seated = {p.address for p in placed} | set(held)
    rest = [o for a, o in offers.items() if a not in seated]
    upcoming = place(rest, [_emptied(r) for r in rooms if _is_full(r, placed, standings)], policy.placement)
    opens = tuple(s.until for s in standings.values() if isinstance(s, SetAside) and s.until)
    in_use = any(isinstance(standing, InUse) for standing in standings.values())
    next_at = None if in_use else min(opens, default=None)
    return Schedule(
        placed,
        held,
        waiting=_waiting(seen, standings, at_most),
        opens=opens,
        next_at=next_at,
        upcoming=upcoming,
    )


def _is_full(room: Room, placed: Sequence[Placed], standings: Mapping[str, InUse | SetAside]) -> bool:
    """Whether the worker is in use to its last slot: what comes next must wait, and may be staged meanwhile."""
    standing = standings[room.worker]
    if not isinstance(standing, InUse) or standing.probing or not (room.busy_for or room.free_slots):
        return False
    return len(room.free_slots) == sum(p.worker == room.worker for p in placed)


def _emptied(room: Room) -> Room:
    slots = tuple(range(len(room.free_slots) + len(room.busy_for)))
    return replace(room, free_slots=slots, free_cores=room.cores_total, busy_for=())


def _room(worker: WorkerSeen, seen: Seen, standing: InUse | SetAside) -> Room:
    here = [live for live in seen.live.values() if live.run.worker == worker.name]
    used = {live.run.slot for live in here}
    free = tuple(slot for slot in range(worker.slots) if slot not in used)
    if worker.unreachable is not None:
        free = ()
    elif isinstance(standing, InUse) and standing.probing:
        free = free[:1] if not here else ()
    return Room(
        worker=worker.name,
        priority=worker.priority,
        free_slots=free,
        free_cores=worker.cores_total - sum(live.run.cores for live in here),
        cores_total=worker.cores_total,
        cores_per_plan=worker.cores_per_plan,
        speed=worker.speed,
        busy_for=tuple(_remaining(live, worker.speed, seen) for live in here),
    )


def _remaining(live: LiveRun, speed: float, seen: Seen) -> timedelta:
    run = live.run
    expected = seen.expected.get(run.address)
    if expected is None:
        expected = _typical(seen)
    so_far = seen.now - run.started if run.started else timedelta()
    return left(so_far, expected / speed, live.done) or timedelta()


def _typical(seen: Seen) -> timedelta:
    lengths = sorted(seen.expected.values())
    return lengths[len(lengths) // 2] if lengths else timedelta(hours=1)


def _held(
    offers: Iterable[Due], rooms: Sequence[Room], standings: Mapping[str, InUse | SetAside], seen: Seen
) -> Mapping[Address, Trouble]:
    """Those that no worker can take, and why; asked once of all that may use the same workers."""
    answers: dict[object, Trouble | None] = {}
    held = {}
    for offer in offers:
        alike = (offer.cores, offer.only_on, offer.address if offer.unable else None)
        if alike not in answers:
            answers[alike] = _impossible(offer, rooms, standings, seen)
        if (why := answers[alike]) is not None:
            held[offer.address] = why
    return held


def _due(plan: Plan, order: int, seen: Seen) -> Due:
    attempts = seen.attempts.get(plan.address, ())
    lost_by = [run.worker for run in attempts if run.failure and run.failure.blame == "worker"]
    unable = [worker.name for worker in seen.workers if plan.address in worker.unable]
    return Due(
        address=plan.address,
        order=order,
        cores=plan.cores,
        only_on=plan.only_on,
        avoid=frozenset(lost_by) if lost_by else frozenset(),
        unable=frozenset(unable) if unable else frozenset(),
        expected=seen.expected.get(plan.address),
    )


def _impossible(
    due: Due, rooms: Sequence[Room], standings: Mapping[str, InUse | SetAside], seen: Seen
) -> Trouble | None:
    able = [room for room in rooms if fits(due, room)]
    if not able and due.unable:
        return next((why for room in rooms if (why := _why_unable(due, room.worker, seen))), None)
    if not able:
        if due.cores is not None:
            cores = "1 core" if due.cores == 1 else f"{due.cores} cores"
            what = f"no worker it may use has {cores}"
            return Trouble(what, "lower `cores` or add a worker")
        return Trouble(f"no worker it may use ({', '.join(due.only_on) or 'any'}) is in the spec")
    out = [standings[room.worker] for room in able]
    given_up = [s for s in out if isinstance(s, SetAside) and s.until is None]
    if len(given_up) == len(out):
        return Trouble(f"no worker left for it: {given_up[0].why}", "apply again when that is fixed")
    return None


def _why_unable(due: Due, name: str, seen: Seen) -> Trouble | None:
    if due.only_on and name not in due.only_on:
        return None
    why = next((w.unable.get(due.address) for w in seen.workers if w.name == name), None)
    return why.led_by(f"{name} cannot run it: ") if why else None


def _waiting(seen: Seen, standings: Mapping[str, InUse | SetAside], at_most: int | None) -> str:
    if at_most == 0:
        return "waiting: max_concurrent reached"
    silent = {w.name: w.unreachable for w in seen.workers if w.unreachable}
    told = [words for name, s in standings.items() if (words := _told(name, s, silent.get(name)))]
    return "; ".join(["waits for a free slot", *told])


def _told(name: str, standing: InUse | SetAside, silent: str | None) -> str | None:
    """What is to be known of a worker that does not take all it could, and when it will again."""
    match standing:
        case SetAside(None, why):
            return f"{name} takes no more runs in this apply ({why})"
        case SetAside(datetime() as until, why):
            return f"{name} is set aside until {until:%H:%M:%S} UTC and is then tried with one run ({why})"
        case InUse() if silent:
            return f"{name} does not answer and is asked again within a minute ({silent})"
        case InUse(probing=True):
            return f"{name} is tried with one run after its faults"
        case _:
            return None
