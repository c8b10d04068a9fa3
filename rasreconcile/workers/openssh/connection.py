"""A connection to an SSH host: commands, and bytes in and out of them. What paramiko raises ends here."""

from __future__ import annotations

import logging
import shlex
import socket
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any

import paramiko

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers.openssh.login import Login

CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 60.0
"""A host that neither takes nor gives a byte for so long is taken for gone."""
_KEEPALIVE_SECONDS = 15
_PACKET = 1 << 18
"""Bytes a host may send at once: the fewer packets, the less of Python's time."""
_TAIL = 1 << 16

# Its threads report every dropped link with a traceback; what matters of that is raised here.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class RemoteCommand:
    """One command that is running there. Belongs to one thread."""

    def __init__(self, where: str, channel: paramiko.Channel) -> None:
        self._where = where
        self._channel = channel
        self._read = b""

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
        with _answering(self._where):
            return self._channel.recv(limit)

    def receive_exactly(self, size: int) -> bytes:
        """Raises Unreachable where the end comes first."""
        parts = []
        while size:
            part = self.receive(min(size, _PACKET))
            if not part:
                raise Unreachable(f"{self._where}: the answer was cut short; it is asked again")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def line(self) -> str | None:
        """The next line, without its end; None where there is no more."""
        while b"\n" not in self._read:
            with _answering(self._where):
                more = self._channel.recv(_PACKET)
            if not more:
                return None
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace")

    def rest(self) -> bytes:
        """All that is still to come."""
        return b"".join(iter(self.receive, b""))

    def wait(self, seconds: float) -> None:
        """From now on silence is borne for so long: the host reads a large file, say."""
        self._channel.settimeout(seconds)

    def exit_status(self) -> int:
        """Raises Unreachable where the command ended without one: the link was cut, or it was killed."""
        with _answering(self._where):
            if not self._channel.status_event.wait(SILENCE_SECONDS):
                raise TimeoutError("no word of the end")
            status = self._channel.recv_exit_status()
        if status < 0:
            raise Unreachable(f"{self._where}: the link was cut; it is tried again")
        return status

    def has_exited(self) -> bool:
        """Whether the command has come to an end of its own."""
        return self._channel.exit_status_ready() and self._channel.exit_status >= 0

    def stderr(self) -> str:
        """What it wrote to its standard error; asked after its end."""
        with _answering(self._where):
            return self._channel.recv_stderr(_TAIL).decode(errors="replace")


class Connection:
    """Belongs to one thread: paramiko's clients are not made for more."""

    def __init__(self, login: Login) -> None:
        """Raises Refused where the host, its key or the login is not accepted, Unreachable where nobody answers."""
        self._where = str(login)
        self._through = Connection(login.through) if login.through is not None else None
        try:
            self._sock = self._socket(login)
            try:
                self._client = _client(login, self._sock)
            except BaseException:
                _end(self._sock)
                raise
        except BaseException:
            if self._through is not None:
                self._through.close()
            raise

    @contextmanager
    def talk(self, command: str) -> Iterator[RemoteCommand]:
        """Runs the command; at the end of the block it has no input and no reader any more."""
        with _answering(self._where):
            channel = self._transport().open_session(max_packet_size=_PACKET, timeout=CONNECT_SECONDS)
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
            client = paramiko.SFTPClient.from_transport(self._transport())
        if client is None:
            raise Unreachable(f"{self._where}: it opens no SFTP; it is tried again")
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
        self._client.close()
        _end(self._sock)
        if self._through is not None:
            self._through.close()

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise Unreachable(f"{self._where}: the link was cut; it is tried again")
        return transport

    def _socket(self, login: Login) -> socket.socket | paramiko.Channel | paramiko.ProxyCommand:
        """The way there: another host's channel, a command's pipes, or a plain socket."""
        place = (login.hostname, login.port)
        with _answering(self._where, "see that it is switched on, and that `hostname` and `port` are right"):
            if self._through is not None:
                transport = self._through._transport()
                return transport.open_channel(
                    "direct-tcpip", place, ("127.0.0.1", 0), timeout=CONNECT_SECONDS
                )
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

    def close(self) -> None:
        self.process.terminate()


class Connections:
    """One for each thread that asks, kept until it fails or all are closed."""

    def __init__(self, login: Callable[[], Login]) -> None:
        self._login = login
        self._own = threading.local()
        self._all: set[Connection] = set()
        self._lock = threading.Lock()

    def mine(self) -> Connection:
        """This thread's connection, opened where there is none."""
        held: Connection | None = getattr(self._own, "connection", None)
        with self._lock:
            if held is not None and held in self._all:
                return held
        made = Connection(self._login())
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


def _end(sock: socket.socket | paramiko.Channel | paramiko.ProxyCommand) -> None:
    with suppress(OSError, paramiko.SSHException):
        sock.close()
    if isinstance(sock, paramiko.ProxyCommand):
        # It is told to end; whoever started it must still take leave of it.
        sock.process.communicate(timeout=CONNECT_SECONDS)


