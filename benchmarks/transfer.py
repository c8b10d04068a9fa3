"""Transfers to and from an SSH host beside `scp` of the same bytes in the same minute, over loopback.

One input is staged for many plans at once, then a result of the same size is fetched. Needs root and openssh-server.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import paramiko

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "services"))
from sshd import Network, why_not

from rasreconcile.jobs import Absent, Ended, Job, RunId, Staged, Worker
from rasreconcile.workers.ssh.kind import SshWorker
from rasreconcile.workers.ssh.worker import ssh_worker

OUTPUT = "x.p01.hdf"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--megabytes", type=int, default=1000)
    asked.add_argument("--plans", type=int, default=40)
    how = asked.parse_args()
    if why := why_not():
        print(f"not measured: {why}")
        return
    with tempfile.TemporaryDirectory(prefix="transfer") as folder:
        network = Network(Path(folder))
        network.set_up()
        try:
            server = network.server()
            os.environ["HOME"] = str(network.home)
            spec = SshWorker(
                type="ssh",
                hostname=server.address,
                port=server.port,
                username="root",
                ssh_key_path=str(network.key),
                worker_folder=f"{folder}/runs",
            )
            measure(
                ssh_worker("box", spec, Path(folder)), Path(folder), how.megabytes, how.plans, scp(network)
            )
        finally:
            network.tear_down()


def scp(network: Network) -> Callable[[Path, Path, str], float]:
    """Seconds that `scp` takes, `to` the host or `from` it."""
    server = network.servers[0]

    def copied(source: Path, target: Path, way: str) -> float:
        known = network.key.parent / "known_hosts"
        words = [
            "scp",
            "-q",
            "-P",
            str(server.port),
            "-i",
            str(network.key),
            "-o",
            f"UserKnownHostsFile={known}",
        ]
        there = f"root@{server.address}:"
        ends = [str(source), f"{there}{target}"] if way == "to" else [f"{there}{source}", str(target)]
        began = time.monotonic()
        subprocess.run([*words, *ends], check=True)
        os.sync()
        return time.monotonic() - began

    return copied


def measure(
    worker: Worker, folder: Path, megabytes: int, plans: int, copied: Callable[[Path, Path, str], float]
) -> None:
    source = folder / "terrain.tif"
    size = megabytes * 1_000_000
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    worker.check()
    before = memory()
    sent = count_sent()
    plain = copied(source, folder / "copy", "to")
    (folder / "copy").unlink()

    terrain = Staged(source=source, name="terrain.tif", digest=digest, size=size, writable="read only")
    job = Job(
        platform="posix",
        steps=(("true",),),
        inputs=(terrain,),
        outputs=(),
        cores=1,
        time_limit=timedelta(minutes=5),
    )
    began = time.monotonic()
    worker.stage(job)
    took = time.monotonic() - began
    print(f"staged {megabytes} MB: {took:.1f} s, scp {plain:.1f} s, ratio {took / plain:.2f}")
    runs = [RunId(f"plan-{number}") for number in range(plans)]
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda run: worker.start(run, job), runs))
    each = (time.monotonic() - began) / plans
    print(
        f"started {plans} plans that read it: {each * 1000:.0f} ms each; bytes sent in all: {sent[0] / size:.3f} of it"
    )

    result = Job(
        platform="posix",
        steps=(("cp", "terrain.tif", OUTPUT),),
        inputs=(terrain,),
        outputs=(OUTPUT,),
        cores=1,
        time_limit=timedelta(minutes=5),
    )
    run = RunId("result")
    worker.start(run, result)
    while not isinstance(status := worker.poll([run])[run], Ended):
        assert not isinstance(status, Absent)
        time.sleep(0.2)
    plain = copied(folder / "runs" / run / "work" / OUTPUT, folder / "copy", "from")
    (folder / "copy").unlink()
    began = time.monotonic()
    fetched = worker.fetch(run, OUTPUT, folder / "fetched")
    took = time.monotonic() - began
    assert fetched.digest == digest
    print(f"fetched {megabytes} MB: {took:.1f} s, scp {plain:.1f} s, ratio {took / plain:.2f}")
    print(f"memory grew by {memory() - before:.0f} MB at its peak")
    worker.close()


def memory() -> float:
    """Peak of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def count_sent() -> list[int]:
    """Bytes that leave by SSH from now on, with all that the protocol adds."""
    counted, lock = [0], threading.Lock()
    write = paramiko.packet.Packetizer.write_all

    def counting(self: paramiko.packet.Packetizer, data: bytes) -> None:
        with lock:
            counted[0] += len(data)
        write(self, data)

    paramiko.packet.Packetizer.write_all = counting  # type: ignore[method-assign, assignment]  # all there is sent through it
    return counted


if __name__ == "__main__":
    main()
