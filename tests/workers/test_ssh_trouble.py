"""Full disks, folders that cannot be made and links that go down, over SSH."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from services import Service, absent

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Absent, Queued, RunId, Running
from rasreconcile.workers import retry
from tests.workers.test_ssh import OUTPUT, cached


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        absent(Service.DISKS, "a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("large", [True, False], ids=["one large file", "many small ones"])
def test_a_disk_that_is_full_is_refused_with_the_remedy(ssh, run, small_disk, large) -> None:
    worker = ssh.again(worker_folder=str(small_disk))
    inputs = (
        {"terrain.tif": os.urandom(24 << 20)}
        if large
        else {f"{n}.g01": os.urandom(900_000) for n in range(26)}
    )
    with pytest.raises(Refused, match="free some space for worker_folder"):
        worker.start(run, ssh.job(inputs=inputs))
    assert worker.poll([run])[run] == Absent()
    assert any("are free" in problem.what for problem in worker.check())


@pytest.mark.parametrize("folder", ["~/{name}", "{name}/below"])
def test_folders_below_the_home_there_may_be_named_so(ssh, run, folder) -> None:
    import pwd
    import shutil

    name = f"rasreconcile test {run}"
    worker = ssh.again(worker_folder=folder.format(name=name))
    place = Path(pwd.getpwuid(os.geteuid()).pw_dir) / name
    try:
        assert worker.check() == []
        worker.start(run, ssh.script("true"))
        ssh.until(lambda: not isinstance(worker.poll([run])[run], Running | Queued))
        assert list(place.rglob("done.json"))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def test_a_folder_that_cannot_be_made_is_a_problem_with_its_remedy(ssh) -> None:
    (problem,) = ssh.again(worker_folder="/proc/nowhere/runs").check()
    assert "/proc/nowhere/runs" in problem.what
    assert "worker_folder" in problem.remedy


def test_a_link_that_goes_silent_is_unreachable_and_the_run_goes_on(cut_off, run, monkeypatch) -> None:
    from rasreconcile.workers.openssh import connection

    monkeypatch.setattr(connection, "SILENCE_SECONDS", 2.0)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 1.0)
    ssh, link = cut_off
    big = os.urandom(1 << 20) * 40
    ssh.worker.start(run, ssh.job(writes={OUTPUT: b"1"}, waits=True))
    other = RunId(f"{run}-other")
    part = cached(ssh, big).with_name(f".{hashlib.sha256(big).hexdigest()}.part")

    def cut() -> None:
        ssh.until(lambda: part.exists() and part.stat().st_size > 1 << 20)
        link("down")

    cutting = threading.Thread(target=cut)
    cutting.start()
    job = ssh.job(inputs={"terrain.tif": big})
    with pytest.raises(Unreachable):
        ssh.worker.start(other, job)
    cutting.join()
    with pytest.raises(Unreachable):
        ssh.worker.poll([run])
    link("up")
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 15.0)
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 60.0)
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 10.0)
    assert isinstance(ssh.worker.poll([run])[run], Running)
    old = time.time() - 60
    os.utime(part, (old, old))
    ssh.worker.start(other, job)
    assert ssh.end(other).exit_code == 0
    ssh.let_go(run)
    assert ssh.end(run).exit_code == 0


def test_a_link_that_goes_down_in_mid_download_costs_only_what_was_on_its_way(
    cut_off, run, tmp_path, monkeypatch
) -> None:
    from rasreconcile.workers.openssh import connection

    monkeypatch.setattr(connection, "SILENCE_SECONDS", 1.5)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)
    ssh, link = cut_off
    ssh.worker.start(run, ssh.script(f"head -c 80000000 /dev/urandom >{OUTPUT}"))
    record, into = ssh.end(run).outputs[OUTPUT], tmp_path / "here"

    def cut() -> None:
        ssh.until(lambda: into.exists() and into.stat().st_size > 8_000_000)
        link("down")

    cutting = threading.Thread(target=cut)
    cutting.start()
    with pytest.raises(Unreachable):
        ssh.worker.fetch(run, OUTPUT, into)
    cutting.join()
    here = into.stat().st_size
    assert 8_000_000 < here < record.size
    whole = (ssh.folder / run / "work" / OUTPUT).read_bytes()
    assert into.read_bytes() == whole[:here]
    link("up")
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 60.0)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 15.0)
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 10.0)
    fetched = ssh.worker.fetch(run, OUTPUT, into)
    assert (fetched.size, fetched.digest) == (record.size, record.digest)


@pytest.mark.parametrize(("priority", "nice"), [("low", "15"), ("below normal", "5"), ("normal", "0")])
def test_a_run_has_the_priority_that_was_asked_for(ssh, run, priority, nice) -> None:
    ssh.worker.start(run, ssh.script("nice", process_priority=priority))
    ssh.end(run)
    assert ssh.worker.read_log(run).decode().strip() == nice
