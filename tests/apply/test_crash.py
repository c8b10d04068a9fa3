"""Controllers that die, are stopped, or meet another."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from contextlib import suppress

import pytest
from waiting import LONGEST


def test_a_killed_controller_loses_nothing_and_repeats_nothing(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    # The runs come to their end while nobody looks.
    study.let_go()
    study.wait_for(lambda: study.processes() == [])
    done = study.apply()
    assert "4 of 4 plans are current" in done.stdout
    assert study.computations() == {"Willow.p01": 1, "Willow.p02": 1, "Willow.p03": 1, "Willow.p04": 1}
    assert len(study.json("history", "spec.yaml")["runs"]) == 4
    assert study.left_over() == []


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_any_moment_again_and_again_it_converges(study, seed) -> None:
    study.command(seconds=0.15)
    moments = random.Random(seed)
    for _ in range(4):
        controller = study.start("apply", "spec.yaml")
        # No synchronisation: whatever it has come to by then.
        with suppress(subprocess.TimeoutExpired):
            controller.wait(0.25 + moments.random() * 0.9)
        controller.send_signal(signal.SIGKILL)
        controller.wait()
    study.apply()
    assert "nothing to do" in study.apply().stdout
    assert set(study.computations().values()) == {1}
    assert study.left_over() == []


def test_one_ctrl_c_stops_dispatching_and_leaves_runs_going(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    controller.send_signal(signal.SIGINT)
    out, err = controller.communicate(timeout=LONGEST)
    assert controller.returncode == 130
    assert "3 runs still running" in out
    assert "stopping: no new runs" in err
    study.let_go()
    study.apply()
    assert set(study.computations().values()) == {1}


def test_two_ctrl_c_cancel_the_runs(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    study.ctrl_c(controller, "stopping")
    controller.send_signal(signal.SIGINT)
    controller.communicate(timeout=LONGEST)
    assert controller.returncode == 130
    assert study.processes() == []
    assert {run["state"] for run in study.json("history", "spec.yaml")["runs"]} == {"cancelled"}
    study.command()
    study.apply()


def test_cancel_without_a_controller_ends_the_run_and_holds_the_plan(study) -> None:
    study.command(waits=True)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n")
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 1)
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    assert "has ended" in study.run("cancel", "spec.yaml", "p01").stdout
    assert study.processes() == []
    done = study.apply(check=4)
    assert "cancelled by request" in done.stdout
    assert study.computations() == {"Willow.p01": 1}


def test_cancel_reaches_a_controller_at_work(study) -> None:
    study.command(waits=True)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n")
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 1)
    assert "the running controller" in study.run("cancel", "spec.yaml", "p01").stdout
    controller.communicate(timeout=LONGEST)
    assert controller.returncode == 4


def test_a_second_controller_is_told_who_holds_the_store(study) -> None:
    study.command(waits=True)
    first = study.start("apply", "spec.yaml")
    study.wait_for(lambda: study.computations())
    second = study.apply(check=5)
    assert f"process {first.pid}" in second.stderr
    assert study.json("status", "spec.yaml")["controller"]["pid"] == first.pid
    study.let_go()
    first.communicate(timeout=LONGEST)
    assert first.returncode == 0


def test_an_input_that_changes_during_the_run_makes_the_plan_stale_again_at_once(study) -> None:
    study.command(waits=True)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n")
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: study.computations())
    flow = study.folder / "Willow.f01"
    flow.write_text(flow.read_text().replace("1850", "1900"))
    study.let_go()
    controller.communicate(timeout=LONGEST)
    assert controller.returncode == 0
    assert study.computations() == {"Willow.p01": 2}
    assert "nothing to do" in study.apply().stdout


def test_the_runner_killed_is_the_workers_fault_and_the_plan_runs_again(study) -> None:
    study.command(waits=True)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n")
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: study.computations())
    for pid in study.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    study.let_go()
    controller.communicate(timeout=LONGEST)
    assert controller.returncode == 0
    runs = study.json("history", "spec.yaml")["runs"]
    assert [run["state"] for run in runs] == ["succeeded", "lost"]
    assert runs[1]["failure"]["blame"] == "worker"
