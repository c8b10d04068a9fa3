"""Starts that die half-way, race, or are taken back; removals too."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from waiting import LONGEST

from rasreconcile.errors import Refused
from rasreconcile.jobs import Absent, Ended, Queued, RunId, Running
from rasreconcile.workers.rundir import control_files

OUTPUT = "x.p01.hdf"


@pytest.mark.parametrize("by", ["8 processes", "8 threads"])
def test_starts_at_once_run_it_once(local, run, by) -> None:
    (local.sources / "data").write_bytes(b"x" * 300_000)
    if by == "8 threads":
        job = local.job(inputs={"a.tif": b"x" * 300_000}, writes={OUTPUT: b"1"})
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: local.again().start(run, job), range(8)))
    else:
        starters = [_starter(local, run) for _ in range(8)]
        assert [process.wait(LONGEST) for process in starters] == [0] * 8
    local.end(run)
    assert local.launches(run) == 1
    assert local.left_over() == []
    local.until(lambda: local.processes(run) == [])


def _starter(local, run: RunId, first: str = "", **how: Any) -> subprocess.Popen[bytes]:
    """Another program that starts the run; `first` is what it does before."""
    code = f"""
import hashlib, sys
from datetime import timedelta
from pathlib import Path
from rasreconcile.jobs import Job, RunId, Staged
from rasreconcile.workers.local.worker import local_worker
source = Path({str(local.sources / "data")!r})
data = source.read_bytes()
inputs = tuple(
    Staged(source=source, name=name, digest=hashlib.sha256(data).hexdigest(), size=len(data), writable=kind)
    for name, kind in (("own.g01", "own copy"), ("shared.tif", "read only"))
)
step = ("sh", "-c", "echo x >>../launches; sleep 0.2; cat own.g01 shared.tif >{OUTPUT}")
job = Job(platform="posix", steps=(step,), inputs=inputs, outputs=({OUTPUT!r},), cores=1, time_limit=timedelta(60))
{first}
local_worker("desk", Path({str(local.folder)!r})).start(RunId({run!r}), job)
"""
    return subprocess.Popen([sys.executable, "-c", code], **how)


DEATHS = [
    *(("os.mkdir", nth) for nth in range(1, 6)),
    *(("open", nth) for nth in range(1, 12, 2)),
    *(("os.rename", nth) for nth in (1, 2)),
    ("os.chmod", 1),
    ("os.utime", 1),
    ("os.link", 1),
    ("subprocess.Popen", 1),
]


@pytest.mark.parametrize(("event", "nth"), DEATHS)
def test_a_starter_killed_at_any_point_is_made_good_by_the_next(local, run, event, nth) -> None:
    (local.sources / "data").write_bytes(b"x" * 3_000_000)
    # An audit hook sees every file made, renamed or linked: the starter dies just before the nth of its kind.
    die = f"""
import os, signal
seen = 0
def hook(event, arguments):
    global seen
    if event == {event!r} and {str(local.folder)!r} in str(arguments):
        seen += 1
        if seen == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""
    assert _starter(local, run, die).wait(LONGEST) == -signal.SIGKILL
    assert isinstance(local.worker.poll([run])[run], Absent | Queued | Running | Ended)
    assert _starter(local, run).wait(LONGEST) == 0
    assert local.end(run).outputs[OUTPUT].size == 6_000_000
    assert local.launches(run) == 1
    local.worker.discard(run)
    assert local.left_over() == []


def test_a_starter_killed_at_any_moment_is_made_good_by_the_next(local, a_run) -> None:
    (local.sources / "data").write_bytes(b"x" * 3_000_000)
    for n in range(8):
        run = a_run(f"killed-{n}")
        starter = _starter(local, run, "print('ready', flush=True)", stdout=subprocess.PIPE)
        with starter:
            assert starter.stdout is not None
            assert starter.stdout.readline() == b"ready\n"
            time.sleep(n * 0.002)
            starter.kill()
        assert isinstance(local.worker.poll([run])[run], Absent | Queued | Running | Ended)
        assert _starter(local, run).wait(LONGEST) == 0
        assert local.end(run).outputs[OUTPUT].size == 6_000_000
        assert local.launches(run) == 1


