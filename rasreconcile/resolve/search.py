"""How far a search for files goes: over how many folders, for how long, on which file systems; and what it left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rasreconcile.errors import ProjectError, Trouble

MOST_FOLDERS = 100_000
"""That one pattern looks into."""
LONGEST = 300.0
"""Seconds that one pattern looks."""
_MADE_UP = frozenset({"/proc", "/sys", "/dev"})
"""What is in there is on no disk; some of it has no end."""
_REMEDY = "name the folder that the projects are in"


@dataclass(slots=True)
class Search:
    """One pattern on its way. `pattern`: as the spec has it, for messages."""

    pattern: str
    most_folders: int = MOST_FOLDERS
    longest: float = LONGEST
    clock: Callable[[], float] = time.monotonic
    left_out: list[str] = field(default_factory=list)
    """Folders that were not looked into, and why."""
    _folders: int = 0
    _until: float | None = None

    def begin(self, start: Path) -> None:
        """Raises ProjectError where nothing can be found below it."""
        if (top := _made_up(os.path.realpath(start))) is not None:
            raise ProjectError(
                f"{self.pattern}: {start} is in {top}, which holds no files of a disk", _REMEDY
            )

    def look_into(self, folder: Path) -> None:
        """One more. Raises ProjectError where that is too many, or it took too long."""
        now = self.clock()
        self._until = now + self.longest if self._until is None else self._until
        self._folders += 1
        if self._folders > self.most_folders:
            far = f"more than {self.most_folders} folders"
        elif now > self._until:
            far = f"{self._folders} folders in {self.longest:.0f} s"
        else:
            return
        raise ProjectError(
            f"{self.pattern}: the search was ended after {far}, the last was {folder}", _REMEDY
        )

    def may_enter(self, folder: Path, device: int, parent: int) -> bool:
        """Whether a folder that is found in one on file system `parent` is looked into."""
        if device == parent:
            return True
        if not self.is_made_up(folder):
            self.left_out.append(f"{folder}, which is another file system")
        return False

    def is_made_up(self, folder: Path) -> bool:
        """Whether the folder is on no disk: nothing of a study is in it."""
        return _made_up(os.path.realpath(folder)) is not None

    def remark(self) -> Trouble | None:
        """What was left out, and what to do; None where nothing was."""
        if not self.left_out:
            return None
        first, more = self.left_out[0], len(self.left_out) - 1
        also = f" and {more} more" if more else ""
        return Trouble(
            f"{self.pattern}: `**` did not look into {first}{also}", "name it in a pattern of its own"
        )


def _made_up(real: str) -> str | None:
    return next((top for top in sorted(_MADE_UP) if real == top or real.startswith(f"{top}/")), None)
