"""Paths as messages have them."""

from __future__ import annotations

import os
from pathlib import Path


def shown(path: Path, seen_from: Path | None) -> str:
    """Normalised, forward slashes, relative to the spec's folder where there is a way from there."""
    try:
        return Path(os.path.relpath(path, seen_from) if seen_from else os.path.normpath(path)).as_posix()
    except ValueError:
        # Two drives of Windows have no way from one to the other.
        return Path(os.path.normpath(path)).as_posix()
