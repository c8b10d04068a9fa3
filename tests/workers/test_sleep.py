"""A machine that slept: the limits of a run count the time that the machine was awake."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rasreconcile import workers

RUNNER = Path(workers.__file__).with_name("runner.sh")
SLEPT = 10.0


def guard_of(folder: Path) -> int | None:
    """The process that watches over the limits."""
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if b"guard" in words and (entry / "cwd").resolve() == folder.resolve():
                return int(entry.name)
        except OSError:
            continue  # it has ended meanwhile
    return None


def wait_for(what, seconds: float = 120.0):
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(
    ("stalled_after", "time_limit", "cause"), [(8, 600, "stalled"), (30, 8, "time limit")]
)
def test_a_run_is_not_ended_because_its_machine_slept(tmp_path, stalled_after, time_limit, cause) -> None:
    shutil.copy(RUNNER, tmp_path / "runner.sh")
    (tmp_path / "work").mkdir()
    (tmp_path / "outputs").touch()
    (tmp_path / "steps.sh").write_text("sleep 300\n")
    limits = f"time_limit={time_limit}\nstalled_after={stalled_after}\n"
    (tmp_path / "settings.sh").write_text(f"run='r-{tmp_path.name}'\nfolder=''\n{limits}nice=0\n")
    runner = subprocess.Popen(["sh", "runner.sh", "."], cwd=tmp_path, start_new_session=True)
    guard = wait_for(lambda: guard_of(tmp_path))
    # Stopped, it sees what it would see of a sleep: a second that took ten, by a clock that ran on.
    os.kill(guard, signal.SIGSTOP)
    time.sleep(SLEPT)
    woke = time.time()
    os.kill(guard, signal.SIGCONT)
    runner.wait(timeout=120)
    told = json.loads((tmp_path / "done.json").read_text())
    assert told["cause"] == cause
    assert told["ended"] - woke > 3, "what it may still compute was not cut short by the sleep"
