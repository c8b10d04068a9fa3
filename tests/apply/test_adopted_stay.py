"""Adopted results, which nobody can compute again, are never destroyed: real ones of HEC-RAS 6.3.1."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import h5py
import pytest

from rasreconcile.results.aside import set_aside
from rasreconcile.results.receipts import read_receipt

SPEC = """\
version: 1
state: state.db
engine: {{type: hec-ras, version: "6.3.1"}}
workers:
  desk: {{type: local, worker_folder: runs/desk, ras_exe_path: Ras.exe}}
plans:
  - {{project: old/14320639.prj, numbers: {numbers}}}
"""
BY_COMMAND = """\
version: 1
state: state.db
engine: {{type: command, command: {command}}}
workers:
  desk: {{type: local, worker_folder: runs/desk, cores_total: 2, cores_per_plan: 1}}
plans:
  - {{project: old/14320639.prj, numbers: ["01", "02"], expect: {{completed: false}}}}
"""


@pytest.fixture
def old(old_project):
    """With a spec of both of its plans."""
    (old_project.folder / "spec.yaml").write_text(SPEC.format(numbers='["01", "02"]'))
    return old_project


@pytest.fixture
def computable(old):
    """The same project with a program that computes both plans; their results of HEC-RAS are adopted."""
    ready = old.folder / "ready.hdf"
    script = f"import shutil, sys; shutil.copy({str(ready)!r}, sys.argv[1])"
    command = json.dumps([sys.executable, "-c", script, "{output}"])
    (old.folder / "spec.yaml").write_text(BY_COMMAND.format(command=command))
    assert "2 adopted" in old.run("adopt", "spec.yaml", "--all", "--suspicious").stdout
    return old


def kept(study) -> list[str]:
    return sorted(path.name for path in (study.folder / "old").iterdir() if ".adopted-" in path.name)


def test_prune_keeps_adopted_results_says_so_and_removes_them_only_when_told(old) -> None:
    old.run("adopt", "spec.yaml", "--all")
    (old.folder / "spec.yaml").write_text(SPEC.format(numbers='["01"]'))
    second = old.folder / "old/14320639.p02.hdf"
    before = second.read_bytes()
    for words in ((), ("--yes",), ("--yes", "--force")):
        said = old.run("prune", "spec.yaml", *words).stdout
        assert (
            "kept (it was adopted, and rasreconcile cannot compute it again; --adopted removes it too)"
            in said
        )
        assert "0 of 2 results, kept 1" in said
        assert second.read_bytes() == before
        assert read_receipt(second) is not None
    (found,) = old.json("prune", "spec.yaml")["results"]
    assert (found["provenance"], "--adopted" in found["kept_because"]) == ("adopted", True)
    assert "would remove  14320639/p02" in old.run("prune", "spec.yaml", "--adopted").stdout
    assert second.exists()
    old.run("prune", "spec.yaml", "--adopted", "--yes")
    assert not second.exists()
    assert (old.folder / "old/14320639.p01.hdf").exists()


@pytest.mark.parametrize("store", ["recalled", "rebuilt"])
def test_an_adopted_result_stays_adopted_for_prune_when_the_store_was_lost(old, store) -> None:
    old.run("adopt", "spec.yaml", "--all")
    (old.folder / "state.db").unlink()
    if store == "rebuilt":
        old.run("state", "rebuild", "spec.yaml")
    else:
        old.apply()
    (old.folder / "spec.yaml").write_text(SPEC.format(numbers='["01"]'))
    assert "it was adopted" in old.run("prune", "spec.yaml", "--yes", "--force").stdout
    assert (old.folder / "old/14320639.p02.hdf").exists()


def test_retry_sets_an_adopted_result_aside_with_its_receipt_and_says_so(computable) -> None:
    first = computable.folder / "old/14320639.p01.hdf"
    before, receipt = first.read_bytes(), read_receipt(first)
    said = computable.run("retry", "spec.yaml", "p01").stdout
    names = kept(computable)
    assert len(names) == 2
    assert names[1] == f"{names[0]}.receipt.json"
    assert names[0] in said
    assert first.read_bytes() == before, "it stays in its place until a better one is proven"
    said = computable.apply().stdout
    aside = first.with_name(names[0])
    assert first.read_bytes() == (computable.folder / "ready.hdf").read_bytes()
    assert aside.read_bytes() == before
    again = read_receipt(aside)
    assert again is not None
    assert receipt is not None
    assert (again.provenance, again.digest, again.spec) == ("adopted", receipt.digest, receipt.spec)
    assert kept(computable) == names, "once is enough"
    computed = read_receipt(first)
    assert computed is not None
    assert computed.provenance == "computed"
    computable.run("retry", "spec.yaml", "p01")
    computable.apply()
    assert kept(computable) == names, "what was computed can be computed again"


def test_a_run_because_an_input_changed_keeps_the_adopted_result_as_well(computable) -> None:
    flow = computable.folder / "old/14320639.f02"
    flow.write_bytes(flow.read_bytes().replace(b"Number of Profiles= 21", b"Number of Profiles= 20"))
    before = (computable.folder / "old/14320639.p02.hdf").read_bytes()
    done = computable.apply()
    (name, _) = kept(computable)
    assert name.startswith("14320639.p02.hdf.adopted-")
    assert f"the adopted result is kept as old/{name}" in done.stdout + done.stderr
    assert (computable.folder / "old" / name).read_bytes() == before
    assert "nothing to do" in computable.apply().stdout


def test_an_adopted_result_behind_a_link_is_set_aside_where_it_is(computable, tmp_path_factory) -> None:
    disk = tmp_path_factory.mktemp("disk")
    first = computable.folder / "old/14320639.p01.hdf"
    before = first.read_bytes()
    first.rename(disk / first.name)
    first.symlink_to(disk / first.name)
    computable.run("retry", "spec.yaml", "p01")
    computable.apply()
    assert first.is_symlink()
    (aside,) = (path for path in disk.iterdir() if ".adopted-" in path.name and path.suffix != ".json")
    assert aside.read_bytes() == before
    assert (disk / first.name).read_bytes() != before


def test_results_of_two_adoptions_are_both_kept(computable) -> None:
    first = computable.folder / "old/14320639.p01.hdf"
    receipt = read_receipt(first)
    assert receipt is not None
    place = set_aside(first, receipt.at.date())
    assert place is not None
    assert set_aside(first, receipt.at.date()) == place
    path = first.with_name(f"{first.name}.receipt.json")
    with h5py.File(computable.folder / "another.hdf", "w") as file:
        file["y"] = [3.0]
    (computable.folder / "another.hdf").replace(first)
    path.write_text(path.read_text().replace(receipt.digest, "0" * 64))
    second = set_aside(first, receipt.at.date())
    assert second is not None
    assert second.name == f"{place.name}-2"
    assert second.read_bytes() == first.read_bytes()
    assert place.read_bytes() != second.read_bytes()


def test_what_was_computed_is_not_set_aside(study) -> None:
    study.command()
    study.apply()
    result: Path = study.results()[0]
    assert set_aside(result, read_receipt(result).at.date()) is None  # type: ignore[union-attr]


def test_state_rebuild_on_a_sound_store_asks_for_yes(study) -> None:
    study.command()
    study.apply()
    before = (study.folder / "state.db").read_bytes()
    refused = study.run("state", "rebuild", "spec.yaml", check=64).stderr
    assert "the store is sound" in refused
    assert "--yes" in refused
    assert (study.folder / "state.db").read_bytes() == before
    assert list(study.folder.glob("*.old")) == []
    rebuilt = study.run("state", "rebuild", "spec.yaml", "--yes").stdout
    assert rebuilt.startswith("state.db: 4 results recalled from their receipts\n")
    assert "the old store is kept: state.db." in rebuilt
    assert len(list(study.folder.glob("*.old"))) == 1
    (study.folder / "state.db").unlink()
    assert "4 results recalled" in study.run("state", "rebuild", "spec.yaml").stdout
