"""What the controller is told to do, each with the reason the user will see. PURE."""

from __future__ import annotations

from dataclasses import dataclass

from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Absent, Ended, Running, Vanished
from rasreconcile.plans import Plan
from rasreconcile.reasons import Reason
from rasreconcile.records import Published
from rasreconcile.runs import Run


@dataclass(frozen=True, slots=True)
class Start:
    """Give the plan a new run on this slot."""

    plan: Plan
    worker: str
    slot: int
    cores: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """The run is recorded, its worker has not heard of it: start it again under the same name."""

    run: Run
    plan: Plan


@dataclass(frozen=True, slots=True)
class Note:
    """The worker says that the run is running: write it down."""

    run: Run
    status: Running


@dataclass(frozen=True, slots=True)
class Collect:
    """The run has ended: fetch, verify, publish, or learn why not."""

    run: Run
    plan: Plan
    status: Ended


@dataclass(frozen=True, slots=True)
class Finish:
    """The controller ended while this run was being published: finish or repeat that."""

    run: Run
    plan: Plan | None
    status: Ended | Absent | Vanished


@dataclass(frozen=True, slots=True)
class Lose:
    """The worker no longer has the run."""

    run: Run
    failure: Failure


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the run on its worker; that it has ended is seen in a later look."""

    run: Run
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Its messages show that the result will be of no use: write down why, then end it on its worker."""

    run: Run
    failure: Failure


@dataclass(frozen=True, slots=True)
class Fail:
    """The run was ended early, for this reason, and is over: close its record."""

    run: Run
    failure: Failure
    status: Ended | Absent | Vanished


@dataclass(frozen=True, slots=True)
class Abandon:
    """Nobody wants the run any more, and nothing of it is running: close its record."""

    run: Run
    cause: FailureCause


@dataclass(frozen=True, slots=True)
class Verify:
    """The expectations changed: judge the published file again, without running."""

    plan: Plan
    published: Published


@dataclass(frozen=True, slots=True)
class Reuse:
    """Another plan has the same fingerprint and a good result: publish a copy of it."""

    plan: Plan
    source: Published


@dataclass(frozen=True, slots=True)
class Recall:
    """The receipt beside the output matches it: write it into the store again."""

    plan: Plan
    published: Published


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """The result is what was published, and its receipt is gone: write it again."""

    plan: Plan
    published: Published


@dataclass(frozen=True, slots=True)
class Upcoming:
    """No action: where a plan would start, were a slot free there."""

    plan: Plan
    worker: str
    cores: int


Action = (
    Start
    | Restart
    | Note
    | Collect
    | Finish
    | Lose
    | Cancel
    | Stop
    | Fail
    | Abandon
    | Verify
    | Reuse
    | Recall
    | WriteReceipt
)
