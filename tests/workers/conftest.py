"""Places where runs can be started, the same for every kind of worker, and jobs for them."""

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
from rasreconcile.workers.memory import MemoryWorker, MemoryWorld, Play

OUTPUT = "x.p01.hdf"


class Place:
    """A worker, and what a test may do to the place behind it."""

    worker: Worker

    def __init__(self, sources: Path) -> None:
        self.sources = sources

    def again(self) -> Worker:
        """Another controller's view of the same place."""
        raise NotImplementedError

    def job(self, *, inputs: dict[str, bytes] | None = None, **does: object) -> Job:
        """A job that `prints`, `writes` files, waits until it is `let_go` where it `waits`, and `exits`."""
        raise NotImplementedError

    def let_go(self, run: RunId) -> None:
        raise NotImplementedError

    def kill(self, run: RunId) -> None:
        """As if the machine's power had failed."""
        raise NotImplementedError

    def launches(self, run: RunId) -> int:
        """How often the job was really begun."""
        raise NotImplementedError

    def make_path(self, name: str) -> str:
        """A file of this name on the machine of the worker, beside its run directories: its path there."""
        raise NotImplementedError

    def until(self, is_so: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end
            time.sleep(0.01)

    def wait(self, run: RunId, seconds: float = 20.0) -> Status:
        """Until the run no longer goes on."""
        going = Running | Queued | Absent
        self.until(lambda: not isinstance(self.worker.poll([run])[run], going), seconds)
        return self.worker.poll([run])[run]

    def end(self, run: RunId, seconds: float = 20.0) -> Ended:
        status = self.wait(run, seconds)
        assert isinstance(status, Ended), status
        return status

    def staged(self, inputs: dict[str, bytes] | None) -> tuple[Staged, ...]:
        found = []
        for name, data in (inputs or {}).items():
            source = self.sources / f"source {secrets.token_hex(4)}"
            source.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            kind = "read only" if name.endswith(".tif") else "own copy"
            found.append(Staged(source=source, name=name, digest=digest, size=len(data), writable=kind))
        return tuple(found)


def plain_job(**more: object) -> Job:
    values: dict[str, object] = {
        "platform": "posix",
        "steps": (("true",),),
        "inputs": (),
        "outputs": (OUTPUT,),
        "cores": 1,
        "time_limit": timedelta(seconds=60),
    }
    return Job(**{**values, **more})


class LocalPlace(Place):
    def __init__(self, folder: Path, sources: Path) -> None:
        super().__init__(sources)
        self.folder = folder
        self.worker = local_worker("desk", folder)

    def again(self) -> Worker:
        return local_worker("desk", self.folder)

    def script(self, *texts: str, inputs: dict[str, bytes] | None = None, **more: object) -> Job:
        """A job of shell scripts."""
        steps = tuple(("sh", "-c", text) for text in texts)
        return plain_job(**{"steps": steps, "inputs": self.staged(inputs), **more})

    def job(
        self,
        *,
        inputs: dict[str, bytes] | None = None,
        writes: dict[str, bytes] | None = None,
        prints: bytes = b"",
        then_prints: bytes = b"",
        exits: int = 0,
        waits: bool = False,
        **more: object,
    ) -> Job:
        lines = ["echo x >>../launches", f"printf '{_escaped(prints)}'"]
        lines += [f"printf '{_escaped(data)}' >'{name}'" for name, data in (writes or {}).items()]
        if waits:
            lines.append("while ! [ -e ../go ]; do sleep 0.02; done")
        lines += [f"printf '{_escaped(then_prints)}'", f"exit {exits}"]
        return self.script("\n".join(lines), inputs=inputs, **more)

    def let_go(self, run: RunId) -> None:
        (self.folder / run / "go").touch()

    def kill(self, run: RunId) -> None:
        for pid in self.processes(run):
            os.kill(pid, signal.SIGKILL)

    def launches(self, run: RunId) -> int:
        return len((self.folder / run / "launches").read_text().splitlines())

    def make_path(self, name: str) -> str:
        path = self.sources / "installed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return str(path)

    def left_over(self) -> list[str]:
        """What lies in the worker's folder beside run directories and the cache."""
        return [path.name for path in self.folder.glob(".*")]

    def sessions(self, run: RunId) -> int:
        """Three where all is up: the runner's, its guard's and the job's."""
        return len({os.getsid(pid) for pid in self.processes(run)})

    def processes(self, run: RunId) -> list[int]:
        """Whoever stands in the run directory, names it, or carries the run's mark."""
        found, place = [], self.folder / run
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                words, marks = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
                stands = (entry / "cwd").resolve().is_relative_to(place)
            except OSError:
                continue
            if stands or str(place).encode() in words or f"RASRECONCILE_RUN={run}.".encode() in marks:
                found.append(int(entry.name))
        return found


class MemoryPlace(Place):
    def __init__(self, sources: Path) -> None:
        super().__init__(sources)
        self.plays: dict[str, Play] = {}
        self.world = MemoryWorld(lambda run, job, inputs: self.plays[job.steps[0][0]])
        self.worker = MemoryWorker(self.world)

    def again(self) -> Worker:
        return MemoryWorker(self.world)

    def job(
        self,
        *,
        inputs: dict[str, bytes] | None = None,
        writes: dict[str, bytes] | None = None,
        prints: bytes = b"",
        then_prints: bytes = b"",
        exits: int = 0,
        waits: bool = False,
        **more: object,
    ) -> Job:
        name = secrets.token_hex(4)
        self.plays[name] = Play(
            outputs=writes or {},
            exit_code=exits,
            printed=prints,
            last_words=then_prints,
            lasts=None if waits else timedelta(0),
            writes_for=timedelta(0),
        )
        return plain_job(**{"steps": ((name,),), "inputs": self.staged(inputs), **more})

    def let_go(self, run: RunId) -> None:
        self.world.release(run)

    def kill(self, run: RunId) -> None:
        self.world.kill(run)

    def make_path(self, name: str) -> str:
        self.world.paths.add(f"/{name}")
        return f"/{name}"

    def launches(self, run: RunId) -> int:
        return self.world.launched.count(run)


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in data)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalPlace]:
    one = LocalPlace(tmp_path / "ras runs", tmp_path)
    yield one
    for folder in one.folder.glob("*") if one.folder.is_dir() else ():
        one.kill(RunId(folder.name))


@pytest.fixture
def memory(tmp_path: Path) -> MemoryPlace:
    return MemoryPlace(tmp_path)


@pytest.fixture(params=["memory", "local"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)


@pytest.fixture
def a_run() -> Callable[[str], RunId]:
    return lambda word: RunId(f"20260102-030405-{word}-{secrets.token_hex(6)}")


@pytest.fixture
def run(a_run) -> RunId:
    return a_run("plan")
