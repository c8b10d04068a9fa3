"""A certificate of OpenSSH: a key that an authority has signed, for hosts or for users."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

import paramiko

from rasreconcile.workers.openssh.known_hosts import matches_pattern

SUFFIX = "-cert-v01@openssh.com"
_FIELDS = {"ssh-ed25519": 1, "ssh-rsa": 2, **{f"ecdsa-sha2-nistp{bits}": 2 for bits in (256, 384, 521)}}
"""How many strings and numbers make up a key of each kind, after its name; both travel as length and bytes."""
_KINDS: dict[int, Literal["user", "host"]] = {1: "user", 2: "host"}
_UNREADABLE = (paramiko.SSHException, ValueError, IndexError, KeyError, TypeError)
_ALWAYS = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What it says, and who says so. Nothing of it is believed before `fault` was asked."""

    key: bytes
    """The key that was signed, as it travels without a certificate."""
    kind: Literal["user", "host"]
    names: tuple[bytes, ...]
    """Whom it is for; empty: anybody."""
    valid_from: int
    valid_until: int
    """Seconds since the epoch."""
    has_conditions: bool
    """Critical options; OpenSSH knows none for hosts."""
    authority: bytes
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, blob: bytes) -> Self:
        """Raises ValueError where it is none, or of a kind that is not known."""
        try:
            return cls._parsed(paramiko.Message(blob))
        except _UNREADABLE as error:
            raise ValueError(f"it is not a certificate that can be read: {error}") from error

    @classmethod
    def _parsed(cls, read: paramiko.Message) -> Self:
        name = read.get_string().decode("ascii")
        if not name.endswith(SUFFIX):
            raise ValueError("not a certificate")
        plain = name.removesuffix(SUFFIX)
        read.get_string()
        key = paramiko.Message()
        key.add_string(plain)
        for _ in range(_FIELDS[plain]):
            key.add_string(read.get_string())
        read.get_int64()
        kind = _KINDS[read.get_int()]
        read.get_string()
        names = paramiko.Message(read.get_string())
        found = []
        while names.get_remainder():
            found.append(names.get_string())
        valid_from, valid_until = read.get_int64(), read.get_int64()
        conditions, _, _ = read.get_string(), read.get_string(), read.get_string()
        authority = read.get_string()
        signed = read.get_so_far()
        return cls(
            key=key.asbytes(),
            kind=kind,
            names=tuple(found),
            valid_from=valid_from,
            valid_until=valid_until,
            has_conditions=bool(conditions),
            authority=authority,
            signed=signed,
            signature=read.get_string(),
        )

    def fault(self, name: str, now: float) -> str | None:
        """Why it does not prove, now, that a host has this name; None: it does, if its authority is trusted."""
        if self.kind != "host":
            return "it is the certificate of a user"
        if not self._is_signed():
            return (
                "its signature is wrong, or of a kind that is not supported (ed25519, ecdsa and rsa-sha2 are)"
            )
        if now < self.valid_from:
            return f"it is not valid before {_day(self.valid_from)}"
        if self.valid_until != _ALWAYS and now >= self.valid_until:
            return f"it has expired on {_day(self.valid_until)}"
        if self.has_conditions:
            return "it has critical options"
        wanted = name.lower().encode()
        if self.names and not any(matches_pattern(one.lower(), wanted) for one in self.names):
            return f"it is for {b', '.join(self.names).decode(errors='replace')}, not for {name}"
        return None

    def _is_signed(self) -> bool:
        try:
            kind = paramiko.Message(self.authority).get_string().decode("ascii")
            by = paramiko.Message(self.signature).get_string()
            key = paramiko.PKey.from_type_string(kind, self.authority)
            # The signature that is called as its key is has SHA-1 below it.
            return by != b"ssh-rsa" and key.verify_ssh_sig(self.signed, paramiko.Message(self.signature))
        except (*_UNREADABLE, paramiko.pkey.UnknownKeyType):
            return False


def _day(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"
