"""Failure classes as `status` and `explain` tell them: what happened, what comes next, and when."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from waiting import LONGEST


def only(study, more: str = "") -> None:
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n" + more)


def test_a_run_that_writes_nothing_is_ended_tried_again_and_quarantined(study) -> None:
    study.command("sh", "-c", "echo begun; sleep 60")
    only(study, "    stalled_after: 1s\n")
    done = study.apply(check=3)
    assert "it wrote nothing for the whole of stalled_after" in done.stdout
    assert "if it is only slow, raise stalled_after" in done.stdout
    assert "HEC-RAS" not in done.stdout, "the command is none"
    runs = study.json("history", "spec.yaml")["runs"]
    assert [run["failure"]["cause"] for run in runs] == ["stalled", "stalled"]
    assert {run["failure"]["kind"] for run in runs} == {"retryable"}
    assert study.processes() == []
    for told in (study.run("status", "spec.yaml"), study.run("explain", "spec.yaml", "p01")):
        assert "quarantined" in told.stdout
        assert "will not be retried until an input changes or you run `retry Willow/p01`" in told.stdout


def test_a_run_that_writes_now_and_then_is_left_alone(study) -> None:
    work = (
        "for n in 1 2 3 4 5 6 7 8; do sleep 0.5; echo $n >>progress; done; cp "
        + str(study.folder / "ready.hdf")
        + ' "$0"'
    )
    study.command("sh", "-c", work, "{output}")
    only(study, "stalled_after: 2s\n")
    study.apply()


def test_status_tells_a_backoff_with_its_time_and_explain_with_the_reason(study) -> None:
    study.command("sh", "-c", "echo no licence; exit 9")
    only(study)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("wait: 0.1s, at_most: 0.2s", "wait: 10m, at_most: 1h"))
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: (study.folder / "state.db").exists())
    study.wait_for(lambda: "backoff" in study.run("status", "spec.yaml", check=None).stdout)
    controller.send_signal(signal.SIGTERM)
    controller.communicate(timeout=LONGEST)
    (plan,) = study.json("status", "spec.yaml")["plans"]
    assert plan["phase"] == "backoff"
    at = datetime.fromisoformat(plan["next_at"])
    assert timedelta(minutes=9) < at - datetime.now(UTC) < timedelta(minutes=13)
    status = study.run("status", "spec.yaml")
    assert f"again at {at:%Y-%m-%d %H:%M}" in status.stdout
    assert "no controller is running; 1 plan waits for the next `apply`" in status.stdout
    told = study.run("explain", "spec.yaml", "p01").stdout
    assert "next: will be retried as attempt 2 of 2; the command exited with 9: no licence" in told
    assert f"at: {at:%Y-%m-%d %H:%M}" in told


def test_a_clock_set_back_and_forward_neither_stretches_a_wait_nor_makes_old_runs_new(study) -> None:
    study.command("sh", "-c", "exit 9")
    only(study)
    study.apply(check=3)
    script = (
        "import sys; from datetime import timedelta; from rasreconcile import clock\n"
        "now, by = clock.Clock.now, timedelta(days=int(sys.argv.pop()))\n"
        "clock.Clock.now = lambda self: now(self) + by\n"
        "from rasreconcile.__main__ import main; main()\n"
    )
    for days in ("-1", "1", "-1"):
        study.run("retry", "spec.yaml", "p01")
        done = subprocess.run(
            [sys.executable, "-c", script, "apply", "spec.yaml", days],
            cwd=study.folder, capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        assert done.returncode in {0, 3}, done.stderr
    study.command()
    study.apply()
    assert "nothing to do" in study.apply().stdout


def test_a_worker_is_set_aside_after_three_faults_and_probed_at_the_time_that_is_told(study) -> None:
    # Whatever is launched is gone before it can say so: it kills its runner, then itself.
    study.command("sh", "-c", "kill -9 $(sed -n 's/^pid //p' ../started) $PPID $$")
    spec = study.folder / "spec.yaml"
    spec.write_text(re.sub(r"  night:.*\n", "", spec.read_text()).replace("cores_total: 2", "cores_total: 1"))
    only(study)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: "set aside" in study.run("status", "spec.yaml", check=None).stdout)
    controller.send_signal(signal.SIGTERM)
    controller.communicate(timeout=LONGEST)
    failures = [run["failure"] for run in study.json("history", "spec.yaml")["runs"]]
    assert {failure["blame"] for failure in failures} == {"worker"}
    assert len(failures) == 3
    status = study.run("status", "spec.yaml").stdout
    until = re.search(r"desk is set aside until (\d\d:\d\d:\d\d) UTC and is then tried with one run", status)
    assert until, status
    assert f"{until[1]} UTC)" in status  # the plan's own time is that of its only worker


def test_max_fails_holds_the_rest_and_says_why(study) -> None:
    study.command("sh", "-c", "exit 1")
    spec = study.folder / "spec.yaml"
    text = re.sub(r"  night:.*\n", "", spec.read_text()).replace("cores_total: 2", "cores_total: 1")
    spec.write_text(text + "max_fails: 2\n")
    done = study.apply(check=3)
    assert "2 plans failed and max_fails is 2; fix those first" in done.stdout
    phases = sorted(plan["phase"] for plan in study.json("status", "spec.yaml")["plans"])
    assert phases == ["held", "held", "quarantined", "quarantined"]


def test_max_fails_may_be_a_share_of_the_plans(study) -> None:
    study.command("sh", "-c", "exit 1")
    spec = study.folder / "spec.yaml"
    text = re.sub(r"  night:.*\n", "", spec.read_text()).replace("cores_total: 2", "cores_total: 1")
    spec.write_text(text + "max_fails: 50%\n")
    assert "2 plans failed and max_fails is 50% of 4 plans" in study.apply(check=3).stdout
    phases = sorted(plan["phase"] for plan in study.json("status", "spec.yaml")["plans"])
    assert phases == ["held", "held", "quarantined", "quarantined"]


@pytest.mark.parametrize("text", ["0%", "101%", "some", "-3%", "1.5", "true", "[1]"])
def test_what_is_neither_a_number_nor_a_share_of_plans_is_refused(study, text) -> None:
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + f"max_fails: {text}\n")
    assert "or a share of them such as 10%" in study.apply(check=64).stderr


@pytest.mark.parametrize("text", ["0s", "soon", "-1"])
def test_a_stall_needs_a_time(study, text) -> None:
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + f"stalled_after: {text}\n")
    assert "stalled_after: " in study.apply(check=64).stderr
