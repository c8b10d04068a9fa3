"""Strictness: whether a result was computed where, and with as many cores as, a run of today would be. PURE."""

from __future__ import annotations

from collections.abc import Sequence

from rasreconcile.plans import Plan
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.observed import WorkerSeen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.verdicts import Sync
from rasreconcile.records import Published


def strayed(
    plan: Plan, published: Published, workers: Sequence[WorkerSeen], policy: Policy
) -> tuple[Reason, ...]:
    """Why the result is not one that a run of today could give.

    A pool may be mixed, and then any of its platforms is as good as another: a result strays where none of the workers
    that the plan may run on has its platform, or would give it as many cores. What was not recorded cannot stray:
    adopted results, and those of before it was recorded.
    """
    mine = [worker for worker in workers if not plan.only_on or worker.name in plan.only_on]
    reasons = []
    if policy.strict_platform and published.platform and (why := _platform(published.platform, mine)):
        reasons.append(Reason(Cause.PLATFORM_CHANGED, "", why))
    if policy.strict_cores and published.cores is not None and (why := _cores(published.cores, plan, mine)):
        reasons.append(Reason(Cause.CORES_CHANGED, "", why))
    return tuple(reasons)


def made_stale(
    sync: Sync, reasons: tuple[Reason, ...], more: tuple[Reason, ...]
) -> tuple[Sync, tuple[Reason, ...]]:
    """The verdict on a result that strays for `more` reasons."""
    if not more:
        return sync, reasons
    # To judge it by other expectations would be of no use: it is computed again.
    rest = tuple(reason for reason in reasons if reason.cause is not Cause.EXPECTATION_CHANGED)
    stale = sync is Sync.CURRENT or (sync is Sync.UNKNOWN and not rest)
    return Sync.STALE if stale else sync, (*rest, *more)


def _platform(computed_on: str, mine: Sequence[WorkerSeen]) -> str | None:
    platforms = list(dict.fromkeys(worker.platform for worker in mine))
    if not platforms or computed_on in platforms:
        return None
    # Which image a worker has that was never reached is not known: it may be this one.
    if None in platforms and computed_on not in {"posix", "windows"}:
        return None
    return f"{computed_on} -> {' or '.join(platform for platform in platforms if platform) or 'an image'}"


def _cores(computed_with: int, plan: Plan, mine: Sequence[WorkerSeen]) -> str | None:
    given = {worker.name: plan.cores or worker.cores_per_plan for worker in mine}
    able = sorted({given[worker.name] for worker in mine if given[worker.name] <= worker.cores_total})
    if not able or computed_with in able:
        return None
    return f"{computed_with} -> {' or '.join(map(str, able))}"
