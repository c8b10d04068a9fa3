"""A place for a store, and a study for tests that ask a store by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apply.conftest import study

__all__ = ["study"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be made; its folder is not there yet."""
    return tmp_path / "deep" / "state.db"
