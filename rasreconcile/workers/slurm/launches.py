"""Launches: each run is submitted at once; where many follow each other, they wait for each other and go together."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection, Mapping, Sequence

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import RunId
from rasreconcile.workers import rundir
from rasreconcile.workers.slurm.image import Image
from rasreconcile.workers.slurm.queue import ARRAY
from rasreconcile.workers.slurm.scripts import script
from rasreconcile.workers.slurm.site import Site
from rasreconcile.workers.slurm.submission import (
    LARGEST_ARRAY,
    Asked,
    ClusterLimits,
    Size,
    batches,
    parse_limits,
    parse_submitted,
    sbatch_options,
    script_for_array,
    script_for_jobs,
)

BURST = 20
"""So many launches in a row are submitted one by one; after that they wait for those that follow."""
PAUSE_SECONDS = 5.0
"""After so long without a launch the next one begins another row, however long submitting takes."""
QUIET_SECONDS = 0.5
"""What waits is submitted by the next look when nothing was added for so long,"""
LONGEST_WAIT = 10.0
"""or the first of it has waited for so long,"""
MOST_WAITING = 2000
"""or at once where there are so many."""

_TOGETHER = 100
"""Jobs that are submitted by one question: each takes sbatch some 20 ms, and an answer is waited for a minute."""


class Launches:
    """What is not submitted yet is known to this process only: another one finds it absent, and starts it."""

    def __init__(self, site: Site, asked: Asked, image: Image | None) -> None:
        self._site = site
        self._asked = asked
        self._image = image
        self._lock = threading.Lock()
        self._waiting: dict[RunId, Size] = {}
        self._since = 0.0
        self._going: set[RunId] = set()
        """Of which sbatch is being asked at this moment."""
        self._row = 0
        self._last = 0.0
        self._failed: dict[RunId, Refused | Unreachable] = {}
        self._limits: ClusterLimits | None = None

    def add(self, run: RunId, size: Size) -> None:
        """Submits it, or keeps it for a later look. Raises Refused and Unreachable where it was tried."""
        now = time.monotonic()
        with self._lock:
            self._failed.pop(run, None)
            self._row = self._row + 1 if now - self._last < PAUSE_SECONDS else 1
            self._last = now
            self._since = self._since if self._waiting else now
            self._waiting[run] = size
            waits = self._row > BURST and len(self._waiting) < MOST_WAITING
        if waits:
            return
        self.submit()
        with self._lock:
            self._last = time.monotonic()
            failed = self._failed.pop(run, None)
        if failed is not None:
            raise failed

    def waits(self, run: RunId) -> bool:
        """Whether it is kept here, or being submitted."""
        with self._lock:
            return run in self._waiting or run in self._going

    def why_not(self, run: RunId) -> str:
        """Why it was not submitted when its turn came; empty: it was, or is to be."""
        with self._lock:
            failed = self._failed.get(run)
        return str(failed) if failed is not None else ""

    def withdraw(self, run: RunId) -> bool:
        """It is not submitted any more; whether it was kept here."""
        with self._lock:
            self._failed.pop(run, None)
            return self._waiting.pop(run, None) is not None

    def submit_if_due(self, asked_for: Collection[RunId]) -> None:
        """Where one of these runs is kept here, and none will soon be added."""
        now = time.monotonic()
        with self._lock:
            if not any(run in self._waiting for run in asked_for):
                return
            is_due = now - self._last >= QUIET_SECONDS or now - self._since >= LONGEST_WAIT
        if is_due:
            self.submit()

    def submit(self) -> None:
        """All that is kept here. Raises Unreachable where Slurm may or may not have taken some of it."""
        with self._lock:
            wanted, self._waiting = self._waiting, {}
            self._going.update(wanted)
        try:
            self._submit(wanted)
        finally:
            with self._lock:
                self._going.difference_update(wanted)

    def _submit(self, wanted: Mapping[RunId, Size]) -> None:
        if not wanted:
            return
        limits = self._cluster_limits()
        alone, arrays = batches(wanted, limits.array or LARGEST_ARRAY)
        for size, runs in alone.items():
            for start in range(0, len(runs), _TOGETHER):
                self._submit_jobs(size, runs[start : start + _TOGETHER])
        for size, runs in arrays:
            self._submit_array(size, runs)

    def _submit_jobs(self, size: Size, runs: Sequence[RunId]) -> None:
        text, words = script_for_jobs(runs, self._options(size), script("job.sh"))
        self._note(parse_submitted(self._ask(text, words), runs))

    def _submit_array(self, size: Size, runs: Sequence[RunId]) -> None:
        token = secrets.token_hex(8)
        text, words = script_for_array(token, runs, self._options(size), script("job.sh"))
        failed = parse_submitted(self._ask(text, words), [f"{ARRAY}{token}"])
        self._note({run: why for why in failed.values() for run in runs})

    def _options(self, size: Size) -> tuple[str, ...]:
        return sbatch_options(size, self._asked, self._cluster_limits().time)

    def _ask(self, text: str, words: Sequence[str]) -> str:
        image = digest = ""
        if self._image is not None:
            image, digest = self._image.path, self._image.digest()
        head = f"image_at {rundir.quoted(image)}\nimage_digest={digest}\n"
        return self._site.slurm(head + text, words)

    def _note(self, failed: Mapping[str, Refused | Unreachable]) -> None:
        with self._lock:
            self._failed.update({RunId(run): why for run, why in failed.items()})

    def _cluster_limits(self) -> ClusterLimits:
        """Asked once: whoever changes a partition in the middle of an apply begins another."""
        if self._limits is None:
            self._limits = parse_limits(self._site.slurm("limits", ()), self._asked.partition)
        return self._limits
