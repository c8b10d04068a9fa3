"""Patience: calls over a link that drops are made again for some seconds; after that the worker is unreachable."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from rasreconcile.errors import Unreachable

T = TypeVar("T")

PATIENCE_SECONDS = 6.0
"""Minutes are the business of the controller, which tries another worker meanwhile."""


def patiently(call: Callable[[], T]) -> T:
    """Calls until there is an answer. Raises the last Unreachable when patience is at its end."""
    tries = Retrying(
        retry=retry_if_exception_type(Unreachable),
        stop=stop_after_delay(PATIENCE_SECONDS),
        wait=wait_random_exponential(multiplier=0.2, max=2.0),
        reraise=True,
    )
    return tries(call)
