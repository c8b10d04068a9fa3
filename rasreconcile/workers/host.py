"""A host: where run directories lie, and how to get at them. Private to workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from rasreconcile.errors import Trouble
from rasreconcile.jobs import Fetched, LeftFile, RunId, Staged, Trimmed
from rasreconcile.workers.run_files import RunFiles

LEAST_FREE = 100 << 20
"""Bytes that must be free for a run to have a chance."""
ASK_SECONDS = 60.0


class Host(Protocol):
    """Blocks on every call. Raises Unreachable where there is no answer, Refused where the answer is no."""

    @property
    def platform(self) -> Literal["posix", "windows"]:
        """Whose programs it runs."""

    def look(self, runs: Collection[RunId]) -> Mapping[RunId, RunFiles | None]:
        """What lies in each run directory, in one round trip; None: there is none."""

    def stage(self, inputs: Collection[Staged]) -> None:
        """Puts what can be shared where `prepare` finds it. Raises InputChanged. May be repeated, at once too."""

    def prepare(self, run: RunId, inputs: Collection[Staged], controls: Mapping[str, bytes]) -> None:
        """Makes the run directory, which appears whole or not at all; one that is there is left as it is.

        Raises InputChanged, and leaves nothing that could run. May be repeated, by several at once.
        """

    def launch(self, run: RunId) -> None:
        """Starts the runner, or submits it to a queue, detached from this process and from the connection.

        Until it claims the run, `look` says whether the run is queued or its start came to nothing.
        """

    def mark(self, run: RunId, name: str) -> None:
        """Makes an empty file in the run directory, where there is one."""

    def sweep(self, run: RunId) -> None:
        """Ends processes that a runner which was killed has left behind."""

    def get(self, run: RunId, name: str, into: Path) -> Fetched:
        """Copies a file of `work/` here. Raises FileNotFoundError."""

    def read(self, run: RunId, name: str, offset: int, limit: int) -> bytes:
        """Part of a file of the run directory; empty where there is none."""

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        """What lies in the run directory, in one round trip; follows no link and opens nothing."""

    def find(self, paths: Collection[str]) -> tuple[str, ...]:
        """Those of `paths` that are there, in the order asked, in one round trip. `~/` is the user's home there."""

    def ask(self, script: str, words: Sequence[str]) -> str:
        """What a shell script prints, run with these words as runs are, in one round trip. Only on POSIX hosts."""

    def remove(self, run: RunId) -> None:
        """Removes the run directory, which disappears in one step, and what a death in prepare or here left of it."""

    def runs(self) -> Mapping[RunId, datetime]:
        """Every run with a run directory, or with what a death in prepare or remove left, and when it last changed."""

    def trim_cache(self, *, unused_for: timedelta, at_most: int, how: Literal["remove", "count"]) -> Trimmed:
        """As `jobs.Worker` says."""

    def problems(self) -> list[Trouble]:
        """What would stop a run here."""

    def close(self) -> None:
        """Gives back connections."""
