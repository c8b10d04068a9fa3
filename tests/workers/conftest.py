"""Workers under test, and jobs for them."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rasreconcile.jobs import Absent, Ended, Job, Queued, RunId, Running, Staged, Status, Worker
from rasreconcile.workers.local import local_worker


class Place:
    """A worker, and what a test may do to the place behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.worker: Worker = local_worker("desk", folder)

    def again(self) -> Worker:
        """Another controller's view of the same place."""
        return local_worker("desk", self.folder)

    def processes(self, run: RunId) -> list[int]:
        """Processes of the run: its runner, and all that carries its mark."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                words, marks = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(self.folder / run).encode() in words or f"RASRECONCILE_RUN={run}".encode() in marks:
                found.append(int(entry.name))
        return found

    def kill(self, run: RunId) -> None:
        """As if the machine's power had failed."""
        for pid in self.processes(run):
            os.kill(pid, signal.SIGKILL)

    def wait(self, run: RunId, seconds: float = 20.0) -> Status:
        """Until the run no longer goes on."""
        until = time.monotonic() + seconds
        while isinstance(status := self.worker.poll([run])[run], Running | Queued | Absent):
            assert time.monotonic() < until, status
            time.sleep(0.01)
        return status

    def end(self, run: RunId, seconds: float = 20.0) -> Ended:
        status = self.wait(run, seconds)
        assert isinstance(status, Ended)
        return status


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    one = Place(tmp_path / "ras runs")
    yield one
    for folder in one.folder.glob("*") if one.folder.is_dir() else ():
        one.kill(RunId(folder.name))


@pytest.fixture
def run() -> RunId:
    return RunId(f"20260102-030405-plan-{secrets.token_hex(6)}")


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    def make(*script: str, inputs: dict[str, bytes] | None = None, **more: object) -> Job:
        staged = []
        for name, data in (inputs or {}).items():
            source = tmp_path / f"source {len(staged)}"
            source.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            kind = "read only" if name.endswith(".tif") else "own copy"
            staged.append(Staged(source=source, name=name, digest=digest, size=len(data), writable=kind))
        values: dict[str, object] = {
            "platform": "posix",
            "steps": tuple(("sh", "-c", text) for text in script),
            "inputs": tuple(staged),
            "outputs": ("x.p01.hdf",),
            "cores": 1,
            "time_limit": timedelta(seconds=60),
        }
        return Job(**{**values, **more})

    return make
