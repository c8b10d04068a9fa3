"""The ssh worker: any host that can be logged in to."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.jobs import Worker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.openssh.login import login_of
from rasreconcile.workers.ssh.host import SshHost
from rasreconcile.workers.ssh.host_commands import PosixCommands
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.windows_commands import WindowsCommands


def ssh_worker(name: str, spec: SshWorker, folder: Path) -> Worker:
    """Opens no connection yet, and reads no key. Paths on this machine are relative to `folder`, that of the spec."""
    folder_there = spec.worker_folder
    commands = (
        WindowsCommands(name, folder_there, spec.session)
        if spec.platform == "windows"
        else PosixCommands(folder_there)
    )
    return DetachedWorker(name, SshHost(name, lambda: login_of(spec, folder), folder_there, commands))
