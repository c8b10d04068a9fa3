"""Who is let in, and which hosts are trusted."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sshd import make_key
from users import user_with
from waiting import LONGEST, until

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import RunId
from rasreconcile.workers import retry
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.worker import ssh_worker


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)


@pytest.fixture
def ask(network, tmp_path):
    """Polls a worker of this spec once."""

    def polled(**spec: Any) -> None:
        values = {"type": "ssh", "username": "root", "worker_folder": str(tmp_path / "runs"), **spec}
        worker = ssh_worker("box", SshWorker(**values), tmp_path)
        try:
            worker.poll([RunId("a")])
        finally:
            worker.close()

    return polled


def at(server) -> dict[str, Any]:
    return {"hostname": server.address, "port": server.port}


def test_an_unknown_host_is_refused_with_its_fingerprint_and_the_command_that_adds_it(network, ask) -> None:
    server = network.server()
    known = network.home / ".ssh" / "known_hosts"
    known.unlink()
    with pytest.raises(Refused) as told:
        ask(**at(server), ssh_key_path=str(network.key))
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(server.folder / "host_key.pub")], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    command = f"ssh-keyscan -p {server.port} {server.address} >> {known}"
    assert shown in str(told.value)
    assert f"`{command}`" in str(told.value)
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    ask(**at(server), ssh_key_path=str(network.key))


def test_a_host_whose_key_has_changed_is_refused_loudly(network, ask) -> None:
    server = network.server()
    for name in ("host_key", "host_key.pub"):
        (server.folder / name).unlink()
    server.stop()
    server.start()
    with pytest.raises(Refused, match="HOST KEY HAS CHANGED") as told:
        ask(**at(server), ssh_key_path=str(network.key))
    assert f"ssh-keygen -R '{server.name}'" in str(told.value)


def test_a_key_or_a_user_that_is_not_accepted_is_refused_with_what_was_tried(network, ask, tmp_path) -> None:
    server = network.server()
    make_key(tmp_path / "other")
    with pytest.raises(Refused, match=r"other.*authorized_keys"):
        ask(**at(server), ssh_key_path=str(tmp_path / "other"))
    with pytest.raises(Refused, match="nobody-here@"):
        ask(**at(server), username="nobody-here", ssh_key_path=str(network.key))
    with pytest.raises(Refused, match="there is no key"):
        ask(**at(server), ssh_key_path="missing")


def test_a_passphrase_is_read_where_the_spec_says_and_shown_nowhere(
    network, ask, tmp_path, monkeypatch, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    server = network.server()
    key = tmp_path / "locked"
    make_key(key, passphrase="open sesame")
    server.let_in(key)
    with pytest.raises(Refused, match="passphrase"):
        ask(**at(server), ssh_key_path=str(key))
    monkeypatch.setenv("PHRASE", "a wrong one")
    with pytest.raises(Refused, match=r"locked cannot be read: its passphrase is wrong") as told:
        ask(**at(server), ssh_key_path=str(key), password={"env": "PHRASE"})
    monkeypatch.setenv("PHRASE", "open sesame")
    ask(**at(server), ssh_key_path=str(key), password={"env": "PHRASE"})
    assert "a wrong one" not in str(told.value) + caplog.text
    assert "open sesame" not in caplog.text + (server.folder / "log").read_text()


def test_a_secret_file_that_others_may_read_is_refused(network, ask, tmp_path) -> None:
    server = network.server("PasswordAuthentication yes")
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    secret.chmod(0o644)
    with pytest.raises(Refused, match="chmod 600") as told:
        ask(**at(server), password={"file": "secret"})
    assert "hush" not in str(told.value)
    with pytest.raises(Refused, match="PHRASE is not set"):
        ask(**at(server), password={"env": "PHRASE"})


@pytest.fixture
def user_with_password():
    with user_with("right word") as name:
        yield name


def test_a_password_lets_in_and_a_wrong_one_does_not(
    network, ask, monkeypatch, user_with_password, tmp_path
) -> None:
    server = network.server("PasswordAuthentication yes")
    spec = {
        **at(server),
        "username": user_with_password,
        "worker_folder": "/tmp",
        "password": {"env": "WORD"},
    }
    monkeypatch.setenv("WORD", "right word")
    ask(**spec)
    monkeypatch.setenv("WORD", "wrong word")
    with pytest.raises(Refused, match="login rejected with the password"):
        ask(**spec)


def config(network, text: str) -> None:
    (network.home / ".ssh" / "config").write_text(text)


def test_an_alias_of_the_configuration_says_all_there_is_to_say(network, ask) -> None:
    server = network.server()
    elsewhere = network.home / "others known"
    (network.home / ".ssh" / "known_hosts").rename(network.home / "known")
    text = f"Host bigbox\n HostName {server.address}\n Port {server.port}\n User root\n IdentityFile {network.key}\n"
    config(network, f"{text} UserKnownHostsFile {network.home / 'known'}\n")
    ask(hostname="bigbox", username=None)
    assert not elsewhere.exists()


def test_a_jump_leads_through_another_host(network, ask) -> None:
    gate, inner = network.server(), network.server()
    config(
        network,
        f"Host gate\n HostName {gate.address}\n Port {gate.port}\n User root\n IdentityFile {network.key}\n"
        f"Host inner\n HostName {inner.address}\n Port {inner.port}\n ProxyJump gate\n",
    )
    ask(hostname="inner", ssh_key_path=str(network.key))
    gate.stop()
    with pytest.raises(Unreachable):
        ask(hostname="inner", ssh_key_path=str(network.key))


def test_a_gate_that_lets_nobody_through_is_refused_with_what_to_set(network, ask) -> None:
    gate, inner = network.server("AllowTcpForwarding no"), network.server()
    config(
        network,
        f"Host inner\n HostName {inner.address}\n Port {inner.port}\n ProxyJump root@{gate.address}:{gate.port}\n"
        f"Host *\n IdentityFile {network.key}\n",
    )
    with pytest.raises(
        Refused, match=rf"{gate.address}.* forwards no connection to {inner.address}.*AllowTcp"
    ):
        ask(hostname="inner")


def test_a_command_may_be_the_way(network, ask) -> None:
    server = network.server()
    relay = Path(network.home / "relay.py")
    relay.write_text(
        "import os, select, socket, sys\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "while True:\n"
        "    for r in select.select([0, s], [], [])[0]:\n"
        "        data = os.read(0, 65536) if r == 0 else s.recv(65536)\n"
        "        if not data: sys.exit()\n"
        "        s.sendall(data) if r == 0 else os.write(1, data)\n"
    )
    config(
        network,
        f"Host inner\n HostName {server.address}\n Port {server.port}\n ProxyCommand python3 {relay} %h %p\n",
    )
    ask(hostname="inner", ssh_key_path=str(network.key))


def test_a_jump_in_a_circle_is_refused(network, ask) -> None:
    config(network, "Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    with pytest.raises(Refused, match="circle"):
        ask(hostname="a")


def test_a_host_that_is_not_there_is_unreachable_and_says_what_to_see_to(ask) -> None:
    with pytest.raises(Unreachable, match="`hostname` and `port` are right"):
        ask(hostname="127.0.0.1", port=9)
    with pytest.raises(Unreachable, match=r"no-such-host\.invalid"):
        ask(hostname="no-such-host.invalid")


def test_a_key_that_only_the_agent_has_lets_in(network, ask, tmp_path, monkeypatch) -> None:
    server = network.server()
    make_key(tmp_path / "carried", passphrase="secret")
    server.let_in(tmp_path / "carried")
    network.key.unlink()
    with pytest.raises(Refused, match="authorized_keys"):
        ask(**at(server))
    socket = tmp_path / "agent"
    answers = tmp_path / "answers"
    answers.write_text("#!/bin/sh\necho secret\n")
    answers.chmod(0o700)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        env = {**os.environ, "SSH_ASKPASS": str(answers), "SSH_ASKPASS_REQUIRE": "force"}
        add = ["ssh-add", "-q", str(tmp_path / "carried")]
        until(socket.exists)
        subprocess.run(
            add, env=env, check=True, timeout=LONGEST, stdin=subprocess.DEVNULL, capture_output=True
        )
        ask(**at(server))
    finally:
        agent.terminate()
        agent.wait()
