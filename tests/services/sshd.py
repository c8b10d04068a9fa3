"""Real SSH servers on loopback addresses, started by hand and stopped by pid."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from services import Service, absent
from waiting import LONGEST

PORT = 22022
PROGRAM = "/usr/sbin/sshd"


def why_not() -> str | None:
    """What is missing here for running SSH servers."""
    if not Path(PROGRAM).exists() or shutil.which("ssh-keygen") is None:
        return "openssh-server is not installed"
    return None if os.geteuid() == 0 else "SSH servers of one's own need root"


@dataclass
class Sshd:
    """One server, as if it were one machine. Its users are those of this machine."""

    folder: Path
    """Keys, configuration and the process's own files."""
    address: str
    port: int = PORT
    more: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    """What the server's command line begins with: `ip netns exec NAME`."""
    pid: int = 0

    def configured(self) -> Path:
        """Its configuration, for `sshd -f`."""
        Path("/run/sshd").mkdir(exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        key = self.folder / "host_key"
        if not key.exists():
            make_key(key)
        config = self.folder / "config"
        lines = [
            f"Port {self.port}",
            f"ListenAddress {self.address}",
            f"HostKey {key}",
            f"PidFile {self.folder / 'pid'}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            "StrictModes no",
            "UsePAM no",
            "Subsystem sftp internal-sftp",
            "MaxStartups 100",
            "PermitRootLogin yes",
            *self.more,
            # bash then leaves out .bashrc, which on a developer's machine takes longer than all the rest.
            # The first SetEnv counts: a test's own replaces it.
            "SetEnv SHLVL=3",
        ]
        config.write_text("\n".join(lines) + "\n")
        return config

    def start(self) -> None:
        """Until it answers."""
        subprocess.run(
            [*self.within, PROGRAM, "-f", str(self.configured()), "-E", str(self.folder / "log")],
            check=True,
            timeout=LONGEST,
        )
        until = time.monotonic() + LONGEST
        while not self._is_up():
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.02)
        self.pid = int((self.folder / "pid").read_text())

    def let_in(self, key: Path) -> None:
        """Whoever has this key."""
        with (self.folder / "authorized_keys").open("a") as file:
            file.write(key.with_suffix(".pub").read_text())

    def known_line(self) -> str:
        """As known_hosts has it."""
        kind, key, *_ = (self.folder / "host_key.pub").read_text().split()
        return f"{self.name} {kind} {key}\n"

    @property
    def name(self) -> str:
        return f"[{self.address}]:{self.port}"

    def sessions(self) -> list[int]:
        """The processes that serve one connection each."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._parent(entry) == self.pid:
                found.append(int(entry.name))
        return found

    def cut(self) -> int:
        """Every connection that is open ends at once; how many there were."""
        pids = self.sessions()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def stop(self) -> None:
        """The server and all connections."""
        if not self.pid:
            return
        sessions = self.sessions()
        for pid in (self.pid, *sessions):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        until = time.monotonic() + LONGEST
        while Path(f"/proc/{self.pid}").exists() and time.monotonic() < until:
            time.sleep(0.01)
        (self.folder / "pid").unlink(missing_ok=True)
        self.pid = 0

    def _is_up(self) -> bool:
        if not (self.folder / "pid").exists():
            return False
        asked = [*self.within, "ssh-keyscan", "-T", "2", "-p", str(self.port), self.address]
        return bool(subprocess.run(asked, capture_output=True, check=False, timeout=LONGEST).stdout)

    @staticmethod
    def _parent(entry: Path) -> int:
        try:
            return int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
        except (OSError, ValueError):
            return -1


MACHINE = """\
mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && "$@" && exec sleep infinity
"""


@dataclass
class Machine(Sshd):
    """A server with a process table and a boot of its own, so that its power can be cut: the disk stays."""

    boots: int = 0
    _kernel: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Switched on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.boots += 1
        boot = self.folder / f"boot-{self.boots}"
        boot.write_text(f"00000000-0000-4000-8000-{self.boots:012}\n")
        space = [
            "unshare",
            "--fork",
            "--pid",
            "--mount-proc",
            "--kill-child",
            "sh",
            "-ec",
            MACHINE,
            "sh",
            str(boot),
        ]
        (self.folder / "pid").unlink(missing_ok=True)
        self._kernel = subprocess.Popen(
            [*space, PROGRAM, "-f", str(self.configured()), "-E", str(self.folder / "log")]
        )
        until = time.monotonic() + LONGEST
        while not self._is_up():
            if self._kernel.poll() is not None and self.boots == 1:
                absent(Service.MOUNTS, "this machine lets nobody have a process table of its own")
            assert self._kernel.poll() is None and time.monotonic() < until, "the machine did not start"
            time.sleep(0.02)

    def cut_power(self) -> None:
        """Every process of it is gone, from one moment to the next."""
        assert self._kernel is not None
        self._kernel.kill()
        self._kernel.wait()
        self._kernel = None

    def stop(self) -> None:
        if self._kernel is not None:
            self.cut_power()


def make_key(path: Path, passphrase: str = "") -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "a key of the tests", "-f", str(path)],
        check=True,
        timeout=LONGEST,
        stdin=subprocess.DEVNULL,
    )


@dataclass
class Network:
    """A home of one's own with a key, and servers that let it in."""

    folder: Path
    servers: list[Sshd] = field(default_factory=list)
    _net: str = field(default_factory=lambda: f"127.{random.randrange(32, 250)}.{random.randrange(1, 250)}")

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def key(self) -> Path:
        return self.home / ".ssh" / "key"

    def set_up(self) -> None:
        self.key.parent.mkdir(parents=True, mode=0o700)
        make_key(self.key)

    def server(self, *more: str, address: str = "", within: tuple[str, ...] = ()) -> Sshd:
        """One more host, known here."""
        number = len(self.servers) + 1
        made = Sshd(
            self.folder / f"host{number}", address or f"{self._net}.{number}", more=more, within=within
        )
        self._begin(made)
        return made

    def machine(self) -> Machine:
        """One more host, known here, whose power can be cut."""
        made = Machine(self.folder / f"host{len(self.servers) + 1}", f"{self._net}.{len(self.servers) + 1}")
        self._begin(made)
        return made

    def _begin(self, made: Sshd) -> None:
        self.servers.append(made)
        made.start()
        made.let_in(self.key)
        with (self.key.parent / "known_hosts").open("a") as file:
            file.write(made.known_line())

    def tear_down(self) -> None:
        for server in self.servers:
            server.stop()


@pytest.fixture(scope="session")
def shared_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """One server for all tests that leave it as it was."""
    why = why_not()
    if why is not None:
        absent(Service.SSH, why)
    made = Network(tmp_path_factory.mktemp("ssh"))
    made.set_up()
    made.server()
    yield made
    made.tear_down()


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Servers of this test's own; this program's home is that of the network."""
    why = why_not()
    if why is not None:
        absent(Service.SSH, why)
    made = Network(tmp_path / "net")
    made.set_up()
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield made
    made.tear_down()
