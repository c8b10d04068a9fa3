"""A study, for tests that ask a store by the command line."""

from tests.apply.conftest import study

__all__ = ["study"]
