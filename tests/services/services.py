"""What tests say of a service that is not there."""

from __future__ import annotations

import os

import pytest


def absent(what: str) -> None:
    """Skips, saying so; where CI is set, what .ci/run should have brought is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; .ci/run should have brought it")
    pytest.skip(what)
