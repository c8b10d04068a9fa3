"""Run directories in a folder that this machine and the daemon both see; what containers left there is not believed."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers import rundir
from rasreconcile.workers.docker.container import Mounted
from rasreconcile.workers.docker.helper import Helper
from rasreconcile.workers.docker.paths import below
from rasreconcile.workers.docker.run_storage import INSIDE
from rasreconcile.workers.input_cache import cached
from rasreconcile.workers.inspect import look_here
from rasreconcile.workers.local_host import LocalHost
from rasreconcile.workers.run_files import RunFiles


class BindMountStorage:
    """Implements `RunStorage`."""

    def __init__(self, folder: Path, seen_as: str, helper: Helper) -> None:
        self._folder = folder
        self._seen_as = seen_as
        owner = int(helper.kind.user.partition(":")[0])
        self._files = LocalHost(folder, lambda made: give(made, owner))
        self.helper = helper
        self.user = helper.kind.user

    def mount(self, run: RunId) -> Mounted:
        return Mounted("bind", below(self._seen_as, run), INSIDE)

    def look(self, runs: Collection[RunId], running: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        with self._files.answering():
            return look_here(self._folder, runs, lambda run, _: run in running)

    def stage(self, inputs: Collection[Staged]) -> None:
        with self._files.answering():
            for staged in inputs:
                if staged.writable == "read only":
                    cached(staged, self._folder / rundir.CACHE)

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        self._files.prepare(run, inputs, controls)

    def mark(self, run: RunId, name: str) -> None:
        self._files.mark(run, name)

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        return self._files.get(run, name, into)

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        return self._files.read(run, name, offset, limit)

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        return self._files.files(run)

    def remove(self, run: RunId) -> None:
        self._files.remove(run)

    def runs(self) -> Mapping[RunId, datetime]:
        return self._files.runs()

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        return self._files.trim_cache(unused_for=unused_for, at_most=at_most, how=how)


def give(folder: Path, owner: int) -> None:
    """Only root can; whoever else starts containers has them run as himself. Links into the cache keep their owner."""
    if sys.platform != "win32" and os.geteuid() == 0 != owner:
        for place, _, names in os.walk(folder):
            os.chown(place, owner, owner)
            for name in names:
                file = Path(place, name)
                if file.stat().st_nlink == 1:
                    os.chown(file, owner, owner)
