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
        [
            sys.executable,
            "-m",
            "tests.reliability",
            "--kind",
            kind,
            "--trials",
            str(trials),
            "--seed",
            f"{share}",
        ],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{kind}: {trials} trials" in done.stdout


def test_a_result_that_is_missing_for_a_moment_is_noticed(tmp_path) -> None:
    """The harness can fail: with a publication that removes before it renames, it says so."""
    broken = tmp_path / "broken.py"
    broken.write_text(
        "import os, sys, time\n"
        "from rasreconcile.results import publish\n"
        "def replace(temporary, output, **patience):\n"
        "    output.unlink(missing_ok=True)\n"
        "    time.sleep(0.05)\n"
        "    os.rename(temporary, output)\n"
        "publish.replace = replace\n"
        "sys.argv = ['x', '--kind', 'memory', '--trials', '4']\n"
        "from tests.reliability.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, str(broken)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the reader saw" in done.stdout
