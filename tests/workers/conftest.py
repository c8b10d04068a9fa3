"""Places where runs can be started, the same for every kind of worker, and jobs for them."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from dockerd import Dockerd
from dockerplace import DockerPlace
from services import Service, absent
from sshd import Network, Sshd
from waiting import LONGEST, until
from winsshd import WindowsHost

from rasreconcile.jobs import Absent, Ended, Job, Queued, RunId, Running, Staged, Status, Worker
from rasreconcile.workers.fake import FakeRun, FakeWorker, FakeWorld
from rasreconcile.workers.local.worker import local_worker
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.worker import ssh_worker
from tests.workers.toy import toy_worker

OUTPUT = "x.p01.hdf"


class Place:
    """A worker, and what a test may do to the place behind it."""

    worker: Worker

    def __init__(self, sources: Path) -> None:
        self.sources = sources

    def again(self) -> Worker:
        """Another controller's view of the same place."""
        raise NotImplementedError

    def job(self, *, inputs: dict[str, bytes] | None = None, **does: Any) -> Job:
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

    def until(self, is_so: Callable[[], bool]) -> None:
        until(is_so)

    def begin(self, run: RunId, job: Job) -> None:
        """Starts it, and waits until it is no longer queued."""
        self.worker.start(run, job)
        self.until(lambda: not isinstance(self.worker.poll([run])[run], Queued))

    def wait(self, run: RunId) -> Status:
        """Until the run no longer goes on."""
        going = Running | Queued | Absent
        self.until(lambda: not isinstance(self.worker.poll([run])[run], going))
        return self.worker.poll([run])[run]

    def end(self, run: RunId) -> Ended:
        status = self.wait(run)
        assert isinstance(status, Ended), status
        return status

    def staged(self, inputs: dict[str, bytes] | None) -> tuple[Staged, ...]:
        found = []
        for name, data in (inputs or {}).items():
            source = self.sources / f"source {secrets.token_hex(4)}"
            source.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            kind: Literal["read only", "own copy"] = "read only" if name.endswith(".tif") else "own copy"
            found.append(Staged(source=source, name=name, digest=digest, size=len(data), writable=kind))
        return tuple(found)


def plain_job(**more: Any) -> Job:
    values: dict[str, Any] = {
        "platform": "posix",
        "steps": (("true",),),
        "inputs": (),
        "outputs": (OUTPUT,),
        "cores": 1,
        "time_limit": timedelta(seconds=600),
    }
    return Job(**{**values, **more})


class LocalPlace(Place):
    def __init__(self, folder: Path, sources: Path) -> None:
        super().__init__(sources)
        self.folder = folder
        self.worker = local_worker("desk", folder)

    def again(self) -> Worker:
        return local_worker("desk", self.folder)

    def script(self, *texts: str, inputs: dict[str, bytes] | None = None, **more: Any) -> Job:
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
        **more: Any,
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
            # Some are short-lived: the guard's `sleep 1`.
            with suppress(ProcessLookupError):
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
        found = set()
        for pid in self.processes(run):
            # Some are short-lived: the guard's `sleep 1`.
            with suppress(ProcessLookupError):
                found.add(os.getsid(pid))
        return len(found)

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


class PythonPlace(LocalPlace):
    """This machine, where it is Windows: jobs are scripts for the interpreter of the tests."""

    def script(self, *texts: str, inputs: dict[str, bytes] | None = None, **more: Any) -> Job:
        """Of Python. Each says by its number in `../pids` that it is there."""
        first = (
            "import os, sys, time\nwith open('{up}../pids', 'a') as file: file.write(f'{{os.getpid()}}\\n')\n"
        )
        up = "../" * len(Path(str(more.get("folder", ""))).parts)
        scripts = {f"job-{n}.py": (first.format(up=up) + text).encode() for n, text in enumerate(texts)}
        steps = tuple((sys.executable, "-I", "-S", f"{up}{name}") for name in scripts)
        staged = self.staged({**(inputs or {}), **scripts})
        return plain_job(**{"platform": "windows", "steps": steps, "inputs": staged, **more})

    def job(
        self,
        *,
        inputs: dict[str, bytes] | None = None,
        writes: dict[str, bytes] | None = None,
        prints: bytes = b"",
        then_prints: bytes = b"",
        exits: int = 0,
        waits: bool = False,
        **more: Any,
    ) -> Job:
        lines = ["open('../launches', 'a').write('x\\n')", f"os.write(1, {prints!r})"]
        lines += [f"open({name!r}, 'wb').write({data!r})" for name, data in (writes or {}).items()]
        if waits:
            lines.append("while not os.path.exists('../go'): time.sleep(0.02)")
        lines += [f"os.write(1, {then_prints!r})", f"sys.exit({exits})"]
        return self.script("\n".join(lines), inputs=inputs, **more)

    def begin(self, run: RunId, job: Job) -> None:
        """Also where its interpreter takes longer to start than a runner is given before it counts as late."""
        self.worker.start(run, job)
        self.until(lambda: isinstance(self.worker.poll([run])[run], Running | Ended))

    def kill(self, run: RunId) -> None:
        # The kernel ends the job with its runner.
        for pid in self.processes(run):
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def processes(self, run: RunId) -> list[int]:
        """The runner and the scripts that are still there."""
        place = self.folder / run
        claim = place / "started"
        pids = [int(claim.read_text().split()[1])] if claim.exists() else []
        scripts = place / "pids"
        pids += [int(line) for line in scripts.read_text().split()] if scripts.exists() else []
        return [pid for pid in pids if _is_there(pid)]


