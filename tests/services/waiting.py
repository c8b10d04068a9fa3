"""Waiting in tests: for what happens, and never for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LONGEST = 300.0
"""Seconds after which something is taken never to happen. A machine that is busy elsewhere takes long."""

_Found = TypeVar("_Found")


def until(
    found: Callable[[], _Found],
    what: str = "it did not happen",
    seconds: float = LONGEST,
    every: float = 0.02,
) -> _Found:
    """What `found` returns once that is true."""
    end = time.monotonic() + seconds
    while not (one := found()):
        assert time.monotonic() < end, f"{what} within {seconds:.0f} s"
        time.sleep(every)
    return one
