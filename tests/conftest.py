"""What several rooms of tests share: the real data, and how a service that is not there is told."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from awsd import aws
from dockerd import dockerd
from samba import agent_programs, smbd
from services import Absent, Service, absent, told
from slurmcluster import own_cluster, slurm_cluster
from sshd import network, shared_network
from waiting import LONGEST
from windows_rooms import WINDOWS, posix_only
from winsshd import windows_host

__all__ = [
    "absent",
    "agent_programs",
    "aws",
    "dockerd",
    "network",
    "own_cluster",
    "shared_network",
    "slurm_cluster",
    "smbd",
    "windows_host",
]

REPOSITORY = Path(__file__).parents[1]
# Whoever starts the tests may have them ignore signals (`nohup`, `&`), and every program they start would too.
signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.platform != "win32":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

ABSENT = "absent service"
"""Under this name a test's report keeps the service that it was skipped for want of."""


@pytest.fixture(scope="session")
def hecras_data() -> Path:
    """Real HEC-RAS projects and results, used in place."""
    named = os.environ.get("RASRECONCILE_TEST_DATA")
    place = Path(named) if named else REPOSITORY.parent / "shared" / "hecras-data"
    if not place.is_dir():
        absent(Service.DATA, f"no HEC-RAS test data at {place}: set RASRECONCILE_TEST_DATA")
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
        absent(Service.WINE, "no wine64, or no gcc-mingw-w64-x86-64")
    prefix = tmp_path_factory.mktemp("wine") / "prefix"
    environment = os.environ | {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all"}
    subprocess.run(
        [program, "cmd", "/c", "ver"], env=environment, check=True, capture_output=True, timeout=LONGEST
    )
    return Wine(program, environment)


QUICK = {
    "edits",
    "engines",
    "project",
    "reconcile",
    "report",
    "resolve",
    "results",
    "spec",
    "specfile",
    "store",
}
"""Folders whose tests need no service and no controller process."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """CI runs each test once: what one machine has to skip runs on another."""
    parser.addoption("--skipped-into", type=Path, metavar="FILE", help="write the ids of skipped tests there")
    parser.addoption("--only-of", type=Path, metavar="FILE", help="run the tests of such a file alone")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """On Windows what is POSIX by nature, elsewhere what is Windows': see `windows_rooms`."""
    if REPOSITORY / "tests" not in collection_path.parents:
        return None
    below = collection_path.relative_to(REPOSITORY / "tests")
    ignored = posix_only(below) is not None if sys.platform == "win32" else below.as_posix() in WINDOWS
    return ignored or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the quick ones, and puts the long ones where they delay nobody.

    Kill trials take minutes a test: each of four test processes begins with its share, so that none waits for them last.
    """
    for item in items:
        room, *_ = item.path.relative_to(REPOSITORY / "tests").parts
        if room in QUICK or item.path.parent.name == "tests":
            item.add_marker("quick")
    wanted: Path | None = config.getoption("--only-of")
    if wanted is not None:
        ids = set(wanted.read_text(encoding="utf-8").splitlines())
        items[:] = [item for item in items if item.nodeid in ids]
    slow = [item for item in items if item.path.name == "test_kill_points.py"]
    rest = [item for item in items if item.path.name != "test_kill_points.py"]
    parts = [rest[len(rest) * n // 4 : len(rest) * (n + 1) // 4] for n in range(4)]
    items[:] = [item for n, part in enumerate(parts) for item in (*slow[n::4], *part)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A report of a test that was skipped for want of a service says which; of one that hung, what ran below it."""
    report = yield
    if report.failed and "Timeout (>" in report.longreprtext:
        report.sections.append(("processes below", _below(os.getpid())))
    if call.excinfo is not None and isinstance(call.excinfo.value, Absent):
        report.user_properties.append((ABSENT, call.excinfo.value.service.name))
    return report


def _below(pid: int) -> str:
    """What Linux says of a process and of all that it started: a line each."""
    parents, lines = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The second word is the program's name in brackets, which may have spaces.
            state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            wchan, command = (entry / "wchan").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(entry.name)] = int(parent)
        shown = command.replace(b"\0", b" ").decode(errors="replace")[:200]
        lines[int(entry.name)] = f"{entry.name} of {parent}, {state} in {wchan}: {shown}"
    wanted = {pid}
    while more := {one for one, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return "\n".join(lines[one] for one in sorted(wanted & set(lines)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line for each service that was not found."""
    skipped_into: Path | None = config.getoption("--skipped-into")
    if skipped_into is not None:
        ids = dict.fromkeys(report.nodeid for report in terminalreporter.getreports("skipped"))
        skipped_into.write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
    names = [
        str(value)
        for report in terminalreporter.getreports("skipped")
        for key, value in report.user_properties
        if key == ABSENT
    ]
    for line in told(names):
        terminalreporter.write_line(line)
