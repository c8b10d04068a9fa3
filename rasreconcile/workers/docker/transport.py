"""How a Docker daemon is dialled: socket, TLS, or through ssh with the host's key checked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
import urllib3
from docker.constants import IS_WINDOWS_PLATFORM
from docker.tls import TLSConfig
from docker.transport import SSHHTTPAdapter
from docker.transport.basehttpadapter import BaseHTTPAdapter
from docker.utils import kwargs_from_env

from rasreconcile.account import home_or_none
from rasreconcile.errors import Refused
from rasreconcile.workers import controls
from rasreconcile.workers.docker import answers
from rasreconcile.workers.docker.contexts import Certificates, endpoint_of_context
from rasreconcile.workers.openssh.connection import Connection
from rasreconcile.workers.openssh.door import Door
from rasreconcile.workers.openssh.login import login_to

TIMEOUT = 60
"""Seconds of silence in the middle of an answer."""
DIAL_TIMEOUT = 15.0
_LARGEST = 16 << 20
"""Bytes of an answer: the longest lists some thousand containers."""
_LONGEST = 600.0
"""Seconds in which an answer must have come, beside those in which it was silent."""
_SLOWEST = 1 << 10
"""Bytes a second that a longer one, such as a file, must come at."""
_BASE = "http+docker://localhost"
_SOCKET = "unix:///var/run/docker.sock"
_FIRST_VERSION = "1.40"
"""What a client speaks until it knows what the daemon speaks."""
_DIAL = "docker system dial-stdio"


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonAddress:
    """Where a daemon is and how one gets there. `host` None: as the environment says, else the local socket."""

    host: str | None = None
    certificates: Certificates | None = None
    """Of the context that `host` comes from."""
    cert_folder: Path | None = None
    ssh_key: Path | None = None
    use_ssh_client: bool = False
    door: Door = field(default_factory=Door, compare=False, repr=False)
    """For all threads: a refused login is not repeated by each."""

    @property
    def is_local(self) -> bool:
        """Whether it may be a daemon of this machine; only a probe can tell whether it sees the same files."""
        host = self.host or os.environ.get("DOCKER_HOST") or "unix://"
        return urlsplit(host).scheme in {"unix", "npipe"}

    def resolved(self) -> DaemonAddress:
        """With the host of Docker's context, where neither spec nor DOCKER_HOST names one. Raises Refused."""
        if self.host is not None or (found := endpoint_of_context(os.environ, home_or_none())) is None:
            return self
        return replace(self, host=found.host, certificates=found.certificates or Certificates())

    def __str__(self) -> str:
        return self.host or os.environ.get("DOCKER_HOST") or "the local Docker daemon"


def connect(address: DaemonAddress) -> docker.APIClient:
    """A client for the thread that asks, and for no other. Raises what docker, requests, ssh and the system raise."""
    known = kwargs_from_env()
    host = (
        address.host
        or known.get("base_url")
        or ("npipe:////./pipe/docker_engine" if IS_WINDOWS_PLATFORM else _SOCKET)
    )
    if host.startswith(("unix://", "ssh://")):
        return _agreed(_client_over(_adapter(host, address)))
    tls: TLSConfig | bool = known.get("tls", False) if host.startswith(("tcp://", "https://")) else False
    if address.certificates is not None:
        tls = _tls_of(address.certificates)
    if address.cert_folder is not None:
        tls = _tls(address.cert_folder)
    return _agreed(docker.APIClient(base_url=host, version=_FIRST_VERSION, timeout=TIMEOUT, tls=tls))


def _agreed(client: docker.APIClient) -> docker.APIClient:
    """Speaks the daemon's version. The SDK's own way of finding out leaves a connection open where it fails."""
    # A bundle of certificates or a proxy that the environment names for the web is none of a daemon's business.
    client.trust_env = False
    # No daemon sends its clients elsewhere.
    client.max_redirects = 0
    client.hooks["response"].append(_bounded)
    try:
        said = client.version(api_version=False)
        spoken = controls.word(answers.part(said, "ApiVersion"), "API version", r"[0-9]{1,3}\.[0-9]{1,3}")
        client._version = spoken  # type: ignore[attr-defined]  # it can be told only at birth
    except BaseException:
        client.close()
        raise
    return client


