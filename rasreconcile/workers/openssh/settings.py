"""What ~/.ssh/config says of a host: asked of OpenSSH's own client, and read by paramiko where there is none."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import paramiko

from rasreconcile import account
from rasreconcile.account import expanded, user_name_or_none
from rasreconcile.errors import Refused
from rasreconcile.plain_files import LARGEST_SMALL, whole
from rasreconcile.workers.printed import quoted

_ANSWER_SECONDS = 60.0
"""`Match exec` runs commands, and `CanonicalizeHostname` asks name servers."""
_ERROR = 255
_SYSTEM = "/etc/ssh/ssh_config"
_CRITERIA = {"all", "canonical", "final", "host", "originalhost", "user", "localuser", "exec"}
_NO_FILES = ("none", "/dev/null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Those settings of a host that are followed."""

    hostname: str
    port: int
    user: str
    keys: tuple[Path, ...] = ()
    """IdentityFile: also those that are missing, and the usual ones where none is named."""
    certificates: tuple[Path, ...] = ()
    only_these_keys: bool = False
    agent: str | None = None
    """IdentityAgent: `none`, or the path of its socket; None: the agent of the environment."""
    key_name: str = ""
    known_hosts: tuple[Path, ...] = ()
    jump: str | None = None
    command: str | None = None


def settings_of(host: str, user: str | None = None, port: int | None = None) -> Settings:
    """`user` and `port` are those of the spec, and win. Raises Refused where the configuration cannot be understood."""
    home, told = account.home(), None
    if shutil.which("ssh") is not None and (own := _home_of_user()) is not None:
        told = _asked(host, user, port, home if home != own else None)
    if told is None:
        told = _parsed(home / ".ssh" / "config", host)
    return _settings(told, host=host, user=user, port=port, home=home)


