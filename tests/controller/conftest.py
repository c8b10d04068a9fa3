"""The controller in this process, its workers in memory: what it says to them can be counted, and made to fail."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest

from rasreconcile.controller import stations
from rasreconcile.controller.apply import Apply, Asked, Outcome
from rasreconcile.controller.clock import Clock
from rasreconcile.jobs import Absent, Job, RunId, Status
from rasreconcile.records import Event
from rasreconcile.specfile import load
from rasreconcile.workers.memory import MemoryWorker, MemoryWorld, Play
from tests.apply.conftest import Study, study

__all__ = ["Controlled", "Study", "controlled", "study"]


class Counting(MemoryWorker):
    """A worker that counts what is asked of it."""

    def __init__(self, world: MemoryWorld, controlled: Controlled) -> None:
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
    world: MemoryWorld
    calls: Counter[str] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)
    answers_late: bool = False

    def __post_init__(self) -> None:
        self.applying = self.make()

    def make(self) -> Apply:
        loaded = load(self.study.folder / "spec.yaml")
        self.applying = Apply(loaded, Asked("a test"), self.events.append, lambda moment: None, Clock())
        return self.applying

    def apply(self) -> Outcome:
        return self.make().run()

    def told(self, kind: str) -> list[str]:
        return [event.message for event in self.events if event.kind == kind]


@pytest.fixture
def controlled(study: Study, monkeypatch: pytest.MonkeyPatch) -> Controlled:
    study.spec(engine='{type: command, command: [compute, "{output}"]}', expect="{completed: false}")
    ready = (study.folder / "ready.hdf").read_bytes()
    world = MemoryWorld(lambda run, job, inputs: Play(outputs=dict.fromkeys(job.outputs, ready)))
    one = Controlled(study, world)
    monkeypatch.setattr(stations, "open_worker", lambda name, spec, folder: Counting(world, one))
    return one
