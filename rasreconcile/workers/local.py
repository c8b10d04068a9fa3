"""The local worker: this machine."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.jobs import Worker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.hosts import LocalHost


def local_worker(name: str, folder: Path) -> Worker:
    """A worker that keeps its run directories below `folder`."""
    return DetachedWorker(name, LocalHost(folder))
