"""Calls to the system fail at points all over an apply: no traceback, no wrong result, nothing lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TRIALS = int(os.environ.get("RASRECONCILE_FAILING_TRIALS", "3"))


def test_a_call_that_fails_at_any_point_is_told_and_costs_no_result() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.failing", "--trials", str(TRIALS)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(
        r"^failing: (\d+) trials at (\d+) points of (\d+) kinds, 0 broken", done.stdout, re.MULTILINE
    )
    assert told is not None, done.stdout
    assert int(told[1]) == TRIALS
    assert int(told[2]) > 100
