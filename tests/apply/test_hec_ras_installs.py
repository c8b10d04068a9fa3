"""HEC's archives as they unpack, on every kind of worker, through the real command line."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from dockerd import _add, _shared_libraries, busybox_image

SPEC = """\
version: 1
state: state.db
results: results
engine: {{type: hec-ras, version: "{version}"}}
retries: {{attempts: 1, wait: 0.1s, at_most: 0.2s}}
workers:
  {worker}
plans:
  - {{project: model/{stem}.prj}}
"""
LOCAL = "desk: {{type: local, worker_folder: runs, ras_exe_path: {home!r}{more}}}"
PROGRAMS = ("RasUnsteady", "RasGeomPreprocess", "RasSteady")


def run(folder: Path, *words: str, check: int | None = 0, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rasreconcile", *words],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert check is None or done.returncode == check, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def write(folder: Path, worker: str, version: str = "6.6", stem: str = "Basin") -> None:
    (folder / "spec.yaml").write_text(SPEC.format(worker=worker, version=version, stem=stem))


def runs(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads(run(folder, "history", "spec.yaml", "--json", check=None))["runs"])


@pytest.mark.parametrize("version", ["5.0.7", "6.1", "6.3.1", "6.6", "7.0.1"])
def test_an_archive_as_it_unpacks_computes_with_the_libraries_of_the_environment_and_all_the_stack(
    standins, tmp_path: Path, version: str
) -> None:
    ras = standins.linux(tmp_path / "hec ras", version)
    standins.prepare(standins.write_project(tmp_path / "model", plans=("01",)), "01", version=version)
    write(tmp_path, LOCAL.format(home="hec ras", more=""), version)
    assert "worker desk: ready" in run(tmp_path, "check", "spec.yaml")
    tried = len(ras.calls())
    assert tried >= 1
    out = run(tmp_path, "apply", "spec.yaml", LD_LIBRARY_PATH="/of/the image")
    assert "1 of 1 plan is current" in out
    (tmp_path / "results").is_dir()
    calls = ras.calls()[tried:]
    assert calls and all(call["libraries"].endswith(":/of/the image") for call in calls)
    assert all(call["stack"] == [resource.getrlimit(resource.RLIMIT_STACK)[1]] * 2 for call in calls)


def test_check_tells_which_library_is_missing_and_apply_loses_one_run_to_it_and_holds_the_rest(
    standins, tmp_path: Path
) -> None:
    ras = standins.linux(tmp_path / "hec", "6.6")
    project = standins.write_project(tmp_path / "model", plans=("01", "02", "03", "04"))
    for number in ("01", "02", "03", "04"):
        standins.prepare(project, number)
    write(tmp_path, LOCAL.format(home="hec", more=", cores_total: 1"))
    ras.loses("libmkl_core.so.1")
    missing = "error while loading shared libraries: libmkl_core.so.1: cannot open shared object file"
    said = run(tmp_path, "check", "spec.yaml", check=4)
    assert "worker desk: unfit" in said and missing in said
    assert "libmkl_core.so.1" in json.dumps(
        json.loads(run(tmp_path, "check", "spec.yaml", "--json", check=4))
    )
    said = run(tmp_path, "apply", "spec.yaml", check=4)
    assert missing in said
    (lost,) = runs(tmp_path)
    assert (lost["state"], lost["failure"]["blame"], lost["failure"]["cause"]) == (
        "lost",
        "worker",
        "missing library",
    )
    assert "libmkl_core.so.1" in lost["failure"]["message"]
    standins.linux(tmp_path / "hec", "6.6")
    assert "4 of 4 plans are current" in run(tmp_path, "apply", "spec.yaml")


# ---- versions


def test_a_result_of_a_beta_is_stale_under_the_release(standins, tmp_path: Path) -> None:
    standins.linux(tmp_path / "6.7 Beta 5", "6.7 Beta 5")
    standins.linux(tmp_path / "6.7", "6.7")
    standins.prepare(standins.write_project(tmp_path / "model", plans=("01",)), "01", version="6.7 Beta 5")
    write(tmp_path, LOCAL.format(home="6.7 Beta 5", more=""), "6.7 Beta 5")
    assert "1 of 1 plan is current" in run(tmp_path, "apply", "spec.yaml")
    write(tmp_path, LOCAL.format(home="6.7 Beta 5", more=""), "6.7")
    said = run(tmp_path, "diff", "spec.yaml", check=None)
    assert "stale" in said and "HEC-RAS 6.7 Beta 5 -> HEC-RAS 6.7" in said, said
    said = run(tmp_path, "check", "spec.yaml", check=4)
    assert "is HEC-RAS 6.7 Beta 5, the spec asks for 6.7" in said
    write(tmp_path, LOCAL.format(home="6.7", more=""), "6.7")
    said = run(tmp_path, "apply", "spec.yaml", check=None)
    assert "was prepared by HEC-RAS 6.7 Beta 5, the spec asks for 6.7" in said
    standins.prepare(tmp_path / "model" / "Basin.prj", "01", version="6.7")
    run(tmp_path, "retry", "spec.yaml", "Basin/p01")
    assert "1 of 1 plan is current" in run(tmp_path, "apply", "spec.yaml")


@pytest.mark.parametrize(("asked", "installed"), [("5.0", "5.0.7"), ("6.4", "6.4.1"), ("6.3", "6.3.1")])
def test_a_version_without_a_patch_is_computed_by_the_patch_that_is_there(
    standins, tmp_path: Path, asked: str, installed: str
) -> None:
    standins.linux(tmp_path / installed, installed)
    standins.prepare(standins.write_project(tmp_path / "model", plans=("01",)), "01", version=installed)
    write(tmp_path, LOCAL.format(home=".", more=""), asked)
    assert "worker desk: ready" in run(tmp_path, "check", "spec.yaml")
    assert "1 of 1 plan is current" in run(tmp_path, "apply", "spec.yaml")
    (row,) = json.loads(run(tmp_path, "status", "spec.yaml", "--json"))["plans"]
    assert row["sync"] == "current"


# ---- steady plans


def test_a_steady_plan_is_computed_from_what_lies_beside_its_project(standins, tmp_path: Path) -> None:
    ras = standins.linux(tmp_path / "hec", "6.6")
    standins.prepare(standins.write_steady_project(tmp_path / "model"), "01")
    write(tmp_path, LOCAL.format(home="hec", more=""), stem="Brook")
    assert "Brook.r01" in run(tmp_path, "check", "spec.yaml")
    assert "1 of 1 plan is current" in run(tmp_path, "apply", "spec.yaml")
    assert [call["arguments"] for call in ras.calls()][-1] == ["Brook.r01"]


@pytest.mark.parametrize("missing", ["Brook.r01", "Brook.p01.tmp.hdf"])
def test_without_one_of_the_two_a_steady_plan_is_held_with_its_name(
    standins, tmp_path: Path, missing: str
) -> None:
    standins.linux(tmp_path / "hec", "6.6")
    project = standins.write_steady_project(tmp_path / "model")
    standins.prepare(project, "01")
    (project.parent / missing).unlink()
    write(tmp_path, LOCAL.format(home="hec", more=""), stem="Brook")
    for verb, code in (("check", 4), ("diff", 0), ("apply", 4)):
        assert f"the Linux solvers need {missing}, which" in run(tmp_path, verb, "spec.yaml", check=code), (
            verb
        )
    assert runs(tmp_path) == []


def test_post_processing_of_an_unsteady_plan_is_no_steady_result(standins, tmp_path: Path) -> None:
    standins.linux(tmp_path / "hec", "6.6")
    project = standins.write_steady_project(tmp_path / "model")
    standins.prepare(project, "01")
    # The files of an unsteady plan that had the number before.
    other = standins.write_project(tmp_path / "other", "Brook", plans=("01",))
    standins.prepare(other, "01")
    project.with_suffix(".p01.tmp.hdf").write_bytes(other.with_suffix(".p01.tmp.hdf").read_bytes())
    write(tmp_path, LOCAL.format(home="hec", more=""), stem="Brook")
    said = run(tmp_path, "apply", "spec.yaml", check=3)
    assert "computed nothing: the .rNN is of an unsteady plan; prepare this steady plan again" in said
    (failed,) = runs(tmp_path)
    assert (failed["state"], failed["failure"]["cause"]) == ("failed", "nothing computed")
    assert not list((tmp_path / "results").rglob("*.hdf"))


# ---- other kinds of workers


def test_check_starts_the_programs_on_an_ssh_host(standins, network, tmp_path: Path) -> None:
    server = network.server()
    ras = standins.linux(tmp_path / "hec ras", "6.1")
    standins.prepare(standins.write_project(tmp_path / "model", plans=("01",)), "01", version="6.1")
    worker = (
        f"far: {{type: ssh, hostname: {server.address}, port: {server.port}, username: root,"
        f" ssh_key_path: {network.key}, worker_folder: {tmp_path}/runs, ras_exe_path: {str(ras.home)!r}}}"
    )
    write(tmp_path, worker, "6.1")
    assert "worker far: ready" in run(tmp_path, "check", "spec.yaml")
    assert {call["program"] for call in ras.calls()} == set(PROGRAMS)
    assert "1 of 1 plan is current" in run(tmp_path, "apply", "spec.yaml")
    ras.loses("libgfortran.so.5")
    said = run(tmp_path, "check", "spec.yaml", check=4)
    assert "worker far: unfit" in said and "shared libraries: libgfortran.so.5" in said


def image(standins, *, without: str = "", more: str = "opt/hecras/libs") -> bytes:
    """busybox with the archive of 6.6 unpacked in /opt/hecras; one library elsewhere, or nowhere."""
    built = standins._built()
    data = io.BytesIO(busybox_image())
    with tarfile.open(fileobj=data, mode="a") as tar:
        for name in PROGRAMS:
            _add(tar, f"opt/hecras/RAS_v66/Release/{name}", (built / "program").read_bytes(), 0o755)
        for name in standins.LIBRARIES:
            if name != without:
                place = more if name == "libmkl_core.so.1" else "opt/hecras/libs"
                _add(tar, f"{place}/{name}", (built / name).read_bytes())
        for needed in _shared_libraries([built / "program"]):
            tar.add(needed.resolve(), str(needed))
    return data.getvalue()


@pytest.mark.parametrize(
    ("without", "more", "environment", "fit"),
    [
        ("", "opt/hecras/libs", [], True),
        ("", "intel/mkl", ["ENV LD_LIBRARY_PATH=/intel/mkl"], True),
        ("", "intel/mkl", [], False),
        ("libmkl_core.so.1", "opt/hecras/libs", ["ENV LD_LIBRARY_PATH=/opt/hecras/libs"], False),
    ],
    ids=["whole", "a library of the image's own", "in a folder that nothing names", "a library missing"],
)
def test_check_starts_the_programs_in_the_image_with_its_environment(
    standins, dockerd, tmp_path: Path, without: str, more: str, environment: list[str], fit: bool
) -> None:
    name = f"hecras-{abs(hash((without, more, *environment)))}"
    with dockerd.client() as client:
        data = image(standins, without=without, more=more)
        client.import_image_from_data(data, repository=name, tag="6.6", changes=environment)
    standins.prepare(standins.write_project(tmp_path / "model", plans=("01",)), "01")
    write(
        tmp_path,
        f'box: {{type: docker, docker_image: "{name}:6.6", docker_host: "{dockerd.host}", worker_folder: runs}}',
    )
    said = run(tmp_path, "check", "spec.yaml", check=0 if fit else 4)
    assert f"worker box: {'ready' if fit else 'unfit'}" in said
    assert ("shared libraries: libmkl_core.so.1" in said) is not fit
