"""The closing lines of an apply: what is blocked is told by its cause, however each plan's note is worded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.alike import likeness
from rasreconcile.reconcile.decision import Decision
from rasreconcile.reconcile.verdicts import Obstacle, Phase, Sync, Verdict
from rasreconcile.records import Event
from rasreconcile.report.summary import lines
from rasreconcile.report.told import Told
from rasreconcile.runs import Run, RunState

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


@dataclass
class Ended:
    """An apply that started nothing."""

    decision: Decision
    counts: dict[str, int] = field(default_factory=dict)
    live: tuple[Any, ...] = ()
    kept: frozenset[Any] = frozenset()
    failed: dict[Address, Any] = field(default_factory=dict)
    paid: tuple[Any, ...] = ()


def blocked(address: str, phase: Phase, by: Obstacle | FailureCause, note: str) -> Verdict:
    return Verdict(address=Address(address), sync=Sync.MISSING, phase=phase, obstacle=by, note=note)


def failed_run(address: str, message: str) -> Run:
    failure = Failure(kind="permanent", cause=FailureCause.UNSTABLE, trouble=Trouble(message))
    return Run(
        id=RunId(f"run-of-{address.lower().replace('/', '-')}"), address=Address(address), fingerprint="f" * 64,
        worker="desk", slot=0, cores=1, state=RunState.FAILED, reasons=(Reason(Cause.NEVER_RUN),), created=NOW, failure=failure,
    )  # fmt: skip


def told(*verdicts: Verdict, failed: dict[Address, Run] | None = None) -> list[str]:
    decision = Decision(verdicts, (), (), None)
    return list(
        lines("my demo.yaml", Ended(decision, failed=failed or {}), lambda run: f"desk, /runs/{run.id}")
    )


def test_blocked_plans_are_grouped_by_what_blocks_them() -> None:
    unstable = [
        blocked(
            f"A/p0{n}", Phase.QUARANTINED, FailureCause.UNSTABLE, f"unstable at cell {n}; `retry A/p0{n}`"
        )
        for n in range(1, 4)
    ]
    alike = [blocked(f"B/p0{n}", Phase.HELD, Obstacle.NO_WORKER, "no worker left") for n in (1, 2)]
    alone = [blocked("C/p01", Phase.HELD, Obstacle.NEED_BLOCKED, "needs A/p01, which is quarantined")]
    runs = {Address("A/p01"): failed_run("A/p01", "unstable at cell 1")}
    assert told(*alone, *alike, *unstable, failed=runs)[1:] == [
        "  3 x unstable at cell 1; A/p01, A/p02, A/p03; once fixed: `rasreconcile retry 'my demo.yaml' --like A/p01`",
        "      files of A/p01: desk, /runs/run-of-a-p01",
        "  2 x no worker left; B/p01, B/p02",
        "  1 x needs A/p01, which is quarantined",
        "  `rasreconcile logs 'my demo.yaml' PLAN --fetch DIR` copies the files of a failed run here.",
    ]


def test_forty_equal_failures_are_one_line_with_one_command() -> None:
    note = "failed {}: the solver crashed; will not be retried until an input changes or you run `retry {}`"
    forty = [
        blocked(
            f"Basin/p{n:02}",
            Phase.QUARANTINED,
            FailureCause.SOLVER_CRASHED,
            note.format("once" if n % 2 else "2 times, last", f"Basin/p{n:02}"),
        )
        for n in range(1, 41)
    ]
    runs = {Address("Basin/p01"): failed_run("Basin/p01", "the solver crashed")}
    _, line, *_ = told(*forty, failed=runs)
    assert line == (
        "  40 x the solver crashed; Basin/p01, Basin/p02, Basin/p03 and 37 more;"
        " once fixed: `rasreconcile retry 'my demo.yaml' --failed`"
    )
    assert sum("retry" in line for line in told(*forty, failed=runs)) == 1


def test_of_one_plan_its_own_name_is_the_command_and_more_causes_than_ten_are_counted() -> None:
    words = [
        "bridge",
        "culvert",
        "weir",
        "gate",
        "levee",
        "pump",
        "dam",
        "lid",
        "ice",
        "road",
        "pier",
        "wall",
    ]
    other = [
        blocked(f"A/p{n:02}", Phase.QUARANTINED, FailureCause.BAD_PROJECT, f"no {word}")
        for n, word in enumerate(words)
    ]
    assert (
        told(other[0])[1] == "  1 x bad project; A/p00; once fixed: `rasreconcile retry 'my demo.yaml' A/p00`"
    )
    assert told(*other)[-1] == "  and 2 more causes, 2 plans; `rasreconcile status 'my demo.yaml'` lists them"


@pytest.mark.parametrize(
    ("one", "other", "are_alike"),
    [
        ("Basin/p01: Basin.p01.hdf has 12 sections", "Basin/p02: Basin.p02.hdf has 7 sections", True),
        (
            "run 20260102-030405-basin-p01-0123abcd is kept",
            "run 20260102-030406-basin-p02-99ffabcd is kept",
            True,
        ),
        (
            "arrived as 0123456789ab, recorded fedcba987654",
            "arrived as 1123456789ab, recorded aedcba987654",
            True,
        ),
        ("failed once: it crashed", "failed 3 times, last: it crashed", True),
        ("it crashed", "it hangs", False),
        ("input a.dss is missing", "input b.dss is missing", False),
    ],
)
def test_notes_that_differ_in_names_and_numbers_of_their_own_are_alike(
    one: str, other: str, are_alike: bool
) -> None:
    assert (likeness(one, Address("Basin/p01")) == likeness(other, Address("Basin/p02"))) is are_alike


def test_a_failure_is_told_in_full_once() -> None:
    crash = "the command exited with 174: forrtl: severe (174): SIGSEGV, segmentation fault occurred"
    seen = Told()

    def say(kind: str, address: str, message: str) -> str:
        return seen.shortened(
            Event(at=NOW, kind=kind, address=Address(address), run=None, message=message)
        ).message

    assert say("failed", "A/p01", crash) == crash
    assert say("started", "A/p01", f"on desk: never-run; previous-run-failed: {crash}") == (
        "on desk: never-run; previous-run-failed"
    )
    assert say("failed", "A/p01", crash) == "the same again"
    assert say("failed", "A/p02", crash) == "the same as A/p01"
    assert say("failed", "A/p03", crash.replace("174", "175")) == crash.replace("174", "175")
    assert say("failed", "A/p04", "out of memory") == "out of memory"
    gone = "process {} is gone without recording an exit status: it was killed"
    assert say("lost", "A/p01", gone.format(4711)) == gone.format(4711)
    assert say("lost", "A/p06", gone.format(812)) == "the same as A/p01"
    assert say("succeeded", "A/p05", "on desk, 0.4 s") == "on desk, 0.4 s"
