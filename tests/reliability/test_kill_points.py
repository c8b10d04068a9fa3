"""The controller is killed at hundreds of points, for each kind of worker: nothing is lost, repeated or left.

`python -m tests.reliability --trials 10000 --jobs 2` does the same for longer; docs/reliability.md says what is checked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from services import Service, absent

from tests.reliability.wires import KINDS

REPOSITORY = Path(__file__).parents[2]
TRIALS = int(os.environ.get("RASRECONCILE_KILL_TRIALS", "552"))
"""Over all rows of SHARES."""
SHARES = {
    ("local", "mixed"): 90,
    ("local", "chain adopt stopped cancel hec-ras"): 60,
    ("memory", "mixed"): 110,
    ("memory", "adopt cancel"): 160,
    ("memory", "chain stopped"): 60,
    ("ssh", "mixed chain adopt stopped cancel hec-ras"): 20,
    ("docker", "mixed chain stopped adopt cancel"): 14,
    ("volume", "mixed chain"): 6,
    ("slurm", "mixed cancel"): 26,
    ("aws-batch", "mixed"): 6,
}
"""How many of 552 trials are made with each kind of worker and these scenarios; a row is one test."""


def harness(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.reliability", *words],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(600 + 10 * TRIALS)
@pytest.mark.parametrize(("kind", "scenarios"), SHARES)
def test_killed_anywhere_it_converges_and_repeats_nothing(kind: str, scenarios: str) -> None:
    if (missing := KINDS[kind].missing()) is not None:
        services = {"ssh": Service.SSH, "slurm": Service.SLURM, "aws-batch": Service.AWS}
        absent(services.get(kind, Service.DOCKER), missing)
    trials = -(-TRIALS * SHARES[kind, scenarios] // sum(SHARES.values()))
    names = scenarios.split()
    done = harness(
        "--kind", kind, "--scenario", *names, "--trials", str(trials), "--seed", f"{len(scenarios)}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.findall(r"^\S+ (\S+): (\d+) trials, .* 0 broken", done.stdout, re.MULTILINE)
    assert [name for name, _ in told] == names
    assert sum(int(count) for _, count in told) == trials


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
