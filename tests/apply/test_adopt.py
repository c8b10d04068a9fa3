"""Adopting results that stand there already: real ones of HEC-RAS, our own without a store, and ones that are unfit."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import pytest

from rasreconcile.plans import Address
from rasreconcile.records import Published
from rasreconcile.store import Store
from rasreconcile.store.reader import Reader

REAL = """\
version: 1
state: state.db
engine: {{type: hec-ras, version: "{version}"}}
workers:
  desk: {{type: local, worker_folder: runs/desk, ras_exe_path: Ras.exe}}
plans:
  - {{project: old/14320639.prj, numbers: ["01", "02"]}}
"""


def fingerprint_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of every file."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def old(old_project):
    """With a spec of the version that made its results."""
    (old_project.folder / "spec.yaml").write_text(REAL.format(version="6.3.1"))
    return old_project


def published(study) -> dict[Address, Published]:
    with Reader(study.folder / "state.db") as reader:
        return dict(reader.outputs.published())


def proposal(study) -> dict[str, Any]:
    return study.json("diff", "spec.yaml")["proposal"]


def test_an_old_project_is_proposed_adopted_and_current_and_not_a_byte_of_it_has_changed(old) -> None:
    before = fingerprint_of(old.folder / "old")
    assert proposal(old) == {"adopt": ["14320639/p01", "14320639/p02"], "run": [], "look": []}
    told = old.run("diff", "spec.yaml").stdout
    assert "Proposal: adopt 2, run 0, look at 0.\n  rasreconcile adopt spec.yaml --all\n" in told
    assert not (old.folder / "state.db").exists(), "looking writes nothing"
    assert "2 would adopt" in old.run("adopt", "spec.yaml", "--dry-run").stdout
    assert not (old.folder / "state.db").exists()
    assert fingerprint_of(old.folder / "old") == before

    assert "2 adopted" in old.run("adopt", "spec.yaml", "--all").stdout
    listed = old.json("results", "spec.yaml")["results"]
    assert [(row["state"], row["provenance"]) for row in listed] == [("current", "adopted")] * 2
    assert "2 plans: 2 current" in old.run("status", "spec.yaml", "--detailed-exitcode").stdout
    after = fingerprint_of(old.folder / "old")
    receipts = {f"14320639.p0{n}.hdf.receipt.json" for n in (1, 2)}
    assert set(after) - set(before) == receipts
    assert {name: after[name] for name in before} == before
    assert old.run("diff", "spec.yaml", "--detailed-exitcode").stdout.endswith("Nothing to do.\n")
    one = published(old)[Address("14320639/p01")]
    assert (one.provenance, one.engine) == ("adopted", "HEC-RAS 6.3.1 September 2022")
    assert one.digest == before["14320639.p01.hdf"][0]
    receipt = json.loads((old.folder / "old" / "14320639.p01.hdf.receipt.json").read_text())
    assert (receipt["provenance"], receipt["remarks"]) == ("adopted", [])
    assert "nobody proved" in receipt["note"]

    again = fingerprint_of(old.folder / "old")
    assert "2 under control" in old.run("adopt", "spec.yaml", "--all").stdout
    assert fingerprint_of(old.folder / "old") == again
    events = old.run("explain", "spec.yaml", "14320639/p01").stdout
    assert "adopted, not computed: made by HEC-RAS 6.3.1 September 2022" in events
    assert events.count(" adopted 14320639/p01") == 1


def test_an_adopted_plan_becomes_stale_like_any_other_and_explain_shows_what_changed(old) -> None:
    old.run("adopt", "spec.yaml", "14320639/p02")
    flow = old.folder / "old" / "14320639.f02"
    flow.write_bytes(flow.read_bytes().replace(b"Number of Profiles= 21", b"Number of Profiles= 20"))
    plans = {plan["plan"]: plan for plan in old.json("diff", "spec.yaml")["plans"]}
    assert plans["14320639/p02"]["sync"] == "stale"
    assert [r["subject"] for r in plans["14320639/p02"]["reasons"]] == ["14320639.f02"]
    explained = old.run("explain", "spec.yaml", "14320639/p02").stdout
    assert "-Number of Profiles= 21" in explained
    assert "adopted, not computed" in explained


def test_another_version_is_suspicious_and_taken_only_by_name_with_the_doubt_kept(old) -> None:
    (old.folder / "spec.yaml").write_text(REAL.format(version="6.6"))
    assert proposal(old)["look"] == ["14320639/p01", "14320639/p02"]
    assert "2 left" in old.run("adopt", "spec.yaml", "--all").stdout
    assert "2 left" in old.run("adopt", "spec.yaml", "1432*").stdout, "a pattern names nothing one by one"
    assert published(old) == {}
    assert "1 adopted" in old.run("adopt", "spec.yaml", "14320639/p01").stdout
    doubt = "it was made by HEC-RAS 6.3.1 September 2022, the spec requires HEC-RAS 6.6"
    assert published(old)[Address("14320639/p01")].remarks == (doubt,)
    receipt = json.loads((old.folder / "old" / "14320639.p01.hdf.receipt.json").read_text())
    assert receipt["remarks"] == [doubt]
    assert f"accepted despite: {doubt}" in old.run("explain", "spec.yaml", "14320639/p01").stdout
    assert "1 adopted" in old.run("adopt", "spec.yaml", "--all", "--suspicious").stdout


def test_an_input_written_after_the_result_makes_it_suspicious(old) -> None:
    flow = old.folder / "old" / "14320639.f01"
    later = (old.folder / "old" / "14320639.p01.hdf").stat().st_mtime + 7200
    os.utime(flow, (later, later))
    found = proposal(old)
    assert (found["adopt"], found["look"]) == (["14320639/p02"], ["14320639/p01"])
    assert "14320639.f01 changed after it was written" in old.run("diff", "spec.yaml").stdout


def test_unfit_results_are_refused_with_the_reason_and_left_as_they_are(old) -> None:
    first, second = (old.folder / "old" / f"14320639.p0{n}.hdf" for n in (1, 2))
    with h5py.File(first, "r+") as file:
        del file["Results"]
    second.write_bytes(second.read_bytes()[:200_000])
    before = fingerprint_of(old.folder / "old")
    assert proposal(old) == {"adopt": [], "run": ["14320639/p01", "14320639/p02"], "look": []}
    said = old.run("adopt", "spec.yaml", "14320639/p01", "14320639/p02", "--suspicious", check=3).stdout
    assert "holds no results" in said
    assert "not a sound HDF5 file" in said
    assert fingerprint_of(old.folder / "old") == before
    assert published(old) == {}


def test_the_result_of_another_plan_under_this_plans_name_is_unfit(old) -> None:
    folder = old.folder / "old"
    shutil.copy(folder / "14320639.p02.hdf", folder / "14320639.p01.hdf")
    said = old.run("adopt", "spec.yaml", "p01", check=3).stdout
    assert "says it is the result of 14320639.p02, not of 14320639.p01" in said


def test_damage_that_only_a_whole_reading_finds_keeps_a_result_from_being_adopted(old) -> None:
    path = old.folder / "old" / "14320639.p01.hdf"
    with h5py.File(path, "r+") as file:
        file.create_dataset(
            "Geometry/More", data=[[float(n)] * 64 for n in range(512)], chunks=(64, 64), compression="gzip"
        )
        at = file["Geometry/More"].id.get_chunk_info(2).byte_offset
    with path.open("r+b") as raw:
        raw.seek(at)
        raw.write(b"\xff" * 8)
    said = old.run("adopt", "spec.yaml", "p01", check=3).stdout
    assert "on a full read it is unfit" in said


def test_a_store_that_a_controller_holds_is_left_alone(old) -> None:
    with Store.open(old.folder / "state.db", now=datetime.now(UTC)):
        assert "a controller is running" in old.run("adopt", "spec.yaml", "--all", check=5).stderr
        assert "2 would adopt" in old.run("adopt", "spec.yaml", "--dry-run").stdout
    assert list((old.folder / "old").glob("*.receipt.json")) == []


def test_our_own_results_without_store_and_receipts_are_adopted_and_apply_has_nothing_to_do(study) -> None:
    study.apply()
    (study.folder / "state.db").unlink()
    for path in study.folder.rglob("*.receipt.json"):
        path.unlink()
    said = study.apply(check=4).stdout
    assert "adopt" in said
    assert study.json("history", "spec.yaml")["runs"] == []
    found = study.json("adopt", "spec.yaml", "--all")
    assert [plan["what"] for plan in found["plans"]] == ["adopted"] * 4
    assert study.apply().stdout == "spec.yaml: nothing to do, all 4 plans are current.\n"
    (study.folder / "state.db").unlink()
    study.apply()
    assert {one.provenance for one in published(study).values()} == {"adopted"}, "known as adopted for ever"


def test_a_found_result_is_read_once_while_it_and_its_expectations_stay_as_they_are(old) -> None:
    (old.folder / "spec.yaml").write_text(REAL.format(version="6.6"))
    old.run("adopt", "spec.yaml", "--all")
    with closing(sqlite3.connect(old.folder / "state.db")) as database, database:
        assert database.execute("SELECT count(*) FROM assessment").fetchone() == (2,)
        database.execute(
            "UPDATE assessment SET evidence = json_set(evidence, '$.file_version', 'HEC-RAS 6.6 x')"
        )
    database.close()
    assert proposal(old)["adopt"] == ["14320639/p01", "14320639/p02"], "what was remembered counts"
    os.utime(old.folder / "old" / "14320639.p01.hdf")
    assert proposal(old)["adopt"] == ["14320639/p02"], "a touched file is read again"


def test_no_plan_named_and_no_all_is_a_question_not_a_guess(old) -> None:
    assert "--all" in old.run("adopt", "spec.yaml", check=64).stderr
    assert "no such plan" in old.run("adopt", "spec.yaml", "p77", check=64).stderr
