"""The shell scripts that a helper runs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def script(name: str) -> str:
    """Its text."""
    return files("rasreconcile.workers.docker").joinpath(name).read_text(encoding="utf-8")
