"""A share through smbprotocol: from a machine that is not Windows, without mounting anything."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rasreconcile.errors import RasReconcileError, Refused, Unreachable
from rasreconcile.workers.psexec.share import Entry
from rasreconcile.workers.psexec.smb_stream import received, send

_CONNECT_SECONDS = 15
_FULL = {0xC000007F, 0xC0000044}
"""STATUS_DISK_FULL, STATUS_QUOTA_EXCEEDED."""
_DENIED = {0xC0000022, 0xC0000061, 0xC00000A2}
"""STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD, STATUS_MEDIA_WRITE_PROTECTED."""
_LOGIN: Mapping[int, tuple[str, str]] = {
    0xC000006D: ("login rejected", "check username and password; the user is one of the host or its domain"),
    0xC000006A: ("wrong password", "correct the password that `credentials` names"),
    0xC0000064: ("no such user", "correct `credentials.username`"),
    0xC000006E: (
        "the account is restricted",
        "give it a password; Windows refuses network logons without one",
    ),
    0xC0000072: ("the account is disabled", "ask its administrator to enable it"),
    0xC0000071: ("the password has expired", "change it by logging on at the host"),
    0xC0000224: ("the password must be changed", "change it by logging on at the host"),
    0xC0000234: ("the account is locked out", "wait, or ask its administrator to unlock it"),
    0xC000015B: (
        "the user may not log on over the network",
        "grant `Access this computer from the network` (SeNetworkLogonRight) in secpol.msc",
    ),
}
_ABSENT = {0xC0000225, 0xC0000034, 0xC000003A, 0xC000000F, 0xC0000103, 0xC00000BA}
"""Name, path or file not found; not a directory; is a directory."""
_NO_SHARE = 0xC00000CC
_COLLISION = 0xC0000035
_SHARE_IT = (
    "share the folder on the host: `New-SmbShare -Name RasRemote -Path C:\\RasRemote -ChangeAccess USER`"
)
_LIBRARY = "install it: `pip install 'rasreconcile[windows-hosts]'`"
_REPARSE = 0x400
_FOLDER = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who to be; without a name the ticket of this user (Kerberos) is shown."""

    server: str
    port: int = 445
    username: str | None = None
    password: Callable[[], str] | None = None
    """Asked for each new connection, never kept."""


