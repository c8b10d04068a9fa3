"""The local worker: this machine."""

from __future__ import annotations

from pathlib import Path

from rasreconcile.jobs import Worker
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.local.kind import LOCAL, LocalWorker
from rasreconcile.workers.local_host import LocalHost


def open_worker(name: str, spec: LocalWorker, folder: Path) -> Worker:
    """What this part of a spec describes; paths in it are relative to `folder`, the spec file's."""
    return local_worker(name, Path(LOCAL.folder(spec, folder)))


def local_worker(name: str, folder: Path) -> Worker:
    """A worker that keeps its run directories below `folder`."""
    return DetachedWorker(name, LocalHost(folder))
