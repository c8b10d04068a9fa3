"""The controller is killed at hundreds of points, for each kind of worker: nothing is lost, repeated or left.

`python -m tests.reliability --trials 10000 --jobs 2` does the same for longer; docs/reliability.md says what is checked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TRIALS = int(os.environ.get("RASRECONCILE_KILL_TRIALS", "520"))
"""Over all kinds and shares."""
SHARES = 2
KINDS = ("local", "memory")


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("kind", KINDS)
def test_killed_anywhere_it_converges_and_repeats_nothing(kind, share) -> None:
    trials = -(-TRIALS // (len(KINDS) * SHARES))
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability", "--kind", kind, "--trials", str(trials), "--seed", f"{share}"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{kind}: {trials} trials" in done.stdout


def test_a_controller_that_repeats_work_is_noticed(tmp_path) -> None:
    """The harness can fail: with the claim of a run taken away, it says so."""
    runner = tmp_path / "broken.py"
    runner.write_text(
        "import sys\n"
        "from rasreconcile.workers import rundir\n"
        "whole = rundir.script\n"
        # A runner that claims nothing runs as often as it is started.
        "rundir.script = lambda name: whole(name).replace('[ -e started ] && exit 0', 'return 0')\n"
        "from rasreconcile.workers import detached\n"
        "detached.DetachedWorker._status = lambda self, run: detached.Absent()\n"
        "detached.DetachedWorker._wait_for_claim = lambda self, run: None\n"
        "sys.argv = ['x', '--kind', 'local', '--trials', '40', '--seed', '3']\n"
        "from tests.reliability.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, str(runner)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
    assert "computed" in done.stdout
