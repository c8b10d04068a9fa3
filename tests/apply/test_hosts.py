"""Several hosts at once: by priority, through the death of the controller, of a server and of links."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from waiting import LONGEST
from winsshd import new_windows_host

SPEC = """\
version: 1
state: state.db
results: results
placement: strict
engine: {engine}
retries: {{attempts: 2, wait: 0.1s, at_most: 0.2s}}
workers:
  one: {{type: ssh, hostname: {one}, port: {port}, username: root, ssh_key_path: {key}, worker_folder: {folder}/runs/one,
        cores_total: 2}}
  two: {{type: ssh, hostname: {two}, port: {port}, username: root, ssh_key_path: {key}, worker_folder: {folder}/runs/two,
        cores_total: 2, queue_priority: 1}}
  desk: {{type: local, worker_folder: runs/desk, queue_priority: 2}}
plans:
  - project: realization-*/Willow.prj
    expect: {{completed: false}}
    inputs: [terrain.tif]
"""
TERRAIN = b"terrain of the valley" * 100_000


@pytest.fixture
def pool(study, network):
    """Two SSH hosts and this machine; `plans(n)` writes a spec of 4 n plans."""
    servers = [network.server(), network.server()]

    def plans(folders: int) -> None:
        study.command(seconds=0.3)
        engine = json.dumps(
            {
                "type": "command",
                "command": [sys.executable, str(study.folder / "compute.py"), "{stem}{number}", "{output}"],
            }
        )
        for number in range(folders):
            place = study.folder / f"realization-{number}"
            place.mkdir()
            for path in study.folder.glob("Willow.*"):
                shutil.copy(path, place)
            (place / "terrain.tif").write_bytes(TERRAIN)
            for flow in place.glob("Willow.f*"):
                flow.write_text(
                    flow.read_text().replace("1850", str(1850 + number)).replace("2400", str(2400 + number))
                )
        one, two = (server.address for server in servers)
        values = {"one": one, "two": two, "port": servers[0].port, "key": network.key, "folder": study.folder}
        (study.folder / "spec.yaml").write_text(SPEC.format(engine=engine, **values))

    study.plans = plans
    study.servers = servers
    study.network = network
    return study


def computed_once(study) -> list[dict[str, str]]:
    """Every run of the history; each plan succeeded once, and nothing was begun twice."""
    runs = study.json("history", "spec.yaml", "--limit", "1000")["runs"]
    good = Counter(run["plan"] for run in runs if run["state"] == "succeeded")
    assert set(good.values()) == {1}
    assert len(list((study.folder / "ran").iterdir())) == len(runs)
    assert study.left_over() == []
    return runs


def terrains(study) -> list[Path]:
    """In the cache of the first host."""
    cache = study.folder / "runs" / "one" / "cache"
    return [p for p in cache.rglob("*") if p.is_file() and p.stat().st_size == len(TERRAIN)]


def test_a_pool_converges_by_priority_and_shared_data_travels_once(pool) -> None:
    pool.plans(4)
    assert "16 of 16 plans are current" in pool.apply().stdout
    runs = computed_once(pool)
    by = Counter(run["worker"] for run in runs)
    assert set(by) == {"one", "two", "desk"}
    assert by["one"] >= by["desk"]
    assert len(terrains(pool)) == 1
    assert "nothing to do" in pool.apply().stdout


def test_a_controller_killed_in_the_middle_loses_and_repeats_nothing(pool) -> None:
    pool.plans(3)
    for computed in (2, 6):
        controller = pool.start("apply", "spec.yaml")
        pool.wait_for(lambda computed=computed: len(list(Path(pool.folder, "ran").glob("*"))) >= computed)
        controller.send_signal(signal.SIGKILL)
        controller.wait()
    assert "12 of 12 plans are current" in pool.apply().stdout
    assert len(computed_once(pool)) == 12


def test_a_windows_host_outlives_its_controller_and_computes_each_plan_once(pool) -> None:
    """As far as one can be stood in for: see tests/services/winsshd.py."""
    pool.plans(1)
    host = new_windows_host(pool.network, pool.folder / "windows" / "Jane Doe")
    spec = pool.folder / "spec.yaml"
    words = spec.read_text().replace(pool.servers[0].address, host.server.address)
    spec.write_text(words.replace("{type: ssh,", "{type: ssh, platform: windows,", 1).replace("*/W", "0/W"))
    spec.write_text(spec.read_text() + "    only_on: [one]\n")
    assert "worker one: ready" in pool.run("check", "spec.yaml").stdout
    controller = pool.start("apply", "spec.yaml")
    pool.wait_for(lambda: len(list(Path(pool.folder, "ran").glob("*"))) >= 1)
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    assert "4 of 4 plans are current" in pool.apply().stdout
    assert {run["worker"] for run in computed_once(pool)} == {"one"}
    assert "nothing to do" in pool.apply().stdout
    host.server.stop()


def test_servers_that_drop_every_connection_and_one_that_dies_lose_nothing(pool) -> None:
    pool.plans(3)
    controller = pool.start("apply", "spec.yaml")
    pool.wait_for(lambda: len(list(Path(pool.folder, "ran").glob("*"))) >= 2)
    for server in pool.servers:
        server.cut()
    pool.servers[1].stop()
    pool.wait_for(lambda: len(list(Path(pool.folder, "ran").glob("*"))) >= 6)
    pool.servers[1].start()
    out, err = controller.communicate(timeout=LONGEST)
    assert controller.returncode == 0, out + err
    assert "12 of 12 plans are current" in out
    computed_once(pool)


def test_the_next_plan_is_staged_while_the_present_one_computes(pool) -> None:
    pool.plans(2)
    spec = pool.folder / "spec.yaml"
    text = (
        spec.read_text()
        .replace("cores_total: 2}", "cores_total: 1}")
        .replace("cores_total: 2,", "cores_total: 1,")
    )
    spec.write_text(
        text.replace(
            "    inputs: [terrain.tif]", "    inputs: [terrain.tif]\n    numbers: ['01']\n    only_on: [one]"
        )
    )
    other = pool.folder / "realization-1" / "terrain.tif"
    other.write_bytes(TERRAIN[::-1])
    script = pool.folder / "compute.py"
    waiting = f"while not os.path.exists({str(pool.folder / 'go')!r}): time.sleep(0.02)"
    script.write_text(script.read_text().replace("time.sleep(0.3)", waiting))
    controller = pool.start("apply", "spec.yaml")
    pool.wait_for(lambda: len(terrains(pool)) == 2 and pool.computations())
    assert len(pool.computations()) == 1
    (pool.folder / "go").touch()
    out, err = controller.communicate(timeout=LONGEST)
    assert controller.returncode == 0, out + err
    assert len(computed_once(pool)) == 2
