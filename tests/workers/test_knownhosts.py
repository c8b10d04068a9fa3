"""Lines of known_hosts as they are found on people's machines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from services import Service, absent

from rasreconcile.errors import Refused
from rasreconcile.jobs import RunId
from rasreconcile.workers import retry
from rasreconcile.workers.openssh.known_hosts import known_hosts
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.worker import ssh_worker

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIIbBCHzy5zjEVHzkpv1KL9/zyTqmBbW0DnGtEYRPWLBP"
OTHER = "AAAAC3NzaC1lZDI1NTE5AAAAIB8KxQ2Kx9zVtUcDgcxnuXpXnMRaT+yYy1V9uXOvYUAl"


def said_of(name: str, *lines: bytes, folder: Path) -> list[str]:
    path = folder / "known_hosts"
    path.write_bytes(b"\n".join(lines) + b"\n")
    found = known_hosts([path], name)
    return [f"{key.marker} {key.blob[-1]:02x}".strip() for key in found.keys] + ["unread"] * len(found.unread)


LINES = {
    "plain": (b"box ssh-ed25519 %s me@here", ["4f"]),
    "several names": (b"other,box,10.0.0.7 ssh-ed25519 %s", ["4f"]),
    "upper case": (b"BOX ssh-ed25519 %s", ["4f"]),
    "tabs and blanks": (b"  \tbox \t ssh-ed25519\t\t%s  a  comment", ["4f"]),
    "windows line end": (b"box ssh-ed25519 %s\r", ["4f"]),
    "wild": (b"b*,!box2 ssh-ed25519 %s", ["4f"]),
    "wild mark": (b"b?x ssh-ed25519 %s", ["4f"]),
    "negated": (b"*,!box ssh-ed25519 %s", []),
    "brackets are no class": (b"[b]ox ssh-ed25519 %s", []),
    "another host": (b"boxes ssh-ed25519 %s", []),
    "another port": (b"[box]:2222 ssh-ed25519 %s", []),
    "authority": (b"@cert-authority b* ssh-ed25519 %s", ["cert-authority 4f"]),
    "revoked": (b"@revoked * ssh-ed25519 %s", ["revoked 4f"]),
    "a marker of tomorrow": (b"@trusted box ssh-ed25519 %s", []),
    "comment": (b"# box ssh-ed25519 %s", []),
    "latin-1 comment": (b"box ssh-ed25519 %s B\xfcro", ["4f"]),
    "latin-1 host": (b"b\xfcro ssh-ed25519 %s", []),
    "no key": (b"box", ["unread"]),
    "no key, a kind": (b"box ssh-ed25519", ["unread"]),
    "bad base64": (b"box ssh-ed25519 %s=x", ["unread"]),
    "base64 cut short": (b"box ssh-ed25519 AAAAC3Nza", ["unread"]),
    "another kind than it says": (b"box ssh-rsa %s", ["unread"]),
    "ssh 1": (b"box 1024 35 137203819283", ["unread"]),
    "a kind of tomorrow": (b"box ssh-mldsa AAAACXNzaC1tbGRzYU8=", ["4f"]),
    "hash of another version": (b"|2|abc=|def= ssh-ed25519 %s", []),
    "damaged hash": (b"|1|a|b ssh-ed25519 %s", []),
    "half a hash": (b"|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI= ssh-ed25519 %s", []),
}


@pytest.mark.parametrize(("line", "means"), LINES.values(), ids=LINES.keys())
def test_a_line_means_what_it_means_to_ssh(tmp_path, line, means) -> None:
    line = line.replace(b"%s", KEY.encode())
    assert said_of("box", line, folder=tmp_path) == means
    assert said_of("box", b"garbage \xff\xfe", line, b"\0\0\0", folder=tmp_path) == means
    if means == ["unread"] or "version" in str(line) or shutil.which("ssh-keygen") is None:
        return
    found = subprocess.run(
        ["ssh-keygen", "-F", "box", "-f", tmp_path / "known_hosts"], capture_output=True, check=False
    )
    # It shows revoked ones too, and knows no kinds of tomorrow.
    if b"mldsa" not in line:
        assert bool(found.stdout.strip()) == bool(means), found.stdout


def test_a_hashed_name_is_found_with_and_without_a_port(tmp_path) -> None:
    if shutil.which("ssh-keygen") is None:
        absent(Service.SSH, "ssh-keygen is not installed")
    path = tmp_path / "known_hosts"
    path.write_text(f"box ssh-ed25519 {KEY}\n[box]:2222 ssh-ed25519 {OTHER}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", path], check=True, capture_output=True)
    assert "box" not in path.read_text()
    assert [key.blob[-1] for key in known_hosts([path], "box").keys] == [0x4F]
    assert [key.blob[-1] for key in known_hosts([path], "[box]:2222").keys] == [0x25]
    assert known_hosts([path], "fox").keys == ()


def test_what_is_no_plain_file_says_nothing(tmp_path) -> None:
    assert known_hosts([Path("/dev/null"), tmp_path, tmp_path / "none"], "box").keys == ()


@pytest.fixture
def ask(network, tmp_path, monkeypatch):
    """Polls the server once, with these lines as known_hosts."""
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)

    def polled(server, *lines: str | bytes, hostname: str = "") -> None:
        data = b"".join(
            (line if isinstance(line, bytes) else line.encode()).rstrip(b"\n") + b"\n" for line in lines
        )
        (network.home / ".ssh" / "known_hosts").write_bytes(data)
        spec = SshWorker(
            type="ssh",
            hostname=hostname or server.address,
            port=server.port,
            username="root",
            ssh_key_path=str(network.key),
            worker_folder=str(tmp_path / "runs"),
        )
        worker = ssh_worker("box", spec, tmp_path)
        try:
            worker.poll([RunId("a")])
        finally:
            worker.close()

    return polled


def public(path: Path) -> str:
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


STRANGERS = (
    f"@cert-authority *.example.com ssh-ed25519 {KEY}",
    f"@revoked * ssh-ed25519 {OTHER}",
    b"b\xfcro.example.com ssh-ed25519 AAAA B\xfcro K\xf6ln",
    "old.example.com 1024 35 137203819283",
    "odd.example.com ssh-ed25519 AAAAC3Nza",
    "rsa.example.com ssh-rsa AAAA",
    "sk.example.com sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA==",
    "|1|x|y ssh-ed25519 AAAA",
    b"\xff\xfe\0garbage",
    "<<<<<<< HEAD",
)


def test_lines_of_other_hosts_are_nobodys_business(network, ask) -> None:
    server = network.server()
    ask(server, *STRANGERS, server.known_line())
    ask(server, server.known_line(), *STRANGERS)
    with pytest.raises(Refused, match="host key is not known: ssh-ed25519 SHA256:"):
        ask(server, *STRANGERS)


def test_lines_of_this_host_that_cannot_be_read_are_named(network, ask) -> None:
    server = network.server()
    with pytest.raises(Refused, match=r"known_hosts:2 cannot be read\): ssh-ed25519 SHA256"):
        ask(server, "# mine", f"{server.name} ssh-ed25519 AAAAC3Nza")
    ask(server, f"{server.name} ssh-ed25519 AAAAC3Nza", server.known_line())


def test_a_line_without_the_port_accepts_a_key_and_refuses_none(network, ask) -> None:
    server = network.server()
    _, kind, key = server.known_line().split()
    ask(server, f"{server.address} {kind} {key}")
    ask(server, f"127.* {kind} {key}")
    ask(server, f"{server.address} {kind} {OTHER}", server.known_line())
    with pytest.raises(Refused, match="not known"):
        ask(server, f"{server.address} {kind} {OTHER}")
    with pytest.raises(Refused, match="HAS CHANGED"):
        ask(server, f"{server.name} {kind} {OTHER}", f"{server.name} ssh-rsa AAAA")


def test_a_revoked_key_is_refused_even_where_it_is_known(network, ask) -> None:
    server = network.server()
    for names in ("*", server.name, f"127.*,{server.name}"):
        with pytest.raises(Refused, match=r"its key is revoked: .*known_hosts:2 revokes ssh-ed25519 SHA256"):
            ask(server, server.known_line(), f"@revoked {names} {public(server.folder / 'host_key')}")
    ask(server, server.known_line(), f"@revoked other {public(server.folder / 'host_key')}")


def test_of_several_keys_the_host_shows_the_one_that_is_known(network, ask) -> None:
    server = network.server()
    rsa = server.folder / "rsa_key"
    make = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(rsa)]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    server.more = (f"HostKey {rsa}",)
    server.stop()
    server.start()
    ask(server, f"{server.name} {public(rsa)}")
    ask(server, server.known_line())


@pytest.fixture
def certified(network):
    """A server whose key an authority has signed with these words of ssh-keygen; the authority's public key."""

    def made(*words: str, kind: str = "ed25519"):
        server = network.server()
        authority = server.folder / "authority"
        make = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(authority)]
        subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
        sign = [
            "ssh-keygen",
            "-q",
            "-s",
            str(authority),
            "-I",
            "a host",
            *words,
            str(server.folder / "host_key.pub"),
        ]
        subprocess.run(sign, check=True, stdin=subprocess.DEVNULL)
        server.more = (f"HostCertificate {server.folder / 'host_key-cert.pub'}",)
        server.stop()
        server.start()
        return server, public(authority)

    return made


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_host_is_known_by_the_authority_that_signed_its_key(certified, ask, kind) -> None:
    server, authority = certified("-h", "-n", "127.*,box.example.com", "-V", "-1d:+1d", kind=kind)
    ask(server, *STRANGERS, f"@cert-authority {server.name} {authority}")
    ask(server, f"@cert-authority {server.address} {authority}")
    ask(server, f"@cert-authority 127.* {authority}", f"{server.name} ssh-ed25519 {OTHER}")
    with pytest.raises(Refused, match="no line `@cert-authority` for it names"):
        ask(server, f"@cert-authority {server.name} ssh-ed25519 {OTHER}")
    with pytest.raises(Refused, match="not known"):
        ask(server, f"@cert-authority *.example.com {authority}")
    with pytest.raises(Refused, match="HAS CHANGED"):
        ask(server, f"{server.name} {authority}")
    with pytest.raises(Refused, match="the authority of its certificate is revoked"):
        ask(server, f"@cert-authority {server.name} {authority}", f"@revoked * {authority}")
    ask(server, server.known_line())


WRONG = {
    "name": (("-h", "-n", "box.example.com"), "it is for box.example.com, not for 127."),
    "expired": (("-h", "-n", "127.*", "-V", "-2d:-1d"), "it has expired on 20"),
    "not yet": (("-h", "-n", "127.*", "-V", "+1d:+2d"), "it is not valid before 20"),
}


@pytest.mark.parametrize(("words", "why"), WRONG.values(), ids=WRONG.keys())
def test_a_certificate_that_proves_nothing_is_said_and_the_key_itself_may_still_be_known(
    certified, ask, words, why
) -> None:
    server, authority = certified(*words)
    line = f"@cert-authority {server.name} {authority}"
    with pytest.raises(Refused) as told:
        ask(server, line)
    assert f"its certificate is not accepted: {why}" in str(told.value)
    assert "then add it: `ssh-keyscan" in str(told.value)
    ask(server, line, server.known_line())
