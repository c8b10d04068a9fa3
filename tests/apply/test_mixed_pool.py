"""One spec for this machine, two SSH hosts and containers: who computes what."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter

import pytest
from waiting import LONGEST

PLANS = int(os.environ.get("RASRECONCILE_POOL_PLANS", "12"))
"""A multiple of four. Sixty take some minutes on two cores."""
SPEC = """\
version: 1
state: state.db
results: results
placement: strict
engine: {engine}
workers:
  desk: {{type: local, worker_folder: runs/desk, cores_total: 1, queue_priority: 0}}
  one: {{type: ssh, hostname: {one}, port: {port}, username: root, ssh_key_path: {key}, worker_folder: {folder}/runs/one,
        cores_total: 2, queue_priority: 1}}
  two: {{type: ssh, hostname: {two}, port: {port}, username: root, ssh_key_path: {key}, worker_folder: {folder}/runs/two,
        cores_total: 1, queue_priority: 2}}
  box: {{type: docker, docker_image: "rasbox:1", docker_host: "{host}", worker_folder: runs/box, cores_total: 2,
        queue_priority: 3}}
plans:
  - project: realization-*/Willow.prj
    expect: {{completed: false}}
    inputs: [ready.hdf]
"""


@pytest.fixture
def pool(study, network, dockerd):
    one, two = network.server(), network.server()
    # Nothing but a shell, so that it runs in the image too.
    command = ["sh", "-c", "sleep 1; cp ready.hdf {output}"]
    for number in range(PLANS // 4):
        place = study.folder / f"realization-{number:02}"
        place.mkdir()
        for path in (*study.folder.glob("Willow.*"), study.folder / "ready.hdf"):
            shutil.copy(path, place)
        for flow in place.glob("Willow.f*"):
            flow.write_text(
                flow.read_text().replace("1850", str(1850 + number)).replace("2400", str(2400 + number))
            )
    values = {"one": one.address, "two": two.address, "port": one.port, "key": network.key}
    engine = json.dumps({"type": "command", "command": command})
    text = SPEC.format(engine=engine, folder=study.folder, host=dockerd.host, **values)
    (study.folder / "spec.yaml").write_text(text)
    return study


def test_a_mixed_pool_converges_by_priority_and_history_shows_who_ran_what(pool, dockerd) -> None:
    out, err = pool.start("apply", "spec.yaml").communicate(timeout=LONGEST + 20 * PLANS)
    assert f"{PLANS} of {PLANS} plans are current" in out, out + err
    runs = pool.json("history", "spec.yaml", "--limit", "1000")["runs"]
    assert sorted(Counter(run["plan"] for run in runs).values()) == [1] * PLANS
    assert {run["state"] for run in runs} == {"succeeded"}
    # The first round fills the workers in the order of their priority, and the plans go in the order of the file.
    first = sorted(runs, key=lambda run: (run["created"], run["plan"]))[:6]
    assert Counter(run["worker"] for run in first) == {"desk": 1, "one": 2, "two": 1, "box": 2}
    assert {run["plan"] for run in first} == set(sorted(run["plan"] for run in runs)[:6])
    said = {run["plan"]: run["worker"] for run in runs}
    shown = pool.run("history", "spec.yaml", "--limit", "1000").stdout.splitlines()
    assert all(
        any(plan in line and f"  {worker}  " in line for line in shown) for plan, worker in said.items()
    )
    assert [name for name in dockerd.names() if "-willow-" in name or "helper" in name] == []
    assert pool.left_over() == []
    assert "nothing to do" in pool.apply().stdout
