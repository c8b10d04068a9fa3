"""What is true of runs in containers: real ones, killed, starved, and shut in."""

from __future__ import annotations

import io
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from dockerd import IMAGE, NO_SHELL, Dockerd, busybox_image
from services import Service, absent
from waiting import LONGEST

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Absent, Ended, Running, Vanished
from rasreconcile.workers.docker import choose_storage
from rasreconcile.workers.docker.container import SCRATCH, Mounted
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.docker.helper import HELPER_LABEL, Helper, HelperKind
from rasreconcile.workers.docker.run_storage import FIXED_ID, INSIDE
from rasreconcile.workers.docker.transport import DaemonAddress

OUTPUT = "x.p01.hdf"


@pytest.fixture(params=["bound", "volume"])
def docker(request: pytest.FixtureRequest):
    """Both ways of staging."""
    return request.getfixturevalue(request.param)


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


def test_an_image_that_is_missing_or_of_no_use_is_told_with_the_remedy(bound, run) -> None:
    lacking = bound.again(docker_image="hecras:6.6")
    with pytest.raises(Refused, match=r"hecras:6\.6 is not there; `docker pull`"):
        lacking.start(run, bound.job())
    assert [problem.remedy for problem in lacking.check()] == ["`docker pull` or `docker load` it there"]
    [problem] = bound.again(docker_image=NO_SHELL).check()
    assert "cannot run `sh`" in problem.what
    [problem] = bound.again(ras_exe_path="/opt/hecras").check()
    assert problem.what == "/opt/hecras is not in rasbox:1"
    assert bound.again(ras_exe_path="/installed/hecras 6.6").check() == []


def test_a_share_must_be_the_same_folder_on_both_sides(bound, run, tmp_path) -> None:
    real, other, seen = tmp_path / "real", tmp_path / "other", tmp_path / "seen"
    real.mkdir()
    other.mkdir()
    seen.symlink_to(real)
    worker = bound.again(share_path=str(seen), remote_staging_path=str(real), docker_host=bound.daemon.tcp)
    worker.start(run, bound.job(writes={OUTPUT: b"1"}))
    bound.until(lambda: isinstance(worker.poll([run])[run], Ended))
    assert (real / run / "work" / OUTPUT).read_bytes() == b"1"
    worker.discard(run)
    for elsewhere in (other, tmp_path / "nowhere"):
        wrong = bound.again(share_path=str(seen), remote_staging_path=str(elsewhere))
        with pytest.raises(Refused, match="correct share_path and remote_staging_path"):
            wrong.start(run, bound.job())
    assert list(real.glob(".probe*")) == []


def test_a_daemon_that_is_not_there_is_silent_and_not_an_end_of_its_runs(bound, run) -> None:
    bound.begin(run, bound.job(waits=True))
    for host in ("unix:///nowhere.sock", "tcp://127.0.0.1:1"):
        lost = bound.again(docker_host=host)
        for call in (lambda: lost.poll([run]), lost.check, lambda: lost.start(run, bound.job())):  # noqa: B023
            with pytest.raises(Unreachable, match="check that the daemon is running"):
                call()
    assert isinstance(bound.worker.poll([run])[run], Running)


@pytest.mark.parametrize("how", ["containers die with it", "containers outlive it"])
def test_a_daemon_restarted_in_the_middle_of_a_run_loses_nothing_and_repeats_nothing(
    own_dockerd, tmp_path, run, a_run, how, request
) -> None:
    runs_there = how == "containers outlive it"
    daemon = own_dockerd(*(["--live-restore"] if runs_there else []))
    place = request.getfixturevalue("bound_place_on")(daemon)
    done = a_run("done")
    place.worker.start(done, place.job(writes={OUTPUT: b"1"}))
    place.end(done)
    place.begin(run, place.job(writes={OUTPUT: b"2"}, waits=True))
    daemon.stop()
    with pytest.raises(Unreachable):
        place.worker.poll([run])
    daemon.start()
    if runs_there:
        assert isinstance(place.worker.poll([run])[run], Running)
        place.let_go(run)
        assert place.end(run).exit_code == 0
    else:
        status = place.wait(run)
        assert isinstance(status, Vanished)
        place.worker.start(run, place.job())
        assert isinstance(place.worker.poll([run])[run], Vanished)
    assert place.launches(run) == 1
    place.worker.fetch(done, OUTPUT, tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"1"
    assert place.worker.check() == []


def test_two_controllers_that_start_one_run_at_once_run_it_once(docker, run) -> None:
    from concurrent.futures import ThreadPoolExecutor

    job = docker.job(inputs={"a.tif": b"x" * 300_000}, writes={OUTPUT: b"1"})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: docker.again().start(run, job), range(4)))
    docker.end(run)
    assert docker.launches(run) == 1
    assert docker.left_over() == []


def test_a_helper_that_went_away_is_made_again(volume, run) -> None:
    volume.begin(run, volume.job(waits=True))
    for name in volume.daemon.names():
        if name.startswith("rasreconcile-helper"):
            with volume.daemon.client() as client:
                client.remove_container(name, force=True)
    assert isinstance(volume.worker.poll([run])[run], Running)


def test_a_helper_of_which_nothing_is_heard_is_made_again(dockerd, tmp_path) -> None:
    tmp_path.chmod(0o777)
    daemon = Daemon(DaemonAddress(host=dockerd.host))
    found = daemon.image("rasbox:1")
    assert found is not None
    mount = Mounted("bind", str(tmp_path), INSIDE)
    kind = HelperKind(worker="box", image="rasbox:1", found=found, user="1000:1000", mount=mount)
    helper = Helper(daemon, kind)
    try:
        once = f"if mkdir {INSIDE}/hung 2>/dev/null; then hostname >{INSIDE}/first; sleep 60; fi; hostname"
        second = helper.do(once, seconds=2)
        assert (tmp_path / "first").read_text() != second
    finally:
        helper.close()
        daemon.close()


