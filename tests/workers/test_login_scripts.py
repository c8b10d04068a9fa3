"""What a host prints before it answers, and hosts that do not answer at all."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers import retry
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.worker import ssh_worker

ANSWERS = 'sh -c "$SSH_ORIGINAL_COMMAND"'


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)


@pytest.fixture
def forced(network, ssh_on, tmp_path):
    """A worker on a server that runs this script for every command."""

    def place(script: str, *more: str):
        wrapper = tmp_path / f"forced-{len(network.servers)}.sh"
        wrapper.write_text(f"{script}\n")
        return ssh_on(network.server(f"ForceCommand bash {wrapper}", *more))

    return place


CHATTY = {
    "lines": "echo welcome; echo '@rasreconcile no'; ",
    "no line end": "printf 'Last login: yesterday'; ",
    "no line end and a mark's beginning": "printf '@rasreconcile@rasreconc'; ",
    "much": "head -c 5000000 /dev/zero | tr '\\0' x; ",
    "many lines": "seq 100000; ",
    "control characters": r"printf '\033]0;title\007\033[31mred\033[0m\r\b\007\000\x84'; ",
    "half an escape": r"printf '\033['; ",
    "latin-1": r"printf 'Gr\374\337e aus K\366ln'; ",
    "standard error": "echo 'stty: standard input: Inappropriate ioctl for device' >&2; ",
    "a pause": "sleep 1; printf 'one moment'; ",
}


@pytest.mark.parametrize("script", CHATTY.values(), ids=CHATTY.keys())
def test_what_a_login_script_prints_is_no_answer(forced, tmp_path, run, script) -> None:
    ssh = forced(script + ANSWERS)
    ssh.worker.start(run, ssh.job(inputs={"a.tif": b"1"}, writes={"x.p01.hdf": b"123"}, prints=b"words"))
    assert ssh.end(run).outputs["x.p01.hdf"].size == 3
    assert ssh.worker.fetch(run, "x.p01.hdf", tmp_path / "here").size == 3
    assert ssh.worker.read_log(run) == b"words"
    assert ssh.worker.check() == []


def test_a_bashrc_that_prints_without_a_line_end_is_no_answer(network, ssh_on, tmp_path) -> None:
    home = tmp_path / "home there"
    home.mkdir()
    (home / ".bashrc").write_text("printf 'module: loading hdf5 ...'; touch ~/was-read\n")
    ssh = ssh_on(network.server(f'SetEnv "HOME={home}"'))
    assert ssh.worker.check() == []
    assert ssh.worker.find(["~/.bashrc", "~/none"]) == ("~/.bashrc",)
    assert (home / "was-read").exists()


SILENT = {
    "nologin": ("/usr/sbin/nologin", "This account is currently not available", 1),
    "nothing": ("true", 'printed "nothing"', 0),
    "a word and success": (
        "echo 'Please use the portal https://hpc.example.org'",
        "Please use the portal",
        0,
    ),
    "standard error": ("echo 'Only rsync is allowed' >&2; exit 7", "Only rsync is allowed", 7),
    "both": ("echo one; echo two >&2; exit 3", "one two", 3),
    "control characters": (r"printf '\033[31mgo\033[0m \007away\n'; exit 1", '"go away"', 1),
    "a login script that ends": ("case $- in *i*) ;; *) exit 0 ;; esac", 'printed "nothing"', 0),
    "restricted shell": ('rbash -c "$SSH_ORIGINAL_COMMAND"', "restricted", 126),
}


@pytest.mark.parametrize(("script", "says", "status"), SILENT.values(), ids=SILENT.keys())
def test_a_host_that_runs_no_commands_is_a_problem_in_its_own_words(
    forced, run, script, says, status
) -> None:
    ssh = forced(script)
    (problem,) = ssh.worker.check()
    assert says in problem.what
    assert f"(exit {status})" in problem.what or status == 126
    assert "\033" not in problem.what
    assert "shell" in problem.remedy
    for call in (lambda: ssh.worker.start(run, ssh.job()), lambda: ssh.worker.poll([run])):
        with pytest.raises(Refused, match="runs no commands for this user"):
            call()


def test_a_host_for_files_only_is_a_problem_in_its_own_words(network, ssh_on) -> None:
    ssh = ssh_on(network.server("ForceCommand internal-sftp"))
    (problem,) = ssh.worker.check()
    assert "sftp connections only" in problem.what
    assert "ForceCommand" in problem.remedy


def test_a_login_script_that_prints_without_end_is_a_problem(forced) -> None:
    (problem,) = forced("yes 'hello there'").worker.check()
    assert "prints endlessly" in problem.what
    assert "hello there" in problem.what


def test_a_shell_that_is_killed_is_asked_again(forced) -> None:
    with pytest.raises(Unreachable, match="it will be retried"):
        forced("kill -9 $$").worker.check()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_answers_and_is_no_ssh_server_is_told(network, tmp_path, greeting: bytes) -> None:
    def greet(listening: socket.socket) -> None:
        with suppress(OSError):  # it is closed at the end of the test
            while True:
                caller, _ = listening.accept()
                caller.sendall(greeting)
                caller.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=greet, args=(listening,), daemon=True).start()
        port = listening.getsockname()[1]
        spec = SshWorker(type="ssh", hostname="127.0.0.1", port=port, ssh_key_path=str(network.key))
        worker = ssh_worker("box", spec, tmp_path)
        with pytest.raises(Unreachable) as caught:
            worker.check()
        worker.close()
    assert str(caught.value).endswith(
        ": no SSH server answered there; check `hostname`, `port` and any ProxyCommand; it will be retried"
    )
