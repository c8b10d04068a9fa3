"""A worker kind of the tests' own. Its spec model, its record and its worker, as a kind has them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from rasreconcile.jobs import Worker
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.kind import Kind
from rasreconcile.workers.local_host import LocalHost


class ToyWorker(WorkerBase):
    """This machine under another name."""

    type: Literal["toy"]
    """`toy`."""


def toy_worker(name: str, folder: Path) -> Worker:
    """A worker that keeps its run directories below `folder`."""
    return DetachedWorker(name, LocalHost(folder))


TOY = Kind(
    spec=ToyWorker,
    opener=lambda name, spec, folder: toy_worker(name, folder / spec.worker_folder),
    here=True,
    folder=lambda spec, folder: str(folder / spec.worker_folder),
    python=sys.executable,
    local_paths=("worker_folder",),
)
