"""A connection to an SSH host: commands, and bytes in and out of them. What paramiko raises ends here."""

from __future__ import annotations

import os
import select
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import paramiko

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers.long_answers import LongAnswer
from rasreconcile.workers.openssh.admission import LOGIN_SECONDS, admitted
from rasreconcile.workers.openssh.door import Door
from rasreconcile.workers.openssh.login import Login
from rasreconcile.workers.printed import quoted

CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 60.0
"""A host that neither takes nor gives a byte for so long is taken for gone."""
_KEEPALIVE_SECONDS = 15
_PROHIBITED = 1
_PACKET = 1 << 18
"""Bytes a host may send at once: the fewer packets, the less of Python's time."""
_TAIL = 1 << 16
CHATTER = 8 << 20
"""Bytes that a login script may print; one that prints more is taken for one that does not end."""
LONGEST_LINE = 1 << 16
LARGEST_ANSWER = 16 << 20
"""Bytes of an answer to a question; the longest tells of the thousands of files in a cache."""
LONGEST_ANSWER = 600.0
"""Seconds in which an answer must have come to its end, however it trickles."""
SLOWEST_LINK = 1 << 10
"""Bytes a second that a longer answer, such as a file, must come at."""


class RemoteCommand:
    """One command that is running there. Belongs to one thread."""

    def __init__(self, where: str, channel: paramiko.Channel) -> None:
        self._where = where
        self._channel = channel
        self._read = b""
        self._until = time.monotonic() + LONGEST_ANSWER
        self._received = 0

    def send(self, data: bytes) -> None:
        """Blocks until the host has room for it."""
        with _answering(self._where):
            self._channel.sendall(data)

    def end_sending(self) -> None:
        """The command sees the end of its input."""
        with _answering(self._where):
            self._channel.shutdown_write()

    def receive(self, limit: int = _PACKET) -> bytes:
        """What comes next, at most `limit` bytes; empty at the end."""
        if self._read:
            data, self._read = self._read[:limit], self._read[limit:]
            return data
        return self._more(limit)

    def receive_exactly(self, size: int) -> bytes:
        """Raises Unreachable where the end comes first."""
        parts = []
        while size:
            part = self.receive(min(size, _PACKET))
            if not part:
                raise Unreachable(f"{self._where}: the answer was cut short", "it is asked again")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def line(self) -> str | None:
        """The next line, without its end; None where there is no more. Raises Unreachable where it does not end."""
        while b"\n" not in self._read:
            if len(self._read) > LONGEST_LINE:
                raise Unreachable(
                    f"{self._where}: it prints a line without an end", "see what its login scripts print"
                )
            more = self._more()
            if not more:
                return None
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace")

    def rest(self, limit: int = LARGEST_ANSWER) -> bytes:
        """All that is still to come. Raises Unreachable where that is more than `limit` bytes, or does not end."""
        answer = bytearray()
        while part := self.receive():
            answer += part
            if len(answer) > limit:
                raise LongAnswer(
                    f"{self._where}: its answer does not end", "see what its login scripts print"
                )
        return bytes(answer)

    def skip_past(self, mark: bytes) -> bytes | None:
        """Goes on behind `mark`, wherever it comes: a login script may have printed anything before it.

        None; or, where it does not come, what came instead: all of it, or `CHATTER` bytes of it.
        """
        said = bytearray(self._read)
        looked = 0
        # Each byte is looked at once: it may come in a million parts.
        while (at := said.find(mark, looked)) < 0:
            if len(said) > CHATTER:
                return bytes(said)
            looked = max(0, len(said) - len(mark))
            more = self._more()
            if not more:
                return bytes(said)
            said += more
        self._read = bytes(said[at + len(mark) :])
        return None

    def wait(self, seconds: float = 0.0) -> None:
        """From now on silence is allowed for so long: the host reads a large file, say. Left out: as long as usual."""
        self._channel.settimeout(seconds or SILENCE_SECONDS)
        self._until = time.monotonic() + seconds + LONGEST_ANSWER
        self._received = 0

    def _more(self, limit: int = _PACKET) -> bytes:
        """Raises Unreachable where so little comes that there is no end to it."""
        with _answering(self._where):
            data = self._channel.recv(limit)
        self._received += len(data)
        if time.monotonic() > self._until + self._received / SLOWEST_LINK:
            raise Unreachable(f"{self._where}: its answer does not end", "see what its login scripts print")
        return data

    def exit_status(self) -> int:
        """Raises Unreachable where the command ended without one: the connection was lost, or it was killed."""
        with _answering(self._where):
            if not self._channel.status_event.wait(SILENCE_SECONDS):
                raise TimeoutError("no word of the end")
            status = self._channel.recv_exit_status()
        if status < 0:
            raise Unreachable(f"{self._where}: the connection was lost", "it will be retried")
        return status

    def has_exited(self) -> bool:
        """Whether the command has come to an end of its own."""
        return self._channel.exit_status_ready() and self._channel.exit_status >= 0

    def stderr(self) -> bytes:
        """What it wrote to its standard error; asked after its end."""
        with _answering(self._where):
            return self._channel.recv_stderr(_TAIL)


