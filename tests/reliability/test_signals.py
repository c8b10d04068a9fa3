"""Being told to stop: once, twice, by other signals, by `--detach`; being stopped and going on; many at once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from waiting import LONGEST


def killed(controller) -> None:
    controller.send_signal(signal.SIGKILL)
    controller.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_leave_the_runs_going(study, number) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    controller.send_signal(number)
    out, _ = controller.communicate(timeout=LONGEST)
    assert controller.returncode == 130
    assert "3 runs still running" in out
    study.let_go()
    study.apply()
    assert set(study.computations().values()) == {1}
    assert study.left_over() == []


def test_under_nohup_a_closed_terminal_changes_nothing(study) -> None:
    study.command(waits=True)
    controller = subprocess.Popen(
        ["nohup", sys.executable, "-m", "rasreconcile", "apply", "spec.yaml"],
        cwd=study.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    study.controllers.append(controller)
    study.wait_for(study.computations)
    controller.send_signal(signal.SIGHUP)
    study.let_go()
    controller.communicate(timeout=LONGEST)
    assert controller.returncode == 0


def test_three_ctrl_c_leave_at_once(study) -> None:
    study.command("sh", "-c", "trap '' TERM; touch ../up; sleep 60 & wait; wait")
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(list(study.folder.glob("runs/*/*/up"))) == 3)
    study.ctrl_c(controller, "stopping")
    study.ctrl_c(controller, "cancelling")
    controller.send_signal(signal.SIGINT)
    controller.communicate(timeout=LONGEST)
    assert controller.returncode == 130
    study.run("cancel", "spec.yaml", "--all")
    assert study.processes() == []


def test_detach_starts_what_fits_and_leaves_it_running(study) -> None:
    study.command(waits=True)
    done = study.run("apply", "spec.yaml", "--detach", check=2)
    assert "3 runs still running; `status` shows them, `apply` collects them." in done.stdout
    assert len(study.json("status", "spec.yaml")["live"]) == 3
    study.wait_for(lambda: len(study.computations()) == 3)
    assert "3 runs still running" in study.run("apply", "spec.yaml", "--detach", check=2).stdout
    study.let_go()
    study.apply()
    assert set(study.computations().values()) == {1}
    assert "nothing to do" in study.run("apply", "spec.yaml", "--detach").stdout


def test_detach_tells_failure_by_its_exit_code(study) -> None:
    study.spec(expect="{water_surface: {between: [0, 121]}}")
    study.apply(check=3)
    assert study.run("apply", "spec.yaml", "--detach", check=3)


def test_a_controller_that_slept_through_everything_wakes_and_repeats_nothing(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    controller.send_signal(signal.SIGSTOP)
    # Whatever it waits for is over when it wakes; meanwhile nobody else gets in.
    study.let_go()
    study.wait_for(lambda: len(list(study.folder.glob("runs/*/*/done.json"))) == 3)
    assert study.apply(check=5)
    told = study.run("status", "spec.yaml", "--json", check=None)
    # Stopped within a write it keeps everybody out, and that is what is said.
    assert f'"pid": {controller.pid}' in told.stdout or "stuck in the middle of a write" in told.stdout, told
    controller.send_signal(signal.SIGCONT)
    controller.communicate(timeout=LONGEST)
    assert controller.returncode == 0
    assert set(study.computations().values()) == {1}
    assert study.left_over() == []


@pytest.mark.parametrize("many", [2, 20])
def test_of_many_controllers_started_at_once_one_works_and_the_others_say_who(study, many) -> None:
    study.command(seconds=1)
    controllers = [study.start("apply", "spec.yaml") for _ in range(many)]
    said = [controller.communicate(timeout=LONGEST) for controller in controllers]
    codes = sorted(controller.returncode for controller in controllers)
    # One that began when the first had ended finds nothing to do.
    assert set(codes) <= {0, 5}
    assert 0 in codes
    for controller, (_, err) in zip(controllers, said, strict=True):
        assert controller.returncode == 0 or "controller" in err
    assert study.computations() == {f"Willow.p0{n}": 1 for n in range(1, 5)}
    assert study.json("state", "show", "spec.yaml")["sound"]
    assert study.left_over() == []


def test_cancel_answers_for_every_run_and_retry_frees_the_plans(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    killed(controller)
    said = study.json("cancel", "spec.yaml", "--all")["cancelled"]
    assert len(said) == 3
    assert all("has ended" in words for words in said.values())
    assert study.processes() == []
    study.command()
    study.run("retry", "spec.yaml", "*")
    study.apply()
    assert study.left_over() == []