if sys.platform == "win32":
    from rasreconcile.workers.windows_kernel import start_of

    def _is_there(pid: int) -> bool:
        return start_of(pid) is not None

else:

    def _is_there(pid: int) -> bool:
        return Path(f"/proc/{pid}").exists()


class ToyPlace(LocalPlace):
    """This machine, as a kind of the tests' own."""

    def __init__(self, folder: Path, sources: Path) -> None:
        super().__init__(folder, sources)
        self.worker = toy_worker("toy", folder)

    def again(self) -> Worker:
        return toy_worker("toy", self.folder)


class SshPlace(LocalPlace):
    """This machine again, by way of an SSH server."""

    def __init__(self, server: Sshd, key: Path, folder: Path, sources: Path) -> None:
        super().__init__(folder, sources)
        self.server = server
        self.spec = SshWorker(
            type="ssh",
            hostname=server.address,
            port=server.port,
            username="root",
            ssh_key_path=str(key),
            worker_folder=str(folder),
        )
        self.opened: list[Worker] = []
        self.worker = self.again()

    def again(self, **changed: Any) -> Worker:
        spec = self.spec.model_copy(update=changed)
        self.opened.append(ssh_worker("box", spec, self.sources))
        return self.opened[-1]

    def tear_down(self) -> None:
        for worker in self.opened:
            worker.close()
        for folder in self.folder.glob("*") if self.folder.is_dir() else ():
            self.kill(RunId(folder.name))


class WindowsPlace(SshPlace):
    """A Windows host, as far as it can be stood in for: see `winsshd`. Its jobs are scripts of this machine."""

    def __init__(self, host: WindowsHost, folder: Path, sources: Path) -> None:
        self.host = host
        super().__init__(host.server, host.key, folder, sources)

    def again(self, **changed: Any) -> Worker:
        return super().again(**{"platform": "windows", **changed})

    def script(self, *texts: str, inputs: dict[str, bytes] | None = None, **more: Any) -> Job:
        scripts = {f"rasreconcile-{n}.sh": text.encode() for n, text in enumerate(texts)}
        above = "../" * len(Path(str(more.get("folder", ""))).parts)
        steps = tuple(("sh", f"{above}{name}") for name in scripts)
        staged = self.staged({**(inputs or {}), **scripts})
        return plain_job(**{"platform": "windows", "steps": steps, "inputs": staged, **more})


class BoundPlace(DockerPlace, LocalPlace):
    """Containers that see the folder of the runs as it is."""

    def __init__(self, daemon: Dockerd, sources: Path) -> None:
        Place.__init__(self, sources)
        self.folder = sources / "ras runs"
        self.furnish(daemon, "box", worker_folder=str(self.folder))


class VolumePlace(DockerPlace, LocalPlace):
    """Containers on a daemon that sees other files: all goes through its API."""

    def __init__(self, daemon: Dockerd, sources: Path) -> None:
        Place.__init__(self, sources)
        name = f"box-{secrets.token_hex(4)}"
        self.folder = daemon.folder / "data" / "volumes" / f"rasreconcile-{name}" / "_data" / "runs"
        # Over TCP nobody takes it for a daemon of this machine.
        self.furnish(daemon, name, docker_host=daemon.tcp)


