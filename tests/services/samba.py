"""Stand-ins for Windows hosts behind a share: a real smbd, and the real agent, compiled and run by mono."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from services import Service, absent
from waiting import LONGEST, until
from winsshd import ELSEWHERE, mono

from rasreconcile.workers.psexec.agent import DESK
from rasreconcile.workers.windows.source import sources, version

SMBD = "/usr/sbin/smbd"
PORT = 44500
PASSWORD = "a Pass%word é"
USER = "root"


def why_not() -> str | None:
    """What is missing here for running a share of one's own."""
    if not Path(SMBD).exists() or shutil.which("smbpasswd") is None:
        return "samba is not installed"
    if find_spec("smbclient") is None:
        return "smbprotocol is not installed"
    return None if os.geteuid() == 0 else "a share of one's own needs root"


@dataclass
class Smbd:
    """One server on a loopback address, as if it were one machine."""

    folder: Path
    """Its configuration, and all it writes."""
    address: str
    port: int = PORT
    shares: dict[str, Path] = field(default_factory=dict)
    pid: int = 0

    @property
    def config(self) -> Path:
        return self.folder / "smb.conf"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write()
        if not (self.folder / "passdb.tdb").exists():
            subprocess.run(
                ["smbpasswd", "-c", str(self.config), "-s", "-a", USER],
                input=f"{PASSWORD}\n{PASSWORD}\n".encode(),
                check=True,
                capture_output=True,
                timeout=LONGEST,
            )
        subprocess.run([SMBD, "-D", "-s", str(self.config)], check=True, timeout=LONGEST)
        place = self.folder / f"smbd-{self.config.stem}.pid"
        self.pid = until(
            lambda: _number_in(place) or _number_in(self.folder / "smbd.pid"), "smbd did not start"
        )
        until(self._answers, "smbd does not answer")

    def write(self) -> None:
        """The configuration: what it says of shares counts for the next connection."""
        lines = [
            "[global]",
            f"interfaces = {self.address}/8",
            "bind interfaces only = yes",
            f"smb ports = {self.port}",
            "server role = standalone server",
            "security = user",
            "map to guest = never",
            "disable spoolss = yes",
            "load printers = no",
            "server min protocol = SMB2_10",
            "mangled names = no",
            "passdb backend = tdbsam:" + str(self.folder / "passdb.tdb"),
        ]
        places = {"private dir": "private", "lock directory": "lock", "state directory": "state"}
        places |= {"cache directory": "cache", "pid directory": "", "ncalrpc dir": "ncalrpc"}
        for key, name in places.items():
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            lines.append(f"{key} = {self.folder / name}")
        lines.append(f"log file = {self.folder}/log")
        for name, path in self.shares.items():
            lines += [f"[{name}]", f"path = {path}", "read only = no", "dos filemode = yes"]
        self.config.write_text("\n".join(lines) + "\n")

    def share(self, name: str, path: Path) -> str:
        """A folder under a name: its UNC path."""
        path.mkdir(parents=True, exist_ok=True)
        # A per cent sign of a path means something to Samba, and cannot be written.
        self.folder.mkdir(parents=True, exist_ok=True)
        plain = self.folder / f"share {len(self.shares)}"
        plain.symlink_to(path)
        self.shares[name] = plain
        self.write()
        if self.pid:
            subprocess.run(
                ["smbcontrol", "-s", str(self.config), str(self.pid), "reload-config"],
                check=True,
                capture_output=True,
                timeout=LONGEST,
            )
        return rf"\\{self.address}\{name}"

    def sessions(self) -> list[int]:
        """The processes that serve a connection, or do chores."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.pid:
                found.append(int(entry.name))
        return found

    def cut(self) -> None:
        """Every connection that is open ends at once."""
        for pid in self.sessions():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        for pid in (self.pid, *self.sessions()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        until(lambda: not Path(f"/proc/{self.pid}").exists(), "smbd did not end")

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.address, self.port), 1):
                return True
        except OSError:
            return False


@dataclass
class ResidentAgent:
    """The agent on one folder, as join.cmd would have started it."""

    folder: Path
    programs: Path
    """Where the two programs were compiled, once for all."""
    environment: dict[str, str] = field(default_factory=dict)
    version: str = field(default_factory=version)
    process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        return [str(self.folder / DESK / "bin" / f"runner-{self.version}.exe"), "watch", str(self.folder)]

    @property
    def variables(self) -> dict[str, str]:
        return os.environ | {"ELSEWHERE": str(ELSEWHERE)} | self.environment

    def renamed(self, to: str) -> ResidentAgent:
        """The same program, which takes itself for another version."""
        for kind in ("host", "runner"):
            there = self.folder / DESK / "bin"
            shutil.copy(there / f"{kind}-{self.version}.exe", there / f"{kind}-{to}.exe")
        return ResidentAgent(self.folder, self.programs, version=to)

    def start(self) -> None:
        """Until it serves the folder."""
        bin_ = self.folder / DESK / "bin"
        bin_.mkdir(parents=True, exist_ok=True)
        for program in self.programs.glob(f"*-{version()}.exe"):
            if not (bin_ / program.name).exists():
                shutil.copy(program, bin_)
        before = self._beat()
        self.process = subprocess.Popen(
            ["mono", *self.command],
            env=self.variables,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        until(lambda: self._beat() != before, "the agent did not begin")

    def kill(self) -> None:
        """It, and one that it has handed over to."""
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
                if b"watch" in words and str(self.folder).encode() in words:
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue
        self.wait()

    def wait(self) -> None:
        """Until it has ended."""
        assert self.process is not None
        self.process.wait(LONGEST)

    def _beat(self) -> str:
        try:
            return (self.folder / DESK / "status").read_text().splitlines()[1]
        except (OSError, IndexError):
            return ""


def _number_in(path: Path) -> int:
    text = path.read_text().strip() if path.exists() else ""
    return int(text or 0)


def compile_agent(into: Path) -> Path:
    """Both programs of the agent; they are one and the same."""
    mono()
    into.mkdir(parents=True, exist_ok=True)
    for name, data in sources().items():
        (into / name).write_bytes(data)
    shutil.copy(ELSEWHERE, into / "machine.cs")
    host = into / f"host-{version()}.exe"
    words = ["mcs", "-langversion:5", f"-out:{host}", *map(str, into.glob("*.cs"))]
    subprocess.run(words, check=True, capture_output=True, timeout=LONGEST)
    shutil.copy(host, into / f"runner-{version()}.exe")
    return into


@pytest.fixture(scope="session")
def agent_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_agent(tmp_path_factory.mktemp("agent"))


@pytest.fixture(scope="session")
def smbd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    """One for all tests; each makes its own share."""
    if not os.environ.get("RASRECONCILE_SHARES"):
        pytest.skip(
            "set RASRECONCILE_SHARES=1: on a busy machine some of these fail, and nobody knows why yet"
        )
    if (why := why_not()) is not None:
        absent(Service.SAMBA, why)
    # The process number keeps servers of test processes apart.
    number = os.getpid()
    made = Smbd(tmp_path_factory.mktemp("smbd"), f"127.77.{number // 250 % 250}.{number % 250 + 1}")
    made.start()
    yield made
    made.stop()
