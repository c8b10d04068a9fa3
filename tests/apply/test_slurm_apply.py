"""A study on a cluster that loses nodes, with a controller that is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from slurmcluster import SlurmCluster
from waiting import LONGEST, until

from tests.apply.conftest import Study

PLANS = int(os.environ.get("RASRECONCILE_SLURM_PLANS", "24"))
"""A multiple of four; docs/reliability.md tells of 200."""
SPEC = """\
version: 1
state: state.db
results: results
retries: {{attempts: 3, wait: 0.1s, at_most: 0.2s}}
engine: {engine}
workers:
  hpc: {{type: slurm, worker_folder: runs, cores_total: {cores}, cores_per_plan: 1}}
plans:
  - project: realization-*/Willow.prj
    expect: {{completed: false}}
    inputs: [ready.hdf]
"""


@pytest.fixture
def on_cluster(study: Any, own_cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Many plans, of which each notes the run that computes it."""
    monkeypatch.setenv("SLURM_CONF", str(own_cluster.conf))
    found: Study = study
    (found.folder / "ran").mkdir()
    for number in range(PLANS // 4):
        place = found.folder / f"realization-{number:02}"
        place.mkdir()
        for path in (*found.folder.glob("Willow.*"), found.folder / "ready.hdf"):
            shutil.copy(path, place)
        for flow in place.glob("Willow.f*"):
            text = flow.read_text()
            flow.write_text(text.replace("1850", str(1850 + number)).replace("2400", str(2400 + number)))
    notes = f': >"{found.folder}/ran/$RASRECONCILE_RUN$SLURMD_NODENAME.$$"; sleep 3; cp ready.hdf {{output}}'
    engine = json.dumps({"type": "command", "command": ["sh", "-c", notes]})
    (found.folder / "spec.yaml").write_text(SPEC.format(engine=engine, cores=max(6, PLANS // 4)))
    return found


def ran(study: Study) -> list[Path]:
    return list((study.folder / "ran").iterdir())


def kill(study: Study, controller: Any) -> None:
    os.kill(controller.pid, signal.SIGKILL)
    controller.communicate(timeout=LONGEST)


def test_nodes_that_leave_and_a_controller_that_is_killed_cost_no_result_and_repeat_nothing(
    on_cluster: Study, own_cluster: SlurmCluster
) -> None:
    study = on_cluster
    controller = study.start("apply", "spec.yaml", "--quiet")
    until(lambda: len(ran(study)) >= PLANS // 6)
    # One is taken out of service and finishes what it runs; one fails with all that it runs.
    own_cluster.ask("scontrol", "update", "NodeName=n1", "State=DRAIN", "Reason=a test")
    kill(study, controller)
    controller = study.start("apply", "spec.yaml", "--quiet")
    until(lambda: len(ran(study)) >= PLANS // 3)
    own_cluster.ask("scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=a test")
    kill(study, controller)
    controller = study.start("apply", "spec.yaml")
    out, err = controller.communicate(timeout=LONGEST + 10 * PLANS)
    assert f"{PLANS} of {PLANS} plans are current" in out, out + err
    with closing(sqlite3.connect(study.folder / "state.db")) as store:
        runs = dict(store.execute("SELECT id, state FROM run").fetchall())
        good = store.execute("SELECT address FROM run WHERE state = 'succeeded'").fetchall()
        why = [text for (text,) in store.execute("SELECT message FROM event WHERE kind = 'lost'")]
    assert sorted(Counter(good).values()) == [1] * PLANS
    begun = Counter(path.name.partition(".")[0] for path in ran(study))
    assert set(begun.values()) == {1}
    assert set(begun) <= set(runs)
    assert {state for run, state in runs.items() if begun[run] == 0} <= {"lost", "cancelled"}
    assert set(runs.values()) <= {"succeeded", "lost"}
    assert all("NODE_FAIL" in text or "set aside" in text for text in why), why
    assert own_cluster.jobs() == []
    assert "nothing to do" in study.apply().stdout