class Connection:
    """Belongs to one thread: paramiko's clients are not made for more."""

    def __init__(self, login: Login) -> None:
        """Raises Refused where the host, its key or the login is not accepted, Unreachable where nobody answers."""
        self._where = str(login)
        self._through = Connection(login.through) if login.through is not None else None
        try:
            self._sock = self._socket(login)
            try:
                self._way = admitted(login, self._sock)
            except Unreachable as error:
                if said := _end(self._sock):
                    what = f'{error.trouble.what}; its ProxyCommand says "{said}"'
                    raise Unreachable(what, error.trouble.remedy) from error
                raise
            except BaseException:
                _end(self._sock)
                raise
            self._way.set_keepalive(_KEEPALIVE_SECONDS)
        except BaseException:
            if self._through is not None:
                self._through.close()
            raise

    @contextmanager
    def talk(self, command: str) -> Iterator[RemoteCommand]:
        """Runs the command; at the end of the block it has no input and no reader any more."""
        with _answering(self._where):
            channel = self.transport().open_session(max_packet_size=_PACKET, timeout=LOGIN_SECONDS)
        try:
            channel.settimeout(SILENCE_SECONDS)
            with _answering(self._where):
                channel.exec_command(command)
            yield RemoteCommand(self._where, channel)
        finally:
            with suppress(paramiko.SSHException, OSError, EOFError):
                channel.close()

    @contextmanager
    def files(self) -> Iterator[paramiko.SFTPClient]:
        """The host's files, from the user's home on. An OSError in the block is the file system's own."""
        with _answering(self._where):
            client = paramiko.SFTPClient.from_transport(self.transport())
        if client is None:
            raise Unreachable(f"{self._where}: it offers no SFTP", "it will be retried")
        try:
            client.get_channel().settimeout(SILENCE_SECONDS)  # type: ignore[union-attr]  # it is open
            yield client
        except (paramiko.SSHException, EOFError, TimeoutError) as error:
            raise _unreachable(self._where, error) from error
        finally:
            with suppress(paramiko.SSHException, OSError, EOFError):
                client.close()

    def close(self) -> None:
        """What runs there detached goes on."""
        self._way.close()
        _end(self._sock)
        if self._through is not None:
            self._through.close()

    def transport(self) -> paramiko.Transport:
        """Raises Unreachable where the connection was lost."""
        if not self._way.is_active():
            raise Unreachable(f"{self._where}: the connection was lost", "it will be retried")
        return self._way

    def way_to(self, place: tuple[str, int]) -> paramiko.Channel:
        """From this host on. Raises Refused where it lets nobody through."""
        try:
            return self.transport().open_channel(
                "direct-tcpip", place, ("127.0.0.1", 0), timeout=LOGIN_SECONDS
            )
        except paramiko.ChannelException as error:
            if error.code != _PROHIBITED:
                raise
            raise Refused(
                f"{self._where} forwards no connection to {place[0]}:{place[1]}",
                "set `AllowTcpForwarding yes` in its sshd_config, or use a ProxyCommand",
            ) from error

    def _socket(self, login: Login) -> socket.socket | paramiko.Channel | paramiko.ProxyCommand:
        """The way there: another host's channel, a command's pipes, or a plain socket."""
        place = (login.hostname, login.port)
        with _answering(
            self._where, "check that it is switched on, and that `hostname` and `port` are right"
        ):
            if self._through is not None:
                return self._through.way_to(place)
            if login.command is not None:
                return _Command(login.command)
            sock = socket.create_connection(place, timeout=CONNECT_SECONDS)
            # Questions are small: each would wait 40 ms for the acknowledgement of the one before.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if sys.platform == "linux":
                # Without it a link that went silent in mid-upload is noticed after a quarter of an hour.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SILENCE_SECONDS * 500))
            return sock


class _Command(paramiko.ProxyCommand):
    """A command whose pipes are the way there. It may have ended by itself: to close it then is no error."""

    def __init__(self, command: str) -> None:
        """By the user's shell, as ssh has it."""
        shell = os.environ.get("SHELL") or "/bin/sh"
        super().__init__(shlex.join([shell, "-c", f"exec {command}"]) if os.name == "posix" else command)

    def recv(self, size: int) -> bytes:
        """Nothing, once it has ended: paramiko's own then asks on, without a pause, until the login's time is over."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], self.timeout)
        if not ready:
            raise TimeoutError
        return os.read(self.process.stdout.fileno(), size)

    def close(self) -> None:
        self.process.terminate()


class Connections:
    """One for each thread that asks, kept until it fails or all are closed."""

    def __init__(self, login: Callable[[], Login]) -> None:
        self._login = login
        self._own = threading.local()
        self._all: set[Connection] = set()
        self._lock = threading.Lock()
        self._door = Door()

    def mine(self) -> Connection:
        """This thread's connection, opened where there is none. A refusal is repeated, the login is not."""
        held: Connection | None = getattr(self._own, "connection", None)
        with self._lock:
            if held is not None and held in self._all:
                return held
        made = self._door.enter(lambda: Connection(self._login()))
        self._own.connection = made
        with self._lock:
            self._all.add(made)
        return made

    def drop_mine(self) -> None:
        """It failed: the next call opens another."""
        held: Connection | None = getattr(self._own, "connection", None)
        with self._lock:
            self._all.discard(held) if held is not None else None
        if held is not None:
            held.close()

    def close(self) -> None:
        with self._lock:
            every = list(self._all)
            self._all.clear()
        for connection in every:
            connection.close()


def _end(sock: socket.socket | paramiko.Channel | paramiko.ProxyCommand) -> str:
    """What a command that was the way there had to say."""
    with suppress(OSError, paramiko.SSHException):
        sock.close()
    if isinstance(sock, paramiko.ProxyCommand):
        # It is told to end; whoever started it must still take leave of it.
        return quoted(sock.process.communicate(timeout=CONNECT_SECONDS)[1])
    return ""


@contextmanager
def _answering(where: str, remedy: str = "it will be retried") -> Iterator[None]:
    try:
        yield
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _unreachable(where, error, remedy) from error


def _unreachable(where: str, error: BaseException, remedy: str = "it will be retried") -> Unreachable:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if isinstance(error, TimeoutError):
        said = said or "it did not answer"
    return Unreachable(f"{where}: {said or 'the connection was lost'}", remedy)
