"""Plans that need what other plans make: they wait, or are held where waiting would not help. PURE."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.observed import Seen
from rasreconcile.reconcile.twins import has_twin
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Sync, Verdict, held


def after_upstream(
    due: Sequence[Plan],
    verdicts: dict[Address, Verdict],
    seen: Seen,
    *,
    left_out: Collection[Address] = (),
) -> list[Plan]:
    """The due plans whose needs are met; the others wait, or are held where waiting would not help.

    `left_out`: plans that the user does not want to run now.
    """
    ready = []
    for plan in due:
        if not plan.needs:
            ready.append(plan)
            continue
        unmet = [need for need in plan.needs if verdicts[need].sync is not Sync.CURRENT]
        if has_twin(plan, seen):
            unmet = [need for need in unmet if need != plan.prepared_by]
        if stuck := _stuck(plan, verdicts):
            verdicts[plan.address] = stuck
        elif missing := next((need for need in unmet if need in left_out), None):
            why = Trouble(f"needs {missing}, which is left out here", f"apply {missing} too")
            verdicts[plan.address] = held(verdicts[plan.address], Obstacle.NEED_BLOCKED, why)
        elif unmet:
            verdicts[plan.address] = replace(verdicts[plan.address], note=f"waits for {unmet[0]}")
        else:
            ready.append(plan)
    return ready


def _stuck(plan: Plan, verdicts: Mapping[Address, Verdict]) -> Verdict | None:
    """The plan's verdict where waiting for what it needs would not help."""
    blocked = {Phase.HELD, Phase.QUARANTINED}
    unmet = [verdicts[need] for need in plan.needs if verdicts[need].sync is not Sync.CURRENT]
    first = next((need for need in unmet if need.phase in blocked), None)
    if first is None:
        return None
    if first.address == plan.prepared_by:
        why = Trouble(
            f"it is not prepared for the Linux solvers: {first.note} (`logs {first.address}`)", first.remedy
        )
        return held(verdicts[plan.address], Obstacle.NOT_PREPARED, why)
    why = Trouble(f"needs {first.address}, which is {first.phase}", "resolve that first")
    return held(verdicts[plan.address], Obstacle.NEED_BLOCKED, why)


def hold_what_waits_for_the_held(plans: Sequence[Plan], verdicts: dict[Address, Verdict]) -> None:
    """Placement holds plans too, after those that need them were told to wait; and those may be needed by others."""
    waiting = [plan for plan in plans if plan.needs]
    moved = True
    while moved:
        moved = False
        for plan in waiting:
            if verdicts[plan.address].phase is not Phase.QUEUED:
                continue
            if stuck := _stuck(plan, verdicts):
                verdicts[plan.address] = stuck
                moved = True
