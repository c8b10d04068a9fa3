"""What several rooms of tests share: the real data, and how a service that is not there is told."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from dockerd import dockerd
from services import absent
from sshd import network, shared_network
from winsshd import windows_host

__all__ = ["absent", "dockerd", "network", "shared_network", "windows_host"]

REPOSITORY = Path(__file__).parents[1]


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


@dataclass(frozen=True)
class Wine:
    """A Wine whose drive C is a folder of the tests."""

    program: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Wine:
    """Runs Windows programs that mingw compiles; making it takes ten seconds."""
    program = next((p for p in ("/usr/bin/wine", "/usr/lib/wine/wine64") if Path(p).exists()), "")
    if not program or shutil.which("x86_64-w64-mingw32-gcc") is None:
        absent("no wine64, or no gcc-mingw-w64-x86-64")
    prefix = tmp_path_factory.mktemp("wine") / "prefix"
    environment = os.environ | {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all"}
    subprocess.run(
        [program, "cmd", "/c", "ver"], env=environment, check=True, capture_output=True, timeout=120
    )
    return Wine(program, environment)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Kill trials take minutes a test: each of four test processes begins with its share, so that none waits for them last."""
    slow = [item for item in items if item.path.name == "test_kill_points.py"]
    rest = [item for item in items if item.path.name != "test_kill_points.py"]
    parts = [rest[len(rest) * n // 4 : len(rest) * (n + 1) // 4] for n in range(4)]
    items[:] = [item for n, part in enumerate(parts) for item in (*slow[n::4], *part)]
