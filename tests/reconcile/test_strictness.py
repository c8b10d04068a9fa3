"""Results that were computed elsewhere, or with other cores, than a run of today would be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.reconcile import actions as act
from rasreconcile.reconcile.decision import decide
from rasreconcile.reconcile.observed import OutputSeen, Verification
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.verdicts import Sync

OLD, NEW = "image sha256:aa", "image sha256:bb"
STRICT = Policy(strict_platform=True, strict_cores=True)


@pytest.fixture
def judged(plan, good, published, worker):
    """The verdict on an intact result with this record, in a pool of workers with these fields."""

    def judge(record, *pool, policy=STRICT, **wanted):
        one = plan(**wanted)
        workers = tuple(worker(f"w{number}", **fields) for number, fields in enumerate(pool))
        world = good(one, published={one.address: published(one, **record)}, workers=workers)
        return decide([one], world, policy)

    return judge


@pytest.mark.parametrize(
    ("recorded", "pool", "stale"),
    [
        ("posix", ["posix"], None),
        ("posix", ["windows", "posix"], None),
        ("posix", ["windows"], "posix -> windows"),
        ("windows", ["posix", None], "windows -> posix"),
        (OLD, [NEW, OLD], None),
        (OLD, [NEW, "posix"], f"{OLD} -> {NEW} or posix"),
        ("posix", [None], "posix -> an image"),
        (OLD, ["posix", None], None),
        ("", ["posix"], None),
    ],
)
def test_a_result_is_stale_where_no_worker_of_the_plan_has_its_platform(
    judged, recorded, pool, stale
) -> None:
    decision = judged({"platform": recorded}, *({"platform": platform} for platform in pool))
    (verdict,) = decision.verdicts
    if stale is None:
        assert (verdict.sync, decision.actions) == (Sync.CURRENT, ())
    else:
        assert [str(reason) for reason in verdict.reasons] == [f"platform-changed: {stale}"]
        (start,) = decision.actions
        assert isinstance(start, act.Start)
        assert [str(reason) for reason in start.reasons] == [f"platform-changed: {stale}"]


def test_only_workers_that_the_plan_may_run_on_are_asked_for_their_platform(judged) -> None:
    pool = ({"platform": "windows"}, {"platform": "posix"})
    (verdict,) = judged({"platform": "posix"}, *pool, only_on=("w0",)).verdicts
    assert verdict.sync is Sync.STALE
    (verdict,) = judged({"platform": "posix"}, *pool, only_on=("w1",)).verdicts
    assert verdict.sync is Sync.CURRENT


@pytest.mark.parametrize(
    ("recorded", "asked", "pool", "stale"),
    [
        (2, None, [{"cores_per_plan": 2, "cores_total": 4}, {"cores_per_plan": 4, "cores_total": 4}], None),
        (1, None, [{"cores_per_plan": 4, "cores_total": 4}], "1 -> 4"),
        (4, 8, [{"cores_per_plan": 4, "cores_total": 4}, {"cores_total": 8}], "4 -> 8"),
        (8, 8, [{"cores_total": 8}], None),
        (4, 16, [{"cores_total": 8}], None),
        (None, None, [{"cores_per_plan": 4, "cores_total": 4}], None),
    ],
)
def test_a_result_is_stale_where_no_worker_of_the_plan_would_give_it_as_many_cores(
    judged, recorded, asked, pool, stale
) -> None:
    (verdict,) = judged({"cores": recorded}, *pool, cores=asked).verdicts
    wanted = [] if stale is None else [f"cores-changed: {stale}"]
    assert [str(reason) for reason in verdict.reasons] == wanted


def test_without_the_word_strict_neither_counts(judged) -> None:
    record = {"platform": OLD, "cores": 7}
    (verdict,) = judged(record, {"platform": "posix"}, policy=Policy()).verdicts
    assert verdict.sync is Sync.CURRENT


def test_a_result_from_elsewhere_is_not_copied_for_another_plan_nor_for_itself(
    plan, published, seen, worker
) -> None:
    one, other = plan("A/p01"), plan("A/p02")
    record = published(one, platform="windows")
    world = seen(
        outputs={one.address: OutputSeen(10, record.digest)},
        published={one.address: record},
        intact={one.fingerprint: record},
        workers=(worker(platform="posix"),),
    )
    (start,) = decide([one, other], world, STRICT).actions
    assert isinstance(start, act.Start)
    (copy,) = decide([one, other], world, Policy()).actions
    assert isinstance(copy, act.Reuse)


def test_a_result_from_elsewhere_is_computed_again_even_if_it_falls_short(
    plan, good, published, worker
) -> None:
    stricter = plan(expectation_digest="e2")
    record = published(stricter, platform="windows", expectation_digest="e1")
    world = good(stricter, published={stricter.address: record}, workers=(worker(platform="posix"),))
    (action,) = decide([stricter], world, STRICT).actions
    assert isinstance(action, act.Start)
    short = Verification("e2", record.digest, (Trouble("too high"),))
    known = replace(world, verifications={stricter.address: short})
    (action,) = decide([stricter], known, STRICT).actions
    assert isinstance(action, act.Start)
