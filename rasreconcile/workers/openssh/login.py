"""A login: where an SSH host is, who to be there, and by which way; from the spec and ~/.ssh/config."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko

from rasreconcile.errors import Refused

_LONGEST_WAY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One host on the way, or the one at its end."""

    hostname: str
    port: int
    user: str
    keys: tuple[str, ...] = ()
    """Private keys to try; empty: the agent's and the usual ones."""
    only_these_keys: bool = False
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


def login_to(host: str) -> Login:
    """As ~/.ssh/config has it. Raises Refused where that cannot be understood."""
    return _Config(Path.home() / ".ssh").login(host)


class _Config:
    def __init__(self, home: Path) -> None:
        self._home = home
        self._config = paramiko.SSHConfig()
        try:
            with (home / "config").open(encoding="utf-8") as file:
                self._config.parse(file)
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError, paramiko.ConfigParseError) as error:
            raise Refused(f"{home / 'config'} cannot be read: {error}; correct it") from error

    def login(self, host: str, steps: int = 0) -> Login:
        if steps > _LONGEST_WAY:
            raise Refused(
                f"ProxyJump in {self._home / 'config'} goes round in a circle at {host}; correct it"
            )
        found = self._lookup(host)
        jump = found.get("proxyjump", "none")
        command = found.get("proxycommand", "none")
        return Login(
            hostname=found["hostname"],
            port=int(found.get("port", 22)),
            user=found.get("user") or getpass.getuser(),
            keys=tuple(found.get("identityfile", ())),
            only_these_keys=found.get("identitiesonly", "no") == "yes",
            key_name=found.get("hostkeyalias", ""),
            known_hosts=self._known_hosts(found.get("userknownhostsfile")),
            through=None if jump == "none" else self._way(jump, steps + 1),
            command=None if command == "none" or jump != "none" else command,
        )

    def _lookup(self, host: str) -> paramiko.SSHConfigDict:
        try:
            return self._config.lookup(host)
        except (paramiko.SSHException, ImportError, ValueError, KeyError) as error:
            raise Refused(f"{self._home / 'config'}: {host}: {error}; correct it") from error

    def _way(self, jump: str, steps: int) -> Login:
        """`user@one:2222,two`: the last is the one that reaches the host."""
        before, _, last = jump.strip().rpartition(",")
        user, _, place = last.strip().removeprefix("ssh://").rpartition("@")
        name, colon, port = place.rpartition(":")
        if not colon or not port.isdigit() or (":" in name and not name.endswith("]")):
            name, port = place, ""
        found = self.login(name.strip("[]"), steps)
        one = replace(found, port=int(port) if port else found.port, user=user or found.user)
        return replace(one, through=self._way(before, steps + 1)) if before else one

    def _known_hosts(self, named: str | None) -> tuple[Path, ...]:
        own = [Path(word.strip('"')).expanduser() for word in (named or "").split()]
        usual = [self._home / "known_hosts", self._home / "known_hosts2"]
        return (*(own or usual), Path("/etc/ssh/ssh_known_hosts"))
