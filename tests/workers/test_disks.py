"""Disks that are full, damaged or not there, and inputs that change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from services import Service, absent

from rasreconcile.errors import InputChanged, Refused
from rasreconcile.jobs import Absent, Ended, Queued, Running, Vanished
from rasreconcile.workers.local.worker import local_worker

OUTPUT = "x.p01.hdf"


def test_no_end_is_better_than_half_an_end(local, run) -> None:
    local.worker.start(run, local.script("true"))
    local.end(run)
    done = local.folder / run / "done.json"
    whole = done.read_text()
    for cut in range(0, len(whole) - 2, 7):
        done.write_text(whole[:cut])
        assert isinstance(local.worker.poll([run])[run], Vanished)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        absent(Service.DISKS, "mounting a small disk needs root")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        absent(Service.DISKS, "this machine lets nobody mount a small disk")
    yield small
    subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_full_disk_ends_in_vanished_and_says_so(small_disk: Path, local, run) -> None:
    worker = local_worker("desk", small_disk)
    worker.start(run, local.script("cat /dev/zero >fill; printf x; true"))
    local.until(lambda: not isinstance(worker.poll([run])[run], Running | Queued))
    status = worker.poll([run])[run]
    assert isinstance(status, Vanished)
    assert "could not write done.json: the disk of worker_folder is full" in status.evidence
    assert not (small_disk / run / "done.json").exists()


def test_a_disk_that_is_nearly_full_gives_an_end_that_is_true(small_disk: Path, local, run) -> None:
    worker = local_worker("desk", small_disk)
    script = (
        f"echo begun; head -c 4096 /dev/zero >room; cat /dev/zero >fill; printf x >{OUTPUT}; rm room; exit 3"
    )
    worker.start(run, local.script(script))
    local.until(lambda: not isinstance(worker.poll([run])[run], Running | Queued))
    status = worker.poll([run])[run]
    assert isinstance(status, Ended)
    assert status.exit_code == 3
    assert b"No space left on device" in worker.read_log(run)
    assert status.outputs[OUTPUT].size == (small_disk / run / "work" / OUTPUT).stat().st_size


def test_a_disk_that_was_full_meanwhile_is_told_of_a_run_that_ended_with_room_again(
    small_disk: Path, local, run
) -> None:
    worker = local_worker("desk", small_disk)
    full = (
        "echo begun; cat /dev/zero >fill; : >full; while ! [ -e ../go ]; do sleep 0.02; done; rm fill; exit 3"
    )
    job = local.script(full, stalled_after=timedelta(seconds=8))
    worker.start(run, job)
    work, growth = small_disk / run / "work", small_disk / run / "growth"
    local.until((work / "full").exists)
    for name in ("once", "twice"):
        # The first look may have begun before the disk was full.
        before = growth.stat().st_mtime_ns
        (work / name).touch()
        local.until(lambda before=before: growth.stat().st_mtime_ns > before)
    (small_disk / run / "go").touch()
    local.until(lambda: not isinstance(worker.poll([run])[run], Running | Queued))
    status = worker.poll([run])[run]
    assert isinstance(status, Ended)
    assert (status.exit_code, status.cause, status.room) == (3, "exited", 0)
    assert os.statvfs(small_disk).f_bavail


def test_inputs_that_do_not_fit_are_refused_and_leave_no_half(small_disk: Path, local, run) -> None:
    worker = local_worker("desk", small_disk)
    for name in ("big.g01", "big.tif"):
        with pytest.raises(Refused, match="free some space"):
            worker.start(run, local.script("true", inputs={name: b"x" * 1_000_000}))
        assert worker.poll([run])[run] == Absent()
        assert [path for path in small_disk.rglob("*") if path.is_file()] == []


def test_a_small_disk_is_a_problem_that_check_tells(small_disk: Path) -> None:
    (problem,) = local_worker("desk", small_disk).check()
    assert "only 0 MB are free" in problem.what


def test_a_worker_folder_that_cannot_be_is_a_problem_and_no_crash(local, run) -> None:
    (local.sources / "file").write_text("")
    worker = local_worker("desk", local.sources / "file" / "runs")
    (problem,) = worker.check()
    assert problem.what.endswith("/file is not a folder")
    assert problem.remedy == "move that file away, or set worker_folder to another folder"
    assert worker.poll([run])[run] == Absent()
    with pytest.raises(Refused, match="set worker_folder"):
        worker.start(run, local.script("true"))


def test_programs_that_are_missing_are_told(local, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = {problem.what.split()[0] for problem in local.worker.check()}
    assert missing == {"sh", "setsid", "sha256sum", "nice"}


def test_an_input_that_changes_leaves_nothing_half(local, run) -> None:
    job = local.script("true", inputs={"a.g01": b"old", "b.tif": b"old"})
    job.inputs[1].source.write_bytes(b"new")
    with pytest.raises(InputChanged):
        local.worker.start(run, job)
    assert [path for path in local.folder.rglob("*") if path.is_file()] == []
    assert local.left_over() == []


def test_a_run_that_writes_to_shared_data_spoils_nothing_for_the_next(local, a_run) -> None:
    inputs = {"t.tif": b"terrain"}
    first, second = a_run("first"), a_run("second")
    local.worker.start(first, local.script("chmod u+w t.tif; echo spoiled >t.tif", inputs=inputs))
    local.wait(first)
    local.worker.start(second, local.script("cat t.tif", inputs=inputs))
    local.wait(second)
    assert local.worker.read_log(second) == b"terrain"
    assert len([path for path in (local.folder / "cache").rglob("*") if path.is_file()]) == 1
