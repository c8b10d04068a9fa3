"""A study as a ref of a repository has it: each commit is taken, and a faulty one leaves the last good one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rasreconcile.errors import RasReconcileError
from rasreconcile.specfile import LoadedSpec
from rasreconcile.watch.git_clone import GitClone, GitTrouble

SHORT = 10


@dataclass(slots=True, kw_only=True)
class FromGit:
    """A `Source` of a watch."""

    clone: GitClone
    path: Path
    """Of the spec, in the repository."""
    interval: float
    """Seconds between two looks at the repository."""
    load: Callable[[Path], LoadedSpec]
    """Raises RasReconcileError where the spec has a fault, or says what the operator has not allowed."""
    say: Callable[[str], None]
    signed: bool = False
    """Only commits are taken that bear a signature which the user's git trusts."""
    clock: Callable[[], float] = time.monotonic
    _fetched_at: float | None = None
    _silent: str = ""
    """Why the repository could not be asked; empty: it could."""

    @property
    def spec(self) -> Path:
        """In the clone."""
        return self.clone.folder / self.path

    @property
    def every(self) -> float:
        return self.interval

    def moved(self) -> bool:
        """Whether the ref is elsewhere than it was. A repository that cannot be asked is no change, and told once."""
        now = self.clock()
        if self._fetched_at is not None and now - self._fetched_at < self.interval:
            return False
        self._fetched_at = now
        before = self.clone.note.wanted
        try:
            wanted = self.clone.fetch()
        except GitTrouble as error:
            if not self._silent:
                self.say(
                    f"{self.clone.note.url}: {error}; until it answers, what was taken last is kept current"
                )
            self._silent = str(error)
            return False
        if self._silent:
            self.say(f"{self.clone.note.url} answers again")
            self._silent = ""
        return wanted != before

    def take(self) -> None:
        """The wanted commit, where it is a good one. Raises RasReconcileError where none is good."""
        begins = self._fetched_at is None
        if begins:
            self.moved()
        note = self.clone.note
        if not note.wanted:
            raise GitTrouble(f"{note.url}: {self._silent}", "correct the address, or wait for it")
        # Whoever begins looks again: a checkout may have been cut off, and another signature or program be allowed.
        if begins or (not note.refused and note.wanted != note.good):
            self._take_or_keep(note.wanted)
        elif note.refused and not note.good:
            raise GitTrouble(f"commit {note.wanted[:SHORT]}: {note.refused}", "push another one")

    def _take_or_keep(self, wanted: str) -> None:
        try:
            self._take(wanted)
        except RasReconcileError as error:
            good = self.clone.note.good if self.clone.note.good != wanted else ""
            self.clone.refuse(str(error), good)
            if not good:
                raise
            self.clone.take(good)
            self.say(f"commit {wanted[:SHORT]}: {error}\nkeeping commit {good[:SHORT]}")

    def _take(self, commit: str) -> None:
        if self.signed:
            self.clone.verify(commit)
        self.clone.take(commit)
        if not self.spec.is_file():
            raise GitTrouble(
                f"{self.path.as_posix()} is not in commit {commit[:SHORT]}", "name the spec: --path"
            )
        self.load(self.spec)
        if self.clone.note.good != commit:
            self.clone.trust(commit)
            self.say(f"{self.clone.note.ref} is at commit {commit[:SHORT]}: {self.clone.subject(commit)}")
