"""Worker kinds as the kill harness sees them: how a controller gets one, what was computed there, what was left there.

Another kind is a class here or in `wires.py`, and a line in KINDS there; the trials, the invariants and the tests take its
name as an argument.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rasreconcile.errors import RasReconcileError, Trouble
from rasreconcile.jobs import Fetched, Job, LeftFile, RunId, Status, Trimmed
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.fake import FakeRun, FakeWorker, FakeWorld
from rasreconcile.workers.kind import Kinds
from rasreconcile.workers.local.kind import LOCAL
from tests.reliability.points import Points

if TYPE_CHECKING:
    from tests.reliability.scenarios import Scenario


class Kind(Protocol):
    """One place for runs, made anew for each trial in `folder`."""

    @staticmethod
    def missing() -> str | None:
        """What this machine lacks for it."""

    def set_up(self) -> None:
        """Services of its own are there, for all trials of this process."""

    def worker(self, folder: Path, cores: int, more: str = "") -> str:
        """The worker `desk` in the spec, as YAML on one line; `more`: fields, beginning with a comma."""

    def inside(self, folder: Path) -> str:
        """The folder of the study as a run sees it."""

    def begin(self, folder: Path, scenario: Scenario) -> None:
        """The place is there from now on, whatever happens to controllers."""

    def install(self, points: Points) -> Kinds | None:
        """In the controller's process: calls to the worker are points too. The kinds of worker it is started with."""

    def computations(self) -> Mapping[str, int]:
        """How often each plan was really computed since `begin`, by `Willow.p01`."""

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        """Run directories (but those of the runs `kept`), half-made ones, and processes that are still there.

        `kills`: controllers that were killed; what one may leave for a while is no fault.
        """

    def end(self) -> None:
        """Nothing of it goes on."""

    def tear_down(self) -> None:
        """The services end."""


CALLS = ("stage", "start", "fetch", "cancel", "discard", "read_log")
SPEC = "{{type: {type}, worker_folder: {folder}/runs/desk, cores_total: {cores}, cores_per_plan: 1{more}}}"


class Here:
    """What needs no service, and sees the study's folder as it is."""

    @staticmethod
    def missing() -> str | None:
        return None

    def set_up(self) -> None:
        """There is nothing but this machine."""

    def worker(self, folder: Path, cores: int, more: str = "") -> str:
        return SPEC.format(type="local", folder=folder, cores=cores, more=more)

    def inside(self, folder: Path) -> str:
        return str(folder)

    def tear_down(self) -> None:
        """There was nothing to set up."""


class Local(Here):
    """Run directories and runners on this machine."""

    def begin(self, folder: Path, scenario: Scenario) -> None:
        self.folder = folder
        self.runs = folder / "runs"

    def install(self, points: Points) -> Kinds | None:
        for name in CALLS:
            points.around(DetachedWorker, name)
        return None

    def computations(self) -> Mapping[str, int]:
        return Counter(path.name.rpartition(".")[0] for path in self.folder.glob("ran/*.*"))

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        allowed = {"cache", *kept}
        files = [str(path) for path in self.runs.glob("*/*") if path.name not in allowed]
        files += [str(path) for path in self.runs.glob("*/cache/**/.*")]
        return files + [f"process {pid}" for pid in self.processes()]

    def processes(self) -> list[int]:
        """Whoever names this folder, stands in it, or carries a run's mark from here."""
        runs, found = str(self.folder / "runs"), []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                named = runs.encode() in (entry / "cmdline").read_bytes()
                # Anything a run starts stands in its run directory, or below.
                stands = str((entry / "cwd").readlink()).startswith(runs)
            except OSError:
                continue
            if named or stands:
                found.append(int(entry.name))
        return found

    def end(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


class Memory(Here):
    """A world of runs in a process of its own, which outlives every controller."""

    def begin(self, folder: Path, scenario: Scenario) -> None:
        # The name of a socket must be short, and that of the study is as long as the user's name makes it.
        self.home = Path(tempfile.mkdtemp(prefix="rasw-", dir="/tmp"))
        self.address = str(self.home / "world")
        # It listens before the process begins: a name that is there may be one that nobody listens to yet.
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.address)
            listener.listen(64)
            self.pid = os.fork()
            if self.pid == 0:
                _serve(listener, folder, scenario)

    def install(self, points: Points) -> Kinds | None:
        for name in CALLS:
            points.around(FarMemoryWorker, name)
        return {"local": replace(LOCAL, opener=lambda name, spec, folder: FarMemoryWorker(self.address))}

    def computations(self) -> Mapping[str, int]:
        counts: Mapping[str, int] = _ask(self.address, "computations")
        return counts

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        return [run for run in _ask(self.address, "left") if run not in kept]

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        shutil.rmtree(self.home)