class MemoryPlace(Place):
    def __init__(self, sources: Path) -> None:
        super().__init__(sources)
        self.plays: dict[str, FakeRun] = {}
        self.world = FakeWorld(lambda run, job, inputs: self.plays[job.steps[0][0]])
        self.worker = FakeWorker(self.world)

    def again(self) -> Worker:
        return FakeWorker(self.world)

    def job(
        self,
        *,
        inputs: dict[str, bytes] | None = None,
        writes: dict[str, bytes] | None = None,
        prints: bytes = b"",
        then_prints: bytes = b"",
        exits: int = 0,
        waits: bool = False,
        **more: Any,
    ) -> Job:
        name = secrets.token_hex(4)
        self.plays[name] = FakeRun(
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
    kind = PythonPlace if sys.platform == "win32" else LocalPlace
    one = kind(tmp_path / "ras runs", tmp_path)
    yield one
    for folder in one.folder.glob("*") if one.folder.is_dir() else ():
        one.kill(RunId(folder.name))


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[ToyPlace]:
    one = ToyPlace(tmp_path / "ras runs", tmp_path)
    yield one
    for folder in one.folder.glob("*") if one.folder.is_dir() else ():
        one.kill(RunId(folder.name))


@pytest.fixture
def memory(tmp_path: Path) -> MemoryPlace:
    return MemoryPlace(tmp_path)


@pytest.fixture
def ssh(shared_network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshPlace]:
    monkeypatch.setenv("HOME", str(shared_network.home))
    one = SshPlace(shared_network.servers[0], shared_network.key, tmp_path / "it's ras $runs %d", tmp_path)
    yield one
    one.tear_down()


@pytest.fixture
def windows(
    windows_host: WindowsHost, shared_network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WindowsPlace]:
    monkeypatch.setenv("HOME", str(shared_network.home))
    windows_host.log_on(r"BOX\ras")
    one = WindowsPlace(windows_host, tmp_path / "it's ras runs %d", tmp_path)
    yield one
    one.tear_down()


@pytest.fixture
def ssh_on(network: Network, tmp_path: Path) -> Iterator[Callable[[Sshd], SshPlace]]:
    """A worker on a server of the test's own."""
    made: list[SshPlace] = []

    def place(server: Sshd) -> SshPlace:
        made.append(SshPlace(server, network.key, tmp_path / "ras runs", tmp_path))
        return made[-1]

    yield place
    for one in made:
        one.tear_down()


@pytest.fixture
def cut_off(
    network: Network, ssh_on: Callable[[Sshd], SshPlace]
) -> Iterator[tuple[SshPlace, Callable[[str], None]]]:
    """A worker behind a link of its own, and what sets that link `up` or `down`."""
    number = os.getpid() % 200 + 20
    name, here, there = f"ras{os.getpid()}", f"rasa{os.getpid()}", f"rasb{os.getpid()}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=LONGEST)

    if shutil.which("ip") is None:
        absent(Service.NETWORKS, "iproute2 is not installed")
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError:
        absent(Service.NETWORKS, "no network namespace can be made here")
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("addr", "add", f"10.213.{number}.1/24", "dev", here)
        ip("link", "set", here, "up")
        for words in (("addr", "add", f"10.213.{number}.2/24", "dev", there), ("link", "set", there, "up")):
            ip("-n", name, *words)
        ip("-n", name, "link", "set", "lo", "up")
        within = ("ip", "netns", "exec", name)
        server = network.server(address=f"10.213.{number}.2", within=within)
        yield ssh_on(server), lambda way: ip("link", "set", here, way)
        server.stop()
    finally:
        ip("netns", "delete", name)


@pytest.fixture
def bound(dockerd: Dockerd, tmp_path: Path) -> Iterator[BoundPlace]:
    one = BoundPlace(dockerd, tmp_path)
    yield one
    one.tidy(path.name for path in one.folder.glob("*"))


@pytest.fixture
def bound_place_on(tmp_path: Path) -> Iterator[Callable[[Dockerd], BoundPlace]]:
    """A place on a daemon of the test's own."""
    made: list[BoundPlace] = []

    def make(daemon: Dockerd) -> BoundPlace:
        made.append(BoundPlace(daemon, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.tidy(path.name for path in one.folder.glob("*"))


@pytest.fixture
def volume_place_on(tmp_path: Path) -> Iterator[Callable[[Dockerd], VolumePlace]]:
    """A place in a volume of a daemon of the test's own."""
    made: list[VolumePlace] = []

    def make(daemon: Dockerd) -> VolumePlace:
        made.append(VolumePlace(daemon, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.tidy(path.name for path in one.folder.glob("*"))


@pytest.fixture
def volume(dockerd: Dockerd, tmp_path: Path) -> Iterator[VolumePlace]:
    one = VolumePlace(dockerd, tmp_path)
    yield one
    one.tidy(path.name for path in one.folder.glob("*"))
    with dockerd.client() as client:
        if one.folder.exists():
            client.remove_volume(f"rasreconcile-{one.name}", force=True)


# On Windows there is no SSH server of the tests, and no Docker daemon.
PLACES = (
    ["memory", "local"]
    if sys.platform == "win32"
    else ["memory", "local", "toy", "ssh", "windows", "bound", "volume"]
)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)


@pytest.fixture
def a_run() -> Callable[[str], RunId]:
    return lambda word: RunId(f"20260102-030405-{word}-{secrets.token_hex(6)}")


@pytest.fixture
def run(a_run) -> RunId:
    return a_run("plan")
