"""Places where runs can be started, the same for every kind of worker, and jobs for them."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import awsd
import pytest
from dockerd import Dockerd
from samba import PASSWORD, ResidentAgent, Smbd
from services import Service, absent
from slurmcluster import SlurmCluster
from sshd import Network, Sshd
from waiting import LONGEST
from winsshd import WindowsHost

from rasreconcile.jobs import RunId
from tests.workers.batch_place import BatchPlace
from tests.workers.places import (
    BoundPlace,
    LocalPlace,
    MemoryPlace,
    Place,
    SshPlace,
    ToyPlace,
    VolumePlace,
    WindowsPlace,
)
from tests.workers.python_place import PythonPlace
from tests.workers.share_place import SharePlace
from tests.workers.slurm_place import SlurmPlace


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalPlace]:
    kind = PythonPlace if sys.platform == "win32" else LocalPlace
    one = kind(tmp_path / "ras runs", tmp_path)
    yield one
    for folder in one.folder.glob("*") if one.folder.is_dir() else ():
        one.kill(RunId(folder.name))


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[ToyPlace]:
    one = ToyPlace(tmp_path / "ras runs", tmp_path)
    yield one
    for folder in one.folder.glob("*") if one.folder.is_dir() else ():
        one.kill(RunId(folder.name))


@pytest.fixture
def memory(tmp_path: Path) -> MemoryPlace:
    return MemoryPlace(tmp_path)


@pytest.fixture
def ssh(shared_network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshPlace]:
    monkeypatch.setenv("HOME", str(shared_network.home))
    one = SshPlace(shared_network.servers[0], shared_network.key, tmp_path / "it's ras $runs %d", tmp_path)
    yield one
    one.tear_down()


@pytest.fixture
def windows(
    windows_host: WindowsHost, shared_network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WindowsPlace]:
    monkeypatch.setenv("HOME", str(shared_network.home))
    windows_host.log_on(r"BOX\ras")
    one = WindowsPlace(windows_host, tmp_path / "it's ras runs %d", tmp_path)
    yield one
    one.tear_down()


@pytest.fixture
def ssh_on(network: Network, tmp_path: Path) -> Iterator[Callable[[Sshd], SshPlace]]:
    """A worker on a server of the test's own."""
    made: list[SshPlace] = []

    def place(server: Sshd) -> SshPlace:
        made.append(SshPlace(server, network.key, tmp_path / "ras runs", tmp_path))
        return made[-1]

    yield place
    for one in made:
        one.tear_down()


@pytest.fixture
def cut_off(
    network: Network, ssh_on: Callable[[Sshd], SshPlace]
) -> Iterator[tuple[SshPlace, Callable[[str], None]]]:
    """A worker behind a link of its own, and what sets that link `up` or `down`."""
    number = os.getpid() % 200 + 20
    name, here, there = f"ras{os.getpid()}", f"rasa{os.getpid()}", f"rasb{os.getpid()}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=LONGEST)

    if shutil.which("ip") is None:
        absent(Service.NETWORKS, "iproute2 is not installed")
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError:
        absent(Service.NETWORKS, "no network namespace can be made here")
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("addr", "add", f"10.213.{number}.1/24", "dev", here)
        ip("link", "set", here, "up")
        for words in (("addr", "add", f"10.213.{number}.2/24", "dev", there), ("link", "set", there, "up")):
            ip("-n", name, *words)
        ip("-n", name, "link", "set", "lo", "up")
        within = ("ip", "netns", "exec", name)
        server = network.server(address=f"10.213.{number}.2", within=within)
        yield ssh_on(server), lambda way: ip("link", "set", here, way)
        server.stop()
    finally:
        ip("netns", "delete", name)


@pytest.fixture
def bound(dockerd: Dockerd, tmp_path: Path) -> Iterator[BoundPlace]:
    one = BoundPlace(dockerd, tmp_path)
    yield one
    one.tidy(path.name for path in one.folder.glob("*"))


@pytest.fixture
def bound_place_on(tmp_path: Path) -> Iterator[Callable[[Dockerd], BoundPlace]]:
    """A place on a daemon of the test's own."""
    made: list[BoundPlace] = []

    def make(daemon: Dockerd) -> BoundPlace:
        made.append(BoundPlace(daemon, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.tidy(path.name for path in one.folder.glob("*"))


@pytest.fixture
def volume_place_on(tmp_path: Path) -> Iterator[Callable[[Dockerd], VolumePlace]]:
    """A place in a volume of a daemon of the test's own."""
    made: list[VolumePlace] = []

    def make(daemon: Dockerd) -> VolumePlace:
        made.append(VolumePlace(daemon, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.tidy(path.name for path in one.folder.glob("*"))


@pytest.fixture
def volume(dockerd: Dockerd, tmp_path: Path) -> Iterator[VolumePlace]:
    one = VolumePlace(dockerd, tmp_path)
    yield one
    one.tidy(path.name for path in one.folder.glob("*"))
    with dockerd.client() as client:
        if one.folder.exists():
            client.remove_volume(f"rasreconcile-{one.name}", force=True)


@pytest.fixture
def slurm(
    slurm_cluster: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SlurmPlace]:
    monkeypatch.setenv("SLURM_CONF", str(slurm_cluster.conf))
    one = SlurmPlace(slurm_cluster, tmp_path / "it's ras $runs %d", tmp_path)
    yield one
    one.tear_down()


@pytest.fixture
def batch(aws: awsd.Awsd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchPlace]:
    for name, value in awsd.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    one = BatchPlace(aws, tmp_path)
    yield one
    aws.ask("clear")
    aws.ask("hold", held=False)
    aws.ask("kill", name="", reason="the test is over")


@pytest.fixture
def share(
    smbd: Smbd, agent_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SharePlace]:
    monkeypatch.setenv("SHARE_PASSWORD", PASSWORD)
    agent = ResidentAgent(tmp_path / "it's ras runs %d", agent_programs)
    agent.start()
    one = SharePlace(smbd, agent, tmp_path)
    yield one
    one.tear_down()


# On Windows there is no SSH server of the tests, no share, no Docker daemon and no cluster.
PLACES = (
    ["memory", "local"]
    if sys.platform == "win32"
    else ["memory", "local", "toy", "ssh", "windows", "share", "bound", "volume", "slurm", "batch"]
)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)


@pytest.fixture
def a_run() -> Callable[[str], RunId]:
    return lambda word: RunId(f"20260102-030405-{word}-{secrets.token_hex(6)}")


@pytest.fixture
def run(a_run) -> RunId:
    return a_run("plan")
