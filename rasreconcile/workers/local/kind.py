"""This machine, in a spec and to the rest of the program."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

from rasreconcile.account import expanded
from rasreconcile.spec.workers import WorkerBase
from rasreconcile.workers.kind import Kind


class LocalWorker(WorkerBase):
    """This machine."""

    type: Literal["local"]
    """`local`."""

    @property
    def runs_ras_exe(self) -> bool:
        return sys.platform == "win32" or super().runs_ras_exe


def _here(path: str, folder: Path) -> str:
    """Without `..`, which nobody wants to read in a message; where a link is on the way, as the link leads."""
    spelled = Path(folder, expanded(path)).absolute()
    plain = os.path.normpath(spelled)
    real = os.path.realpath(spelled)
    return plain if os.path.realpath(plain) == real else real


def _program(spec: LocalWorker, folder: Path) -> str | None:
    return _here(spec.ras_exe_path, folder) if spec.ras_exe_path else None


LOCAL = Kind(
    spec=LocalWorker,
    opener="rasreconcile.workers.local.worker:open_worker",
    here=True,
    platform=lambda _: "windows" if sys.platform == "win32" else "posix",
    folder=lambda spec, folder: _here(spec.worker_folder, folder),
    program=_program,
    python=sys.executable,
    local_paths=("worker_folder", "ras_exe_path"),
)
