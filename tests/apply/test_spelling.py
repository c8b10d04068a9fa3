"""Names and texts as they come: byte order marks, other case, brackets, accents apart, bytes that are not UTF-8."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from rasreconcile.edited_inputs import SetKeys, SetReferences, UnixLines
from rasreconcile.edits.texts import edited
from rasreconcile.project import decode, parse_project
from rasreconcile.project.canonical import canonical
from rasreconcile.resolve.folder import Folder
from rasreconcile.resolve.patterns import matches
from rasreconcile.resolve.projects import on_disk

BOM = b"\xef\xbb\xbf"
APART = unicodedata.normalize("NFD", "Crête")
SPEC = """\
version: 1
state: state.db
engine: {{type: steady}}
workers:
  desk: {{type: local, worker_folder: runs}}
plans:
"""


def run(folder: Path, *words: str, check: int | None = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rasreconcile", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert check is None or done.returncode == check, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def write(folder: Path, *entries: str) -> None:
    (folder / "spec.yaml").write_text(SPEC.format() + "".join(f"  - {entry}\n" for entry in entries))


def project(demo: Path, folder: Path, stem: str | bytes = "Willow") -> Path:
    """The demo's first plan under another name."""
    folder.mkdir(parents=True)
    for path in demo.glob("Willow.*"):
        name = stem if isinstance(stem, str) else os.fsdecode(stem)
        shutil.copy(path, f"{folder}/{name}{path.suffix}")
    return folder


# ---- a byte order mark is nothing


def test_a_byte_order_mark_is_nothing(demo: Path, tmp_path: Path) -> None:
    model = project(demo, tmp_path / "model")
    for path in model.iterdir():
        path.write_bytes(BOM + path.read_bytes())
    write(tmp_path, "{project: model/Willow.prj, numbers: ['01']}")
    assert "1 of 1 plan is current" in run(tmp_path, "apply", "spec.yaml")
    run(tmp_path, "init", "model/Willow.prj", "other.yaml")
    assert '["01", "02", "03", "04"]' in (tmp_path / "other.yaml").read_text()
    for path in model.glob("Willow.???"):
        path.write_bytes(path.read_bytes().removeprefix(BOM))
    assert "1 plan: 1 current" in run(tmp_path, "diff", "spec.yaml")


@pytest.mark.parametrize("kind", ["project", "plan", "geometry", "flow"])
def test_a_text_counts_the_same_with_and_without_the_mark(demo: Path, kind: str) -> None:
    endings = {"project": "prj", "plan": "p01", "geometry": "g01", "flow": "f01"}
    data = (demo / f"Willow.{endings[kind]}").read_bytes()
    assert canonical(kind, BOM + data) == canonical(kind, data)


def test_with_the_mark_a_text_is_utf_8_and_a_run_gets_it_without() -> None:
    said = BOM + "Proj Title=Crête\nDSS File=.\\Crête.dss\n".encode()
    assert parse_project(decode(said), "x.prj").title == "Crête"
    assert decode("Crête".encode("cp1252")) == "Crête"
    assert edited(said, UnixLines()) == said.removeprefix(BOM)
    assert edited(said, SetKeys((("Proj Title", "Forêt"),))).startswith("Proj Title=Forêt\n".encode())
    moved = edited(said, SetReferences(((".\\Crête.dss", "..\\Forêt.dss"),)))
    assert moved.endswith("DSS File=..\\Forêt.dss\n".encode())


# ---- other case, brackets, accents


def names(folder: Path, *made: str) -> Path:
    for name in made:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("there", "pattern", "found"),
    [
        ("Model/Flow.DSS", "model/*.dss", "Model/Flow.DSS"),
        ("Model/Flow.DSS", "MODEL/flow.dss", "Model/Flow.DSS"),
        ("Reach [1].txt", "Reach [1].txt", "Reach [1].txt"),
        ("Reach [1].txt", "reach [1].TXT", "Reach [1].txt"),
        ("Reach 1.txt", "Reach [1].txt", "Reach 1.txt"),
        (f"{APART}/a.txt", "Crête/*.txt", f"{APART}/a.txt"),
        (f"{APART}.txt", "cr[ê]te.txt", f"{APART}.txt"),
        (f"{APART}.txt", "CRÊ*.TXT", f"{APART}.txt"),
        ("Crête.txt", f"{APART}.txt", "Crête.txt"),
    ],
)
def test_a_pattern_finds_a_name_however_it_is_spelled(
    tmp_path: Path, there: str, pattern: str, found: str
) -> None:
    assert matches(names(tmp_path, there), pattern) == [found]


