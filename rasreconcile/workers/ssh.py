"""The ssh worker: any host that can be logged in to."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.jobs import Worker
from rasreconcile.spec import SshWorker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.login import login_of
from rasreconcile.workers.speech import ShellSpeech
from rasreconcile.workers.sshhost import SshHost
from rasreconcile.workers.windows.speech import AgentSpeech


def ssh_worker(name: str, spec: SshWorker, folder: Path) -> Worker:
    """Opens no connection yet, and reads no key. Paths on this machine are relative to `folder`, that of the spec."""
    folder_there = spec.worker_folder
    speech = (
        AgentSpeech(name, folder_there, spec.session)
        if spec.platform == "windows"
        else ShellSpeech(folder_there)
    )
    return DetachedWorker(name, SshHost(name, lambda: login_of(spec, folder), folder_there, speech))
