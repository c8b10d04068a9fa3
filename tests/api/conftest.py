"""The study of the tests of apply."""

from __future__ import annotations

from tests.apply.conftest import Study, study

__all__ = ["Study", "study"]