def _settings(
    told: Mapping[str, Sequence[str]], *, host: str, user: str | None, port: int | None, home: Path
) -> Settings:
    def one(name: str) -> str:
        value = told.get(name, ("",))[0]
        return "" if value.lower() == "none" else value

    if one("revokedhostkeys"):
        raise Refused(
            f"{host}: RevokedHostKeys is not supported",
            "put the keys into known_hosts as lines `@revoked * KIND KEY`",
        )
    place = Settings(
        hostname=one("hostname") or host,
        port=port or _port(one("port"), host),
        user=user or one("user") or _known_caller(),
        only_these_keys=one("identitiesonly") == "yes",
        agent=_agent(told.get("identityagent", ("",))[0]),
        key_name=one("hostkeyalias"),
        known_hosts=(
            *(_files(told.get("userknownhostsfile", ()), home) or (home / ".ssh" / "known_hosts",)),
            *_files(told.get("globalknownhostsfile", ()), home),
        ),
        jump=one("proxyjump") or None,
    )
    tokens = _tokens(place, host, home)
    keys = told.get("identityfile", [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")])
    return replace(
        place,
        keys=_paths(keys, tokens),
        certificates=_paths(told.get("certificatefile", ()), tokens),
        command=_expanded(one("proxycommand"), tokens)
        if one("proxycommand") and place.jump is None
        else None,
    )


def _asked(host: str, user: str | None, port: int | None, home: Path | None) -> dict[str, list[str]] | None:
    """What `ssh -G` says. `home`: where it is not that of the user database, by which alone OpenSSH goes.

    None: this is no OpenSSH. Raises Refused with its own words where it does not accept the configuration.
    """
    words = ["-l", user] if user else []
    words += ["-p", str(port)] if port else []
    try:
        with _configuration(home) as named:
            done = subprocess.run(
                ["ssh", "-T", "-G", *named, *words, "--", host],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_ANSWER_SECONDS,
                start_new_session=True,
            )
    except subprocess.TimeoutExpired as error:
        raise Refused(
            f"{host}: `ssh -G {host}` does not end", "see what `Match exec` runs in ~/.ssh/config"
        ) from error
    except OSError:
        return None
    told: dict[str, list[str]] = {}
    for line in done.stdout.decode("utf-8", "surrogateescape").splitlines():
        name, _, value = line.partition(" ")
        told.setdefault(name.lower(), []).append(value.strip())
    if done.returncode == 0 and "hostname" in told:
        return told
    if done.returncode != _ERROR:
        return None
    said = quoted(done.stderr) or "it does not say why"
    raise Refused(f"{host}: `ssh` does not accept its configuration: {said}", "correct it")


@contextmanager
def _configuration(home: Path | None) -> Iterator[list[str]]:
    """Words that name a configuration as OpenSSH would read it, were this its user's home; none: its own."""
    if home is None:
        yield []
        return
    ssh = home / ".ssh"
    known = f'UserKnownHostsFile "{ssh / "known_hosts"}" "{ssh / "known_hosts2"}"'
    text = f'Include "{ssh / "config"}"\nMatch all\n{known}\nInclude {_SYSTEM}\n'
    with NamedTemporaryFile(prefix="rasreconcile-", suffix=".ssh_config") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
        file.flush()
        yield ["-F", file.name]


def _parsed(path: Path, host: str) -> dict[str, list[str]]:
    """What paramiko reads. Raises Refused with the line that it cannot read: without it the rest may mislead."""
    try:
        text = whole(path, LARGEST_SMALL).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        text = ""
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}", "make it readable for this user") from error
    for number, line in enumerate(text.splitlines(), 1):
        if why := _unreadable(line):
            raise Refused(
                f"{path}:{number}: {why}: {line.strip()[:80]}",
                "correct the line, or install OpenSSH's client (`ssh`), which is used where it is installed",
            )
    try:
        found = paramiko.SSHConfig.from_text(text).lookup(host)
    except (paramiko.SSHException, ImportError, ValueError, KeyError) as error:
        raise Refused(
            f"{path}: {host}: {error}", "correct it, or install OpenSSH's client (`ssh`)"
        ) from error
    usual = [str(path.with_name("known_hosts")), str(path.with_name("known_hosts2"))]
    values: Mapping[str, Any] = found
    told = {name: value if isinstance(value, list) else [value] for name, value in values.items() if value}
    system = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
    for name, files in (("userknownhostsfile", usual), ("globalknownhostsfile", system)):
        told.setdefault(name, [" ".join(f'"{file}"' for file in files)])
    return told


def _unreadable(line: str) -> str | None:
    word = re.split(r"[\s=]", line.strip(), maxsplit=1)[0].lower()
    if word == "include":
        return "`Include` is read by OpenSSH's own client only"
    criteria = set(re.findall(r"(?:^|\s)!?([a-z]+)", line.strip().lower()[len("match") :]))
    if word == "match" and not criteria & _CRITERIA:
        return "`Match` of this kind is read by OpenSSH's own client only"
    try:
        paramiko.SSHConfig.from_text(line)
    except (paramiko.SSHException, ValueError):
        return "the line cannot be read"
    return None


def _home_of_user() -> Path | None:
    """By the user database; None where it does not know this user, and OpenSSH's client does nothing."""
    if sys.platform == "win32":
        return account.home()
    import pwd  # noqa: PLC0415  POSIX only

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def _number_of_user() -> str:
    if sys.platform == "win32":
        return ""
    return str(os.getuid())


def _known_caller() -> str:
    name = user_name_or_none()
    if name is None:
        raise Refused("this machine knows no name of the user who runs this program", "set `username`")
    return name


def _port(said: str, host: str) -> int:
    if said and not said.isdigit():
        raise Refused(f"{host}: `Port {said}` in ~/.ssh/config is not a number", "correct it")
    return int(said or 22)


def _agent(named: str) -> str | None:
    if named in {"", "SSH_AUTH_SOCK"}:
        return None
    if named.startswith("$"):
        return os.environ.get(named[1:].strip("{}"), "none")
    return named if named == "none" else str(expanded(named))


def _files(values: Iterable[str], home: Path) -> tuple[Path, ...]:
    """Files of one setting. OpenSSH's client shows them without quotes, so that only a slash tells where one begins."""
    found: list[Path] = []
    for value in values:
        names = re.findall(r'"([^"]*)"', value) or re.split(r"\s+(?=[/~])", value)
        found += [_path(name, home) for name in names]
    # They say that nothing is known and nothing kept; a host must be known somewhere.
    return tuple(path for path in found if str(path) not in _NO_FILES)


def _path(name: str, home: Path) -> Path:
    return home / name[2:] if name.startswith("~/") else Path(name)


def _paths(values: Iterable[str], tokens: Mapping[str, str]) -> tuple[Path, ...]:
    found = [_expanded(value.strip('"'), tokens) for value in values if value.lower() != "none"]
    named = [re.sub(r"\$\{(\w+)\}", lambda m: os.environ.get(m[1], m[0]), value) for value in found]
    return tuple(dict.fromkeys(expanded(name) for name in named))


def _expanded(value: str, tokens: Mapping[str, str]) -> str:
    return re.sub("%(.)", lambda match: tokens.get(match[1], match[0]), value)


def _tokens(place: Settings, host: str, home: Path) -> Mapping[str, str]:
    here = socket.gethostname()
    return {
        "%": "%",
        "h": place.hostname,
        "n": host,
        "p": str(place.port),
        "r": place.user,
        "u": user_name_or_none() or "",
        "d": str(home),
        "i": _number_of_user(),
        "k": place.key_name or place.hostname,
        "l": here,
        "L": here.partition(".")[0],
    }
