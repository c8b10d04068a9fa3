"""The worker in memory: what it lets a test do to whoever uses workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.errors import Trouble, Unreachable
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running, Vanished
from rasreconcile.workers.fake import FakeRun, FakeWorker, FakeWorld

RUN = RunId("r-1")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def passes(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_time_passes_as_its_clock_says(memory, clock) -> None:
    fake_run = FakeRun(queued=timedelta(minutes=5), lasts=timedelta(hours=2), exit_code=3)
    worker = FakeWorker(FakeWorld(lambda run, job, inputs: fake_run, clock))
    began = clock.time
    worker.start(RUN, memory.job(time_limit=timedelta(hours=3)))
    assert worker.poll([RUN])[RUN] == Queued()
    clock.passes(minutes=6)
    assert isinstance(worker.poll([RUN])[RUN], Running)
    clock.passes(hours=5)
    ended = worker.poll([RUN])[RUN]
    assert isinstance(ended, Ended)
    assert (ended.started, ended.ended - ended.started) == (began + timedelta(minutes=5), timedelta(hours=2))


def test_what_happens_to_a_run_is_what_comes_first(memory, clock) -> None:
    world = FakeWorld(
        lambda run, job, inputs: FakeRun(lasts=timedelta(hours=2), vanishes="gone" in run), clock
    )
    worker = FakeWorker(world)
    limits = {"ends": 3, "late": 1, "gone": 3}
    for name, hours in limits.items():
        worker.start(RunId(name), memory.job(time_limit=timedelta(hours=hours)))
    clock.passes(hours=5)
    for name in limits:
        worker.cancel(RunId(name))
        world.kill(RunId(name))
    found = list(worker.poll([RunId(name) for name in limits]).values())
    assert [getattr(status, "cause", status) for status in found[:2]] == ["exited", "time limit"]
    assert isinstance(found[2], Vanished)


def test_a_play_is_written_from_what_was_staged(memory) -> None:
    world = FakeWorld(lambda run, job, inputs: FakeRun(outputs={"x.p01.hdf": inputs["a"] + run.encode()}))
    worker = FakeWorker(world)
    job = memory.job(inputs={"a": b"input of "})
    worker.start(RUN, job)
    worker.fetch(RUN, "x.p01.hdf", job.inputs[0].source)
    assert job.inputs[0].source.read_bytes() == b"input of r-1"


def test_the_same_inputs_give_the_same_outputs_where_nothing_else_is_said(memory) -> None:
    worker = FakeWorker(FakeWorld())
    for name, data in (("one", b"1"), ("again", b"1"), ("other", b"2")):
        worker.start(RunId(name), memory.job(inputs={"a": data}))
    ends = worker.poll([RunId("one"), RunId("again"), RunId("other")]).values()
    one, again, other = (end.outputs for end in ends if isinstance(end, Ended))
    assert one == again != other


def test_a_start_may_fail_before_or_after_it_was_done(memory) -> None:
    world = FakeWorld()
    worker = FakeWorker(world)
    world.fail("start", Unreachable("cut"))
    world.fail("start", Unreachable("cut too late"), when="after")
    with pytest.raises(Unreachable, match=r"cut$"):
        worker.start(RUN, memory.job())
    assert worker.poll([RUN])[RUN] == Absent()
    with pytest.raises(Unreachable, match="too late"):
        worker.start(RUN, memory.job())
    assert isinstance(worker.poll([RUN])[RUN], Ended)
    worker.start(RUN, memory.job())
    assert world.launched == [RUN]


def test_a_world_that_is_cut_off_stays_so_until_it_is_mended(memory) -> None:
    world = FakeWorld()
    worker = FakeWorker(world)
    world.fail("poll", Unreachable("no answer"), times=None)
    for _ in range(3):
        with pytest.raises(Unreachable):
            worker.poll([RUN])
    world.recover()
    assert worker.poll([RUN])[RUN] == Absent()


def test_a_fetch_that_breaks_off_leaves_half_and_a_repeat_the_whole(memory, tmp_path) -> None:
    world = FakeWorld(lambda run, job, inputs: FakeRun(outputs={"x.p01.hdf": b"12345678"}))
    worker = FakeWorker(world)
    worker.start(RUN, memory.job())
    world.fail("fetch", Unreachable("cut"), when="after")
    with pytest.raises(Unreachable):
        worker.fetch(RUN, "x.p01.hdf", tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"1234"
    assert worker.fetch(RUN, "x.p01.hdf", tmp_path / "here").size == 8


def test_a_world_can_be_unfit_and_forget(memory) -> None:
    world = FakeWorld()
    worker = FakeWorker(world)
    world.problems.append(Trouble("no engine", "install it"))
    assert worker.check() == [Trouble("no engine", "install it")]
    worker.start(RUN, memory.job())
    world.forget(RUN)
    assert worker.poll([RUN])[RUN] == Absent()
