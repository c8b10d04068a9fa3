"""A machine that is restarted under many runs: one event, after which all of them run again at once."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

WAITING = 'touch "$1/begun/$(basename "$(dirname "$PWD")")"; while ! [ -e "$1/go" ]; do sleep 0.2; done; cp "$1/ready.hdf" "$0"'


@pytest.fixture
def many(study: Any) -> Any:
    """16 plans for a worker with 16 slots; each waits until it is let go."""
    folder: Path = study.folder
    (folder / "begun").mkdir()
    study.command("sh", "-c", WAITING, "{output}", str(folder))
    for number in range(4):
        place = folder / f"realization-{number}"
        place.mkdir()
        for path in folder.glob("Willow.*"):
            shutil.copy(path, place)
        for flow in place.glob("Willow.f*"):
            flow.write_text(flow.read_text() + f"\nObserved WS={number}\n")
    spec = folder / "spec.yaml"
    lines = [line for line in spec.read_text().splitlines() if "night:" not in line]
    text = "\n".join(lines).replace("project: Willow.prj", "project: realization-*/Willow.prj")
    spec.write_text(text.replace("cores_total: 2", "cores_total: 16") + "\n")
    return study


def restart_the_machine(study: Any) -> None:
    """No process of a run is left, and what they claimed is of another boot."""
    while left := study.processes():
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    for started in study.folder.glob("runs/desk/*/started"):
        lines = started.read_text().splitlines()
        started.write_text(
            "\n".join("boot another" if line.startswith("boot") else line for line in lines) + "\n"
        )


@pytest.mark.parametrize("controller", ["alive", "begun afterwards"])
def test_sixteen_runs_that_a_restart_has_ended_all_run_again_at_once(many, controller) -> None:
    first = many.start("apply", "spec.yaml")
    begun = many.folder / "begun"
    many.wait_for(lambda: begun.is_dir() and len(list(begun.iterdir())) == 16)
    first.send_signal(signal.SIGSTOP if controller == "alive" else signal.SIGKILL)
    if controller != "alive":
        first.communicate()
    restart_the_machine(many)
    if controller == "alive":
        first.send_signal(signal.SIGCONT)
    else:
        first = many.start("apply", "spec.yaml")
    many.wait_for(lambda: len(list(begun.iterdir())) == 32)
    (many.folder / "go").touch()
    out, err = first.communicate(timeout=240)
    assert first.returncode == 0, out + err
    assert "16 of 16 plans are current" in out
    runs = many.json("history", "spec.yaml", "--limit", "100")["runs"]
    assert Counter(run["state"] for run in runs) == {"lost": 16, "succeeded": 16}
    causes = Counter(run["failure"]["cause"] for run in runs if run["state"] == "lost")
    if controller == "alive" and causes["vanished"]:
        # It was stopped in the middle of a look, as no restart of its own machine would stop it.
        assert causes["restarted"] + causes["vanished"] == 16
        return
    assert causes == {"restarted": 16}
    (told,) = [line for line in (out + err).splitlines() if "worker-lost" in line]
    assert "desk lost 16 runs at once" in told
    assert "its machine was restarted" in told
    assert all(run["plan"] in told for run in runs)


def test_sixteen_runs_of_a_host_whose_power_was_cut_all_run_again(many, network) -> None:
    host = network.machine()
    spec = many.folder / "spec.yaml"
    there = (
        f"{{type: ssh, hostname: {host.address}, port: {host.port}, username: root, ssh_key_path: {network.key},"
        f" worker_folder: {many.folder}/runs/desk, cores_total: 16, cores_per_plan: 1}}"
    )
    spec.write_text(re.sub(r"desk: \{.*\}", f"desk: {there}", spec.read_text()))
    controller = many.start("apply", "spec.yaml")
    begun = many.folder / "begun"
    many.wait_for(lambda: len(list(begun.iterdir())) == 16)
    host.cut_power()
    many.wait_for(lambda: many.processes() == [])
    host.start()
    many.wait_for(lambda: len(list(begun.iterdir())) == 32)
    (many.folder / "go").touch()
    out, err = controller.communicate(timeout=240)
    assert controller.returncode == 0, out + err
    runs = many.json("history", "spec.yaml", "--limit", "100")["runs"]
    assert Counter(run["state"] for run in runs) == {"lost": 16, "succeeded": 16}, err
    assert {run["failure"]["cause"] for run in runs if run["state"] == "lost"} == {"restarted"}
