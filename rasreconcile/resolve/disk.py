"""The disk as the plans of one project see it: what is asked of it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rasreconcile.resolve.asked import Asked
from rasreconcile.resolve.places import Places
from rasreconcile.resolve.shown import shown


@dataclass(frozen=True, slots=True)
class Disk:
    """Shared by the closures of all plans of a project."""

    asked: Asked
    places: Places
    seen_from: Path
    """The spec's folder: paths in messages are relative to it."""

    def shown(self, path: Path) -> str:
        """The path for a message."""
        return shown(path, self.seen_from)
