"""A spec with containers in it, through the real command line."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest
from dockerd import busybox_image, python_image, take_away

from rasreconcile.results.receipts import receipt_path

WORKERS = """\
version: 1
state: state.db
results: results
engine: {engine}
retries: {{attempts: 2, wait: 0.1s, at_most: 0.2s}}
workers:
  desk: {{type: local, worker_folder: runs/desk, cores_total: 1, queue_priority: 1}}
  box: {{type: docker, docker_image: "{image}", docker_host: "{host}", worker_folder: runs/box, cores_total: 2}}
plans:
  - {{project: Willow.prj, inputs: [ready.hdf], expect: {expect}, only_on: {only_on}}}
"""
COMPUTE = ["sh", "-c", "sleep {seconds}; cp ready.hdf {{output}}"]


@pytest.fixture(params=["bind mount", "api"])
def write_spec(request, study, dockerd):
    """Writes the spec of a study whose plans may run here and in containers."""
    host = dockerd.host if request.param == "bind mount" else dockerd.tcp

    def write(only_on: str = "[]", max_runtime: str = "", seconds: float = 0.5) -> None:
        command = [word.format(seconds=seconds) for word in COMPUTE]
        engine = json.dumps({"type": "command", "command": command})
        text = WORKERS.format(
            engine=engine, image="rasbox:1", host=host, expect="{completed: false}", only_on=only_on
        )
        (study.folder / "spec.yaml").write_text(
            text.replace("cores_total: 2", f"cores_total: 2{max_runtime}")
        )

    return write


@pytest.fixture(autouse=True)
def _tidy(dockerd) -> Iterator[None]:
    """Containers of failed runs are kept, and helpers of killed controllers go later: not for the next test to find."""
    yield
    with dockerd.client() as client:
        for name in dockerd.names():
            if name.startswith("rasreconcile-helper") or "-willow-" in name:
                take_away(client, name)
        client.prune_volumes()


def ours(dockerd) -> list[str]:
    """Containers of this study's runs: the daemon serves other tests too."""
    return [name for name in dockerd.names() if "-willow-" in name]


def test_a_spec_with_this_machine_and_containers_converges_and_leaves_nothing(
    study, write_spec, dockerd
) -> None:
    write_spec()
    study.apply()
    assert len(study.results()) == 4
    workers = {run["worker"] for run in study.json("history", "spec.yaml")["runs"]}
    assert "box" in workers
    assert dockerd.names() == []
    assert "nothing to do" in study.apply().stdout
    assert study.left_over() == []


def test_a_controller_killed_while_containers_compute_is_followed_by_one_that_repeats_nothing(
    study, write_spec, dockerd
) -> None:
    write_spec(only_on="[box]")
    first = study.start("apply", "spec.yaml")
    study.wait_for(lambda: any("willow" in name for name in dockerd.names()))
    first.send_signal(signal.SIGKILL)
    first.wait()
    study.apply()
    assert len(study.results()) == 4
    runs = study.json("history", "spec.yaml")["runs"]
    assert [run["worker"] for run in runs] == ["box"] * 4
    assert "nothing to do" in study.apply().stdout
    assert ours(dockerd) == []


def test_the_worker_s_own_time_limit_is_kept_and_told(study, write_spec) -> None:
    write_spec(only_on="[box]", max_runtime=", max_runtime_minutes: 0.005", seconds=60)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("  - {project", "  - {numbers: ['01'], project"))
    done = study.apply(check=3)
    assert "stopped after its time limit of 0:00:00.3" in done.stdout + done.stderr


def test_an_image_without_the_steady_engine_is_told_once_with_the_remedy_and_left_alone(
    study, dockerd
) -> None:
    text = WORKERS.format(
        engine="{type: steady}", image="rasbox:1", host=dockerd.host, expect="{}", only_on="[box]"
    )
    (study.folder / "spec.yaml").write_text(text.replace("cores_total: 2", "cores_total: 1"))
    done = study.apply(check=4)
    assert (
        "python3: not found; the steady engine is not installed; `pip install rasreconcile`"
        in done.stdout + done.stderr
    )
    assert len(study.json("history", "spec.yaml")["runs"]) == 1
    (study.folder / "spec.yaml").write_text(text.replace("only_on: [box]", "only_on: [box, desk]"))
    study.apply()
    assert {run["worker"] for run in study.json("history", "spec.yaml")["runs"][:-1]} >= {"desk"}


@pytest.mark.parametrize("write_spec", ["bind mount"], indirect=True)
def test_with_strict_platform_a_new_image_computes_again_and_no_other_does(
    study, write_spec, dockerd
) -> None:
    write_spec(only_on="[box]", seconds=0)
    spec = study.folder / "spec.yaml"
    text = (
        spec.read_text()
        .replace("rasbox:1", "mine:1")
        .replace("  - {project", "  - {numbers: ['01'], project")
    )
    spec.write_text(text.replace("version: 1", "version: 1\nstrict_platform: true"))
    with dockerd.client() as client:
        client.tag("rasbox:1", "mine", "1")
        before = client.inspect_image("mine:1")["Id"]
    study.apply()
    assert "nothing to do" in study.apply().stdout
    assert study.json("explain", "spec.yaml", "Willow/p01")["published"]["platform"] == f"image {before}"
    dockerd.add_image("mine:1", busybox_image())
    with dockerd.client() as client:
        after = client.inspect_image("mine:1")["Id"]
    done = study.apply()
    assert f"platform-changed: image {before} -> image {after}" in done.stdout + done.stderr
    assert "nothing to do" in study.apply().stdout
    assert json.loads(receipt_path(study.results()[0]).read_text())["platform"] == f"image {after}"
    spec.write_text(text)
    with dockerd.client() as client:
        client.tag("rasbox:1", "mine", "1", force=True)
    assert "nothing to do" in study.apply().stdout


def test_the_steady_engine_runs_in_an_image_that_has_it(study, dockerd) -> None:
    dockerd.add_image("steady:1", python_image())
    text = WORKERS.format(
        engine="{type: steady}", image="steady:1", host=dockerd.host, expect="{}", only_on="[box]"
    )
    (study.folder / "spec.yaml").write_text(text)
    study.apply()
    assert len(study.results()) == 4
    assert "nothing to do" in study.apply().stdout
