"""What is true at the end of a wire: links that are cut, disks that are full, hosts that share a cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest
from waiting import LONGEST

from rasreconcile.errors import InputChanged, Unreachable
from rasreconcile.jobs import Absent

OUTPUT = "x.p01.hdf"
TERRAIN = os.urandom(1 << 16) * 48
"""Large enough to travel by itself."""


def cached(ssh, data: bytes) -> Path:
    digest = hashlib.sha256(data).hexdigest()
    return ssh.folder / "cache" / digest[:2] / digest


def in_cache(ssh) -> list[str]:
    return sorted(path.name for path in (ssh.folder / "cache").rglob("*") if path.is_file())


def test_a_run_outlives_the_server_and_every_connection(network, ssh_on, run) -> None:
    server = network.server()
    ssh = ssh_on(server)
    ssh.worker.start(run, ssh.job(writes={OUTPUT: b"result"}, waits=True))
    server.stop()
    with pytest.raises(Unreachable, match=server.address):
        ssh.worker.poll([run])
    ssh.let_go(run)
    server.start()
    assert ssh.end(run).outputs[OUTPUT].size == 6
    assert ssh.launches(run) == 1


def test_shared_data_travels_once_however_many_want_it_at_once(ssh, a_run, sent) -> None:
    inputs = {"terrain.tif": TERRAIN, "a.g01": b"geometry"}
    jobs = {a_run(f"n{n}"): ssh.job(inputs=inputs) for n in range(8)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ssh.worker.start, jobs, jobs.values()))
    for run in jobs:
        assert ssh.end(run).exit_code == 0
        assert (ssh.folder / run / "work" / "terrain.tif").read_bytes() == TERRAIN
    assert len(TERRAIN) <= sent() < len(TERRAIN) + 2_000_000


@pytest.fixture
def sent(monkeypatch) -> Callable[[], int]:
    """Bytes this program has sent by SSH, with all that the protocol adds."""
    counted, lock = [0], threading.Lock()
    write = paramiko.packet.Packetizer.write_all

    def counting(self, data):
        with lock:
            counted[0] += len(data)
        return write(self, data)

    monkeypatch.setattr(paramiko.packet.Packetizer, "write_all", counting)
    return lambda: counted[0]


def test_what_a_run_may_write_to_is_no_link_into_the_cache(ssh, run) -> None:
    job = ssh.script(
        "printf changed >a.g01; chmod u+w terrain.tif; true", inputs={"a.g01": b"1", "terrain.tif": TERRAIN}
    )
    ssh.worker.start(run, job)
    ssh.end(run)
    assert (ssh.folder / run / "work" / "a.g01").read_bytes() == b"changed"
    assert cached(ssh, b"1").read_bytes() == b"1"
    assert cached(ssh, TERRAIN).stat().st_ino == (ssh.folder / run / "work" / "terrain.tif").stat().st_ino


@pytest.mark.parametrize("data", [b"small", TERRAIN], ids=["small", "large"])
@pytest.mark.parametrize("damage", ["cut", "written to", "gone"])
@pytest.mark.parametrize(
    "by", [lambda ssh: ssh.worker, lambda ssh: ssh.again()], ids=["who sent it", "another"]
)
def test_a_cached_file_that_was_damaged_is_sent_anew(ssh, a_run, data, damage, by) -> None:
    first, second = a_run("one"), a_run("two")
    job = ssh.job(inputs={"terrain.tif": data})
    ssh.worker.start(first, job)
    ssh.end(first)
    place = cached(ssh, data)
    match damage:
        case "cut":
            os.truncate(place, 2)
        case "written to":
            place.chmod(0o644)
            place.write_bytes(data[::-1])
        case "gone":
            place.unlink()
    worker = by(ssh)
    worker.start(second, job)
    ssh.end(second)
    assert (ssh.folder / second / "work" / "terrain.tif").read_bytes() == data


def test_an_upload_goes_on_where_the_link_was_cut(network, ssh_on, run, sent) -> None:
    server = network.server()
    ssh = ssh_on(server)
    big = os.urandom(1 << 20) * 60
    job = ssh.job(inputs={"terrain.tif": big}, writes={OUTPUT: b"1"})
    part = cached(ssh, big).with_name(f".{hashlib.sha256(big).hexdigest()}.part")
    cuts: list[int] = []

    def cut() -> None:
        for least in (4 << 20, 20 << 20):
            ssh.until(lambda least=least: part.exists() and part.stat().st_size > least)
            cuts.append(part.stat().st_size)
            server.cut()

    cutting = threading.Thread(target=cut)
    cutting.start()
    ssh.worker.start(run, job)
    cutting.join()
    assert cached(ssh, big).read_bytes() == big
    assert len(cuts) == 2
    # The kernel's buffers are lost with a connection, what arrived is not.
    assert sent() < len(big) + 2 * (16 << 20)
    assert ssh.end(run).exit_code == 0


def test_a_damaged_part_is_thrown_away_and_the_file_sent_anew(ssh, run) -> None:
    place = cached(ssh, TERRAIN)
    place.parent.mkdir(parents=True)
    place.with_name(f".{place.name}.part").write_bytes(bytes(1 << 20))
    ssh.worker.start(run, ssh.job(inputs={"terrain.tif": TERRAIN}))
    assert ssh.end(run).exit_code == 0
    assert place.read_bytes() == TERRAIN
    assert in_cache(ssh) == [place.name]


def test_a_sender_that_hangs_is_overtaken(ssh, run) -> None:
    place = cached(ssh, TERRAIN)
    place.parent.mkdir(parents=True)
    part = place.with_name(f".{place.name}.part")
    part.write_bytes(TERRAIN[:1000])
    script = 'exec 9>>"$1"; flock 9; echo $$ >"$1.by"; sleep 600'
    hanging = subprocess.Popen(["setsid", "-w", "sh", "-c", script, "sh", str(part)])
    by = part.with_name(f"{part.name}.by")
    ssh.until(lambda: by.exists() and by.read_text().strip())
    old = time.time() - 3600
    os.utime(part, (old, old))
    ssh.worker.start(run, ssh.job(inputs={"terrain.tif": TERRAIN}))
    assert hanging.wait(LONGEST) != 0
    assert place.read_bytes() == TERRAIN


def test_two_controllers_send_one_file_without_disturbing_each_other(ssh, a_run) -> None:
    big = os.urandom(1 << 20) * 20
    jobs = {a_run(f"n{n}"): ssh.job(inputs={"terrain.tif": big}) for n in range(3)}
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda run: ssh.again().start(run, jobs[run]), jobs))
    for run in jobs:
        assert ssh.end(run).exit_code == 0
    assert in_cache(ssh) == [cached(ssh, big).name]
    assert cached(ssh, big).read_bytes() == big


def test_a_download_goes_on_where_the_link_was_cut(network, ssh_on, run, tmp_path) -> None:
    server = network.server()
    ssh = ssh_on(server)
    script = f"head -c 60000000 /dev/urandom >{OUTPUT}"
    ssh.worker.start(run, ssh.script(script))
    record = ssh.end(run).outputs[OUTPUT]
    into = tmp_path / "here"
    seen: list[int] = []

    def cut() -> None:
        ssh.until(lambda: into.exists() and into.stat().st_size > 10_000_000)
        server.cut()
        seen.append(into.stat().st_size)

    cutting = threading.Thread(target=cut)
    cutting.start()
    fetched = ssh.worker.fetch(run, OUTPUT, into)
    cutting.join()
    assert seen[0] < record.size
    assert (fetched.digest, fetched.size) == (record.digest, record.size)
    assert hashlib.sha256(into.read_bytes()).hexdigest() == record.digest


def test_what_is_there_of_a_download_is_not_fetched_again(ssh, run, tmp_path) -> None:
    ssh.worker.start(run, ssh.script(f"head -c 5000000 /dev/urandom >{OUTPUT}"))
    record = ssh.end(run).outputs[OUTPUT]
    whole = (ssh.folder / run / "work" / OUTPUT).read_bytes()
    (tmp_path / "here").write_bytes(whole[:4_900_000])
    # The first bytes are changed there: who fetches only what is missing does not notice.
    with (ssh.folder / run / "work" / OUTPUT).open("r+b") as file:
        file.write(b"changed afterwards")
    assert ssh.worker.fetch(run, OUTPUT, tmp_path / "here").digest == record.digest
    (tmp_path / "here").write_bytes(bytes(4_900_000))
    assert ssh.worker.fetch(run, OUTPUT, tmp_path / "here").digest != record.digest


@pytest.mark.parametrize("made_by", ["yes 'Water Surface' | head -c 9000000", "head -c 9000000 /dev/urandom"])
def test_what_shrinks_and_what_does_not_arrive_alike_whole_and_in_part(ssh, run, tmp_path, made_by) -> None:
    ssh.worker.start(run, ssh.script(f"{made_by} >{OUTPUT}"))
    record = ssh.end(run).outputs[OUTPUT]
    whole = (ssh.folder / run / "work" / OUTPUT).read_bytes()
    for already in (b"", whole[:3_000_001], whole):
        (tmp_path / "here").write_bytes(already)
        assert ssh.worker.fetch(run, OUTPUT, tmp_path / "here").digest == record.digest
        assert (tmp_path / "here").read_bytes() == whole


def test_an_input_that_changes_while_it_is_sent_starts_nothing(ssh, run) -> None:
    job = ssh.job(inputs={"terrain.tif": TERRAIN})
    job.inputs[0].source.write_bytes(TERRAIN[::-1])
    with pytest.raises(InputChanged, match=job.inputs[0].source.name):
        ssh.worker.start(run, job)
    assert ssh.worker.poll([run])[run] == Absent()
    assert in_cache(ssh) == []
