"""Ras.exe's job: what is changed in the staged copies, and the scripts that wait for what Ras.exe leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from waiting import LONGEST

from rasreconcile.edited_inputs import SetKeys, SetReferences
from rasreconcile.edits import texts
from rasreconcile.engines.hec_ras.engine import HecRas
from rasreconcile.engines.registry import engine_for
from rasreconcile.errors import ProjectError
from rasreconcile.jobs import Install
from rasreconcile.plans import MISSING, BroughtBack, component
from rasreconcile.runs import new_run_id
from rasreconcile.spec import HecRasEngine

SCRIPTS = Path(__file__).parents[3] / "rasreconcile" / "engines" / "hec_ras"
"""The scripts themselves, for the calls that a job makes of them."""
EXE = r"C:\Program Files (x86)\HEC\HEC-RAS\6.6\Ras.exe"


def hec_ras(version: str):
    return engine_for(HecRasEngine(type="hec-ras", version=version))


def install(**more) -> Install:
    return Install(platform="windows", cores=4, home=EXE, worker_folder="C:\\RasRemote", **more)


def text_of(job, kind: str, data: bytes) -> bytes:
    """The text after the edits of the input with this ending."""
    staged = next(s for s in job.inputs if s.name.endswith(kind))
    for edit in staged.edits:
        assert isinstance(edit, SetKeys | SetReferences)
        data = texts.edited(data, edit)
    return data


@pytest.mark.parametrize(("version", "form"), [("6.6", "plan"), ("5.0.7", "current plan"), ("9.1", "plan")])
def test_ras_exe_is_called_in_the_form_of_its_version(
    standins, plan_of, tmp_path: Path, version, form
) -> None:
    job = hec_ras(version).job(plan_of(standins.write_project(tmp_path / "model"), version), install())
    assert job.platform == "windows"
    assert job.steps == (("cmd", "/d", "/c", "rasreconcile-ras.cmd", EXE, form, "Basin", "01", "10", "1800"),)
    assert job.messages == "Basin.p01.computeMsgs.txt"
    assert job.outputs[0] == "Basin.p01.hdf"
    script = next(s for s in job.inputs if s.name == "rasreconcile-ras.cmd")
    assert script.source.read_bytes().count(b"\r\n") == script.source.read_bytes().count(b"\n")


def test_cores_messages_and_the_current_plan_are_set_in_the_staged_copies(
    standins, plan_of, tmp_path
) -> None:
    project = standins.write_project(tmp_path / "model")
    job = hec_ras("5.0.7").job(plan_of(project), install())
    plan = text_of(job, ".p01", project.with_suffix(".p01").read_bytes())
    assert b"UNET D1 Cores= 4 \r\nUNET D2 Cores= 4 \r\nPS Cores= 4 \r\nWrite Detailed= 1 \r\n" in plan
    assert b"Run HTab" not in plan
    assert b"Current Plan=p01\r\n" in text_of(job, ".prj", project.read_bytes())


def test_clear_geompre_computes_the_tables_again_and_no_preprocessor_file_is_ever_staged(
    standins, plan_of, tmp_path: Path
) -> None:
    project = standins.write_project(tmp_path / "model")
    standins.prepare(project, "01", version="6.1")
    plan = plan_of(project)
    cleared = replace(plan, components=(*plan.components, component("spec clear_geompre", "true")))
    job = hec_ras("6.6").job(cleared, install())
    assert b"Run HTab=-1 \r\n" in text_of(job, ".p01", project.with_suffix(".p01").read_bytes())
    for one in (job, hec_ras("6.6").job(plan, install())):
        assert {Path(s.name).suffix for s in one.inputs} == {".prj", ".p01", ".g01", ".u01", ".cmd"}


def test_absolute_references_are_written_as_the_run_has_the_files(
    standins, plan_of, with_input, tmp_path: Path
) -> None:
    plan = plan_of(standins.write_project(tmp_path / "model"))
    plan = with_input(plan, "dss/rain.dss", "dss", r"C:\Models\Basin\dss\rain.dss")
    plan = with_input(plan, "../shared/flow.dss", "dss", r"\\server\flow.dss")
    plan = with_input(plan, "Precip/P.nc", "meteorology", r".\precip\p.nc")
    job = hec_ras("6.6").job(plan, install())
    before = (
        b"DSS File=C:\\Models\\Basin\\dss\\rain.dss\r\nDSS File=\\\\server\\flow.dss\r\nX=.\\precip\\p.nc\r\n"
    )
    after = b"DSS File=.\\dss\\rain.dss\r\nDSS File=..\\shared\\flow.dss\r\nX=.\\precip\\p.nc\r\n"
    assert text_of(job, ".u01", before) == after
    assert job.folder == "project"
    assert {"project/dss/rain.dss", "shared/flow.dss"} <= {s.name for s in job.inputs}


def test_a_path_too_long_for_hec_ras_is_refused_with_the_remedy(standins, plan_of, tmp_path: Path) -> None:
    plan = plan_of(standins.write_project(tmp_path / "model"))
    far = replace(install(), worker_folder="C:\\" + "x" * 220)
    with pytest.raises(ProjectError, match="HEC-RAS stops at 259; set worker_folder to a shorter path"):
        hec_ras("6.6").job(plan, far)


@pytest.mark.parametrize("wine", [None, "/usr/bin/wine"])
@pytest.mark.parametrize(
    "longest",
    [
        "Basin.p01.computeMsgs.txt",
        "Basin.p01.02JAN1900 1200.rst",
        "maps/depth of the year 2100.tif",
        "dss/a name of a boundary file.dss",
    ],
)
def test_the_longest_path_of_a_run_is_that_of_a_real_one_to_the_character(
    standins, plan_of, with_input, tmp_path: Path, longest: str, wine: str | None
) -> None:
    plan = plan_of(standins.write_project(tmp_path / "model"))
    if longest.endswith(".dss"):
        plan = with_input(plan, longest, "dss")
    elif not longest.endswith(".txt"):
        plan = replace(plan, brought_back=(BroughtBack(longest, longest),))
    run = new_run_id(plan.address, datetime(2026, 11, 27, 12, tzinfo=UTC), "a1b2c3d4")
    drive = "Z:/" if wine else "C:/"
    for length, refused in ((259, False), (260, True)):
        rest = len(f"/{run}/work/{longest}")
        far = drive + "x" * (length - rest - len(drive))
        assert len(f"{far}/{run}/work/{longest}") == length
        place = replace(install(wine=wine), worker_folder=far[2:] if wine else far)
        why = hec_ras("6.6").why_not(plan, place)
        assert (why is not None) is refused
        assert why is None or why.what.startswith(
            f"{Path(longest).name} would have a path of 260 characters there"
        )


# ---- the scripts, run


def project_with(standins, folder: Path, mode: str, ras, seconds: float = 1.0) -> Path:
    project = standins.write_project(folder, plans=("01",))
    ras.fails(mode, seconds=seconds)
    return project.parent


OUTCOMES = [
    ("good", {"Basin.p01.hdf"}),
    ("outlives", {"Basin.p01.hdf"}),
    ("crash", {"Basin.p01.tmp.hdf"}),
    ("no-flow-values", set()),
]


@pytest.mark.parametrize(("mode", "left"), OUTCOMES)
def test_the_posix_script_waits_until_nothing_goes_on(
    standins, tmp_path: Path, mode: str, left: set[str]
) -> None:
    ras = standins.twin(tmp_path / "6.6", "6.6")
    folder = project_with(standins, tmp_path / "my model", mode, ras)
    words = ["sh", str(SCRIPTS / "ras.sh"), str(standins.sh_wine(tmp_path / "wine")), str(ras.exe)]
    words += ["plan", "Basin", "01", "2", "20"]
    environment = os.environ | {"WINEPREFIX": str(tmp_path / "none")}
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in folder.glob("*.hdf")} == left


def test_a_solver_that_stays_silent_is_given_up(standins, tmp_path: Path) -> None:
    ras = standins.twin(tmp_path / "6.6", "6.6")
    folder = project_with(standins, tmp_path / "model", "nothing", ras)
    (folder / "Basin.p01.tmp.hdf").write_bytes(b"left by a solver that died without a word")
    words = ["sh", str(SCRIPTS / "ras.sh"), str(standins.sh_wine(tmp_path / "wine")), str(ras.exe)]
    words += ["plan", "Basin", "01", "2", "4"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert done.returncode == 1
    assert "rasreconcile: Ras.exe has returned, and Basin.p01.tmp.hdf has not changed for 4 s" in done.stdout


@pytest.mark.parametrize(("mode", "left"), OUTCOMES[1:3])
def test_the_windows_script_does_so_in_a_real_cmd(
    standins, wine, tmp_path: Path, mode: str, left: set[str]
) -> None:
    ras = standins.windows(tmp_path / "Program Files (x86)" / "6.6", "6.6")
    folder = project_with(standins, tmp_path / "my model & more", mode, ras)
    shutil.copy(SCRIPTS / "ras.cmd", folder / "rasreconcile-ras.cmd")
    exe = "Z:" + str(ras.exe).replace("/", "\\")
    words = ["cmd", "/d", "/c", "rasreconcile-ras.cmd", exe, "plan", "Basin", "01", "4", "20"]
    done = subprocess.run(
        [wine.program, *words], cwd=folder, env=wine.environment, timeout=LONGEST, check=False
    )
    assert done.returncode == 0
    assert {path.name for path in folder.glob("*.hdf")} == left


def test_ras_exe_finds_its_words_in_quotes_under_wine_and_is_ended_when_it_has_prepared(
    standins, wine, tmp_path: Path
) -> None:
    ras = standins.windows(tmp_path / "6.6", "6.6")
    folder = project_with(standins, tmp_path / "model", "good", ras, seconds=120)
    for name in ("ras.cmd", "ras.sh"):
        shutil.copy(SCRIPTS / name, folder / f"rasreconcile-{name}")
    words = ["sh", "rasreconcile-ras.sh", wine.program, str(ras.exe), "plan", "Basin", "01", "4", "60"]
    products = ["Basin.p01.tmp.hdf", "Basin.b01", "Basin.x01"]
    runner = subprocess.Popen([*words, *products], cwd=folder, env=wine.environment, start_new_session=True)
    try:
        assert runner.wait(timeout=LONGEST) == 0
    finally:
        # As the end of a run does.
        os.killpg(runner.pid, signal.SIGKILL)
    assert all((folder / name).stat().st_size for name in products)
    (line,) = ras.lines()
    place = "Z:" + str(folder).replace("/", "\\")
    assert line.endswith(f' -c "{place}\\Basin.prj" "{place}\\Basin.p01"'), line


@pytest.mark.parametrize("mode", ["good", "prepare-crash"])
def test_the_windows_script_waits_until_everything_is_prepared(
    standins, wine, tmp_path: Path, mode: str
) -> None:
    ras = standins.windows(tmp_path / "Program Files (x86)" / "6.6", "6.6")
    folder = project_with(standins, tmp_path / "my model & more", mode, ras)
    shutil.copy(SCRIPTS / "ras.cmd", folder / "rasreconcile-ras.cmd")
    exe = "Z:" + str(ras.exe).replace("/", "\\")
    products = ["Basin.p01.tmp.hdf", "Basin.b01", "Basin.x01"]
    words = ["cmd", "/d", "/c", "rasreconcile-ras.cmd", exe, "plan", "Basin", "01", "4", "20", *products]
    done = subprocess.run(
        [wine.program, *words], cwd=folder, env=wine.environment, timeout=LONGEST, check=False
    )
    assert done.returncode == 0
    assert (folder / "Basin.b01").exists() is (mode == "good")
    assert len(ras.lines()) == 1


@pytest.mark.parametrize(
    ("version", "kind", "named_by", "refused"),
    [
        ("6.1", "land-cover", "Basin.g01.hdf", True),
        ("6.1.0", "infiltration", "Basin.g01.hdf", True),
        ("6.2", "land-cover", "LandCover.hdf", True),
        ("6.1", "land-cover", "Basin.rasmap", False),
        ("6.1", "terrain", "Basin.g01.hdf", False),
        ("6.0", "land-cover", "Basin.g01.hdf", False),
        ("6.3.1", "land-cover", "Basin.g01.hdf", False),
        ("6.6", "infiltration", "Basin.g01.hdf", False),
    ],
)
def test_versions_that_leave_the_geometry_out_in_silence_get_no_plan_with_a_missing_layer(
    standins, plan_of, with_input, tmp_path: Path, version: str, kind: str, named_by: str, refused: bool
) -> None:
    plan = with_input(plan_of(standins.write_project(tmp_path / "model"), version), "layer.tif", kind)
    install = Install(platform="windows", cores=1, home="C:/6.1/Ras.exe")
    engine = HecRas(HecRasEngine(type="hec-ras", version=version))
    assert engine.why_not(plan, install) is None
    gone = replace(plan.inputs[-1], raw=MISSING, named_by=named_by)
    why = engine.why_not(replace(plan, inputs=(*plan.inputs[:-1], gone)), install)
    assert (why is not None) is refused
    assert why is None or f"is missing: {kind} layer.tif; put it there" in str(why)
