"""Runs that are started by a job of a CI system outlive it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.workers.ci_agents import MARKS, unmarked

AGENTS = {
    "GitHub Actions": {"RUNNER_TRACKING_ID": "github_1f3d9475-6c94-40ee-a160-8b3fd282c3a1"},
    "Azure Pipelines": {"VSTS_PROCESS_LOOKUP_ID": "vsts_8d91cfaf-1e46-40a1-9281-b5acb4cf4028"},
    "Jenkins, a pipeline": {"JENKINS_NODE_COOKIE": "0b3550b1", "JENKINS_SERVER_COOKIE": "durable-79ab"},
    "Jenkins, another job": {
        "BUILD_ID": "153",
        "JENKINS_SERVER_COOKIE": "2c5d",
        "HUDSON_SERVER_COOKIE": "2c5d",
    },
}


@pytest.mark.parametrize("marks", AGENTS.values(), ids=AGENTS)
def test_no_process_of_a_run_has_the_mark_by_which_an_agent_would_end_it(study, marks, monkeypatch) -> None:
    for name, value in {**marks, "MODEL_REGION": "north", "BUILD_NUMBER": "153"}.items():
        monkeypatch.setenv(name, value)
    study.command(waits=True)
    study.run("apply", "--detach", "spec.yaml", check=2)
    study.wait_for(study.computations)
    found = [environment_of(pid) for pid in study.processes()]
    # The runner, its guard, and the job.
    assert len(found) >= 3
    for environ in found:
        assert not MARKS & environ.keys()
        assert (environ["MODEL_REGION"], environ["BUILD_NUMBER"]) == ("north", "153")
    study.let_go()
    study.apply()


def environment_of(pid: int) -> dict[str, str]:
    said = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape")
    return dict(line.partition("=")[::2] for line in said.split("\0") if line)


@given(st.dictionaries(st.sampled_from(sorted(MARKS)) | st.text(), st.text()))
def test_all_but_the_marks_is_handed_on(environ) -> None:
    left = unmarked(environ)
    assert not MARKS & left.keys()
    assert left == {name: environ[name] for name in environ.keys() - MARKS}
