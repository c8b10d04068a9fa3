"""The shell scripts of this package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def script(name: str) -> str:
    """One of them, by name."""
    return files("rasreconcile.workers.slurm").joinpath(name).read_text(encoding="utf-8")
