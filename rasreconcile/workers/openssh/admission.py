"""Admission: a host is recognized by its key, then lets a user in. What it says where it does not is passed on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from paramiko.message import Message

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers.openssh.agent_keys import agent_keys
from rasreconcile.workers.openssh.certificate import SUFFIX, Certificate
from rasreconcile.workers.openssh.host_key import Shown, Trust
from rasreconcile.workers.openssh.login import Login
from rasreconcile.workers.openssh.private_key import private_key, public_half
from rasreconcile.workers.printed import quoted

LOGIN_SECONDS = 120.0
"""A server gives its users as long (LoginGraceTime): a name server or a directory behind it may be slow."""
_BROKEN = (paramiko.SSHException, EOFError, OSError, ValueError, IndexError)
"""What paramiko raises where the other side speaks nonsense, or no more."""
_PASSWORD = "the password"  # noqa: S105  words of a message
_SECOND = {"password", "keyboard-interactive"}

# Its threads report every dropped link with a traceback; what matters of that is raised here.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class LoginRefused(Refused):
    """The host did not let the user in. To try again soon may lock the user out."""


def admitted(login: Login, sock: Any) -> paramiko.Transport:
    """A transport that is let in. Raises Refused where host, key or user is not accepted, Unreachable where it ends."""
    trust = Trust(login)
    transport = _Transport(sock, trust)
    try:
        try:
            transport.start_client(timeout=LOGIN_SECONDS)
            if not transport.initial_kex_done:
                raise TimeoutError(f"it did not answer within {LOGIN_SECONDS:.0f} s")
            trust.judge(transport.shown(), time.time())
        except _BROKEN as error:
            raise transport.unreachable(login, error) from error
        _Entry(login, transport).let_in()
    except BaseException:
        transport.close()
        raise
    return transport


class _Transport(paramiko.Transport):
    """Keeps what the server says before it hangs up, and lets it show the key that is known."""

    def __init__(self, sock: Any, trust: Trust) -> None:
        self._trust = trust
        self.last_words = b""
        super().__init__(sock)
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = LOGIN_SECONDS
        options = self.get_security_options()
        # Those first that need no digest beside them: half as fast again, docs/decisions/0019.
        options.ciphers = tuple(sorted(options.ciphers, key=lambda name: "gcm" not in name))

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        return self._trust.in_order(super().preferred_keys)

    def shown(self) -> Shown:
        key = self.get_remote_server_key()
        blob = getattr(key, "public_blob", None)
        certificate = blob.key_blob if blob is not None and blob.key_type.endswith(SUFFIX) else None
        plain = Certificate.parse(certificate).key if certificate is not None else key.asbytes()
        return Shown(kind=key.get_name(), key=plain, certificate=certificate)

    def unreachable(self, login: Login, error: BaseException) -> Unreachable:
        said = quoted(self.last_words)
        why = (
            (error.strerror if isinstance(error, OSError) else None)
            or str(error)
            or ("the connection was lost")
        )
        if not self.is_active() and said:
            why = f'it says "{said}"'
        elif not self.remote_version and not isinstance(error, TimeoutError):
            # A server of the web, or of nothing: it hung up, or what it sent first was no line of SSH.
            return Unreachable(
                f"{login}: no SSH server answered there",
                "check `hostname`, `port` and any ProxyCommand; it will be retried",
            )
        return Unreachable(f"{login}: {why}", "it will be retried")

    def _parse_disconnect(self, m: Message) -> None:
        m.get_int()
        # In any encoding.
        self.last_words = m.get_string()


@dataclass(slots=True)
class _Entry:
    login: Login
    transport: _Transport
    allowed: frozenset[str] = frozenset()
    """The ways in that the server has named."""
    rejected: list[str] = field(default_factory=list)
    """What was tried in vain."""
    of_agent: int = 0
    """How many of these were keys of the agent."""
    banner: bytes = b""
    unusable: list[Refused] = field(default_factory=list)
    """Keys that could not be tried, and why."""

    def let_in(self) -> None:
        """Raises LoginRefused."""
        if self._none():
            return
        login = self.login
        secret = login.password() if login.password is not None else None
        if secret is not None and self.allowed & _SECOND:
            if self._tried(_PASSWORD, lambda: self._password(secret)):
                return
            if self.rejected:
                raise self._refused()
        for name, key in self._keys():
            if self._tried(name, lambda key=key: self.transport.auth_publickey(login.user, key)):
                return
            if self.allowed & _SECOND and name not in self.rejected:
                # The key was taken, and is not enough.
                if secret is not None and self._tried(_PASSWORD, lambda: self._password(secret)):
                    return
                raise self._refused("it asks for more than a key (" + ", ".join(sorted(self.allowed)) + ")")
        raise self._refused()

    def _none(self) -> bool:
        """Asks which ways there are, as ssh does; it counts as no failure there."""
        try:
            self.transport.auth_none(self.login.user)
        except paramiko.BadAuthenticationType as error:
            self.allowed = frozenset(error.allowed_types)
            # It comes once, ahead of the first answer.
            self.banner = self.transport.get_banner() or b""
            return False
        except _BROKEN as error:
            # Nothing was shown yet that could be refused.
            raise self.transport.unreachable(self.login, error) from error
        return True

    def _password(self, secret: str) -> list[str]:
        return self.transport.auth_password(self.login.user, secret)

    def _tried(self, name: str, attempt: Any) -> bool:
        """Whether it lets in. Where more is needed, `allowed` says what."""
        if not self.transport.is_active():
            raise self._refused()
        try:
            self.allowed = frozenset(attempt())
        except paramiko.BadAuthenticationType as error:
            self.allowed = frozenset(error.allowed_types)
            self.rejected.append(name)
        except _BROKEN as error:
            if not self.transport.is_active() and not self.rejected and not self.transport.last_words:
                raise self.transport.unreachable(self.login, error) from error
            self.rejected.append(name)
            if not self.transport.is_active():
                raise self._refused() from error
        return self.transport.is_authenticated()

    def _keys(self) -> Iterator[tuple[str, paramiko.PKey]]:
        """As ssh does: first what the agent holds of the named keys, then its others, then files."""
        login = self.login
        named = (login.key,) if login.key is not None else login.keys
        public = {path: half for path in named if path.is_file() and (half := public_half(path)) is not None}
        with agent_keys(login.agent) as held:
            ours = [key for half in public.values() for key in held if _plain(key) == half]
            others = [key for key in held if key not in ours and _plain(key) not in public.values()]
            agent = ours if login.only_these_keys or login.key is not None else [*ours, *others]
            if login.key is not None and login.passphrase is not None:
                agent = []
            for key in agent:
                self.of_agent += 1
                yield f"key {key.comment or key.fingerprint} of the agent", key
            in_agent = {_plain(key) for key in agent}
            yield from self._of_files(path for path in named if public.get(path) not in in_agent)

    def _of_files(self, paths: Iterator[Path]) -> Iterator[tuple[str, paramiko.PKey]]:
        login = self.login
        passphrase = login.passphrase() if login.passphrase is not None else None
        for path in paths:
            if login.key is None and not path.is_file():
                continue
            try:
                key = private_key(path, passphrase)
            except Refused as error:
                if login.key is not None:
                    raise
                self.unusable.append(error)
                continue
            for file in (path.with_name(f"{path.name}-cert.pub"), *login.certificates):
                if (certified := _certified(path, key, passphrase, file)) is not None:
                    yield f"{path} with {file}", certified
            yield str(path), key

    def _refused(self, why: str = "") -> LoginRefused:
        said = quoted(self.transport.last_words)
        banner = quoted(self.banner)
        whys = [why] if why else []
        whys += [f'it says "{said}"'] if said else []
        whys += [f'its banner says "{banner}"'] if banner else []
        whys += [f"it takes {', '.join(sorted(self.allowed))}"] if self.allowed and not why else []
        more = f" ({'; '.join(whys)})" if whys else ""
        what, remedy = self._tried_in_vain()
        return LoginRefused(f"{self.login}: {what}{more}", remedy)

    def _tried_in_vain(self) -> tuple[str, str]:
        there = "that the public key is in its ~/.ssh/authorized_keys"
        if self.of_agent > 1:
            return (
                f"login rejected after {len(self.rejected)} keys, {self.of_agent} of them of the agent",
                f"name the right key in `ssh_key_path`, so that no other is tried, and check {there}",
            )
        if self.rejected == [_PASSWORD]:
            return f"login rejected with {_PASSWORD}", "check `username` and `password`"
        if self.rejected:
            unusable = "".join(f"; not tried: {one}" for one in self.unusable)
            with_ = " or ".join(self.rejected)
            return (
                f"login rejected with {with_}",
                f"check `username` and `ssh_key_path`, and {there}{unusable}",
            )
        if self.unusable:
            return (
                f"no usable key: {self.unusable[0]}",
                f"or name another in `ssh_key_path`, and check {there}",
            )
        if self.login.password is not None and not self.allowed & _SECOND:
            return "it accepts no password", f"name a key in `ssh_key_path`, and check {there}"
        return "no usable key in the agent or ~/.ssh", f"name one in `ssh_key_path`, and check {there}"


def _plain(key: paramiko.PKey) -> bytes:
    """The public key without its certificate."""
    blob = getattr(key, "blob", None) or key.asbytes()
    try:
        return Certificate.parse(blob).key
    except ValueError:
        return bytes(blob)


def _certified(path: Path, plain: paramiko.PKey, passphrase: str | None, file: Path) -> paramiko.PKey | None:
    """The key with this certificate, where it is one for it."""
    try:
        blob = paramiko.pkey.PublicBlob.from_file(str(file))
        if Certificate.parse(blob.key_blob).key != plain.asbytes():
            return None
        key = private_key(path, passphrase)
        key.load_certificate(str(file))
    except (OSError, ValueError, paramiko.SSHException):
        return None
    return key