def _bounded(answer: requests.Response, *_: object, stream: bool = False, **__: object) -> None:
    """Reads an answer that is wanted whole. Raises requests.ConnectionError where it is larger than any of Docker's."""
    if stream:
        return
    parts, size = [], 0
    for part in answer.iter_content(1 << 16):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            answer.close()
            raise requests.ConnectionError("its answer does not end")
    answer._content = b"".join(parts)


def forget_idle(client: docker.APIClient) -> None:
    """Closes lines that were used up by an upgrade; with paramiko they would use up the sessions of the server."""
    adapter = client.get_adapter(f"{client.base_url}/")
    if isinstance(adapter, _Paramiko):
        adapter.pools.clear()


def _client_over(adapter: BaseHTTPAdapter) -> docker.APIClient:
    """The SDK would connect before it could be told of a key: the way is laid into a client that has not asked yet."""
    client = docker.APIClient(base_url="http://localhost:1", version=_FIRST_VERSION, timeout=TIMEOUT)
    client.mount(_BASE, adapter)
    client.base_url = _BASE
    return client


def _adapter(host: str, address: DaemonAddress) -> BaseHTTPAdapter:
    if host.startswith("unix://"):
        return _Lines(partial(_socket_line, "/" + host.removeprefix("unix://").lstrip("/")))
    if not address.use_ssh_client:
        paramiko: BaseHTTPAdapter = _Paramiko(host, address)
        return paramiko
    if IS_WINDOWS_PLATFORM:
        raise docker.errors.DockerException("use_ssh_client needs a POSIX system; leave it out of the spec")
    return _Lines(partial(_ssh_line, _ssh_command(host, address.ssh_key)))


def _tls(folder: Path) -> TLSConfig:
    pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
    return TLSConfig(client_cert=pair, ca_cert=str(folder / "ca.pem"), verify=True)


def _tls_of(context: Certificates) -> TLSConfig | bool:
    """Nothing of the environment's: a context brings its own, and one without any means a daemon without TLS."""
    if context == Certificates():
        return False
    pair = (context.certificate, context.key)
    return TLSConfig(
        client_cert=(str(context.certificate), str(context.key)) if all(pair) else None,
        ca_cert=str(context.authority) if context.authority else None,
        verify=not context.skip_verify,
    )


_Sdk: Any = SSHHTTPAdapter


class _Paramiko(_Sdk):  # type: ignore[misc]  # its stubs leave out what is overridden here
    """The SDK's own, over a login as ssh workers have it: its reader of known_hosts ends at the first odd line."""

    def __init__(self, host: str, address: DaemonAddress) -> None:
        self._address = address
        super().__init__(host, timeout=TIMEOUT)

    def _create_paramiko_client(self, base_url: str) -> None:
        where = urlsplit(base_url)
        key = self._address.ssh_key
        self._login = partial(login_to, where.hostname or "", user=where.username, port=where.port, key=key)
        self.ssh_client = _Client()

    def _connect(self) -> None:
        self.ssh_client.connection = self._address.door.enter(lambda: Connection(self._login()))


@dataclass(slots=True)
class _Client:
    """What the SDK asks of paramiko's client."""

    connection: Connection | None = None

    def get_transport(self) -> object:
        return self.connection.transport() if self.connection is not None else None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


class _Paced(socket.socket):
    """A socket on which an answer must come on: what comes byte by byte would be waited for without an end."""

    _until = 0.0
    _received = 0

    def sendall(self, *sent: Any) -> None:
        super().sendall(*sent)
        self._until = 0.0

    def recv_into(self, *into: Any) -> int:
        count = super().recv_into(*into)
        if not self._until:
            self._until, self._received = time.monotonic() + _LONGEST, 0
        self._received += count
        if time.monotonic() > self._until + (self.gettimeout() or 0) + self._received / _SLOWEST:
            raise ConnectionError("its answer does not end")
        return count


