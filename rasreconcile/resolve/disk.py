"""The disk as one resolving sees it: each file, each content and each folder is looked at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rasreconcile.resolve.contents import Contents
from rasreconcile.resolve.digests import Digests
from rasreconcile.resolve.places import Places
from rasreconcile.resolve.shown import shown


@dataclass(frozen=True, slots=True)
class Disk:
    """Shared by the closures of all plans."""

    digests: Digests
    contents: Contents
    places: Places
    seen_from: Path
    """The spec's folder: paths in messages are relative to it."""

    def shown(self, path: Path) -> str:
        """The path for a message."""
        return shown(path, self.seen_from)
