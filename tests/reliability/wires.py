"""Worker kinds at the end of a wire: a real sshd and a real dockerd on this machine, one for each process of the harness."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from rasreconcile.workers.docker import choose_storage
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.kind import Kinds
from rasreconcile.workers.openssh.connection import RemoteCommand
from rasreconcile.workers.psexec.agent import DESK
from rasreconcile.workers.psexec.smb import SmbShare
from tests.reliability.clouds import Batch
from tests.reliability.cluster import Slurm
from tests.reliability.kinds import SPEC, Kind, Local, Memory
from tests.reliability.points import Points

if TYPE_CHECKING:
    from tests.reliability.scenarios import Scenario

# As the tests of pytest find them.
sys.path.insert(0, str(Path(__file__).parents[1] / "services"))
import dockerd
import samba
import sshd


class Ssh(Local):
    """This machine again, by way of an SSH server."""

    @staticmethod
    def missing() -> str | None:
        return sshd.why_not()

    def set_up(self) -> None:
        self.network = sshd.Network(Path(tempfile.mkdtemp(prefix="rasreconcile-ssh-")))
        self.network.set_up()
        self.server = self.network.server()

    def worker(self, folder: Path, cores: int, more: str = "") -> str:
        place = f", hostname: {self.server.address}, port: {self.server.port}, username: root"
        return SPEC.format(
            type="ssh", folder=folder, cores=cores, more=f"{place}, ssh_key_path: {self.network.key}{more}"
        )

    def install(self, points: Points) -> Kinds | None:
        os.environ["HOME"] = str(self.network.home)
        os.environ.pop("SSH_AUTH_SOCK", None)
        kinds = super().install(points)
        points.around(paramiko.Transport, "start_client")
        points.around(paramiko.Channel, "exec_command")
        for name in ("send", "end_sending"):
            points.around(RemoteCommand, name)
        return kinds

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        return super().left_over(kept, kills) + [f"session {pid}" for pid in self.server.sessions()]

    def tear_down(self) -> None:
        self.network.tear_down()
        shutil.rmtree(self.network.folder)


RUNTIME = """\
#!/bin/sh
# runc, but every container sees one more folder of this machine: where computations are counted.
last=
for word; do
    [ "$last" = --bundle ] && bundle=$word
    last=$word
done
case " $* " in
*" create "*)
    more='{"destination":"INSIDE","type":"bind","source":"FOLDER","options":["rbind","rw"]},'
    sed -i "s|\\"mounts\\":\\[|&$more|" "$bundle/config.json" || exit 1
    ;;
