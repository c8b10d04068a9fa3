"""A service that is not there: skipped with one line at the end, and a failure where CI is set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from services import Service, told

REPOSITORY = Path(__file__).parents[1]


def run_without_programs(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Tests that need busybox, on a machine where no program is found."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "busybox", *words, "tests/workers/test_cache_gc.py"],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if name != "CI"} | {"PATH": "/none", **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("processes", ["0", "2"])
def test_what_is_not_found_is_skipped_and_said_once_with_how_it_is_installed(processes: str) -> None:
    done = run_without_programs("-n", processes)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("not found: ")]
    assert said == ["not found: busybox (3 tests skipped); apt-get install busybox-static"]


def test_where_ci_is_set_what_is_not_found_is_a_failure() -> None:
    done = run_without_programs(CI="true")
    assert done.returncode == 1
    assert "busybox is not installed; busybox: apt-get install busybox-static" in done.stdout


def test_each_service_is_told_once_and_its_tests_are_counted() -> None:
    names = ["SSH", "DOCKER", "SSH", "DATA"]
    assert told(names) == [
        f"not found: SSH servers (2 tests skipped); {Service.SSH.remedy}",
        f"not found: a Docker daemon (1 test skipped); {Service.DOCKER.remedy}",
        f"not found: HEC-RAS test data (1 test skipped); {Service.DATA.remedy}",
    ]
    assert told([]) == []
