"""Starting the agent of a host that serves no share yet: once, never for each run."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Protocol

from rasreconcile.errors import Refused, Trouble, Unreachable
from rasreconcile.workers.printed import quoted
from rasreconcile.workers.psexec.desk import JOIN

BY_HAND = f"open {JOIN} in the share on the host itself, as a user who stays logged on there"
_PORT_SECONDS = 5.0
_PROGRAM_SECONDS = 120.0


class Launcher(Protocol):
    """One way to start it. Blocks; may be repeated: a second agent on one folder leaves at once."""

    @property
    def starts(self) -> bool:
        """Whether it starts one at all."""

    @property
    def remedy(self) -> str:
        """What a person does where no agent serves the share."""

    def start(self) -> str:
        """Asks the host for it; what was said to that. That the agent is there its status tells.

        Raises Unreachable and Refused.
        """


class ByHand:
    """Implements `Launcher`: a person does it, with no rights but those of every user."""

    starts = False
    remedy = BY_HAND

    def start(self) -> str:
        return ""


def join_arguments(folder: str) -> str:
    """What cmd.exe is told: in quotes, and in quotes once more, of which it takes the outer pair away.

    Within them blanks, `&`, `^`, `(` and `!` mean themselves. A `%` does not, and there is no way to write one.
    """
    return f'/d /v:off /s /c ""{folder.rstrip(chr(92))}\\{JOIN}" quiet"'


def port_problem(server: str, port: int) -> list[Trouble]:
    """Whether anybody answers there at all."""
    try:
        with socket.create_connection((server, port), _PORT_SECONDS):
            return []
    except OSError as error:
        remedy = (
            "check its name and that it is switched on, and allow port 445 there: "
            "`Enable-NetFirewallRule -DisplayGroup 'File and Printer Sharing'`"
        )
        return [Trouble(f"{server}: port {port} does not answer: {error.strerror or error}", remedy)]


Run = Callable[[Sequence[str] | str], tuple[int, str]]
"""An argument list, or a command line of Windows -> exit code, and what it printed."""


def run(command: Sequence[str] | str) -> tuple[int, str]:
    """A program of this machine, windowless. Raises Unreachable where it does not end, Refused where there is none."""
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PROGRAM_SECONDS,
            creationflags=flags,
        )
    except FileNotFoundError as error:
        raise Refused(f"{_program(command)} is not there", "install it; or set launcher: none") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise Unreachable(f"{_program(command)}: {error}", "it will be retried") from error
    return done.returncode, quoted(done.stdout, done.stderr)


def _program(command: Sequence[str] | str) -> str:
    return command.split(" ")[0] if isinstance(command, str) else command[0]
