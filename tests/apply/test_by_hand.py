"""HEC-RAS run by hand in the project's folder: what it rewrites there makes no plan stale, a result is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from waiting import LONGEST

from rasreconcile.clock import Clock
from rasreconcile.operations.diff import diff
from rasreconcile.specfile import load

SPEC = """\
version: 1
state: {name}.db
{results}
engine: {{type: hec-ras, version: "6.6"}}
workers:
  desk: {{type: local, worker_folder: runs, ras_exe_path: "6.6", cores_total: 2, cores_per_plan: 1}}
plans:
  - {{project: model/Basin.prj, numbers: ["01"]}}
"""


def geometry_tables(project: Path) -> None:
    with h5py.File(project.with_suffix(".g01.hdf"), "r+") as file:
        file["Geometry/Cells Minimum Elevation"][...] = 7.0
        file["Geometry"].attrs["Geometry Time"] = "26Nov2026 08:00:00"


def write(*endings: str) -> Callable[[Path], None]:
    def rewrite(project: Path) -> None:
        for ending in endings:
            project.with_suffix(f".{ending}").write_bytes(b"as HEC-RAS left it\r\n")

    return rewrite


def change(ending: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def rewrite(project: Path) -> None:
        path = project.with_suffix(f".{ending}")
        before = path.read_bytes()
        path.write_bytes(before.replace(old, new))
        assert path.read_bytes() != before

    return rewrite


def result(project: Path) -> None:
    ready = project.with_suffix(".p01.tmp.hdf").read_bytes()
    project.with_suffix(".p01.hdf").write_bytes(ready)


BY_HAND: dict[str, tuple[Callable[[Path], None], str | None, str | None]] = {
    "nothing": (lambda project: None, None, None),
    "geometry tables and their time": (geometry_tables, None, None),
    "rasmap": (change("rasmap", b"</RASMapper>", b'<Layer Type="RASResults" /></RASMapper>'), None, None),
    "Current Plan": (change("prj", b"Current Plan=p01", b"Current Plan=p02"), None, None),
    "cores": (change("p01", b"UNET D2 Cores= 0 ", b"UNET D2 Cores= 8 "), None, None),
    "line ends": (change("u01", b"\r\n", b"\n"), None, None),
    "run files": (write("c01", "bco01", "r01"), None, None),
    # The Linux solver read them: with others it would have computed another result.
    "prepared files": (write("b01", "x01"), "input-changed, input-changed", "input-changed, input-changed"),
    "output and messages": (
        write("O01", "IC.O01", "dss", "p01.computeMsgs.txt", "p01.comp_msgs.txt"),
        None,
        None,
    ),
    "backup files": (write("rasmap.backup", "p01.blf", "color_scales"), None, None),
    "result": (result, None, "output-drifted"),
    "flow": (change("u01", b"    2000", b"    9000"), "input-changed", "input-changed"),
}
"""By what was rewritten: how, why the plan is not current with its result elsewhere, and with it in the project."""


@pytest.fixture
def computed(standins, tmp_path: Path) -> Path:
    """One project whose plan was computed by two specs: with results of their own folder, and in the project's."""
    folder = tmp_path
    project = standins.write_project(folder / "model", plans=("01",))
    standins.linux(folder / "6.6", "6.6")
    with h5py.File(project.with_suffix(".g01.hdf"), "w") as file:
        file["Geometry/Cells Minimum Elevation"] = [1.0, 2.0]
        file["Geometry"].attrs["Geometry Time"] = "25Nov2026 08:00:00"
    project.with_suffix(".rasmap").write_text("<RASMapper></RASMapper>")
    standins.prepare(project, "01")
    before = files_of(project.parent)
    for name, results in (("elsewhere", "results: results"), ("own", "")):
        (folder / f"{name}.yaml").write_text(SPEC.format(name=name, results=results))
        words = [sys.executable, "-m", "rasreconcile", "apply", f"{name}.yaml"]
        subprocess.run(words, cwd=folder, check=True, timeout=LONGEST)
    after = files_of(project.parent)
    made = {"Basin.p01.hdf", "Basin.p01.hdf.receipt.json"}
    assert {name: content for name, content in after.items() if name not in made} == before
    assert set(after) - set(before) == made
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_a_run_by_hand_rewrites_makes_no_plan_stale(computed: Path) -> None:
    found: dict[str, list[str | None]] = {}
    kept = computed / "kept"
    for name, (rewrite, *_) in BY_HAND.items():
        shutil.copytree(computed / "model", kept)
        rewrite(computed / "model" / "Basin.prj")
        found[name] = [why_not_current(computed / f"{spec}.yaml") for spec in ("elsewhere", "own")]
        shutil.rmtree(computed / "model")
        kept.rename(computed / "model")
    assert found == {name: list(expected) for name, (_, *expected) in BY_HAND.items()}


def why_not_current(spec: Path) -> str | None:
    decision = diff(load(spec), Clock()).decision
    (verdict,) = decision.verdicts
    assert verdict.reasons or decision.actions == ()
    return ", ".join(str(reason.cause) for reason in verdict.reasons) or None
