"""A decision that rests on the judgements of the last one is the decision that rests on none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Absent, RunId, Running
from rasreconcile.plans import Address, Plan
from rasreconcile.reconcile.decision import decide
from rasreconcile.reconcile.judgement import Judgements
from rasreconcile.reconcile.observed import (
    Assessment,
    Fitness,
    FurtherChanged,
    LiveRun,
    NoOutput,
    OtherOwner,
    OutputSeen,
    OutputUnreadable,
    Seen,
    Verification,
)
from rasreconcile.reconcile.policy import Policy
from rasreconcile.runs import Run, RunState
from tests.reconcile.conftest import NOW, make_plan, make_published, make_seen, make_worker

NAMES = ("M/p01", "M/p02", "M/p03")
PLANS = tuple(
    make_plan(
        name,
        content,
        needs=(Address(NAMES[0]),) if name == NAMES[2] else (),
        expectation_digest=expects,
        blocked_by=(Trouble("a file is missing"),) if stopped else (),
    )
    for name in NAMES
    for content in ("1", "2")
    for expects in ("e1", "e2")
    for stopped in (False, False, True)
)
POLICIES = (Policy(), Policy(strict_platform=True, strict_cores=True), Policy(attempts=1, max_concurrent=1))
WORKERS = (
    make_worker(),
    make_worker(cores_per_plan=2),
    make_worker(platform="windows"),
    make_worker(unable={Address(NAMES[1]): Trouble("it has no HEC-RAS")}),
    make_worker(faults=(NOW, NOW, NOW)),
)
NOBODY = object()
"""Of a plan that nothing is said of."""


def _run(plan: Plan, state: RunState, blame: str = "retryable") -> Run:
    over = state not in {RunState.STARTING, RunState.RUNNING}
    trouble = Trouble("it went wrong", "look")
    return Run(
        id=RunId(f"r-{state}-{blame}"),
        address=plan.address,
        fingerprint=plan.fingerprint,
        worker="desk",
        slot=0,
        cores=1,
        state=state,
        reasons=(),
        created=NOW,
        started=NOW,
        ended=NOW if over else None,
        failure=Failure(kind=blame, cause=FailureCause.VANISHED, trouble=trouble) if over else None,  # type: ignore[arg-type]
    )


def facts_of(plan: Plan) -> Mapping[str, list[Any]]:
    """By field of a look: what may be so of this plan."""
    record = make_published(plan, platform="posix", cores=1, expectation_digest="e1")
    other = make_published(make_plan(plan.address, "2"), digest="d2")
    failed = [
        _run(plan, RunState.FAILED),
        _run(plan, RunState.LOST, "worker"),
        _run(plan, RunState.CANCELLED),
    ]
    live = [
        LiveRun(run=_run(plan, RunState.RUNNING), status=status)
        for status in (None, Absent(), Running(started=NOW))
    ]
    return {
        "outputs": [
            OutputSeen(10, "d1"),
            OutputSeen(10, "d2", "torn"),
            NoOutput(),
            FurtherChanged("x.rst", "changed"),
            OutputUnreadable(Trouble("not yours")),
        ],
        "published": [record, other],
        "receipts": [record, other],
        "owned": [OtherOwner("of another", "ask", adoptable=True)],
        "unwritable": [Trouble("read only")],
        "verifications": [Verification("e2", "d1", ()), Verification("e2", "d1", (Trouble("too high"),))],
        "assessments": [Assessment(fitness, (Trouble("odd"),)) for fitness in Fitness],
        "attempts": [(one,) for one in failed],
        "past": ["succeeded", "failed"],
        "stuck": [Trouble("somebody holds it")],
        "live": live,
    }


@st.composite
def looks(draw: st.DrawFn) -> list[tuple[list[Plan], Seen, Policy]]:
    """Looks one after the other; from one to the next, a few facts are different."""
    plans = {name: draw(st.sampled_from([p for p in PLANS if p.address == name])) for name in NAMES}
    said: dict[str, dict[Address, Any]] = {field: {} for field in facts_of(PLANS[0])}
    for plan in plans.values():
        begun = draw(st.sampled_from(["published", "receipts", "nothing"]))
        if begun != "nothing":
            said["outputs"][plan.address] = OutputSeen(10, "d1")
            said[begun][plan.address] = make_published(
                plan, platform="posix", cores=1, expectation_digest="e1"
            )
    flags: dict[str, set[Address]] = {
        "unreceipted": set(),
        "retried": set(),
        "cancelled": set(),
        "uncopied": set(),
    }
    policy, workers, now, found = POLICIES[0], (WORKERS[0],), NOW, []
    for _ in range(draw(st.integers(2, 6))):
        for _ in range(draw(st.integers(0, 6))):
            name = draw(st.sampled_from(NAMES))
            match draw(st.sampled_from(["fact", "fact", "fact", "flag", "plan", "worker", "policy", "time"])):
                case "fact":
                    field = draw(st.sampled_from(sorted(said)))
                    told = draw(st.sampled_from([*facts_of(plans[name])[field], NOBODY]))
                    said[field].pop(Address(name), None)
                    if told is not NOBODY:
                        said[field][Address(name)] = told
                case "flag":
                    flags[draw(st.sampled_from(sorted(flags)))] ^= {Address(name)}
                case "plan":
                    plans[name] = draw(st.sampled_from([p for p in PLANS if p.address == name]))
                case "worker":
                    workers = (draw(st.sampled_from(WORKERS)),)
                case "policy":
                    policy = draw(st.sampled_from(POLICIES))
                case _:
                    now += timedelta(seconds=draw(st.integers(1, 60)))
        intact = {p.fingerprint: p for p in said["published"].values()} if draw(st.booleans()) else {}
        values = {field: dict(of) for field, of in said.items()} | {f: frozenset(s) for f, s in flags.items()}
        look = make_seen(**values, now=now, workers=workers, intact=intact)
        found.append((list(plans.values()), look, policy))
    return found


@settings(deadline=None, max_examples=400)
@given(looks())
def test_a_decision_after_others_is_the_decision_of_a_first_look(found) -> None:
    remembered = Judgements()
    for plans, look, policy in found:
        assert decide(plans, look, policy, remembered) == decide(plans, look, policy)
