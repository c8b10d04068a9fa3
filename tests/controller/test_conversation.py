"""What the controller says to its workers and its disks when they fail it: each thing once, and nothing in haste."""

from __future__ import annotations

import pytest

from rasreconcile.controller import publish_run, reuse
from rasreconcile.controller.apply import Exit
from rasreconcile.controller.proof import put_in_place
from rasreconcile.controller.work import TRY_AGAIN
from rasreconcile.errors import PublishHeld, Refused, Unreachable
from rasreconcile.reconcile.verdicts import Phase, Sync
from rasreconcile.results import reader_pool
from rasreconcile.results.reader_pool import ReaderKilled
from rasreconcile.studies.evidence import shortfalls
from rasreconcile.studies.study import Study
from rasreconcile.workers.fake import FakeRun

GONE = Unreachable("the link is down")


def one_plan(controlled) -> None:
    spec = controlled.study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("Willow.prj", "Willow.prj\n    numbers: ['01']"))


def dies_before_its_only_start(controlled) -> None:
    """A run is recorded and its worker has not heard of it; no lane of the dead controller has anything left to do."""
    one_plan(controlled)
    controlled.world.fail("start", ZeroDivisionError("a bug"), times=None)
    with pytest.raises(ZeroDivisionError):
        controlled.apply()
    controlled.world.recover()
    assert controlled.world.launched == []


def test_a_start_that_was_not_heard_is_repeated_once(controlled) -> None:
    controlled.world.fail("start", GONE)
    assert controlled.apply().exit is Exit.CONVERGED
    assert controlled.calls["start"] == 5
    assert len(controlled.world.launched) == 4


def test_a_worker_that_falls_silent_before_a_restart_is_asked_now_and_then(controlled) -> None:
    dies_before_its_only_start(controlled)
    controlled.calls.clear()
    controlled.world.fail("check", GONE, times=None)
    controlled.clock.later(2.5, controlled.world.recover)
    assert controlled.apply().exit is Exit.CONVERGED
    # At once, after a second, and after one or two more.
    assert 2 <= controlled.calls["check"] <= 6
    assert controlled.told("worker-silent")
    assert controlled.told("worker-back")


def test_a_cancel_that_is_not_heard_is_repeated_now_and_then(controlled) -> None:
    controlled.world.fake_run_for = lambda run, job, inputs: FakeRun(lasts=None)
    apply = controlled.make()

    def interrupt() -> None:
        assert len(controlled.world.launched) == 3
        controlled.world.fail("cancel", GONE, times=None)
        apply.interrupt()
        apply.interrupt()
        controlled.clock.later(8, controlled.world.recover)

    controlled.clock.later(5, interrupt)
    assert apply.run().exit is Exit.INTERRUPTED
    assert 3 < controlled.calls["cancel"] <= 9
    assert all(not life.over or life.over[1] == "cancelled" for life in controlled.world.runs_there.values())


def test_what_was_said_of_a_run_before_it_was_started_is_not_believed_after(controlled) -> None:
    dies_before_its_only_start(controlled)
    controlled.calls.clear()
    # Each poll that says Absent gives its answer when the run has been launched.
    controlled.answers_late = True
    assert controlled.apply().exit is Exit.CONVERGED
    assert controlled.calls["start"] == len(controlled.world.launched) == 1


def test_what_cannot_be_verified_now_is_held_and_not_computed_again(controlled, monkeypatch) -> None:
    assert controlled.apply().exit is Exit.CONVERGED
    spec = controlled.study.folder / "spec.yaml"
    spec.write_text(
        spec.read_text().replace("completed: false", "completed: false, datasets: {/x: {finite: true}}")
    )

    def fails(*words):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(reuse, "shortfalls", fails)
    outcome = controlled.apply()
    assert outcome.exit is Exit.STALLED
    assert {(v.sync, v.phase) for v in outcome.decision.verdicts} == {(Sync.UNKNOWN, Phase.HELD)}
    assert all("cannot be judged now: Input/output error" in v.note for v in outcome.decision.verdicts)
    assert len(controlled.told("held")) == 4
    monkeypatch.setattr(reuse, "shortfalls", shortfalls)
    assert controlled.apply().exit is Exit.CONVERGED
    assert len(controlled.world.launched) == 4