def _client(
    login: Login, sock: socket.socket | paramiko.Channel | paramiko.ProxyCommand
) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    for path in login.known_hosts:
        with suppress(FileNotFoundError), _answering(str(path), "correct it, or make it readable"):
            client.load_host_keys(str(path)) if path.is_file() else None
    client.set_missing_host_key_policy(_RefuseUnknown(login))
    secret = login.password() if login.password is not None else None
    passphrase = login.passphrase() if login.passphrase is not None else None
    try:
        client.connect(
            login.key_name or login.hostname,
            22 if login.key_name else login.port,
            login.user,
            password=secret,
            passphrase=passphrase,
            key_filename=list(login.keys),  # type: ignore[arg-type]  # the stubs know of one key only
            allow_agent=not login.only_these_keys,
            look_for_keys=not login.keys,
            sock=sock,
            timeout=CONNECT_SECONDS,
            banner_timeout=CONNECT_SECONDS,
            auth_timeout=CONNECT_SECONDS,
            channel_timeout=CONNECT_SECONDS,
            transport_factory=_transport,
        )
    except BaseException as error:
        client.close()
        said = _said(login, error)
        if said is None:
            raise
        raise said from error
    transport = client.get_transport()
    if transport is not None:
        transport.set_keepalive(_KEEPALIVE_SECONDS)
    return client


def _transport(sock: Any, /, **algorithms: Any) -> paramiko.Transport:
    """With the ciphers first that need no digest beside them: half as fast again, docs/decisions/0019."""
    transport = paramiko.Transport(sock, **algorithms)
    options = transport.get_security_options()
    options.ciphers = tuple(sorted(options.ciphers, key=lambda name: "gcm" not in name))
    return transport


class _RefuseUnknown(paramiko.MissingHostKeyPolicy):
    def __init__(self, login: Login) -> None:
        self._login = login

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        login = self._login
        add = f"ssh-keyscan -p {login.port} {shlex.quote(login.hostname)} >> {login.known_hosts[0]}"
        if login.through is not None or login.command is not None or login.key_name:
            add = f"ssh -p {login.port} {shlex.quote(login.hostname)}"
        raise Refused(
            f"{login}: its host key is not known: {key.get_name()} {_fingerprint(key)}; compare this with what"
            f" `ssh-keygen -lf` says there of its /etc/ssh/ssh_host_*_key.pub, then add it: `{add}`"
        )


def _said(login: Login, error: BaseException) -> Exception | None:
    """What went wrong on the way in, in our words; None: it is said already, or is not ours to say."""
    match error:
        case paramiko.BadHostKeyException():
            name = login.key_name or login.hostname
            entry = name if login.key_name or login.port == 22 else f"[{name}]:{login.port}"
            forget = f"ssh-keygen -R {shlex.quote(entry)} -f {login.known_hosts[0]}"
            return Refused(
                f"{login}: ITS HOST KEY HAS CHANGED: it shows {error.key.get_name()} {_fingerprint(error.key)},"
                f" known is {_fingerprint(error.expected_key)}; somebody may be in between. Only where you know that it"
                f" was installed anew: `{forget}`, then add the new key"
            )
        case paramiko.PasswordRequiredException():
            key = login.keys[0] if login.keys else "the key"
            return Refused(f"{key} needs its passphrase; load it into the agent, or name it under `password`")
        case paramiko.AuthenticationException() if "EOF" not in str(error):
            ways = (
                "the password"
                if login.password
                else (" or ".join(login.keys) or "the agent and the usual keys")
            )
            return Refused(
                f"{login} is not let in with {ways}; see `username` and `ssh_key_path`, and that the public key is"
                " in its ~/.ssh/authorized_keys"
            )
        case paramiko.SSHException() if "No authentication methods" in str(error):
            return Refused(
                f"{login}: there is no key to be let in with, in the agent or in ~/.ssh; name one in `ssh_key_path`,"
                " and see that the public key is in its ~/.ssh/authorized_keys"
            )
        case paramiko.SSHException() | EOFError() | OSError() | ValueError():
            if any(word in str(error).lower() for word in ("passphrase", "decrypt", "invalid key")):
                keys = " or ".join(login.keys) or "a usual key"
                return Refused(
                    f"{keys} cannot be read: its passphrase is wrong, or it is damaged; correct that"
                )
            return _unreachable(str(login), error)
        case _:
            return None


def _fingerprint(key: paramiko.PKey) -> str:
    return "SHA256:" + b64encode(sha256(key.asbytes()).digest()).decode().rstrip("=")


@contextmanager
def _answering(where: str, remedy: str = "it is tried again") -> Iterator[None]:
    try:
        yield
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _unreachable(where, error, remedy) from error


def _unreachable(where: str, error: BaseException, remedy: str = "it is tried again") -> Unreachable:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if isinstance(error, TimeoutError):
        said = said or "it gave no sign of life"
    return Unreachable(f"{where}: {said or 'the link was cut'}; {remedy}")
