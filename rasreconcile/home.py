"""The user's home folder: by HOME, else by the user database; an uid in a container may have neither."""

from __future__ import annotations

from pathlib import Path


def home_or_none() -> Path | None:
    """None where nothing says which it is."""
    try:
        return Path.home()
    except RuntimeError:
        return None
