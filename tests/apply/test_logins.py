"""Hosts that let nobody in or run nothing: the command says so with the remedy, ends, and computes elsewhere."""

from __future__ import annotations

import subprocess

import pytest
from sshd import make_key

SPEC = """\
version: 1
state: state.db
results: results
engine: {{type: steady}}
workers:
  box: {{type: ssh, hostname: {host}, port: {port}, username: root, {key}worker_folder: {folder}/there, cores_total: 2}}
  desk: {{type: local, worker_folder: runs/desk, cores_total: 2, cores_per_plan: 1, queue_priority: 5}}
plans:
  - project: Willow.prj
    {more}
"""


@pytest.fixture
def spec(study, network):
    """Writes a spec with this server and this machine."""

    def write(server, key: str | None = "", more: str = "expect: {}") -> None:
        named = f"ssh_key_path: {key or network.key}, " if key is not None else ""
        (study.folder / "spec.yaml").write_text(
            SPEC.format(host=server.address, port=server.port, key=named, folder=study.folder, more=more)
        )

    return write


def check(study) -> str:
    """What `check` says of the box, which is unfit."""
    printed = study.run("check", "spec.yaml", check=4).stdout
    assert "worker desk: ready" in printed
    assert "worker box: unfit" in printed
    return printed.partition("worker box: unfit\n")[2].partition("\nworker")[0].strip()


def applied_here_only(study, says: str) -> None:
    done = study.apply()
    assert "4 succeeded" in done.stdout + done.stderr
    assert "on desk" in done.stdout + done.stderr
    assert "on box" not in done.stdout + done.stderr
    assert says in done.stdout + done.stderr


def test_a_host_that_runs_no_commands_is_unfit_and_never_waited_for(study, spec, network) -> None:
    server = network.server("ForceCommand echo -n 'This is a file server'; exit 0")
    spec(server, more="only_on: [box]")
    done = study.apply(check=4)
    assert "This is a file server" in done.stdout + done.stderr
    spec(server)
    assert 'it printed "This is a file server" (exit 0); allow its user a shell' in check(study)
    applied_here_only(study, "This is a file server")


def test_lines_of_other_hosts_in_known_hosts_stop_nothing(study, spec, network) -> None:
    server = network.server()
    known = network.home / ".ssh" / "known_hosts"
    strangers = (
        b"@cert-authority *.example.com ssh-rsa AAAAB3Nz...XNRM1EX2gQ==\n@revoked * ssh-rsa this-is-not-base64\n"
        b"b\xfcro.example.com ssh-ed25519 AAAA B\xfcro\n<<<<<<< HEAD\n\xff\xfe\0\n"
    )
    known.write_bytes(strangers + known.read_bytes())
    spec(server, more="only_on: [box]\n    expect: {completed: false}")
    text = study.folder / "spec.yaml"
    # The python3 that an ssh session finds has no steady engine: any program will do.
    copy = f'{{type: command, command: [cp, "{study.folder}/ready.hdf", "{{output}}"]}}'
    text.write_text(text.read_text().replace("{type: steady}", copy))
    assert "worker box: ready" in study.run("check", "spec.yaml").stdout
    study.apply()
    known.write_bytes(strangers)
    (study.folder / "Willow.f02").write_text(
        (study.folder / "Willow.f02").read_text().replace("1850", "1851")
    )
    said = check(study)
    assert "its host key is not known" in said
    assert "ssh-ed25519 SHA256:" in said
    spec(server)
    done = study.apply()
    assert "host key is not known" in done.stdout + done.stderr
    known.write_bytes(strangers + server.known_line().encode())
    key = (server.folder / "host_key.pub").read_text()
    known.write_text(f"{server.known_line()}@revoked * {key}")
    assert "its key is revoked" in check(study)


@pytest.mark.parametrize("kind", ["ppk", "public", "refused"])
def test_a_key_that_does_not_fit_is_said_and_this_machine_computes(study, spec, network, kind) -> None:
    server = network.server("LogLevel VERBOSE")
    make_key(study.folder / "lab")
    (study.folder / "lab.ppk").write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    name, says = {
        "ppk": ("lab.ppk", "`puttygen"),
        "public": ("lab.pub", "is a public key"),
        "refused": ("lab", "login rejected with"),
    }[kind]
    spec(server, key=name)
    assert says in check(study)
    before = (server.folder / "log").read_text().count("Failed publickey")
    applied_here_only(study, says)
    after = (server.folder / "log").read_text().count("Failed publickey")
    assert after - before == (1 if kind == "refused" else 0)


def test_a_configuration_that_ssh_does_not_accept_is_said_with_its_line(study, spec, network) -> None:
    spec(network.server())
    (network.home / ".ssh" / "config").write_text("Host *\n  Usr ras\n")
    said = check(study)
    assert "line 2: Bad configuration option: usr" in said
    assert said.endswith("correct it")
    applied_here_only(study, "Bad configuration option")
    subprocess.run(
        ["sed", "-i", "s/Usr ras/ServerAliveInterval 30/", str(network.home / ".ssh" / "config")], check=True
    )
    assert "worker box: ready" in study.run("check", "spec.yaml").stdout