@pytest.mark.parametrize("spelled", ["model [old]/WILLOW.prj", "Model [Old]/Willow.PRJ"])
def test_a_path_is_found_in_other_case_below_a_folder_with_brackets(tmp_path: Path, spelled: str) -> None:
    names(tmp_path / "study [1]", "model [old]/Willow.PRJ")
    assert on_disk(tmp_path / "study [1]" / spelled) == tmp_path / "study [1]/model [old]/Willow.PRJ"
    assert on_disk(tmp_path / "nowhere/x.prj") == tmp_path / "nowhere/x.prj"


def test_a_project_whose_accents_are_stored_apart_is_found_and_computed(demo: Path, tmp_path: Path) -> None:
    project(demo, tmp_path / "model", APART)
    write(tmp_path, "{project: 'model/Crête.prj', numbers: ['01']}")
    assert "1 of 1 plan is current" in run(tmp_path, "apply", "spec.yaml")
    assert Folder(tmp_path / "model").find("Crête.p01.hdf") is not None
    write(tmp_path, f"{{project: 'model/{APART}.prj', numbers: ['01']}}")
    assert "1 plan: 1 current" in run(tmp_path, "diff", "spec.yaml")
    assert "Crête/p01" in run(tmp_path, "explain", "spec.yaml", f"{APART}/P01")
    run(tmp_path, "init", "model/CRÊTE.prj", "other.yaml")


def test_a_project_in_capitals_below_brackets_is_computed(demo: Path, tmp_path: Path) -> None:
    project(demo, tmp_path / "study [1]/Model", "WILLOW")
    write(tmp_path / "study [1]", "{project: 'model/Willow.prj', numbers: ['01']}")
    assert "1 of 1 plan is current" in run(tmp_path / "study [1]", "apply", "spec.yaml")


# ---- bytes that are not UTF-8


def may_be_named(folder: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/\xe9")).touch()
    except OSError:
        pytest.skip("this file system takes no such name")


def test_a_project_with_a_latin_1_name_is_a_fault_of_its_plans_and_the_others_are_computed(
    demo: Path, tmp_path: Path
) -> None:
    may_be_named(tmp_path)
    project(demo, tmp_path / "model")
    project(demo, tmp_path / "old", b"W\xe9")
    write(tmp_path, "{project: '*/*.prj', numbers: ['01']}")
    fault = "W\\xe9.prj: this name is not UTF-8; rename it (it may mean Wé.prj)"
    assert fault in run(tmp_path, "check", "spec.yaml", check=None)
    said = run(tmp_path, "apply", "spec.yaml", check=4)
    assert "1 of 2 plans are current" in said and fault in said
    rows = {row["plan"]: row for row in json.loads(run(tmp_path, "status", "spec.yaml", "--json"))["plans"]}
    assert [rows[name]["sync"] for name in ("model/Willow/p01", "old/W\\xe9/p01")] == ["current", "missing"]
    assert fault in run(tmp_path, "results", "spec.yaml", "--format", "csv")
    assert fault in run(tmp_path, "init", os.fsdecode(b"old/W\xe9.prj"), "other.yaml", check=1)
    assert not (tmp_path / "other.yaml").exists()


def test_an_input_with_a_latin_1_name_is_a_fault_of_the_plan_that_reads_it(
    demo: Path, tmp_path: Path
) -> None:
    may_be_named(tmp_path)
    model = project(demo, tmp_path / "model")
    Path(os.fsdecode(os.fsencode(model) + b"/r\xe9gime.txt")).write_text("x")
    write(
        tmp_path,
        "{project: model/Willow.prj, numbers: ['01'], inputs: ['*.txt']}",
        "{project: model/Willow.prj, numbers: ['02'], inputs: ['régime.txt']}",
        "{project: model/Willow.prj, numbers: ['03']}",
    )
    said = run(tmp_path, "apply", "spec.yaml", check=4)
    assert "1 of 3 plans are current" in said
    assert "r\\xe9gime.txt: this name is not UTF-8; rename it (it may mean régime.txt)" in said
    assert "2 x " in said
