"""The stand-ins keep HEC-RAS's contract: what the rest of the tests rest on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import h5py
import pytest

from rasreconcile.facts import Identity
from rasreconcile.results import expectations, plan_hdf
from rasreconcile.spec import Expectations


def unix_lines(folder: Path) -> None:
    for path in folder.iterdir():
        if path.suffix != ".hdf":
            path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


def solve(ras, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    libraries = {"LD_LIBRARY_PATH": ":".join(str(place.parent) for place in ras.libraries.values())}
    return subprocess.run(
        [str(ras.programs / words[0]), *words[1:]],
        cwd=folder,
        env=os.environ | libraries,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def prepared(standins, tmp_path: Path):
    """A Linux install and a prepared project in a folder as a run would have it."""
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01")
    unix_lines(project.parent)
    (project.parent / "io.b").symlink_to("Basin.b01")
    return standins.linux(tmp_path / "6.6", "6.6"), project.parent


def test_the_linux_solver_adds_results_that_meet_every_expectation(prepared) -> None:
    ras, folder = prepared
    done = solve(ras, folder, "RasUnsteady", "Basin.p01.tmp.hdf", "x01")
    assert "Finished Unsteady Flow Simulation" in done.stdout, done.stdout + done.stderr
    facts = plan_hdf.read(folder / "Basin.p01.tmp.hdf", thoroughness="every dataset")
    assert (
        expectations.judge(Expectations(), facts, Identity(plan_filename="Basin.p01", short_id="plan01"))
        == ()
    )
    assert facts.water_surface is not None and facts.water_surface.size == 12


def test_another_flow_gives_another_water_surface_and_the_same_flow_the_same(
    standins, tmp_path: Path
) -> None:
    ras = standins.twin(tmp_path / "6.6", "6.6")
    highest = []
    for name in ("one", "two", "three"):
        project = standins.write_project(tmp_path / name)
        if name == "three":
            flow = project.with_suffix(".u01")
            flow.write_bytes(flow.read_bytes().replace(b"    2000", b"    9000"))
        subprocess.run([ras.exe, "-c", "Basin.prj", "Basin.p01"], cwd=project.parent, check=True, timeout=60)
        surface = plan_hdf.read(project.parent / "Basin.p01.hdf").water_surface
        assert surface is not None and surface.maximum is not None
        highest.append(surface.maximum)
    assert highest[0] == highest[1] < highest[2]


def test_what_the_real_solver_would_refuse_is_refused(prepared) -> None:
    ras, folder = prepared
    other = subprocess.run(
        [str(ras.programs / "RasUnsteady"), "Basin.p01.tmp.hdf", "x01"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (other.returncode, "error while loading shared libraries" in other.stderr) == (127, True)
    assert "file not found" in solve(ras, folder.parent, "RasUnsteady", "Basin.p01.tmp.hdf", "x01").stdout
    lines = (folder / "Basin.b01").read_bytes()
    (folder / "Basin.b01").write_bytes(lines.replace(b"\n", b"\r\n"))
    assert "severe (59)" in solve(ras, folder, "RasUnsteady", "Basin.p01.tmp.hdf", "x01").stdout


def test_the_steady_solver_fails_in_each_way_the_real_one_was_seen_to(standins, tmp_path: Path) -> None:
    project = standins.write_steady_project(tmp_path / "model")
    folder = project.parent
    standins.prepare(project, "01")
    unix_lines(folder)
    ras = standins.linux(tmp_path / "6.6", "6.6")
    growing = (folder / "Brook.p01.tmp.hdf").read_bytes()
    assert "Finished Steady Flow Simulation" in solve(ras, folder, "RasSteady", "Brook.r01").stdout
    (folder / "Brook.p01.tmp.hdf").unlink()
    done = solve(ras, folder, "RasSteady", "Brook.r01")
    assert "HDF_ERROR trying to open HDF output file: Brook.p01.tmp.hdf" in done.stdout
    (folder / "Brook.p01.tmp.hdf").write_bytes(growing)
    (folder / "Brook.r01").unlink()
    done = solve(ras, folder, "RasSteady", "Brook.r01")
    assert (done.returncode, done.stdout) == (0, "File:\nBrook.r01\nNot Found\n")


def test_a_rerun_that_fails_in_preprocessing_spoils_the_messages_of_the_old_result_alone(
    standins, tmp_path: Path
) -> None:
    ras = standins.twin(tmp_path / "6.6", "6.6")
    project = standins.write_project(tmp_path / "model")
    command = [ras.exe, "-c", "Basin.prj", "Basin.p01"]
    subprocess.run(command, cwd=project.parent, check=True, timeout=60)
    ras.fails("old-hdf-trap")
    subprocess.run(command, cwd=project.parent, check=True, timeout=60)
    with h5py.File(project.parent / "Basin.p01.hdf") as file:
        assert file["Results/Unsteady/Summary"].attrs["Solution"] == b"Unsteady Finished Successfully"
        messages = file["Results/Summary/Compute Messages (text)"][0]
    assert b"Complete Process" in messages and b"ERROR: Unable to compute face tables" in messages


def test_real_projects_can_be_computed(standins, hecras_data: Path, tmp_path: Path) -> None:
    ras = standins.twin(tmp_path / "6.3.1", "6.3.1")
    for source, stem in (("14320639-steady", "14320639"), ("muncie2d-unsteady", "Muncie2D")):
        folder = tmp_path / source
        folder.mkdir()
        for path in (hecras_data / source).glob(f"{stem}.*"):
            if path.suffix[:2] in {".p", ".g", ".u", ".f"} and path.suffix != ".hdf":
                (folder / path.name).write_bytes(path.read_bytes())
        subprocess.run([ras.exe, "-c", f"{stem}.prj", f"{stem}.p01"], cwd=folder, check=True, timeout=60)
        facts = plan_hdf.read(folder / f"{stem}.p01.hdf", thoroughness="every dataset")
        assert expectations.judge(Expectations(), facts, Identity(plan_filename=f"{stem}.p01")) == ()
