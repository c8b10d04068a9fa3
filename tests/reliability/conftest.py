"""The study of tests/apply, here too: the demo project in a folder, and the real command line on it."""

from __future__ import annotations

from tests.apply.conftest import Study, study

__all__ = ["Study", "study"]