def test_a_stop_from_outside_ends_a_run_quickly_and_leaves_no_end(bound, run) -> None:
    bound.begin(run, bound.job(waits=True, time_limit=timedelta(hours=1)))
    with bound.daemon.client() as client:
        client.stop(run, timeout=10)
    assert isinstance(bound.wait(run), Vanished)
    assert Path(bound.folder, run, "done.json").exists() is False


def test_a_folder_that_the_daemon_does_not_see_is_not_believed_and_files_go_by_the_api(
    own_dockerd, bound_place_on, tmp_path, run
) -> None:
    folder = tmp_path / "ras runs"
    folder.mkdir()
    place = bound_place_on(own_dockerd(hidden=folder))
    data = os.urandom(100_000)
    place.worker.start(run, place.script(f"cp a.tif {OUTPUT}", inputs={"a.tif": data}))
    assert place.end(run).exit_code == 0
    assert list(folder.iterdir()) == []
    place.worker.fetch(run, OUTPUT, tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == data
    place.worker.discard(run)


@pytest.fixture
def small_dockerd(own_dockerd) -> Iterator[Dockerd]:
    """A daemon that keeps all it has on a disk of 60 MB."""
    daemon = own_dockerd()
    daemon.stop()
    place = daemon.folder / "data"
    shutil.rmtree(place)
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", place]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        absent(Service.DISKS, "a small disk cannot be mounted here")
    daemon.start()
    daemon.add_images()
    yield daemon
    daemon.stop()
    subprocess.run(["umount", "-l", place], check=True)


def test_a_daemon_whose_disk_is_full_refuses_with_the_remedy_and_goes_on_when_there_is_room(
    small_dockerd, volume_place_on, a_run
) -> None:
    place = volume_place_on(small_dockerd)
    large, small = a_run("large"), a_run("small")
    with pytest.raises(Refused, match="free some space"):
        place.worker.start(large, place.job(inputs={"a.tif": os.urandom(64 << 20)}))
    assert place.worker.poll([large])[large] == Absent()
    place.worker.start(small, place.job(inputs={"a.tif": b"1"}, writes={OUTPUT: b"1"}))
    assert place.end(small).exit_code == 0
    assert place.left_over() == []


def with_programs(changed: dict[str, bytes]) -> bytes:
    """The usual image, in which these programs are others."""
    data = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(busybox_image())) as usual,
        tarfile.open(fileobj=data, mode="w") as tar,
    ):
        for member in usual:
            content = changed.get(member.name)
            if content is None:
                tar.addfile(member, usual.extractfile(member) if member.isfile() else None)
                continue
            other = tarfile.TarInfo(member.name)
            other.mode, other.size = 0o755, len(content)
            tar.addfile(other, io.BytesIO(content))
    return data.getvalue()


def of_another_processor() -> bytes:
    """busybox, if this were a machine that no kernel here runs programs of."""
    program = shutil.which("busybox")
    assert program
    data = bytearray(Path(program).read_bytes())
    # e_machine of an ELF header: 0x16 is IBM S/390.
    data[18:20] = b"\x16\x00"
    return bytes(data)


def test_an_image_for_another_processor_is_refused_in_words(docker, run) -> None:
    docker.daemon.add_image("foreign:1", with_programs({"bin/busybox": of_another_processor()}))
    worker = docker.again(docker_image="foreign:1")
    said = r"image foreign:1 is for \w+, and the daemon's machine is x86_64; .*docker build --platform"
    with pytest.raises(Refused, match=said):
        worker.start(run, docker.job())
    assert re.search(said, str(worker.check()[0]))
    worker.close()
    assert not [name for name in docker.daemon.names() if name.startswith("rasreconcile-helper")]


def test_the_last_words_of_a_helper_that_dies_are_told(docker, run) -> None:
    script = b"#!/bin/busybox sh\necho \x1b[31mno licence server answers >&2\nexit 7\n"
    docker.daemon.add_image("dying:1", with_programs({"bin/sh": script}))
    with pytest.raises(
        Refused, match=r"dying:1 .* ended with exit code 7, saying: no licence server answers; try"
    ):
        docker.again(docker_image="dying:1").start(run, docker.job())
    docker.daemon.add_image("silent:1", with_programs({"bin/sh": b"#!/bin/busybox sh\nexit 3\n"}))
    with pytest.raises(Refused, match=r"silent:1 .* ended with exit code 3 without a word"):
        docker.again(docker_image="silent:1").start(run, docker.job())


@pytest.mark.parametrize("target", ["/var/tmp", "/installed"], ids=["a link to nowhere", "a link"])
def test_an_image_whose_tmp_is_a_link_serves_all_the_same(docker, run, target) -> None:
    data = io.BytesIO(busybox_image())
    with tarfile.open(fileobj=data, mode="a") as tar:
        link = tarfile.TarInfo("tmp")
        link.type, link.linkname = tarfile.SYMTYPE, target
        tar.addfile(link)
    docker.daemon.add_image("linked:1", data.getvalue())
    worker = docker.again(docker_image="linked:1")
    worker.start(run, docker.script(f'echo kept >"$TMPDIR/x" && cat "$TMPDIR/x" >{OUTPUT}'))
    assert docker.end(run).exit_code == 0, worker.read_log(run)
