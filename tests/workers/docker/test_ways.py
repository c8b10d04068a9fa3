"""The ways to a daemon: ssh by paramiko and by the system's ssh, TLS; each refuses whom it does not know."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import Service, absent
from waiting import LONGEST, until

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Ended

OUTPUT = "x.p01.hdf"
SSHD = "/usr/sbin/sshd"


@pytest.fixture
def ssh_host(tmp_path: Path, dockerd, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An SSH server whose `docker` speaks to the tests' daemon; its key is known, and the way in is `key`."""
    if not Path(SSHD).exists():
        absent(Service.SSH, "openssh-server is not installed")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    for name in ("host_key", "key", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    shutil.copy(tmp_path / "key.pub", tmp_path / "authorized_keys")
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {tmp_path}/host_key",
        "UsePAM no",
        "StrictModes no",
    ]
    lines += [
        f"AuthorizedKeysFile {tmp_path}/authorized_keys",
        f"PidFile {tmp_path}/pid",
        "PermitRootLogin yes",
    ]
    lines += [f"SetEnv DOCKER_HOST={dockerd.host}", "PasswordAuthentication no", "MaxStartups 100"]
    (tmp_path / "config").write_text("\n".join(lines) + "\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", tmp_path / "config"], stderr=subprocess.DEVNULL)
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    public = (tmp_path / "host_key.pub").read_text().split()
    known = home / ".ssh" / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    # ssh itself reads the home of the account, whatever the environment says.
    folder = tmp_path / "bin"
    folder.mkdir()
    ssh = shutil.which("ssh")
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {ssh} -o UserKnownHostsFile={known} "$@"\n')
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    _wait_for(port)
    yield f"ssh://root@127.0.0.1:{port}"
    server.terminate()
    server.wait()


def _wait_for(port: int) -> None:
    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), LONGEST).close()
        except OSError:
            return False
        return True

    until(answers)


@pytest.mark.parametrize("use_ssh_client", [False, True], ids=["paramiko", "the system's ssh"])
def test_a_run_on_a_daemon_behind_ssh_comes_to_its_end(
    volume, run, tmp_path, ssh_host, use_ssh_client
) -> None:
    way = {"docker_host": ssh_host, "ssh_key_path": str(tmp_path / "key"), "use_ssh_client": use_ssh_client}
    worker = volume.again(**way)
    data = os.urandom(300_000)
    worker.start(run, volume.script(f"cp a.tif {OUTPUT}", inputs={"a.tif": data}))
    volume.until(lambda: isinstance(worker.poll([run])[run], Ended))
    worker.fetch(run, OUTPUT, tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == data
    assert worker.check() == []

    (tmp_path / "home" / ".ssh" / "known_hosts").write_text("")
    with pytest.raises(Refused, match=r"host key.* is not known.*ssh-keyscan -p"):
        volume.again(**way).poll([run])


@pytest.mark.parametrize("use_ssh_client", [False, True], ids=["paramiko", "the system's ssh"])
def test_a_key_that_is_not_let_in_is_refused_with_the_remedy(
    volume, run, tmp_path, ssh_host, use_ssh_client
) -> None:
    key = str(tmp_path / "stranger")
    stranger = volume.again(docker_host=ssh_host, ssh_key_path=key, use_ssh_client=use_ssh_client)
    with pytest.raises(Refused, match=r"(login was rejected|login rejected).*ssh_key_path"):
        stranger.poll([run])


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """What a daemon and its client prove themselves with."""
    folder = tmp_path / "certificates"
    folder.mkdir()

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    extension = "basicConstraints=critical,CA:TRUE"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=test", "-addext", extension, "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    for name, use in (("server", "serverAuth"), ("client", "clientAuth")):
        (folder / "ext").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={use}\n\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}-key.pem", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "2", "-extfile", "ext")  # fmt: skip
    (folder / "client.pem").rename(folder / "cert.pem")
    (folder / "client-key.pem").rename(folder / "key.pem")
    return folder


def test_a_daemon_that_wants_certificates_is_given_them(
    own_dockerd, bound_place_on, certificates, run, monkeypatch
) -> None:
    options = ["--tlsverify", "--tlscacert", str(certificates / "ca.pem")]
    options += [
        "--tlscert",
        str(certificates / "server.pem"),
        "--tlskey",
        str(certificates / "server-key.pem"),
    ]
    daemon = own_dockerd(*options)
    place = bound_place_on(daemon)
    with pytest.raises(Refused, match="docker_cert_path"):
        place.again(docker_host=daemon.tcp).poll([run])
    told = place.again(docker_host=daemon.tcp, docker_cert_path=str(certificates))
    assert told.check() == []
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert place.again(docker_host=daemon.tcp).check() == []
    with pytest.raises((Refused, Unreachable)):
        place.again(docker_host="tcp://127.0.0.1:1").poll([run])
    monkeypatch.delenv("DOCKER_CERT_PATH")
    monkeypatch.delenv("DOCKER_TLS_VERIFY")
    files = ",".join(f"{key}={certificates}/{key}.pem" for key in ("ca", "cert", "key"))
    create = ["docker", "context", "create", "secured", "--docker", f"host={daemon.tcp},{files}"]
    monkeypatch.setenv("DOCKER_CONFIG", str(certificates / "settings"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    subprocess.run(create, check=True, capture_output=True)
    monkeypatch.setenv("DOCKER_CONTEXT", "secured")
    assert place.again(docker_host=None).check() == []
