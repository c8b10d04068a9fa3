"""At points all over an apply a disk is full, or read-only, from then on: it is said, and nothing is lost or spoilt.

`python -m tests.reliability.full --trials 0` does the same at every point.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from services import Service, absent

from tests.reliability.full import DISKS, SKIPPED

REPOSITORY = Path(__file__).parents[2]
TRIALS = int(os.environ.get("RASRECONCILE_FULL_TRIALS", "24"))
"""Over all disks."""


@pytest.mark.parametrize("disk", DISKS)
def test_a_disk_that_is_full_from_any_point_on_is_told_and_costs_no_result(disk) -> None:
    trials = -(-TRIALS // len(DISKS))
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.full", "--disk", disk, "--trials", str(trials)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == SKIPPED:
        absent(Service.DISKS, done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"full: {trials} trials" in done.stdout
