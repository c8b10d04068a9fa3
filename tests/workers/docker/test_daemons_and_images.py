"""Images and daemons that are missing, of no use, full, or restarted in the middle of a run."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from dockerd import NO_SHELL, Dockerd, busybox_image
from services import Service, absent

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Absent, Ended, Running, Vanished
from rasreconcile.workers.docker.container import Mounted
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.docker.helper import Helper, HelperKind
from rasreconcile.workers.docker.run_storage import INSIDE
from rasreconcile.workers.docker.transport import DaemonAddress
from tests.workers.docker.test_containers import OUTPUT


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
