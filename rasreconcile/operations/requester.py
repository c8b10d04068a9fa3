"""Who asks for an apply, and at which commit of the models."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from rasreconcile.account import user_name


def asking() -> str:
    """Who asks, as the store remembers it."""
    return f"{user_name()}@{socket.gethostname()}"


def commit_of(folder: Path) -> str | None:
    """The git commit the models are at; None where there is no git or no repository."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