def test_a_result_whose_reader_was_killed_is_held_and_not_computed_again(controlled, monkeypatch) -> None:
    real = reader_pool.read

    def killed(path, **asked):
        raise ReaderKilled(f"{path}: the process that read it was killed; is this machine out of memory?")

    monkeypatch.setattr(reader_pool, "read", killed)
    outcome = controlled.apply()
    assert outcome.exit is Exit.STALLED
    assert {v.phase for v in outcome.decision.verdicts} == {Phase.HELD}
    # Three slots; the fourth plan waits for one.
    assert sum("is this machine out of memory?" in v.note for v in outcome.decision.verdicts) == 3
    monkeypatch.setattr(reader_pool, "read", real)
    assert controlled.apply().exit is Exit.CONVERGED
    assert len(controlled.world.launched) == 4


@pytest.mark.parametrize("held", ["a result", "a verdict"])
def test_apply_ends_where_a_look_takes_longer_than_the_wait_of_what_is_held(
    controlled, monkeypatch, held
) -> None:
    """Each try that fails as the one before did is no change: else apply would look again for it indefinitely."""
    real, looks = Study.look, []

    def slow(self, *words):
        looks.append(self)
        assert len(looks) < 20, "it does not end"
        controlled.clock.advance(TRY_AGAIN + 1)
        return real(self, *words)

    def fails(*words):
        raise OSError(5, "Input/output error")

    if held == "a verdict":
        assert controlled.apply().exit is Exit.CONVERGED
        spec = controlled.study.folder / "spec.yaml"
        spec.write_text(
            spec.read_text().replace("completed: false", "completed: false, datasets: {/x: {finite: true}}")
        )
    monkeypatch.setattr(reuse, "shortfalls", fails)
    monkeypatch.setattr(publish_run, "put_in_place", fails)
    monkeypatch.setattr(Study, "look", slow)
    outcome = controlled.apply()
    assert outcome.exit is Exit.STALLED
    assert Phase.HELD in {v.phase for v in outcome.decision.verdicts}


def test_what_cannot_be_copied_now_is_held_and_not_computed(controlled, monkeypatch) -> None:
    spec = controlled.study.folder / "spec.yaml"
    spec.write_text(
        spec.read_text()
        + "  - {project: Willow.prj, name: Again, numbers: ['01'], expect: {completed: false}}\n"
    )

    def held(proven):
        raise PublishHeld("cannot be put there: another program holds it open; close it there")

    monkeypatch.setattr(reuse, "put_in_place", held)
    outcome = controlled.apply()
    assert outcome.exit is Exit.STALLED
    (again,) = [v for v in outcome.decision.verdicts if v.address == "Again/p01"]
    assert (again.sync, again.phase) == (Sync.MISSING, Phase.HELD)
    assert "another program holds it open" in again.note
    monkeypatch.setattr(reuse, "put_in_place", put_in_place)
    assert controlled.apply().exit is Exit.CONVERGED
    assert len(controlled.world.launched) == 4


def test_a_run_that_is_given_up_is_cancelled_first_for_it_may_begin_late(controlled) -> None:
    """Recorded, never launched, and its inputs changed: the run is closed once its worker knows that it must not begin."""
    dies_before_its_only_start(controlled)
    for flow in ("f01", "f02"):
        path = controlled.study.folder / f"Willow.{flow}"
        path.write_text(path.read_text().replace("1850", "1800").replace("1200", "1100"))
    assert controlled.apply().exit is Exit.CONVERGED
    assert controlled.calls["cancel"] == len(controlled.told("cancelled")) == 1
    assert len(controlled.world.launched) == 1


def test_one_that_cannot_be_told_to_forget_is_closed_all_the_same(controlled) -> None:
    one_plan(controlled)
    controlled.world.fail("start", OSError(28, "No space left on device"), times=3)
    controlled.world.fail("cancel", Refused("no such thing"), times=None)
    assert controlled.apply().exit is Exit.CONVERGED
    assert len(controlled.told("lost")) == 1
    (warning,) = controlled.told("warning")
    assert "could not be told to cancel it: no such thing; if it starts later, `gc` removes it" in warning