class FarMemoryWorker:
    """Implements `jobs.Worker` by asking the world's process. What it writes here, this process writes."""

    def __init__(self, address: str) -> None:
        self._address = address

    def stage(self, job: Job) -> None:
        _ask(self._address, "stage", job)

    def start(self, run: RunId, job: Job) -> None:
        _ask(self._address, "start", run, job)

    def poll(self, runs: Collection[RunId]) -> Mapping[RunId, Status]:
        found: Mapping[RunId, Status] = _ask(self._address, "poll", tuple(runs))
        return found

    def fetch(self, run: RunId, name: str, into: Path) -> Fetched:
        fetched, data = _ask(self._address, "fetch", run, name)
        with into.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.write(data[len(data) // 2 :])
            file.flush()
            os.fsync(file.fileno())
        done: Fetched = fetched
        return done

    def read_log(self, run: RunId, offset: int = 0, limit: int = 1 << 20) -> bytes:
        data: bytes = _ask(self._address, "read_log", run, offset, limit)
        return data

    def owner(self, run: RunId) -> str:
        owner: str = _ask(self._address, "owner", run)
        return owner

    def read_work(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        data: bytes = _ask(self._address, "read_work", run, name, offset, limit)
        return data

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        found: tuple[LeftFile, ...] = _ask(self._address, "files", run)
        return found

    def read_file(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        data: bytes = _ask(self._address, "read_file", run, name, offset, limit)
        return data

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        found: tuple[str, ...] = _ask(self._address, "find", tuple(paths))
        return found

    def ask(self, script: str, words: Sequence[str]) -> str:
        answer: str = _ask(self._address, "ask", script, tuple(words))
        return answer

    def cancel(self, run: RunId) -> None:
        _ask(self._address, "cancel", run)

    def discard(self, run: RunId) -> None:
        _ask(self._address, "discard", run)

    def runs(self) -> Mapping[RunId, datetime]:
        there: Mapping[RunId, datetime] = _ask(self._address, "runs")
        return there

    def trim_cache(
        self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"] = "remove"
    ) -> Trimmed:
        """Every run reads its inputs where they are."""
        return Trimmed(0, 0)

    def image(self) -> str | None:
        found: str | None = _ask(self._address, "image")
        return found

    def check(self) -> list[Trouble]:
        found: list[Trouble] = _ask(self._address, "check")
        return found

    def close(self) -> None:
        """Every question has a connection of its own."""


def _ask(address: str, method: str, *words: Any) -> Any:
    with Client(address, "AF_UNIX") as line:
        line.send((method, words))
        answer = line.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _serve(listener: socket.socket, folder: Path, scenario: Scenario) -> None:
    """The world's process: never returns."""
    ran = Counter[str]()

    def fake_run_for(run: RunId, job: Job, inputs: Mapping[str, bytes]) -> FakeRun:
        plan = job.steps[0][2]
        flow = next(data for name, data in inputs.items() if re.search(r"\.[fu]0", name))
        version = int(flow.rpartition(b"version ")[2].split()[0])
        fake_run = scenario.fake_run(plan, version, ran[plan], (folder / f"ready-{version}.hdf").read_bytes())
        ran[plan] += 1
        # Whatever it leaves, it leaves under every name that is asked for.
        return replace(
            fake_run,
            outputs=dict.fromkeys(job.outputs, *fake_run.outputs.values()) if fake_run.outputs else {},
        )

    world = FakeWorld(fake_run_for)
    worker = FakeWorker(world)
    plans: dict[RunId, str] = {}

    def answer(method: str, words: tuple[Any, ...]) -> Any:
        if method == "computations":
            return Counter(plans[run] for run in world.launched)
        if method == "left":
            return list(world.runs_there)
        if method == "start":
            plans[words[0]] = words[1].steps[0][2]
        if method == "fetch":
            with tempfile.NamedTemporaryFile(dir=folder) as file:
                run, name = words
                return worker.fetch(run, name, Path(file.name)), Path(file.name).read_bytes()
        return getattr(worker, method)(*words)

    def talk(line: Any) -> None:
        with line:
            try:
                method, words = line.recv()
                line.send(answer(method, words))
            except (RasReconcileError, FileNotFoundError) as error:
                line.send(error)
            except (EOFError, ConnectionError):
                return  # the controller that asked was killed

    while True:
        line = Connection(listener.accept()[0].detach())
        threading.Thread(target=talk, args=(line,), daemon=True).start()
