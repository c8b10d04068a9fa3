"""What the holder of a store keeps of each plan is what its rows say, whatever was written, undone, or asked by others."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import RunId
from rasreconcile.plans import Plan
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.runs import RunState
from rasreconcile.store import Store, by_plan, file_request
from rasreconcile.store.reader import Reader
from tests.store.test_store import NOW, make_plan, make_published, make_run

PLANS = tuple(make_plan(f"Muncie/p{n:02d}", content) for n in range(1, 4) for content in ("1", "2"))
"""Three plans, each as it was before and after an input changed."""
ENDS = (RunState.FAILED, RunState.LOST, RunState.CANCELLED)


class Undone(Exception):
    """Ends a transaction before its end."""


@dataclass(slots=True)
class Written:
    """A store that things happen to, seconds apart."""

    path: Path
    store: Store
    apply: int
    seconds: int = 0
    live: dict[str, RunId] = field(default_factory=dict)

    def start(self, plan: Plan) -> None:
        if plan.address in self.live:
            return
        self.seconds += 1
        name = f"r{self.seconds}"
        run = make_run(plan, name, slot=self.seconds, created=NOW + timedelta(seconds=self.seconds))
        self.store.runs.start(run, plan, {}, apply=self.apply)
        self.store.runs.move(run.id, RunState.RUNNING, now=run.created)
        self.live[plan.address] = run.id

    def end(self, plan: Plan, state: RunState) -> None:
        self.seconds += 1
        run, now = self.live.pop(plan.address, None), NOW + timedelta(seconds=self.seconds)
        if run is None:
            return
        if state is not RunState.SUCCEEDED:
            failure = Failure(kind="worker", cause=FailureCause.VANISHED, trouble=Trouble("gone"))
            self.store.runs.move(run, state, now=now, ended=now, failure=failure)
            return
        self.store.runs.move(run, RunState.PUBLISHING, now=now, ended=now)
        found = replace(make_published(plan, run), digest=f"{self.seconds:064x}")
        self.store.outputs.publish(run, found, now=now, message="done")

    def retry(self, plan: Plan) -> None:
        file_request(self.path, "retry", plan.address, by="a test", now=NOW)

    def fall_short(self, plan: Plan) -> None:
        why = (Trouble("too high"),)
        self.store.outputs.record_shortfalls(plan.address, "d", f"e{self.seconds}", why, now=NOW)

    def drop(self, plan: Plan) -> None:
        published = self.store.outputs.published().get(plan.address)
        if published is not None:
            self.store.outputs.drop(plan.address, published.digest, now=NOW, why="left the spec")

    def same(self) -> None:
        """What is kept, and what a stranger reads."""
        pairs = {plan.address: plan.fingerprint for plan in PLANS[:: 1 + self.seconds % 2]}
        mine = self.store
        with Reader(self.path) as rows:
            assert mine.outputs.published() == rows.outputs.published()
            assert mine.outputs.verifications() == rows.outputs.verifications()
            assert mine.runs.live() == rows.runs.live()
            assert mine.runs.last_ends() == rows.runs.last_ends()
            assert mine.runs.attempts_at(pairs) == rows.runs.attempts_at(pairs)
            assert mine.runs.worker_faults(NOW) == rows.runs.worker_faults(NOW)


STEPS: tuple[Callable[[Written, Plan], None], ...] = (
    Written.start,
    Written.start,
    lambda written, plan: written.end(plan, RunState.SUCCEEDED),
    *(lambda written, plan, state=state: written.end(plan, state) for state in ENDS),
    Written.retry,
    Written.fall_short,
    Written.drop,
)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(STEPS), st.sampled_from(PLANS), st.sampled_from(["kept", "kept", "undone"])
        ),
        max_size=25,
    ),
    few=st.sampled_from([0, 1, by_plan.FEW]),
)
def test_what_is_kept_is_what_the_rows_say(steps, few: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_plan, "FEW", few)
        path = Path(folder) / "state.db"
        with Store.open(path, now=NOW) as store:
            apply = store.applies.begin(spec_path=path, spec_digest="d", by="a test", commit=None, now=NOW)
            written = Written(path, store, apply)
            for step, plan, how in steps:
                if how == "kept" or step is Written.retry:
                    step(written, plan)
                else:
                    live = dict(written.live)
                    with pytest.raises(Undone), store.at_once():
                        step(written, plan)
                        raise Undone
                    written.live = live
                written.same()


def test_of_a_plan_that_nothing_was_written_about_the_same_object_is_given(path: Path) -> None:
    first, other = make_plan("Muncie/p01"), make_plan("Muncie/p02")
    with Store.open(path, now=NOW) as store:
        for plan in (first, other):
            store.outputs.record(make_published(plan), "copied", now=NOW, why="twin")
        before = store.outputs.published()[first.address]
        store.outputs.record(make_published(other, digest="cd" * 32), "copied", now=NOW, why="twin")
        assert store.outputs.published()[first.address] is before
        assert store.outputs.published()[other.address].digest == "cd" * 32


def test_of_the_verdicts_only_those_are_written_that_say_something_else(path: Path) -> None:
    def verdict(plan: Plan, note: str, seconds: int) -> LastVerdict:
        at = NOW + timedelta(seconds=seconds)
        values: dict[str, Any] = {"sync": "missing", "phase": "queued", "reasons": (), "next_at": None}
        return LastVerdict(address=plan.address, output=plan.output, note=note, at=at, **values)

    first, second = make_plan("Muncie/p01"), make_plan("Muncie/p02")
    looks = [
        [verdict(first, "waits", 0), verdict(second, "waits", 0)],
        [verdict(first, "waits", 1), verdict(second, "starts", 1)],
        [verdict(second, "starts", 2), verdict(first, "waits", 2)],
        [verdict(second, "starts", 3)],
        [],
    ]
    with Store.open(path, now=NOW) as store, Reader(path) as rows:
        for look in looks:
            store.verdicts.record(look)
            assert rows.verdicts.latest() == tuple(look)
            with pytest.raises(Undone), store.at_once():
                store.verdicts.record([])
                raise Undone
            store.verdicts.record(look)
            assert rows.verdicts.latest() == tuple(look)
