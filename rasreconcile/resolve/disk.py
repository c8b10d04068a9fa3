"""The disk as one resolving sees it: each file, each content and each folder is looked at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rasreconcile.resolve.contents import Contents
from rasreconcile.resolve.digests import Digests
from rasreconcile.resolve.places import Places


@dataclass(frozen=True, slots=True)
class Disk:
    """Shared by the closures of all plans."""

    digests: Digests
    contents: Contents
    places: Places
    seen_from: Path
    """The spec's folder: paths in messages are relative to it."""

    def shown(self, path: Path) -> str:
        """The path for a message: normalised, forward slashes, relative to the spec where there is a way."""
        try:
            return Path(os.path.relpath(path, self.seen_from)).as_posix()
        except ValueError:
            # Two drives of Windows have no way from one to the other.
            return Path(os.path.normpath(path)).as_posix()
