"""A stand-in for a Windows host with OpenSSH: a real SSH server here, and the agent compiled and run by mono."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from services import Service, absent
from sshd import Network, Sshd, why_not
from waiting import LONGEST

ELSEWHERE = Path(__file__).with_name("elsewhere.cs")
_CMD = r"""#!/bin/sh
# As cmd.exe there: the few commands that are asked of a Windows host.
HOME=@HOME@ DESKTOPS=@HOME@/desktops
export HOME DESKTOPS
cd "$HOME" || exit 1
asked=$SSH_ORIGINAL_COMMAND
case $asked in
*sftp*)
    exec /usr/lib/openssh/sftp-server
    ;;
'.rasreconcile\'*)
    exec mono "$HOME/.rasreconcile/${asked#*\\}"
    ;;
'cmd /d /c %SystemRoot%\Microsoft.NET\Framework64\v4.0.30319\csc.exe /nologo '*)
    words=$(printf '%s\n' "${asked#*/nologo }" | tr '\\' / | sed 's| /| -|g')
    sources=${words##* }
    cp @MACHINE@ "${sources%/*}/machine.cs" || exit 1
    echo compiled >>compilations
    exec mcs -langversion:5 $words
    ;;
esac
echo "'$asked' is not recognized as an internal or external command" >&2
exit 1
"""


@dataclass
class WindowsHost:
    """The server, and the home of its user."""

    server: Sshd
    key: Path
    home: Path

    @property
    def compilations(self) -> int:
        """How often the compiler was called: twice for each version of the agent."""
        return len((self.home / "compilations").read_text().splitlines())

    def log_on(self, name: str) -> None:
        """As if somebody of this name had a desktop there."""
        (self.home / "desktops").write_text(f"{name}\n")


def mono() -> None:
    """Skips where the agent cannot be compiled or run."""
    if shutil.which("mcs") is None or shutil.which("mono") is None:
        absent(
            Service.MONO,
            "no mono-mcs, mono-runtime and libmono-system-core4.0-cil: the agent of Windows hosts cannot be run",
        )


@pytest.fixture(scope="session")
def windows_host(shared_network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsHost]:
    """One for all tests; the agent is compiled once."""
    made = new_windows_host(shared_network, tmp_path_factory.mktemp("windows") / "Jane Doe")
    yield made
    made.server.stop()


def new_windows_host(network: Network, home: Path) -> WindowsHost:
    if (why := why_not()) is not None:
        absent(Service.SSH, why)
    mono()
    home.mkdir(parents=True)
    shell = home.parent / "cmd.sh"
    shell.write_text(_CMD.replace("@HOME@", _quoted(home)).replace("@MACHINE@", _quoted(ELSEWHERE)))
    shell.chmod(0o755)
    made = WindowsHost(network.server(f"ForceCommand {shell}"), network.key, home)
    made.log_on(r"BOX\ras")
    return made


def compiled(into: Path, *sources: Path, target: str = "exe") -> subprocess.CompletedProcess[str]:
    """What C# 5 of .NET Framework 4 makes of the sources."""
    mono()
    words = ["mcs", "-langversion:5", f"-target:{target}", f"-out:{into}", *map(str, sources)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=LONGEST)


def _quoted(path: Path) -> str:
    return "'" + str(path) + "'"