esac
exec runc "$@"
"""
HELPER = "rasreconcile-helper-"
CALLED = ("image", "containers", "create", "start", "kill", "remove", "volume", "run")


class Docker(Local):
    """Containers in folders that they and the worker see."""

    @staticmethod
    def missing() -> str | None:
        return dockerd.why_not()

    def set_up(self) -> None:
        self.tools = Path(tempfile.mkdtemp(prefix="rasreconcile-runc-"))
        self.runtime = self.tools / "runc"
        self.runtime.touch(0o755)
        self.daemon = dockerd.Dockerd(
            "--add-runtime", f"counting={self.runtime}", "--default-runtime=counting"
        )
        self.daemon.start()
        self.daemon.add_image(dockerd.IMAGE, dockerd.busybox_image())

    def worker(self, folder: Path, cores: int, more: str = "") -> str:
        text = RUNTIME.replace("FOLDER", str(folder)).replace("INSIDE", self.inside(folder))
        self.runtime.write_text(text)
        return SPEC.format(
            type="docker", folder=folder, cores=cores, more=self.place(self.daemon.host) + more
        )

    def inside(self, folder: Path) -> str:
        return "/study"

    def place(self, host: str) -> str:
        return f', docker_image: "{dockerd.IMAGE}", docker_host: "{host}"'

    def begin(self, folder: Path, scenario: Scenario) -> None:
        super().begin(folder, scenario)
        ran = folder / "ran"
        ran.mkdir()
        # Containers are not root.
        ran.chmod(0o777)

    def install(self, points: Points) -> Kinds | None:
        kinds = super().install(points)
        # Nobody else is at work here: what is there is left by one that was killed.
        choose_storage.ABANDONED = -60.0
        for name in CALLED:
            points.around(Daemon, name)
        put, get = Daemon.put, Daemon.get

        def sent(archive: Iterable[bytes]) -> Iterator[bytes]:
            for piece in archive:
                points.reach("before piece sent")
                yield piece

        def counted_put(daemon: Daemon, name: str, folder: str, archive: Iterable[bytes]) -> None:
            put(daemon, name, folder, sent(archive))
            points.reach("after put")

        def counted_get(daemon: Daemon, name: str, path: str) -> Iterator[bytes]:
            points.reach("before get")
            for piece in get(daemon, name, path):
                yield piece
                points.reach("after piece received")

        instead: dict[str, Callable[..., object]] = {"put": counted_put, "get": counted_get}
        for name, counted in instead.items():
            setattr(Daemon, name, counted)
        return kinds

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        containers = self.containers()
        helpers = [name for name in containers if name.startswith(HELPER)]
        # Helpers of killed controllers go by themselves, ten minutes after they were last used.
        odd = [f"{name}: {containers[name]}" for name in helpers if containers[name] != "running"]
        odd += [f"one of {helpers}"] if len(helpers) > kills else []
        odd += [name for name in containers if name not in helpers and name not in kept]
        return super().left_over(kept, kills) + odd

    def containers(self) -> dict[str, str]:
        """The state of each, by name."""
        with self.daemon.client() as client:
            return {entry["Names"][0].lstrip("/"): entry["State"] for entry in client.containers(all=True)}

    def end(self) -> None:
        with self.daemon.client() as client:
            for name in self.containers():
                dockerd.take_away(client, name)
        super().end()

    def tear_down(self) -> None:
        self.daemon.remove()
        shutil.rmtree(self.tools)


class Volume(Docker):
    """Containers on a daemon that sees other files: all goes through its API, into a volume."""

    def place(self, host: str) -> str:
        # Over TCP nobody takes it for a daemon of this machine.
        return super().place(self.daemon.tcp)

    def begin(self, folder: Path, scenario: Scenario) -> None:
        super().begin(folder, scenario)
        self.runs = self.daemon.folder / "data" / "volumes" / "rasreconcile-desk" / "_data"

    def end(self) -> None:
        super().end()
        with self.daemon.client() as client:
            for volume in client.volumes()["Volumes"] or ():
                client.remove_volume(volume["Name"], force=True)


class Share(Local):
    """A Windows host behind a share: a real smbd, and the agent, run by mono."""

    @staticmethod
    def missing() -> str | None:
        return samba.why_not() or (None if shutil.which("mcs") else "no mono-mcs")

    def set_up(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="rasreconcile-smb-"))
        self.programs = samba.compile_agent(self.home / "programs")
        number = os.getpid()
        self.server = samba.Smbd(self.home / "smbd", f"127.78.{number // 250 % 250}.{number % 250 + 1}")
        # Every study lies behind the same name.
        self.link = self.home / "runs"
        self.link.symlink_to(self.home)
        self.unc = self.server.share("runs", self.link)
        self.server.start()
        (self.home / "password").write_text(samba.PASSWORD)
        (self.home / "password").chmod(0o600)

    def worker(self, folder: Path, cores: int, more: str = "") -> str:
        place = f", hostname: {self.server.address}, port: {self.server.port}, share_path: '{self.unc}'"
        place += f", launcher: none, credentials: {{username: {samba.USER}, password: {{file: {self.home}/password}}}}"
        return SPEC.format(type="psexec", folder=folder, cores=cores, more=place + more)

    def begin(self, folder: Path, scenario: Scenario) -> None:
        super().begin(folder, scenario)
        runs = self.runs / "desk"
        runs.mkdir(parents=True)
        self.link.unlink()
        self.link.symlink_to(runs)
        self.agent = samba.ResidentAgent(runs, self.programs)
        self.agent.start()

    def install(self, points: Points) -> Kinds | None:
        kinds = super().install(points)
        for name in ("write", "append", "read", "rename", "remove", "entry"):
            points.around(SmbShare, name)
        return kinds

    def left_over(self, kept: Collection[str], kills: int) -> list[str]:
        served = self.agent.process.pid if self.agent.process else 0
        found = super().left_over({DESK, "join.cmd", *kept}, kills)
        found = [one for one in found if one != f"process {served}"]
        found += [
            str(path) for room in ("inbox", "cancel") for path in (self.agent.folder / DESK / room).iterdir()
        ]
        # An answer that nobody came back for goes after a day.
        answers = list((self.agent.folder / DESK / "answers").iterdir())
        return found + ([f"{len(answers)} answers"] if len(answers) > kills else [])

    def end(self) -> None:
        self.agent.kill()
        super().end()

    def tear_down(self) -> None:
        self.server.stop()
        shutil.rmtree(self.home)


KINDS: Mapping[str, type[Kind]] = {
    "local": Local,
    "memory": Memory,
    "ssh": Ssh,
    "share": Share,
    "docker": Docker,
    "volume": Volume,
    "slurm": Slurm,
    "aws-batch": Batch,
}
