"""The storage on which run directories of containers lie: a folder both sides see, or a volume behind the daemon."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers.docker.container import Mounted
from rasreconcile.workers.docker.helper import Helper
from rasreconcile.workers.run_files import RunFiles

INSIDE = "/rasreconcile"
"""Where every container sees its run directory, and a helper all it may see."""
FIXED_ID = 1000
"""User and group of containers where the folder's owner is root, or nobody here."""


class RunStorage(Protocol):
    """Blocks on every call. Raises Unreachable and Refused as every host does."""

    @property
    def helper(self) -> Helper:
        """A container of the image that sees this storage."""

    @property
    def user(self) -> str:
        """Who the containers are: `1000:1000`, never root."""

    def mount(self, run: RunId) -> Mounted:
        """The run directory, as the daemon calls it."""

    def look(self, runs: Collection[RunId], running: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        """What lies in each run directory; `running` are those whose container goes on."""

    def stage(self, inputs: Collection[Staged]) -> None:
        """Puts what can be shared where `prepare` finds it."""

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        """As `Host.prepare`."""

    def mark(self, run: RunId, name: str) -> None:
        """As `Host.mark`."""

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        """As `Host.get`."""

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        """As `Host.read`."""

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        """As `Host.files`."""

    def remove(self, run: RunId) -> None:
        """As `Host.remove`."""

    def runs(self) -> Mapping[RunId, datetime]:
        """As `Host.runs`."""

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        """As `Host.trim_cache`."""
