"""The Linux solvers: every form is really executed, and what they need is asked for beforehand."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import ProjectError
from rasreconcile.spec import HecRasEngine


def hec_ras(version: str):
    return engine_for(HecRasEngine(type="hec-ras", version=version))


CALLS = {
    "5.0.7": [("rasUnsteady64", ["Basin.c01", "b01"])],
    "6.1": [("RasGeomPreprocess", ["Basin.x01"]), ("RasUnsteady", ["Basin.c01", "b01"])],
    "6.3.1": [
        ("RasGeomPreprocess", ["Basin.p01.tmp.hdf", "x01"]),
        ("RasUnsteady", ["Basin.p01.tmp.hdf", "x01"]),
    ],
    "6.6": [
        ("RasGeomPreprocess", ["Basin.p01.tmp.hdf", "x01"]),
        ("RasUnsteady", ["Basin.p01.tmp.hdf", "x01"]),
    ],
}


@pytest.mark.parametrize("version", list(CALLS))
def test_each_form_is_called_as_its_version_wants_and_ends_in_a_good_result(
    standins, plan_of, run_job, linux_install, tmp_path: Path, version: str
) -> None:
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01", version=version)
    ras = standins.linux(tmp_path / "hec ras" / version, version)
    plan = plan_of(project, version)
    engine = hec_ras(version)
    left = run_job(engine.job(plan, linux_install(ras.programs)), "Basin.p01.hdf")
    assert engine.judge(left) is None, left
    assert [(call["program"], call["arguments"]) for call in ras.calls()] == CALLS[version]
    with h5py.File(tmp_path / "fetched.hdf") as file:
        parameters = file["Plan Data/Plan Parameters"].attrs
        assert (parameters["1D Cores"], parameters["2D Cores (per mesh)"].tolist()) == (2, [2])


def test_the_steady_form_is_executed(standins, plan_of, run_job, linux_install, tmp_path: Path) -> None:
    project = standins.write_steady_project(tmp_path / "model")
    standins.prepare(project, "01")
    ras = standins.linux(tmp_path / "6.6", "6.6")
    left = run_job(hec_ras("6.6").job(plan_of(project), linux_install(ras.programs)), "Brook.p01.hdf")
    assert hec_ras("6.6").judge(left) is None
    assert left.hdf is not None and left.hdf.profiles == ("ten", "hundred")
    assert [(call["program"], call["arguments"]) for call in ras.calls()] == [("RasSteady", ["Brook.r01"])]


def test_a_finished_plan_hdf_serves_as_prepared_one_without_its_results(
    standins, plan_of, run_job, linux_install, tmp_path: Path
) -> None:
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01")
    growing = project.with_suffix(".p01.tmp.hdf")
    with h5py.File(growing, "r+") as file:
        file["Results/Unsteady/old"] = [1.0]
    ras = standins.linux(tmp_path / "6.6", "6.6")
    left = run_job(hec_ras("6.6").job(plan_of(project), linux_install(ras.programs)), "Basin.p01.hdf")
    assert hec_ras("6.6").judge(left) is None, left
    with h5py.File(tmp_path / "fetched.hdf") as file:
        assert "old" not in file["Results/Unsteady"]


@pytest.mark.parametrize("library", ["libifcoremt.so.5", "libmkl_core.so.1", "libgfortran.so.5"])
def test_without_a_library_of_the_install_the_worker_is_to_blame_and_the_library_is_named(
    standins, plan_of, run_job, linux_install, tmp_path: Path, library: str
) -> None:
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01")
    ras = standins.linux(tmp_path / "6.6", "6.6")
    ras.loses(library)
    job = hec_ras("6.6").job(plan_of(project), linux_install(ras.programs))
    failure = hec_ras("6.6").judge(run_job(job, "Basin.p01.hdf"))
    assert failure is not None
    assert (failure.kind, failure.cause) == ("worker", "missing library")
    assert f"error while loading shared libraries: {library}: cannot open" in failure.trouble.what


def test_a_plan_without_prepared_files_is_refused_with_their_names_and_the_remedy(
    standins, plan_of, linux_install, tmp_path: Path
) -> None:
    project = standins.write_project(tmp_path / "model")
    plan = plan_of(project)
    with pytest.raises(ProjectError) as refused:
        hec_ras("6.6").job(plan, linux_install("/opt/hecras/6.6"))
    assert str(refused.value) == (
        "the Linux solvers need Basin.p01.tmp.hdf, Basin.b01, Basin.x01, which HEC-RAS on Windows makes when it"
        " prepares Basin.p01; put them beside the project, add a worker with Ras.exe, which makes them"
        " (unless `preprocess_on_host: false` on this one forbids it) or computes the plan"
    )
    assert hec_ras("6.6").why_not(plan, linux_install("/x")) == refused.value.trouble


def test_a_run_is_never_given_its_own_old_results_and_always_what_other_plans_left_for_it(
    standins, plan_of, linux_install, tmp_path: Path
) -> None:
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01")
    standins.prepare(project, "02")
    for name in ("Basin.p01.hdf", "BASIN.P02.HDF", "Basin.O01", "Basin.p01.computeMsgs.txt", "rain.hdf"):
        (project.parent / name).write_bytes(b"x")
    plan = plan_of(project, inputs='"*.*"')
    names = {staged.name for staged in hec_ras("6.6").job(plan, linux_install("/x")).inputs}
    assert names == {
        *("Basin.prj", "Basin.p01", "Basin.g01", "Basin.u01", "rain.hdf"),
        *("Basin.p01.tmp.hdf", "Basin.b01", "Basin.x01", "Basin.p02", "Basin.u02"),
        *("BASIN.P02.HDF", "Basin.p02.tmp.hdf", "Basin.b02"),
        "rasreconcile-solvers.sh",
    }


def test_what_lies_beside_the_project_lies_beside_it_in_the_run(
    standins, plan_of, with_input, run_job, linux_install, tmp_path: Path
) -> None:
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01")
    ras = standins.linux(tmp_path / "6.6", "6.6")
    plan = plan_of(project)
    engine = hec_ras("6.6")
    far = with_input(with_input(plan, "../shared/x.dss", "dss"), "../../far/y.tif", "terrain")
    job = engine.job(far, linux_install(ras.programs))
    assert job.folder == "beside/project"
    assert {"beside/shared/x.dss", "far/y.tif", "beside/project/Basin.prj"} <= {s.name for s in job.inputs}
    linked = {s.name for s in job.inputs if s.writable == "read only"}
    assert linked == {"far/y.tif"}, "a solver writes into prepared files, and opens DSS files for writing"
    (project.parent.parent / "shared").mkdir()
    near = with_input(plan, "../shared/x.dss", "dss")
    source = project.parent.parent / "shared" / "x.dss"
    source.write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    near = replace(near, inputs=(*near.inputs[:-1], replace(near.inputs[-1], source=source, raw=digest)))
    left = run_job(engine.job(near, linux_install(ras.programs)), "project/Basin.p01.hdf")
    assert engine.judge(left) is None, left


@pytest.mark.parametrize(
    ("switch", "what"),
    [("Run Sediment=-1 ", "sediment transport (Run Sediment)"), ("Run WQNet=-1 ", "water quality")],
)
def test_what_no_linux_program_computes_is_refused_before_a_run_and_named(
    standins, plan_of, linux_install, tmp_path: Path, switch: str, what: str
) -> None:
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01")
    text = project.with_suffix(".p01")
    assert hec_ras("6.6").why_not(plan_of(project), linux_install("/opt/x")) is None
    text.write_bytes(text.read_bytes() + f"{switch}\r\n".encode())
    standins.prepare(project, "01")
    plan = plan_of(project)
    why = hec_ras("6.6").why_not(plan, linux_install("/opt/x"))
    assert f"Basin.p01 computes {what}" in str(why) and "give it a Windows worker" in str(why)
    with pytest.raises(ProjectError, match="no program on Linux"):
        hec_ras("6.6").job(plan, linux_install("/opt/x"))
    wine = replace(linux_install("Z:/Ras.exe"), wine="wine")
    assert hec_ras("6.6").why_not(plan, wine) is None
