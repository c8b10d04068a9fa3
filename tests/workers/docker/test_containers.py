"""What is true of runs in containers: real ones, killed, starved, and shut in."""

from __future__ import annotations

import io
import os
import secrets
import signal
import subprocess
import sys
import tarfile

import pytest
from dockerd import IMAGE, busybox_image
from waiting import LONGEST

from rasreconcile.errors import Refused
from rasreconcile.jobs import Absent, Vanished
from rasreconcile.workers.docker import choose_storage
from rasreconcile.workers.docker.container import SCRATCH
from rasreconcile.workers.docker.helper import HELPER_LABEL
from rasreconcile.workers.docker.run_storage import FIXED_ID

OUTPUT = "x.p01.hdf"


SHUT_IN = """\
id -u
touch /etc/x /new 2>/dev/null || echo cannot write the image
touch /tmp/x && echo can write /tmp
ls /sys/class/net
grep -E 'CapEff|NoNewPrivs' /proc/self/status
wget -T 2 -q -O - http://127.0.0.1:80 2>/dev/null || echo no network
echo $HOME
ls / | grep -c -x -e rasreconcile
"""


def test_a_run_is_not_root_has_no_network_and_can_write_nothing_but_its_own(docker, run) -> None:
    docker.worker.start(run, docker.script(SHUT_IN))
    docker.end(run)
    said = docker.worker.read_log(run).decode().splitlines()
    assert said[0] == "1000"
    assert said[1:4] == ["cannot write the image", "can write /tmp", "lo"]
    assert said[4:6] == ["CapEff:\t0000000000000000", "NoNewPrivs:\t1"]
    assert said[6:] == ["no network", SCRATCH, "1"]


@pytest.mark.parametrize("mode", [0o755, 0o555, 0o000], ids=oct)
def test_an_image_whose_tmp_nobody_may_write_to_serves_all_the_same(docker, run, mode) -> None:
    image = f"tmp{mode:03o}:1"
    docker.daemon.add_image(image, with_folder(busybox_image(), "tmp", mode))
    worker = docker.again(docker_image=image)
    script = f'echo kept >"$TMPDIR/x" && echo home >"$HOME/y" && cat "$TMPDIR/x" "$HOME/y" >{OUTPUT}'
    worker.start(run, docker.script(script, inputs={"a.tif": b"data"}))
    ended = docker.end(run)
    assert (ended.exit_code, ended.outputs[OUTPUT].size) == (0, 10), worker.read_log(run)


def with_folder(image: bytes, name: str, mode: int) -> bytes:
    """An image with one more folder, of root's."""
    data = io.BytesIO(image)
    with tarfile.open(fileobj=data, mode="a") as tar:
        folder = tarfile.TarInfo(name)
        folder.type, folder.mode = tarfile.DIRTYPE, mode
        tar.addfile(folder)
    return data.getvalue()


def test_a_container_is_found_by_its_label_and_has_the_limits_of_its_worker(bound, run) -> None:
    worker = bound.again(cpu_limit="0.5", memory_limit="64m")
    worker.start(run, bound.job(cores=2, process_priority="low"))
    made = bound.inspect(run)
    host = made["HostConfig"]
    assert made["Config"]["Labels"]["rasreconcile.run"] == run
    assert made["Config"]["Labels"]["rasreconcile.worker"] == "box"
    assert (host["NanoCpus"], host["CpuShares"]) == (500_000_000, 128)
    assert (host["Memory"], host["MemorySwap"]) == (64 << 20, 64 << 20)


def test_without_a_limit_a_container_may_use_the_cores_of_its_run(bound, run) -> None:
    bound.worker.start(run, bound.job(cores=2))
    assert bound.inspect(run)["HostConfig"]["NanoCpus"] == 2_000_000_000


EATER = "a=x; while :; do a=$a$a; done"


def test_a_job_that_eats_more_memory_than_it_may_is_told_as_such(docker, run) -> None:
    docker.again(memory_limit="32m").start(run, docker.script(EATER))
    ended = docker.end(run)
    assert (ended.cause, ended.exit_code) == ("out of memory", 137)


def test_a_failure_that_is_not_for_want_of_memory_is_not_told_as_such(bound, run) -> None:
    bound.again(memory_limit="32m").start(run, bound.script("kill -9 $$"))
    assert bound.end(run).cause == "exited"


def test_a_run_leaves_neither_container_nor_directory_nor_volume(docker, run) -> None:
    docker.worker.start(run, docker.job())
    docker.end(run)
    assert run in docker.daemon.names()
    docker.worker.discard(run)
    docker.worker.close()
    assert run not in docker.daemon.names()
    assert [path.name for path in docker.folder.glob("*") if path.name != "cache"] == []
    assert docker.left_over() == []
    with docker.daemon.client() as client:
        helpers = client.containers(all=True, filters={"label": f"rasreconcile.helper={docker.name}"})
    assert helpers == []


def test_a_container_that_is_removed_from_outside_has_vanished(docker, run) -> None:
    docker.begin(run, docker.job(waits=True))
    with docker.daemon.client() as client:
        client.remove_container(run, force=True)
    status = docker.wait(run)
    assert isinstance(status, Vanished)
    assert "it was removed" in status.evidence
    docker.worker.discard(run)
    assert docker.worker.poll([run])[run] == Absent()