def test_a_run_outlives_the_killed_program_and_the_closed_terminal_that_started_it(local, run) -> None:
    (local.sources / "data").write_bytes(b"data")
    outside, terminal = os.openpty()
    # With a terminal of its own, which hangs up on all that belongs to it.
    first = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
    starter = _starter(
        local, run, first, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    assert starter.wait(LONGEST) == 0
    os.close(outside)
    assert local.end(run).outputs[OUTPUT].size == 8
    assert local.launches(run) == 1


def test_a_run_cancelled_before_it_is_claimed_never_begins(local, run) -> None:
    job = local.job()
    host = local.worker._host
    host.prepare(run, job.inputs, control_files(run, job))
    assert local.worker.poll([run])[run] == Absent()
    local.worker.cancel(run)
    local.worker.start(run, job)
    ended = local.end(run)
    assert (ended.cause, ended.outputs) == ("cancelled", {})
    assert not (local.folder / run / "launches").exists()


def test_a_directory_made_before_the_power_failed_is_made_again(local, run) -> None:
    job = local.script("cat a.g01", inputs={"a.g01": b"whole"})
    host = local.worker._host
    host.prepare(run, job.inputs, control_files(run, job))
    (local.folder / run / "boot").write_text("the boot before")
    (local.folder / run / "work" / "a.g01").write_bytes(b"")
    (local.folder / run / "runner.sh").write_bytes(b"")
    local.worker.start(run, job)
    local.end(run)
    assert local.worker.read_log(run) == b"whole"
    local.worker.discard(run)
    assert local.left_over() == []


def test_a_run_that_is_submitted_is_queued_until_it_is_claimed(local, run) -> None:
    job = local.job()
    host = local.worker._host
    host.prepare(run, job.inputs, control_files(run, job))
    host.mark(run, "launched")
    assert local.worker.poll([run])[run] == Queued()
    # Its runner comes late, and nobody started another.
    local.worker.start(run, job)
    assert local.worker.poll([run])[run] == Queued()
    with pytest.raises(Refused, match="still running"):
        local.worker.discard(run)


def test_a_run_whose_runner_never_came_is_absent_and_is_started_again(local, run) -> None:
    job = local.job()
    host = local.worker._host
    host.prepare(run, job.inputs, control_files(run, job))
    host.mark(run, "launched")
    long_ago = time.time() - 21
    os.utime(local.folder / run / "launched", (long_ago, long_ago))
    assert local.worker.poll([run])[run] == Absent("its runner did not start within 20 s")
    local.worker.start(run, job)
    local.end(run)
    assert local.launches(run) == 1


def test_a_runner_that_cannot_begin_says_why_at_once(local, run) -> None:
    job = local.job()
    local.worker._host.prepare(run, job.inputs, control_files(run, job))
    (local.folder / run / "settings.sh").unlink()
    local.worker.start(run, job)
    local.until(lambda: local.worker.poll([run])[run] != Queued())
    status = local.worker.poll([run])[run]
    assert isinstance(status, Absent)
    assert re.fullmatch('its runner could not claim it: ".*settings.sh is not there.*"', status.why)


def test_a_removal_that_died_half_way_is_finished_by_the_next(local, run) -> None:
    local.worker.start(run, local.script("true"))
    local.end(run)
    (local.folder / run).rename(local.folder / f".{run}.dead.gone")
    (local.folder / f".{run}.dead.new").mkdir()
    local.worker.discard(run)
    assert list(local.folder.iterdir()) == []


def test_several_discard_one_run_at_once(local, run) -> None:
    local.worker.start(run, local.script("mkdir -p a/b/c d e; touch a/1 a/b/2 d/3; chmod 0 d e"))
    local.end(run)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: local.again().discard(run), range(6)))
    assert list(local.folder.iterdir()) == []
