"""The ssh worker: any host that can be logged in to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rasreconcile.account import expanded
from rasreconcile.errors import Refused
from rasreconcile.jobs import Worker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.openssh.login import Login, login_to
from rasreconcile.workers.secret import reveal
from rasreconcile.workers.ssh.host import SshHost
from rasreconcile.workers.ssh.host_commands import PosixCommands
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.windows_commands import WindowsCommands


def ssh_worker(name: str, spec: SshWorker, folder: Path) -> Worker:
    """Opens no connection yet, and reads no key. Paths on this machine are relative to `folder`, that of the spec."""
    return DetachedWorker(name, ssh_host(name, spec, folder, spec.worker_folder))


def ssh_host(name: str, spec: SshWorker, folder: Path, folder_there: str) -> SshHost:
    """The machine alone, with run directories in a folder there."""
    commands = (
        WindowsCommands(name, folder_there, spec.session)
        if spec.platform == "windows"
        else PosixCommands(folder_there)
    )
    return SshHost(name, lambda: login_of(spec, folder), folder_there, commands)


def login_of(spec: SshWorker, folder: Path) -> Login:
    """Raises Refused where ~/.ssh/config cannot be understood. Secrets are read when they are needed."""
    key = folder / expanded(spec.ssh_key_path) if spec.ssh_key_path else None
    if key is not None and not key.exists():
        raise Refused(
            f"ssh_key_path: there is no key {key}",
            f"make one with `ssh-keygen -f {key}`, or correct the path",
        )
    found = login_to(spec.hostname, user=spec.username, port=spec.port, key=key)
    secret = spec.password
    told = (lambda: reveal(secret, folder)) if secret is not None else None
    # A passphrase is for the key alone: no host ever gets to see it.
    return replace(found, passphrase=told) if key else replace(found, password=told)
