"""What ~/.ssh/config says, asked of ssh itself and read without it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from services import Service, absent
from sshd import make_key

from rasreconcile.errors import Refused
from rasreconcile.workers import retry
from rasreconcile.workers.openssh.login import login_to
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.worker import ssh_worker


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    made = tmp_path / "a home"
    (made / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(made))
    return made


@pytest.fixture
def asked(home):
    if shutil.which("ssh") is None:
        absent(Service.SSH, "ssh is not installed")

    def login(text: str | bytes, host: str = "box", **more):
        data = text if isinstance(text, bytes) else text.encode()
        (home / ".ssh" / "config").write_bytes(data)
        return login_to(host, **more)

    return login


@pytest.fixture
def read(asked, monkeypatch, tmp_path):
    """The same where there is no ssh."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return asked


def test_a_host_that_no_line_speaks_of_has_the_usual_settings(asked, home) -> None:
    found = asked("", "box.example.org")
    assert (found.hostname, found.port, found.through, found.command) == ("box.example.org", 22, None, None)
    assert home / ".ssh" / "id_ed25519" in found.keys
    assert found.known_hosts[:2] == (home / ".ssh" / "known_hosts", home / ".ssh" / "known_hosts2")
    assert Path("/etc/ssh/ssh_known_hosts") in found.known_hosts
    assert not found.only_these_keys


def test_match_include_and_tokens_are_followed(asked, home) -> None:
    (home / "more.conf").write_text("Host box\n HostName 10.0.0.%h\n User fromfile\n")
    found = asked(
        f'Include "{home}/more.conf"\n'
        'Match host 10.0.0.box exec "test %r = fromfile"\n  Port 2222\n'
        "Match user nobody-else\n  Port 1\n"
        "Host box\n  IdentityFile ~/keys/%n_%r\n  IdentityFile none\n  CertificateFile ~/keys/%h-cert.pub\n"
        "  ProxyCommand relay %h:%p %%\n  IdentitiesOnly yes\n  HostKeyAlias lab\n  IdentityAgent none\n"
        '  UserKnownHostsFile "~/known of lab" /dev/null\n'
    )
    assert (found.hostname, found.user, found.port) == ("10.0.0.box", "fromfile", 2222)
    assert found.keys == (home / "keys" / "box_fromfile",)
    assert found.certificates == (home / "keys" / "10.0.0.box-cert.pub",)
    assert found.command == "relay 10.0.0.box:2222 %"
    assert (found.only_these_keys, found.key_name, found.agent) == (True, "lab", "none")


def test_what_the_spec_says_wins_and_is_matched(asked) -> None:
    text = "Match user ras\n Port 2222\nHost box\n Port 4444\n User other\n"
    assert asked(text, user="ras").port == 2222
    found = asked(text, user="ras", port=5555)
    assert (found.user, found.port) == ("ras", 5555)
    assert asked(text, "ras@box").user == "ras"


def test_jumps_have_settings_of_their_own(asked) -> None:
    found = asked(
        "Host box\n ProxyJump me@gate:2200,inner\nHost gate\n HostName 10.0.0.1\n User other\n"
        "Host inner\n HostName 10.0.0.2\n Port 22022\n ProxyCommand none\n"
    )
    inner = found.through
    assert (inner.hostname, inner.port) == ("10.0.0.2", 22022)
    assert str(inner.through) == "me@10.0.0.1:2200"
    assert asked("Host box\n ProxyJump none\n").through is None


def test_files_with_blanks_in_their_names_are_found(asked, home) -> None:
    found = asked(f'Host box\n UserKnownHostsFile "{home}/known of lab" {home}/others /dev/null\n')
    assert found.known_hosts[:2] == (home / "known of lab", home / "others")


def test_a_host_that_is_known_nowhere_belongs_into_the_usual_file(asked, home) -> None:
    found = asked(
        "Host *\n UserKnownHostsFile /dev/null\n GlobalKnownHostsFile none\n StrictHostKeyChecking no\n"
    )
    assert found.known_hosts == (home / ".ssh" / "known_hosts",)


