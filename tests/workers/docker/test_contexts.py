"""Docker's contexts are followed as its own command line follows them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from services import Service, absent

from rasreconcile.errors import Refused
from rasreconcile.workers.docker.contexts import Certificates, Endpoint, endpoint_of_context
from rasreconcile.workers.docker.transport import DaemonAddress


def made(home: Path, name: str, host: str | None, **more: bytes) -> None:
    """A context as `docker context create` leaves it; `more`: files of its TLS material by name."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / digest
    meta.mkdir(parents=True)
    endpoint = {} if host is None else {"docker": {"Host": host, "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoint}))
    for file, data in more.items():
        place = home / ".docker" / "contexts" / "tls" / digest / "docker"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{file}.pem").write_bytes(data)


def used(home: Path, name: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))


@pytest.mark.parametrize(
    ("environ", "current", "host"),
    [
        ({}, None, None),
        ({}, "default", None),
        ({}, "office", "ssh://me@office"),
        ({"DOCKER_CONTEXT": ""}, "office", "ssh://me@office"),
        ({"DOCKER_CONTEXT": "lab"}, "office", "tcp://lab:2375"),
        ({"DOCKER_CONTEXT": "default"}, "office", None),
        ({"DOCKER_HOST": "unix:///x", "DOCKER_CONTEXT": "lab"}, "office", None),
        ({"DOCKER_HOST": "", "DOCKER_CONTEXT": "lab"}, "office", "tcp://lab:2375"),
        ({"DOCKER_HOST": "unix:///x"}, "nowhere", None),
    ],
)
def test_the_order_is_that_of_dockers_own_command_line(tmp_path, environ, current, host) -> None:
    made(tmp_path, "office", "ssh://me@office")
    made(tmp_path, "lab", "tcp://lab:2375")
    if current is not None:
        used(tmp_path, current)
    found = endpoint_of_context(environ, tmp_path)
    assert (found.host if found else None) == host


def test_the_folder_of_dockers_settings_may_be_another(tmp_path) -> None:
    made(tmp_path / "a", "office", "ssh://me@office")
    used(tmp_path / "a", "office")
    environ = {"DOCKER_CONFIG": str(tmp_path / "a" / ".docker")}
    assert endpoint_of_context(environ, None) == Endpoint("ssh://me@office")
    assert endpoint_of_context({}, None) is None


def test_a_context_brings_its_certificates(tmp_path) -> None:
    made(tmp_path, "office", "tcp://office:2376", ca=b"1", cert=b"2", key=b"3")
    made(tmp_path, "half", "tcp://half:2376", ca=b"1")
    found = endpoint_of_context({"DOCKER_CONTEXT": "office"}, tmp_path)
    assert found is not None
    assert found.certificates is not None
    names = (found.certificates.authority, found.certificates.certificate, found.certificates.key)
    assert [path.read_bytes() for path in names if path] == [b"1", b"2", b"3"]
    half = endpoint_of_context({"DOCKER_CONTEXT": "half"}, tmp_path)
    assert half is not None
    assert half.certificates is not None
    assert (half.certificates.certificate, half.certificates.key) == (None, None)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            '{"currentContext": "gone"}',
            "'gone', which .*config.json names, does not exist; .*docker context use",
        ),
        ('{"currentContext": "bare"}', "'bare' has no address of a daemon; .*docker context inspect bare"),
        ("[1]", "config.json: it is not a JSON object; .*docker_host"),
        ("{", "config.json: it is not JSON"),
        ("[" * 100_000, "config.json: it is not JSON"),
    ],
)
def test_a_context_that_cannot_be_used_is_refused_with_the_way_out(tmp_path, config, said) -> None:
    made(tmp_path, "bare", None)
    (tmp_path / ".docker" / "config.json").write_text(config)
    with pytest.raises(Refused, match=said):
        endpoint_of_context({}, tmp_path)


def test_a_host_in_the_spec_wins_over_every_context(tmp_path, monkeypatch) -> None:
    used(tmp_path, "gone")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    address = DaemonAddress(host="ssh://me@box")
    assert address.resolved() == address
    with pytest.raises(Refused, match="'gone', which DOCKER_CONTEXT names, does not exist"):
        DaemonAddress().resolved()


def test_a_context_without_certificates_takes_none_of_the_environment(tmp_path, monkeypatch) -> None:
    made(tmp_path, "lab", "tcp://lab:2375")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "lab")
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert DaemonAddress().resolved() == DaemonAddress(host="tcp://lab:2375", certificates=Certificates())


def test_a_daemon_is_reached_by_the_context_that_dockers_own_program_made(
    bound, run, tmp_path, monkeypatch
) -> None:
    program = shutil.which("docker")
    if program is None:
        absent(Service.DOCKER, "docker is not installed")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "settings"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    create = [program, "context", "create", "tests", "--docker", f"host={bound.daemon.host}"]
    subprocess.run(create, check=True, capture_output=True)
    subprocess.run([program, "context", "use", "tests"], check=True, capture_output=True)
    worker = bound.again(docker_host=None)
    worker.start(run, bound.job())
    bound.end(run)
    assert worker.check() == []
    # A worker that has begun stays where it is.
    subprocess.run([program, "context", "use", "default"], check=True, capture_output=True)
    assert run in worker.runs()