def test_a_container_of_the_same_name_that_is_not_ours_is_left_alone(bound, run) -> None:
    with bound.daemon.client() as client:
        client.create_container("rasbox:1", name=run, command=["true"])
    with pytest.raises(Refused, match=rf"did not create; `docker rm {run}`"):
        bound.worker.start(run, bound.job())
    bound.worker.discard(run)
    assert run in bound.daemon.names()
    with bound.daemon.client() as client:
        client.remove_container(run)


def test_a_controller_killed_between_create_and_start_is_made_good_by_the_next(docker, run) -> None:
    fields = {**docker.fields}
    code = f"""
import os, signal
from datetime import timedelta
from pathlib import Path
from rasreconcile.jobs import Job, RunId
from rasreconcile.workers.docker.kind import DockerWorker
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.docker.worker import docker_worker
created = Daemon.create
def create(self, wanted):
    created(self, wanted)
    if wanted.name == {run!r}:
        os.kill(os.getpid(), signal.SIGKILL)
Daemon.create = create
job = Job(platform="posix", steps=(("sh", "-c", "echo x >>../launches"),), inputs=(), outputs=(), cores=1,
          time_limit=timedelta(seconds=60))
docker_worker({docker.name!r}, DockerWorker.model_validate({fields!r}), Path("/")).start(RunId({run!r}), job)
"""
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=LONGEST)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert docker.worker.poll([run])[run] == Absent()
    docker.worker.start(run, docker.job(writes={OUTPUT: b"1"}))
    assert docker.end(run).exit_code == 0
    assert docker.launches(run) == 1
    for name in docker.daemon.names():
        if name.startswith("rasreconcile-helper"):
            with docker.daemon.client() as client:
                client.remove_container(name, force=True)


def test_what_a_controller_that_was_killed_left_of_its_looking_round_goes_when_it_is_old(
    bound, monkeypatch
) -> None:
    probe, helper = bound.folder / ".probe.0123abcd", f"rasreconcile-helper-{secrets.token_hex(6)}"
    probe.mkdir(parents=True)
    (probe / "token").touch()
    with bound.daemon.client() as client:
        client.create_container(IMAGE, "true", name=helper, labels={HELPER_LABEL: bound.name})
    bound.again().find(["/bin/sh"])
    assert probe.exists()
    assert helper in bound.daemon.names(), "its maker may be at work"
    monkeypatch.setattr(choose_storage, "ABANDONED", -60.0)
    bound.again().find(["/bin/sh"])
    assert not probe.exists()
    assert helper not in bound.daemon.names()


def test_what_is_left_of_an_upload_goes_with_the_next_one(volume, run) -> None:
    volume.worker.poll([run])
    left = volume.folder / f".{run}.0123abcd.new"
    ahead, lately = volume.folder / ".-.0123abcd.new", volume.folder / ".-.0123abce.new"
    for folder in (left, ahead, lately):
        (folder / "work").mkdir(parents=True)
        for made in (folder, folder / "work"):
            os.chown(made, FIXED_ID, FIXED_ID)
    os.utime(ahead, (0, 0))
    job = volume.job(inputs={"a.tif": b"1"})
    volume.worker.stage(job)
    assert not ahead.exists()
    assert lately.exists(), "its sender may be at work"
    volume.worker.start(run, job)
    assert not left.exists()
    assert volume.end(run).exit_code == 0


def test_a_shared_input_travels_once_and_is_proven_where_it_arrives(volume, a_run) -> None:
    data = os.urandom(3 << 20)
    job = volume.script("cat terrain.tif >x.p01.hdf", inputs={"terrain.tif": data})
    one, other = a_run("one"), a_run("other")
    volume.worker.start(one, job)
    volume.end(one)
    cached = volume.folder / "cache" / job.inputs[0].digest
    assert cached.read_bytes() == data
    inode = cached.stat().st_ino
    volume.worker.start(other, job)
    assert volume.end(other).outputs[OUTPUT].digest == job.inputs[0].digest
    assert (volume.folder / other / "work" / "terrain.tif").stat().st_ino == inode
    # Somebody wrote to it: it is sent again.
    cached.chmod(0o644)
    cached.write_bytes(b"x" * len(data))
    third = a_run("third")
    volume.worker.start(third, job)
    assert volume.end(third).outputs[OUTPUT].digest == job.inputs[0].digest


def test_a_link_that_a_run_left_for_its_result_is_not_followed_out_of_it(bound, run, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    bound.worker.start(run, bound.script(f"ln -s {secret} {OUTPUT}; ln -s {secret} ../go; true"))
    bound.end(run)
    with pytest.raises(Refused, match="leads out of the run directory"):
        bound.worker.fetch(run, OUTPUT, tmp_path / "here")
    with pytest.raises(Refused, match="leads out of the run directory"):
        bound.worker.read_work(run, OUTPUT)
    assert not (tmp_path / "here").exists()


def test_a_result_that_was_changed_after_its_digest_is_not_taken(volume, run, tmp_path) -> None:
    volume.worker.start(run, volume.job(writes={OUTPUT: b"result"}))
    volume.end(run)
    place = volume.folder / run / "work" / OUTPUT
    place.write_bytes(b"a longer result")
    with pytest.raises(Refused, match="15 bytes arrived, the run recorded 6"):
        volume.worker.fetch(run, OUTPUT, tmp_path / "here")
    place.unlink()
    place.symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="not the requested plain file"):
        volume.worker.fetch(run, OUTPUT, tmp_path / "here")
