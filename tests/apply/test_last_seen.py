"""`status` says as a fact only what is known now."""

from __future__ import annotations

import os
import re
import signal

DESK = "type: local, worker_folder: runs/desk, cores_total: 2"
ELSEWHERE = "type: ssh, hostname: nowhere.invalid, worker_folder: /runs, cores_total: 2"


def test_runs_of_a_controller_that_is_gone_are_looked_at_here_and_were_seen_elsewhere(study) -> None:
    study.command(waits=True)
    spec = study.folder / "spec.yaml"
    spec.write_text(re.sub(r"  night:.*\n", "", spec.read_text()))
    study.run("apply", "--detach", "spec.yaml", check=2)
    study.wait_for(lambda: len(study.computations()) == 2)
    said = study.run("status", "spec.yaml").stdout
    assert re.search(r"^> Willow/p01  running on desk for ", said, re.MULTILINE)
    assert "no controller is running; 2 runs not collected; `apply` does" in said
    here = spec.read_text()
    assert DESK in here
    spec.write_text(here.replace(DESK, ELSEWHERE))
    said = study.run("status", "spec.yaml").stdout
    seen = r"^> Willow/p01  was \w+ on desk when last seen, at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+  "
    assert re.search(seen, said, re.MULTILINE), said
    assert "was running" in said
    assert not re.search(r"(?<!was )running on", said)
    spec.write_text(here)
    for pid in study.processes():
        os.kill(pid, signal.SIGKILL)
    live = study.json("status", "spec.yaml")["live"]
    assert {one["known"]["state"] for one in live} == {"gone"}
    assert all(one["known"]["seen"].endswith("Z") for one in live)
    study.let_go()
    study.apply()


def test_a_run_that_has_ended_waits_to_be_collected(study) -> None:
    study.command(waits=True)
    study.run("apply", "--detach", "spec.yaml", check=2)
    study.let_go()
    study.wait_for(lambda: len(study.computations()) >= 2 and not study.processes())
    said = study.run("status", "spec.yaml").stdout
    assert re.search(r"^> Willow/p01  on desk has ended; `apply` collects it  ", said, re.MULTILINE), said