@dataclass(slots=True)
class _Line:
    """A connected socket, and the ssh at its other end where there is one."""

    socket: socket.socket
    ssh: subprocess.Popen[bytes] | None = None
    last_words: str = ""

    def close(self) -> None:
        """An ssh that has given up says why before it goes."""
        self.socket.close()
        ssh, self.ssh = self.ssh, None
        if ssh is not None:
            try:
                ssh.wait(0.5)
            except subprocess.TimeoutExpired:
                ssh.terminate()
            self.last_words = " ".join(ssh.communicate()[1].decode(errors="replace").split())


def _socket_line(path: str) -> _Line:
    if sys.platform == "win32":
        raise Refused(f"{path}: Windows has no such sockets", "set docker_host to tcp:// or npipe://")
    line = _Line(_Paced(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        line.socket.settimeout(TIMEOUT)
        line.socket.connect(path)
    except BaseException:
        line.close()
        raise
    return line


def _ssh_line(command: list[str]) -> _Line:
    """The system's ssh, never asking anything: an unknown host or a missing key is an error, not a question."""
    left, theirs = socket.socketpair()
    ours = _Paced(fileno=left.detach())
    ours.settimeout(TIMEOUT)
    end = theirs.fileno()
    with theirs:
        # In a session of its own: Ctrl-C is for the controller, which ends what it began.
        ssh = subprocess.Popen(command, stdin=end, stdout=end, stderr=subprocess.PIPE, start_new_session=True)
    return _Line(ours, ssh)


class _Lines(BaseHTTPAdapter):
    """HTTP over sockets that are closed in every case, also where nobody answers."""

    def __init__(self, open_line: Callable[[], _Line]) -> None:
        self._pool = _Pool(open_line)
        super().__init__()

    def get_connection(self, url: str | bytes, proxies: Mapping[str, str] | None = None) -> Any:
        return self._pool

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        return request.path_url

    def close(self) -> None:
        super().close()
        self._pool.close()


class _Pool(urllib3.HTTPConnectionPool):
    def __init__(self, open_line: Callable[[], _Line]) -> None:
        super().__init__("localhost", timeout=TIMEOUT, maxsize=2)
        self._open_line = open_line

    def _new_conn(self) -> _Connection:
        return _Connection(self._open_line)


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, open_line: Callable[[], _Line]) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._open_line = open_line
        self._line: _Line | None = None

    def connect(self) -> None:
        self._line = self._open_line()
        self.sock = self._line.socket

    def request(self, *words: Any, **more: Any) -> None:
        try:
            super().request(*words, **more)
        except ConnectionError as error:
            raise ConnectionError(self._why(self._line, error)) from error

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # urllib3's own return type
        line = self._line
        try:
            return super().getresponse()
        except OSError as error:
            raise ConnectionError(self._why(line, error)) from error

    @staticmethod
    def _why(line: _Line | None, error: OSError) -> str:
        if line is not None:
            line.close()
        return (line.last_words if line else "") or str(error)

    def close(self) -> None:
        super().close()
        line, self._line = self._line, None
        if line is not None:
            line.close()


def _ssh_command(host: str, key: Path | None) -> list[str]:
    where = urlsplit(host)
    settings = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={DIAL_TIMEOUT:.0f}")
    alive = ("ServerAliveInterval=15", "ServerAliveCountMax=3")
    command = ["ssh", "-T", *(word for one in (*settings, *alive) for word in ("-o", one))]
    if key is not None:
        command += ["-i", str(key), "-o", "IdentitiesOnly=yes"]
    if where.username:
        command += ["-l", where.username]
    if where.port:
        command += ["-p", str(where.port)]
    return [*command, "--", where.hostname or "", _DIAL]
