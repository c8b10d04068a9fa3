"""A place of each kind, as the contract of workers sees it: where it is, how jobs for it look, how it is hurt."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from dockerd import Dockerd
from dockerplace import DockerPlace
from sshd import Sshd
from waiting import until
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

    LAUNCHED = "echo x >>../launches"
    WAITING = "while ! [ -e ../go ]; do sleep 0.02; done"

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
        lines = [self.LAUNCHED, self.print_line(prints)]
        lines += [self.write_line(name, data) for name, data in (writes or {}).items()]
        if waits:
            lines.append(self.WAITING)
        lines += [self.print_line(then_prints), self.exit_line(exits)]
        return self.script("\n".join(lines), inputs=inputs, **more)

    def print_line(self, data: bytes) -> str:
        return f"printf '{_escaped(data)}'"

    def write_line(self, name: str, data: bytes) -> str:
        return f"{self.print_line(data)} >'{name}'"

    def exit_line(self, code: int) -> str:
        return f"exit {code}"

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