@pytest.mark.parametrize(
    "line",
    [b"Fooo bar", b"Port many", b'IdentityFile "a', b"Match user"],
    ids=["word", "number", "quote", "match"],
)
def test_a_line_that_ssh_does_not_accept_is_named_in_its_words(asked, line) -> None:
    with pytest.raises(
        Refused, match=r"box: `ssh` does not accept its configuration: .*config:? line 3.*; correct it"
    ):
        asked(b"Host b\xfcro\n  User x\n" + line + b"\n")


def test_words_in_any_encoding_are_nobodys_business(asked) -> None:
    assert asked(b"# B\xfcro\nHost b\xfcro\n Port 1\nHost box\n Port 2\n").port == 2


def test_keys_that_a_host_must_not_have_are_not_ignored(asked) -> None:
    with pytest.raises(Refused, match="RevokedHostKeys is not supported; put the keys into known_hosts"):
        asked("Host *\n RevokedHostKeys /etc/ssh/revoked\n")


def test_a_host_that_looks_like_an_option_is_none(asked, tmp_path) -> None:
    with pytest.raises(Refused, match="invalid characters"):
        asked("", f"-oProxyCommand=touch {tmp_path}/owned")
    assert not (tmp_path / "owned").exists()


def test_without_ssh_the_file_is_read_all_the_same(read, home) -> None:
    found = read(
        b"# B\xfcro\nHost b\xfcro\n Port 1\nHost box\n  HostName 10.0.0.1\n  Port 2222\n  User ras\n  ProxyJump gate\n"
        b"  IdentityFile ~/keys/%h\n  UserKnownHostsFile ~/known\n  IdentitiesOnly yes\n"
    )
    assert (str(found), found.keys) == ("ras@10.0.0.1:2222", (home / "keys" / "10.0.0.1",))
    assert found.known_hosts[0] == home / "known"
    assert found.through.hostname == "gate"
    assert found.only_these_keys
    usual = read("")
    assert usual.known_hosts[:2] == (home / ".ssh" / "known_hosts", home / ".ssh" / "known_hosts2")
    assert home / ".ssh" / "id_ed25519" in usual.keys


@pytest.mark.parametrize("line", ["Include more.conf", "=x", "Match nonsense x"])
def test_without_ssh_a_line_that_cannot_be_read_is_named(read, home, line) -> None:
    with pytest.raises(Refused) as told:
        read(f"Host box\n  User x\n{line}\n")
    assert f"{home}/.ssh/config:3: " in str(told.value)
    assert "install OpenSSH's client" in str(told.value)


def test_another_program_called_ssh_is_no_openssh(asked, home, tmp_path, monkeypatch) -> None:
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'Dropbear: unknown option -G' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    assert asked("Host box\n Port 2222\n").port == 2222


@pytest.mark.parametrize("way", ["asked", "read"])
def test_a_worker_whose_settings_are_all_in_the_configuration_answers(
    network, tmp_path, monkeypatch, way
) -> None:
    """Also where a key that is named first is missing, and `~` is another home than the user database's."""
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)
    server = network.server()
    make_key(tmp_path / "other")
    (network.home / ".ssh" / "config").write_text(
        f"Host box\n HostName {server.address}\n Port {server.port}\n User root\n IdentityFile ~/.ssh/missing\n"
        f" IdentityFile {tmp_path}/other\n IdentityFile ~/.ssh/key\n IdentityFile none\n HostKeyAlias the-lab\n"
    )
    if way == "read":
        monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    known = network.home / ".ssh" / "known_hosts"
    known.write_text(f"the-lab {' '.join(server.known_line().split()[1:])}\n")
    spec = SshWorker(type="ssh", hostname="box", worker_folder=str(tmp_path / "runs"))
    worker = ssh_worker("box", spec, tmp_path)
    try:
        assert worker.check() == []
    finally:
        worker.close()
