"""`apply --detach`, called again and again as cron does: each call brings the whole further, and says how far."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

CALLS = 60
"""More calls than any story here takes: one that is not over then never ends."""


def gated(study, *, failing: str = "") -> None:
    """Runs that go on until the gate is opened; a plan that is `failing` ends badly."""
    script = study.folder / "gated.py"
    script.write_text(
        "import os, pathlib, shutil, sys, time\n"
        f"folder = pathlib.Path({str(study.folder)!r})\n"
        "plan, output = sys.argv[1:]\n"
        "(folder / 'ran').mkdir(exist_ok=True)\n"
        "(folder / 'ran' / f'{plan}.{os.getpid()}').touch()\n"
        "while not (folder / 'gate').exists(): time.sleep(0.02)\n"
        f"if plan == {failing!r}: sys.exit('no luck')\n"
        "shutil.copy(folder / 'ready.hdf', output)\n"
    )
    study.command(sys.executable, str(script), "{plan}", "{output}")


def call(study) -> int:
    return study.run("apply", "spec.yaml", "--detach", check=None).returncode


def ended(study) -> int:
    """Runs that have ended on their workers."""
    return len(list(study.folder.glob("runs/*/*/done.json")))


def runs(study) -> list[dict[str, Any]]:
    return study.json("history", "spec.yaml")["runs"]


def again_and_again(study) -> list[int]:
    """Calls until it no longer says that it should be called again; between calls what runs comes to its end."""
    codes = [call(study)]
    while codes[-1] == 2 and len(codes) < CALLS:
        live = len(study.json("status", "spec.yaml")["live"])
        study.wait_for(lambda: ended(study) >= live)  # noqa: B023  called at once
        codes.append(call(study))
    return codes


def test_what_has_ended_between_calls_is_published_and_the_next_is_started(study) -> None:
    gated(study)
    assert call(study) == 2
    study.wait_for(lambda: len(study.computations()) == 3)
    assert call(study) == 2, "runs are still running"
    assert len(runs(study)) == 3
    assert study.results() == []
    (study.folder / "gate").touch()
    study.wait_for(lambda: ended(study) == 3)
    # The next one is not to end within the call that starts it.
    (study.folder / "gate").unlink()
    done = study.run("apply", "spec.yaml", "--detach", check=2)
    assert "3 of 4 plans are current" in done.stdout
    assert "1 run still running; `status` shows them" in done.stdout
    assert len(study.results()) == 3
    (study.folder / "gate").touch()
    study.wait_for(lambda: ended(study) == 1)
    assert "4 of 4 plans are current" in study.run("apply", "spec.yaml", "--detach").stdout
    assert "nothing to do" in study.run("apply", "spec.yaml", "--detach").stdout
    assert set(study.computations().values()) == {1}
    assert study.left_over() == []


def test_the_exit_code_is_what_diff_says_after_it(study) -> None:
    gated(study)
    assert call(study) == study.run("diff", "spec.yaml", "--detailed-exitcode", check=None).returncode == 2
    (study.folder / "gate").touch()
    assert again_and_again(study)[-1] == 0
    assert study.run("diff", "spec.yaml", "--detailed-exitcode", check=None).returncode == 0


def test_a_run_that_fails_is_tried_again_by_later_calls_and_quarantined_at_last(study) -> None:
    gated(study, failing="Willow.p02")
    (study.folder / "gate").touch()
    codes = [call(study)]
    while codes[-1] == 2 and len(codes) < CALLS:
        live = {run["run"] for run in study.json("status", "spec.yaml")["live"]}
        study.wait_for(lambda: live <= {p.parent.name for p in study.folder.glob("runs/*/*/done.json")})  # noqa: B023
        codes.append(call(study))
    assert codes[-1] == 3
    assert set(codes[:-1]) == {2}
    assert sorted(study.computations().items()) == [
        ("Willow.p01", 1), ("Willow.p02", 2), ("Willow.p03", 1), ("Willow.p04", 1),
    ]  # fmt: skip
    assert len(study.results()) == 3
    assert call(study) == 3
    assert len(runs(study)) == 5, "a quarantined plan is left alone"


def test_a_plan_that_waits_for_its_next_attempt_is_not_started_before_and_told_as_waiting(study) -> None:
    study.command("false")
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("wait: 0.1s, at_most: 0.2s", "wait: 10m, at_most: 10m"))
    assert call(study) == 2
    # What ends at once may be collected by the call that started it.
    study.wait_for(lambda: ended(study) >= 3)
    assert call(study) == 2
    study.wait_for(lambda: ended(study) == 4)
    said = study.run("apply", "spec.yaml", "--detach", check=2).stdout
    assert "4 plans wait for the next `apply`." in said
    assert len(runs(study)) == 4


def test_a_run_that_vanished_between_calls_is_computed_again(study) -> None:
    gated(study)
    assert call(study) == 2
    study.wait_for(lambda: len(study.computations()) == 3)
    for pid in study.processes():
        os.kill(pid, signal.SIGKILL)
    study.wait_for(lambda: not study.processes())
    (study.folder / "gate").touch()
    codes = again_and_again(study)
    assert codes[-1] == 0
    lost = {run["run"] for run in runs(study) if run["state"] == "lost"}
    assert len(lost) == 3
    # What is left of them stays, for whoever looks for the cause.
    assert {Path(left).name for left in study.left_over()} == lost


@pytest.mark.parametrize("words", [["apply", "spec.yaml"], ["apply", "spec.yaml", "--detach"]])
def test_a_controller_that_was_killed_leaves_nothing_that_later_calls_do_not_find(study, words) -> None:
    gated(study)
    controller = study.start(*words)
    study.wait_for(study.computations)
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    (study.folder / "gate").touch()
    assert again_and_again(study)[-1] == 0
    assert set(study.computations().values()) == {1}
    assert study.left_over() == []


def test_a_plan_that_needs_another_is_started_by_the_call_that_publishes_what_it_needs(study) -> None:
    gated(study)
    spec = study.folder / "spec.yaml"
    text = spec.read_text().replace(
        "  - project: Willow.prj\n", "  - project: Willow.prj\n    numbers: ['01']\n"
    )
    more = "  - project: Willow.prj\n    numbers: ['02']\n    needs: [Willow/p01]\n    expect: {completed: false}\n"
    spec.write_text(text + more)
    assert call(study) == 2
    study.wait_for(lambda: study.computations() == {"Willow.p01": 1})
    assert call(study) == 2
    assert len(runs(study)) == 1
    (study.folder / "gate").touch()
    study.wait_for(lambda: ended(study) == 1)
    assert call(study) == 2
    study.wait_for(lambda: study.computations() == {"Willow.p01": 1, "Willow.p02": 1})
    assert again_and_again(study)[-1] == 0


def test_a_result_that_cannot_take_its_place_is_told_as_attention_and_published_by_a_later_call(
    study,
) -> None:
    gated(study)
    codes = [call(study)]
    # Before the runs it would have been told instead, and none started.
    (study.folder / "results").write_text("in the way")
    (study.folder / "gate").touch()
    study.wait_for(lambda: ended(study) == 3)
    codes.append(call(study))
    assert codes[0] == 2
    assert codes[1] in {2, 4}, "some are held, others may still be on their way"
    (study.folder / "results").unlink()
    assert again_and_again(study)[-1] == 0
    assert set(study.computations().values()) == {1}
