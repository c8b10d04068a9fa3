"""The agent of Windows hosts as it travels: its source, which each host compiles with what it has."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

SOURCES = (
    "agent.cs",
    "cache.cs",
    "facts.cs",
    "listing.cs",
    "machine.cs",
    "runner.cs",
    "watch.cs",
)
NUMBER = 1
"""Raised with each change of the sources that resident agents must have: only a higher version takes over a folder."""


@cache
def sources() -> dict[str, bytes]:
    """By name."""
    place = files("rasreconcile.workers.windows")
    return {name: place.joinpath(name).read_bytes() for name in SOURCES}


@cache
def digest() -> str:
    """Names the sources: 16 hex digits."""
    return hashlib.sha256(b"".join(sources().values())).hexdigest()[:16]


def version() -> str:
    """Of a resident agent; they are ordered as texts."""
    return f"{NUMBER:04d}-{digest()}"
