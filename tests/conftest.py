"""What several rooms of tests share: the real data, and how a service that is not there is told."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[1]


def absent(what: str) -> None:
    """Skips, saying so; where CI is set, what .ci/run should have brought is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; .ci/run should have brought it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def hecras_data() -> Path:
    """Real HEC-RAS projects and results, used in place."""
    named = os.environ.get("RASRECONCILE_TEST_DATA")
    place = Path(named) if named else REPOSITORY.parent / "shared" / "hecras-data"
    if not place.is_dir():
        absent(f"no HEC-RAS test data at {place}: set RASRECONCILE_TEST_DATA")
    return place


@pytest.fixture
def demo() -> Path:
    """The project of the demo."""
    return REPOSITORY / "specs" / "demo"


@pytest.fixture(scope="session")
def standins() -> ModuleType:
    """Stand-ins of HEC-RAS's programs: see tests/standins/README.md."""
    place = REPOSITORY / "tests" / "standins" / "installing.py"
    found = importlib.util.spec_from_file_location("standins", place)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["standins"] = module
    found.loader.exec_module(module)
    return module
