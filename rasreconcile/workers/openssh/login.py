"""A login: where an SSH host is, who to be there, and by which way; from the spec and ~/.ssh/config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rasreconcile.account import home
from rasreconcile.errors import Refused
from rasreconcile.workers.openssh.settings import settings_of

_LONGEST_WAY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One host on the way, or the one at its end."""

    hostname: str
    port: int
    user: str
    key: Path | None = None
    """The one key that the spec names; then no other is tried."""
    keys: tuple[Path, ...] = ()
    """Those of the configuration, or the usual ones; some may be missing."""
    certificates: tuple[Path, ...] = ()
    only_these_keys: bool = False
    """Of the agent's keys, those alone that `keys` names too."""
    agent: str | None = None
    """The path of its socket, or `none`; None: the agent of the environment."""
    key_name: str = ""
    """The name its host key has in known_hosts, where that is not the host's own (HostKeyAlias)."""
    known_hosts: tuple[Path, ...] = ()
    """The first is where a new key belongs."""
    through: Login | None = None
    """ProxyJump."""
    command: str | None = None
    """ProxyCommand."""
    password: Callable[[], str] | None = None
    passphrase: Callable[[], str] | None = None

    def __str__(self) -> str:
        return f"{self.user}@{self.hostname}" + ("" if self.port == 22 else f":{self.port}")


def login_to(
    host: str, *, user: str | None = None, port: int | None = None, key: Path | None = None
) -> Login:
    """As ~/.ssh/config has it; what is given wins. Raises Refused where that cannot be understood."""
    return replace(_login(host, user, port, ()), key=key)


def _login(host: str, user: str | None, port: int | None, before: tuple[str, ...]) -> Login:
    if len(before) > _LONGEST_WAY:
        raise Refused(f"ProxyJump in ~/.ssh/config goes round in a circle at {host}", "correct it")
    found = settings_of(host, user, port)
    own = home() / ".ssh" / "known_hosts"
    return Login(
        hostname=found.hostname,
        port=found.port,
        user=found.user,
        keys=found.keys,
        certificates=found.certificates,
        only_these_keys=found.only_these_keys,
        agent=found.agent,
        key_name=found.key_name,
        known_hosts=found.known_hosts or (own,),
        through=_way(found.jump, (*before, host)) if found.jump else None,
        command=found.command,
    )


def _way(jump: str, before: tuple[str, ...]) -> Login:
    """`user@one:2222,two`: the last is the one that reaches the host."""
    earlier, _, last = jump.strip().rpartition(",")
    user, _, place = last.strip().removeprefix("ssh://").rpartition("@")
    name, colon, port = place.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.endswith("]")):
        name, port = place, ""
    one = _login(name.strip("[]"), user or None, int(port) if port else None, before)
    return replace(one, through=_way(earlier, before)) if earlier else one
