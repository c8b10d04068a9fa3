"""In the place of a connection to an SSH host: a real shell behind pipes, or an answer that was written beforehand."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rasreconcile.workers.openssh.connection import Connections, RemoteCommand
from rasreconcile.workers.ssh.host import SshHost
from rasreconcile.workers.ssh.host_commands import HostCommands


class Shell:
    """The channel of a command that a real shell runs here, with what `RemoteCommand` asks of paramiko's."""

    def __init__(self, command: str) -> None:
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the channel
        with theirs:
            self._child = subprocess.Popen(
                ["sh", "-c", command],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors.fileno(),
                start_new_session=True,
            )
        self._socket = ours
        self.status_event = threading.Event()
        self.exit_status = -1

    def sendall(self, data: bytes) -> None:
        self._socket.sendall(data)

    def shutdown_write(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def recv(self, limit: int) -> bytes:
        return self._socket.recv(limit)

    def settimeout(self, seconds: float) -> None:
        self._socket.settimeout(seconds)

    def recv_exit_status(self) -> int:
        self.exit_status = self._child.wait()
        return self.exit_status

    def exit_status_ready(self) -> bool:
        found = self._child.poll()
        self.exit_status = self.exit_status if found is None else found
        return found is not None

    def recv_stderr(self, limit: int) -> bytes:
        self._errors.seek(0)
        return self._errors.read(limit)

    def close(self) -> None:
        self._socket.close()
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._errors.close()


class _Ended(threading.Event):
    """The end of a command that there is nothing more to wait for."""

    def __init__(self, channel: Shell) -> None:
        super().__init__()
        self._channel = channel

    def wait(self, timeout: float | None = None) -> bool:
        self._channel.recv_exit_status()
        return True


class Scripted:
    """The channel of a host whose answer is written already. It may go on without an end, in small parts or large."""

    def __init__(
        self, answer: bytes, *, then: bytes = b"", step: int = 1 << 18, status: int = 0, errors: bytes = b""
    ) -> None:
        self.answer, self.then, self.step = answer, then, step
        self.exit_status, self.errors = status, errors
        self.status_event = threading.Event()
        self.status_event.set()
        self.given = self.asked = 0

    def sendall(self, data: bytes) -> None:
        """It takes everything."""

    def shutdown_write(self) -> None:
        """It takes that too."""

    def recv(self, limit: int) -> bytes:
        step = min(limit, self.step)
        part, self.answer = self.answer[:step], self.answer[step:]
        part = part or self.then[:limit]
        self.given += len(part)
        self.asked += 1
        assert self.given < 700 << 20, f"{self.given} bytes were taken"
        return part

    def settimeout(self, seconds: float) -> None:
        """It never waits."""

    def recv_exit_status(self) -> int:
        return self.exit_status

    def exit_status_ready(self) -> bool:
        return True

    def recv_stderr(self, limit: int) -> bytes:
        return self.errors[:limit]

    def close(self) -> None:
        """Nothing is open."""


class Wire:
    """A connection that asks `channel_of` for the channel of each command."""

    def __init__(self, channel_of: Callable[[str], Any]) -> None:
        self._channel_of = channel_of

    @contextmanager
    def talk(self, command: str) -> Iterator[RemoteCommand]:
        channel = self._channel_of(command)
        try:
            yield RemoteCommand("box", channel)
        finally:
            channel.close()


class Wires(Connections):
    """One connection, for all."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(lambda: (_ for _ in ()).throw(AssertionError("nobody logs in")))
        self._wire: Any = wire

    def mine(self) -> Any:
        return self._wire

    def drop_mine(self) -> None:
        """There is nothing to close."""


def shell(command: str) -> Shell:
    channel = Shell(command)
    channel.status_event = _Ended(channel)
    return channel


def ssh_host(channel_of: Callable[[str], Any], folder: str, commands: HostCommands) -> SshHost:
    """The real host, over such a wire."""

    def nobody() -> Any:
        raise AssertionError("nobody logs in")

    host = SshHost("box", nobody, folder, commands)
    host._connections = Wires(Wire(channel_of))
    return host