class SmbShare:
    """Implements `Share`. Each thread has a connection of its own."""

    def __init__(self, name: str, login: Login, path: str) -> None:
        """`path`: `SHARE` or `SHARE\\folder`."""
        self._name = name
        self._login = login
        self._root = rf"\\{login.server}\{path}"
        self._mine = threading.local()
        self._caches: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    # ---- what is asked

    def entry(self, name: str) -> Entry | None:
        try:
            with self._answering(name) as smb:
                found = smb.lstat(self._path(name), **self._who())
        except FileNotFoundError:
            return None
        if found.st_file_attributes & _REPARSE:
            return Entry(0, "link")
        return Entry(found.st_size, "folder" if found.st_file_attributes & _FOLDER else "file")

    def read(self, name: str, offset: int = 0, limit: int = 1 << 26) -> bytes | None:
        try:
            with self._answering(name) as smb, self._opened(smb, name, "rb") as file:
                size = min(limit, max(0, file.fd.end_of_file - offset))
                return b"".join(received(file.fd, offset, offset + size))
        except FileNotFoundError:
            return None

    def parts(self, name: str, offset: int) -> Iterator[bytes]:
        with self._answering(name) as smb, self._opened(smb, name, "rb") as file:
            yield from received(file.fd, offset, file.fd.end_of_file)

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        folder, _, last = name.rpartition("/")
        aside = f"{folder}/.{last}.{secrets.token_hex(4)}.part".lstrip("/")
        try:
            self.append(aside, 0, parts)
            with self._answering(name) as smb:
                smb.replace(self._path(aside), self._path(name), **self._who())
        except RasReconcileError:
            with suppress(RasReconcileError):
                self.remove(aside)
            raise

    def append(self, name: str, offset: int, parts: Iterable[bytes]) -> None:
        try:
            self._pour(name, offset, parts)
        except FileNotFoundError:
            self._make_folders(name.rpartition("/")[0])
            self._pour(name, offset, parts)

    def _make_folders(self, folder: str) -> None:
        """Raises Refused where there is no such share: the library takes that for a folder that is missing."""
        host, share, *below = self._root.removeprefix("\\\\").split("\\")
        at = rf"\\{host}\{share}"
        try:
            with self._answering(folder) as smb:
                smb.stat(at, **self._who())
        except FileNotFoundError as error:
            raise Refused(f"{self._name}: {host} has no such share: {at}", _SHARE_IT) from error
        for part in filter(None, (*below, *folder.split("/"))):
            at = rf"{at}\{part}"
            with suppress(FileExistsError), self._answering(folder) as smb:
                smb.mkdir(at, **self._who())

    def _pour(self, name: str, offset: int, parts: Iterable[bytes]) -> None:
        """Raises FileNotFoundError, before any of the parts is taken, where there is no such folder."""
        try:
            with self._answering(name) as smb, self._opened(smb, name, "xb") as file:
                send(file.fd, offset, parts)
        except FileExistsError:
            with self._answering(name) as smb, self._opened(smb, name, "r+b") as file:
                send(file.fd, offset, parts)

    def names(self, folder: str) -> tuple[str, ...]:
        try:
            with self._answering(folder) as smb:
                return tuple(smb.listdir(self._path(folder), **self._who()))
        except FileNotFoundError:
            return ()

    def rename(self, name: str, new: str) -> None:
        with self._answering(name) as smb:
            smb.rename(self._path(name), self._path(new), **self._who())

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError), self._answering(name) as smb:
            smb.remove(self._path(name), **self._who())

    def close(self) -> None:
        with self._lock:
            caches = tuple(self._caches)
        for cache in caches:
            _forget(cache)

    # ---- how

    def _path(self, name: str) -> str:
        return "\\".join([self._root, *filter(None, name.split("/"))])

    @contextmanager
    def _opened(self, smb: Any, name: str, mode: str) -> Iterator[Any]:
        # Everything is shared with everybody: what is written is proven by its digest.
        file = smb.open_file(self._path(name), mode=mode, buffering=0, share_access="rwd", **self._who())
        try:
            yield file
        finally:
            try:
                file.close()
            finally:
                # Over a link that is cut it cannot be closed, and would be tried again when it is forgotten.
                file.fd._connected = False

    def _who(self) -> dict[str, Any]:
        cache: dict[str, Any] | None = getattr(self._mine, "cache", None)
        if cache is None:
            cache = self._mine.cache = {}
            with self._lock:
                self._caches.append(cache)
        login = self._login
        who: dict[str, Any] = {"port": login.port, "connection_cache": cache}
        if not all(connection.transport.connected for connection in cache.values()):
            # The library would log in again, without a password.
            _forget(cache)
        if not cache:
            library = _library()
            secret = login.password() if login.password is not None else None
            library.register_session(
                login.server,
                username=login.username,
                password=secret,
                connection_timeout=_CONNECT_SECONDS,
                **who,
            )
            for connection in cache.values():
                _notice_dead_links(connection)
        # The session is there: nobody is asked for a password once more.
        return {**who, "username": login.username}

    @contextmanager
    def _answering(self, name: str) -> Iterator[Any]:
        """The library; what it raises, in our words. Raises FileNotFoundError where there is nothing of that name."""
        library = _library()
        errors = import_module("smbprotocol.exceptions")
        try:
            yield library
        except (RasReconcileError, FileExistsError):
            raise
        except (errors.SMBException, OSError, ValueError) as error:
            status = _status_of(error)
            if status in _ABSENT or isinstance(error, FileNotFoundError):
                raise FileNotFoundError(2, "it is not there", name) from error
            if status == _COLLISION:
                raise FileExistsError(17, "it is there", name) from error
            raise self._told(error, status, name) from error

    def _told(self, error: Exception, status: int | None, name: str) -> Exception:
        where = f"{self._name}: {self._path(name)}"
        if status in _FULL:
            return Refused(f"{where}: No space left on device", "free some space for worker_folder")
        if (login := _LOGIN.get(status or 0)) is not None:
            what, remedy = login
            return Refused(
                f"{self._name}: {self._root}: {what} as {self._login.username or 'this user'}", remedy
            )
        if status == _NO_SHARE:
            return Refused(f"{self._name}: {self._login.server} has no such share: {self._root}", _SHARE_IT)
        if status in _DENIED:
            return Refused(
                f"{where}: access denied",
                "allow the user to change files, both in the share (Grant-SmbShareAccess) and in the folder (icacls)",
            )
        self._drop()
        if type(error).__name__ == "SMBAuthenticationError":
            return Refused(
                f"{self._name}: {self._root}: no way to log in: {_line(error)}",
                "give `credentials`, or get a ticket (`kinit`) and `pip install 'smbprotocol[kerberos]'`",
            )
        return Unreachable(f"{where}: {_line(error)}", "it will be retried")

    def _drop(self) -> None:
        cache = getattr(self._mine, "cache", None)
        if cache:
            _forget(cache)


def _library() -> Any:
    try:
        return import_module("smbclient")
    except ModuleNotFoundError as error:
        raise Refused(f"the library {error.name} is not installed", _LIBRARY) from error


def _status_of(error: Exception) -> int | None:
    """NTSTATUS of an answer; None: there was none."""
    found = getattr(error, "ntstatus", None)
    if found is None:
        try:
            found = getattr(error, "status", None)
        except (AttributeError, TypeError, KeyError):
            found = None
    return found if isinstance(found, int) else None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _notice_dead_links(connection: Any) -> None:
    """A host that loses its power says nothing: the system finds out."""
    sock = getattr(connection.transport, "_sock", None)
    if not isinstance(sock, socket.socket):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 10),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 25_000),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _forget(cache: dict[str, Any]) -> None:
    for connection in list(cache.values()):
        # Of a link that is cut the goodbye cannot be said either.
        with suppress(Exception):
            connection.disconnect(False, timeout=2)
    cache.clear()
