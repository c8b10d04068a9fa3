"""Private keys: which files are read, what is said of others, and which keys are tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko
import pytest
from sshd import make_key

from rasreconcile.errors import Refused
from rasreconcile.jobs import RunId
from rasreconcile.workers import retry
from rasreconcile.workers.openssh.admission import LoginRefused
from rasreconcile.workers.openssh.connection import Connections
from rasreconcile.workers.openssh.door import REFUSED_SECONDS, Door
from rasreconcile.workers.openssh.private_key import private_key, public_half
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.worker import login_of, ssh_worker

PPK = """PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: eddsa-key-20240101
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIIbBCHzy5zjEVHzkpv1KL9/zyTqmBbW0DnGtEYRPWLBP
Private-Lines: 1
AAAA
"""


def keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, stdin=subprocess.DEVNULL, capture_output=True)


@pytest.fixture(autouse=True)
def _needs_keygen() -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")


@pytest.mark.parametrize("form", ["", "PEM", "PKCS8"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("word", ["", "open sesame"])
def test_whatever_ssh_keygen_writes_is_read(tmp_path, form, kind, word) -> None:
    path = tmp_path / "a key"
    keygen("-t", kind, "-N", word, *(["-m", form] if form else []), "-f", str(path))
    public = paramiko.pkey.PublicBlob.from_file(f"{path}.pub").key_blob
    assert private_key(path, word or None).asbytes() == public
    # A passphrase for a key that has none does no harm.
    assert word or private_key(path, "needless").asbytes() == public
    if word:
        with pytest.raises(Refused, match=r"a key needs its passphrase; load it into the agent"):
            private_key(path, None)
        with pytest.raises(Refused, match=r"a key cannot be read: its passphrase is wrong"):
            private_key(path, "another")
    assert public_half(path) == public
    path.with_name("a key.pub").unlink()
    if b"OPENSSH" in path.read_bytes():
        assert public_half(path) == public


def test_a_key_with_the_line_ends_of_windows_is_read(tmp_path) -> None:
    make_key(tmp_path / "key")
    public = private_key(tmp_path / "key", None).asbytes()
    (tmp_path / "key").write_bytes((tmp_path / "key").read_bytes().replace(b"\n", b"\r\n"))
    assert private_key(tmp_path / "key", None).asbytes() == public


WRONG = {
    "ppk": (
        "lab.ppk",
        PPK,
        r"a key of PuTTY.*`puttygen \S*lab.ppk -O private-openssh -o \S*lab` and name \S*lab$",
    ),
    "ppk by another name": ("lab", PPK, r"`puttygen \S*lab -O private-openssh -o \S*lab.openssh`"),
    "ppk 2": ("k.PPK", PPK.replace("File-3", "File-2"), r"-o \S*/k` and"),
    "public": (
        "none.pub",
        "ssh-ed25519 AAAA me@here\n",
        "is a public key.*name the private key that belongs to it",
    ),
    "public beside its key": ("key.pub", None, r"is a public key.*name \S*/key, its private key"),
    "certificate beside its key": (
        "key-cert.pub",
        "ssh-ed25519-cert-v01@openssh.com AAAA",
        r"name \S*/key, its",
    ),
    "public in RFC 4716": (
        "x",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n",
        "public",
    ),
    "public in PEM": ("x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is a public key"),
    "of another program": ("x", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n", "`ssh-keygen -i -f"),
    "damaged": (
        "x",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "damaged",
    ),
    "damaged PEM": ("x", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "damaged"),
    "a text": ("x", "host: box\n", "is not a private key; name one, or make one with `ssh-keygen"),
    "empty": ("x", "", "is not a private key"),
    "a folder": ("", "", r"is a folder; name the private key in it"),
    "absent": ("nothing/here", None, r"there is no key .*; make one with `ssh-keygen -f"),
}


@pytest.mark.parametrize(("name", "text", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_no_private_key_is_refused_with_what_to_do(tmp_path, name, text, says) -> None:
    make_key(tmp_path / "key")
    if name and text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(Refused, match=says):
        private_key(tmp_path / name, None)


@pytest.fixture
def spec_of(network, tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)

    def made(server, **more: Any) -> SshWorker:
        return SshWorker(
            type="ssh",
            hostname=server.address,
            port=server.port,
            username="root",
            worker_folder=str(tmp_path / "runs"),
            **more,
        )

    return made


@contextmanager
def agent_with(tmp_path: Path, *keys: Path) -> Iterator[Path]:
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        env = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        # Its socket is there a moment before it is listened to: 2 is `cannot be reached`, 1 is `holds no keys`.
        while subprocess.run(["ssh-add", "-l"], env=env, capture_output=True, check=False).returncode == 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        for key in keys:
            subprocess.run(
                ["ssh-add", "-q", str(key)], env=env, check=True, timeout=20, stdin=subprocess.DEVNULL
            )
        yield socket
    finally:
        agent.terminate()
        agent.wait()


def keys_in(folder: Path, count: int) -> list[Path]:
    made = [folder / f"key-{n}" for n in range(count)]
    for path in made:
        make_key(path)
    return made


def refusals(server) -> int:
    """How many keys the server has refused, as it notes at once."""
    return (server.folder / "log").read_text().count("Failed publickey")


def test_too_many_keys_in_the_agent_are_refused_once_with_the_setting_that_names_one(
    network, spec_of, tmp_path, monkeypatch
) -> None:
    server = network.server("LogLevel VERBOSE")
    with agent_with(tmp_path, *keys_in(tmp_path, 8), network.key) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        worker = ssh_worker("box", spec_of(server), tmp_path)
        try:
            for _ in range(3):
                (problem,) = worker.check()
                assert "Too many authentication failures" in problem.what
                assert "of the agent" in problem.what
                assert "`ssh_key_path`" in problem.remedy
                with pytest.raises(Refused, match="Too many"):
                    worker.poll([RunId("a")])
        finally:
            worker.close()
        assert refusals(server) <= 6
        named = ssh_worker("box", spec_of(server, ssh_key_path=str(network.key)), tmp_path)
        assert named.check() == []
        named.close()


def test_the_key_that_the_configuration_names_is_tried_before_the_agents_others(
    network, spec_of, tmp_path, monkeypatch
) -> None:
    server = network.server()
    with agent_with(tmp_path, *keys_in(tmp_path, 8), network.key) as socket:
        (network.home / ".ssh" / "config").write_text(
            f"Host *\n IdentityAgent {socket}\n IdentityFile {network.key}.pub\n"
        )
        worker = ssh_worker("box", spec_of(server), tmp_path)
        assert worker.check() == []
        worker.close()
        (network.home / ".ssh" / "config").write_text(
            f"Host *\n IdentityAgent {socket}\n IdentitiesOnly yes\n IdentityFile {tmp_path}/key-1\n"
        )
        worker = ssh_worker("box", spec_of(server), tmp_path)
        (problem,) = worker.check()
        worker.close()
    assert "login rejected with key" in problem.what
    assert "Too many" not in problem.what


def test_a_refused_login_is_not_repeated_by_any_thread_until_its_time_comes(
    network, spec_of, tmp_path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    server = network.server("LogLevel VERBOSE")
    make_key(tmp_path / "other")
    spec = spec_of(server, ssh_key_path=str(tmp_path / "other"))
    many = Connections(lambda: login_of(spec, tmp_path))
    now = [0.0]
    many._door = Door(lambda: now[0])

    def ask(_: int) -> str:
        with pytest.raises(LoginRefused, match=r"login rejected with .*other") as told:
            many.mine()
        return str(told.value)

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(12)))) == 1
    assert refusals(server) == 1
    now[0] = REFUSED_SECONDS + 1
    server.let_in(tmp_path / "other")
    many.mine()
    many.close()


def test_a_wrong_password_is_sent_once(network, spec_of, tmp_path, monkeypatch) -> None:
    server = network.server("PasswordAuthentication yes")
    monkeypatch.setenv("WORD", "wrong")
    worker = ssh_worker("box", spec_of(server, password={"env": "WORD"}), tmp_path)
    for _ in range(3):
        (problem,) = worker.check()
    worker.close()
    assert "login rejected with the password" in problem.what
    assert "`password`" in problem.remedy
    assert (server.folder / "log").read_text().count("Failed password") == 1


def test_a_host_that_takes_no_password_says_what_it_takes(network, spec_of, tmp_path, monkeypatch) -> None:
    server = network.server("PasswordAuthentication no", "KbdInteractiveAuthentication no")
    monkeypatch.setenv("WORD", "word")
    worker = ssh_worker("box", spec_of(server, password={"env": "WORD"}), tmp_path)
    (problem,) = worker.check()
    worker.close()
    assert "it takes publickey" in problem.what
    assert "`ssh_key_path`" in problem.remedy


def test_a_key_that_is_not_enough_says_what_else_is_asked_for(network, spec_of, tmp_path) -> None:
    server = network.server("PasswordAuthentication yes", "AuthenticationMethods publickey,password")
    worker = ssh_worker("box", spec_of(server, ssh_key_path=str(network.key)), tmp_path)
    (problem,) = worker.check()
    worker.close()
    assert "asks for more than a key (password)" in problem.what


def test_a_banner_is_passed_on_with_a_refusal(network, spec_of, tmp_path) -> None:
    banner = tmp_path / "banner"
    banner.write_bytes(b"\033[1mK\xf6ln\033[0m: ask the desk for access\r\n\007")
    server = network.server(f"Banner {banner}")
    make_key(tmp_path / "other")
    worker = ssh_worker("box", spec_of(server, ssh_key_path=str(tmp_path / "other")), tmp_path)
    (problem,) = worker.check()
    worker.close()
    assert 'its banner says "K\ufffdln: ask the desk for access"' in problem.what


def test_a_certificate_of_the_user_lets_in(network, spec_of, tmp_path) -> None:
    make_key(tmp_path / "authority")
    make_key(tmp_path / "mine")
    keygen("-s", str(tmp_path / "authority"), "-I", "me", "-n", "root", str(tmp_path / "mine.pub"))
    server = network.server(f"TrustedUserCAKeys {tmp_path / 'authority.pub'}")
    beside = ssh_worker("box", spec_of(server, ssh_key_path=str(tmp_path / "mine")), tmp_path)
    assert beside.check() == []
    beside.close()
    (tmp_path / "mine-cert.pub").rename(tmp_path / "elsewhere")
    (network.home / ".ssh" / "config").write_text(
        f"Host *\n IdentityFile {tmp_path}/mine\n CertificateFile {tmp_path}/none\n CertificateFile {tmp_path}/elsewhere\n"
    )
    named = ssh_worker("box", spec_of(server), tmp_path)
    assert named.check() == []
    named.close()


def test_a_login_that_takes_long_is_waited_for(network, spec_of, tmp_path, monkeypatch) -> None:
    """The server is asked through a gate that lets its first word through late."""
    server = network.server()
    gate = tmp_path / "gate.py"
    gate.write_text(
        "import select, socket, sys, time, os\n"
        "time.sleep(20)\n"
        f"s = socket.create_connection(('{server.address}', {server.port}))\n"
        "while True:\n"
        "    for r in select.select([0, s], [], [])[0]:\n"
        "        data = os.read(0, 65536) if r == 0 else s.recv(65536)\n"
        "        if not data: sys.exit()\n"
        "        s.sendall(data) if r == 0 else os.write(1, data)\n"
    )
    (network.home / ".ssh" / "config").write_text(f"Host *\n ProxyCommand python3 {gate} 2>/dev/null\n")
    worker = ssh_worker("box", spec_of(server, ssh_key_path=str(network.key)), tmp_path)
    assert worker.check() == []
    worker.close()


@pytest.mark.parametrize(
    "first", ["", "head -c 1 >/dev/null; ", "echo SSH-2.0-; ", "printf SSH; head -c 9; "]
)
def test_what_a_proxy_command_says_is_passed_on(network, spec_of, tmp_path, first: str) -> None:
    """Also of one that ends after it was spoken to: nobody waits until the login's time is over."""
    from rasreconcile.errors import Unreachable

    server = network.server()
    command = f"""sh -c "{first}echo 'no route via vpn' >&2; exit 1\""""
    (network.home / ".ssh" / "config").write_text(f"Host *\n ProxyCommand {command}\n")
    worker = ssh_worker("box", spec_of(server, ssh_key_path=str(network.key)), tmp_path)
    with pytest.raises(Unreachable, match='its ProxyCommand says "no route via vpn"'):
        worker.check()
    worker.close()
