"""Two specs, each with a store, and one worker folder: a run belongs to the store that started it."""

from __future__ import annotations

import json

import pytest
from sshd import Network


@pytest.fixture(params=["local", "ssh"])
def shared(request: pytest.FixtureRequest, study):
    """The study, whose runs wait until they are let go; its worker folders are there for two specs."""
    study.command(waits=True)
    spec = study.folder / "spec.yaml"
    if request.param == "ssh":
        network: Network = request.getfixturevalue("network")
        host = network.server()
        there = (
            f"type: ssh, hostname: {host.address}, port: {host.port}, username: root, ssh_key_path: {network.key},"
            f" worker_folder: {study.folder}/runs/"
        )
        spec.write_text(spec.read_text().replace("type: local, worker_folder: runs/", there))
    return study


def test_a_run_that_nobody_has_collected_is_left_to_its_store(shared) -> None:
    study = shared
    study.let_go()
    spec = study.folder / "spec.yaml"
    other = study.folder / "other.yaml"
    other.write_text(
        spec.read_text().replace("state.db", "other.db").replace("results: results", "results: o")
    )
    (study.folder / "o").mkdir()
    study.run("apply", "other.yaml")
    # What ends at once may be collected by the call that started it.
    (study.folder / "go").unlink()
    study.run("apply", "--detach", "spec.yaml", check=2)
    study.let_go()
    study.wait_for(lambda: len(list(study.folder.glob("runs/*/*/done.json"))) == 3 and not study.processes())
    ended = sorted(path.parent.name for path in study.folder.glob("runs/*/*/done.json"))
    for name in ended:
        (found,) = study.folder.glob(f"runs/*/{name}/job.json")
        assert json.loads(found.read_text())["store"].endswith(f":{study.folder / 'state.db'}")
    found = study.json("gc", "other.yaml", "--older-than", "0s")["workers"]
    assert sorted(run for worker in found.values() for run in worker["strangers"]) == ended
    assert [run for worker in found.values() for run in worker["runs"]] == []
    before = sum(study.computations().values())
    study.apply()
    assert sum(study.computations().values()) == before + 4 - len(ended), "none was computed twice"


def test_runs_of_a_store_that_is_gone_are_rubbish_when_they_are_old(shared) -> None:
    study = shared
    study.let_go()
    spec = study.folder / "spec.yaml"
    other = study.folder / "other.yaml"
    other.write_text(
        spec.read_text().replace("state.db", "other.db").replace("results: results", "results: o")
    )
    (study.folder / "go").unlink()
    study.run("apply", "--detach", "spec.yaml", check=2)
    study.let_go()
    study.wait_for(lambda: len(list(study.folder.glob("runs/*/*/done.json"))) == 3 and not study.processes())
    study.run("apply", "other.yaml")
    assert "kept" in study.run("gc", "other.yaml", "--older-than", "0s").stdout
    for path in study.folder.glob("state.db*"):
        path.unlink()
    assert "removed" in study.run("gc", "other.yaml", "--older-than", "0s").stdout
    assert list(study.folder.glob("runs/*/*/done.json")) == []
