"""The closing lines of an apply: what is blocked is told by its cause, however each plan's note is worded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rasreconcile.failures import FailureCause
from rasreconcile.plans import Address
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Sync, Verdict
from rasreconcile.report.summary import lines


@dataclass
class Ended:
    """An apply that started nothing."""

    decision: Decision
    counts: dict[str, int] = field(default_factory=dict)
    live: tuple[Any, ...] = ()
    kept: frozenset[Any] = frozenset()


def blocked(address: str, phase: Phase, by: Obstacle | FailureCause, note: str) -> Verdict:
    return Verdict(address=Address(address), sync=Sync.MISSING, phase=phase, obstacle=by, note=note)


def test_blocked_plans_are_grouped_by_what_blocks_them() -> None:
    unstable = [
        blocked(
            f"A/p0{n}", Phase.QUARANTINED, FailureCause.UNSTABLE, f"unstable at cell {n}; `retry A/p0{n}`"
        )
        for n in range(1, 4)
    ]
    alike = [blocked(f"B/p0{n}", Phase.HELD, Obstacle.NO_WORKER, "no worker left") for n in (1, 2)]
    alone = [blocked("C/p01", Phase.HELD, Obstacle.NEED_BLOCKED, "needs A/p01, which is quarantined")]
    decision = Decision((*alone, *alike, *unstable), (), (), None)
    assert list(lines("demo.yaml", Ended(decision)))[1:] == [
        "  3 x unstable; the first is A/p01: unstable at cell 1; `retry A/p01`",
        "  2 x no worker left",
        "  1 x needs A/p01, which is quarantined",
    ]
