"""The controller in this process, its workers in memory: what it says to them can be counted, and made to fail."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from rasreconcile.controller.apply import Apply, Outcome, Requester
from rasreconcile.jobs import Absent, Job, RunId, Status
from rasreconcile.records import Event
from rasreconcile.specfile import load
from rasreconcile.workers.fake import FakeRun, FakeWorker, FakeWorld
from rasreconcile.workers.local.kind import LOCAL
from tests.apply.conftest import Study, study
from tests.clock import VirtualClock

__all__ = ["Controlled", "Study", "controlled", "study"]


class Counting(FakeWorker):
    """A worker that counts what is asked of it."""

    def __init__(self, world: FakeWorld, controlled: Controlled) -> None:
        super().__init__(world)
        self.world = world
        self.controlled = controlled
        self.calls = controlled.calls

    def poll(self, runs: Collection[RunId]) -> Mapping[RunId, Status]:
        said = super().poll(runs)
        absent = {run for run, status in said.items() if isinstance(status, Absent)}
        until = time.monotonic() + 0.5
        while self.controlled.answers_late and absent - set(self.world.launched) and time.monotonic() < until:
            time.sleep(0.01)
        return said

    def start(self, run: RunId, job: Job) -> None:
        self.calls["start"] += 1
        super().start(run, job)

    def cancel(self, run: RunId) -> None:
        self.calls["cancel"] += 1
        super().cancel(run)

    def check(self):
        self.calls["check"] += 1
        return super().check()


@dataclass
class Controlled:
    """A study, one world for all its workers, and the controller as a call."""

    study: Study
    world: FakeWorld
    clock: VirtualClock
    calls: Counter[str] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)
    answers_late: bool = False

    def __post_init__(self) -> None:
        self.applying = self.make()

    def make(self) -> Apply:
        opener = replace(LOCAL, opener=lambda name, spec, folder: Counting(self.world, self))
        loaded = load(self.study.folder / "spec.yaml", {"local": opener})
        self.applying = Apply(
            loaded, Requester("a test"), self.events.append, lambda moment: None, self.clock
        )
        return self.applying

    def apply(self) -> Outcome:
        return self.make().run()

    def told(self, kind: str) -> list[str]:
        return [event.message for event in self.events if event.kind == kind]


@pytest.fixture
def controlled(study: Study) -> Controlled:
    study.spec(engine='{type: command, command: [compute, "{output}"]}', expect="{completed: false}")
    ready = (study.folder / "ready.hdf").read_bytes()
    clock = VirtualClock()
    world = FakeWorld(lambda run, job, inputs: FakeRun(outputs=dict.fromkeys(job.outputs, ready)), clock.now)
    return Controlled(study, world, clock)
