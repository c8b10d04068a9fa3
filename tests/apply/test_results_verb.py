"""`results`, and expectations that are checked again without a run, through the real command line."""

from __future__ import annotations

import csv
import io
import shutil

PROFILES = "/Results/Steady/Output/Output Blocks/Base Output/Steady Profiles"


def test_a_baseline_is_verified_again_whenever_it_changes_and_nothing_runs(study) -> None:
    study.apply()
    runs = study.json("history", "spec.yaml")["runs"]
    for path in study.results():
        (study.folder / "baseline").mkdir(exist_ok=True)
        shutil.copy(path, study.folder / "baseline" / path.name)
    study.spec(expect="{baseline: {file: baseline, water_surface_within: 0.01}}")
    assert "4 verified" in study.apply().stdout
    assert "nothing to do" in study.apply().stdout
    shutil.copy(study.results()[1], study.folder / "baseline" / "Willow.p04.hdf")
    refused = study.apply(check=3)
    assert "differs from the baseline by up to" in refused.stdout
    (study.folder / "baseline" / "Willow.p03.hdf").unlink()
    held = study.apply(check=None)
    assert held.returncode in {3, 4}
    assert "no such file" in held.stdout + held.stderr
    assert study.json("history", "spec.yaml")["runs"] == runs


def test_results_are_one_row_a_plan_in_every_form(study) -> None:
    assert study.run("results", "spec.yaml", check=1).stderr.count("\n") == 1
    study.apply()
    study.results()[3].unlink()
    rows = study.json("results", "spec.yaml")["results"]
    assert [row["state"] for row in rows] == ["current"] * 3 + ["missing"]
    assert rows[0]["unit"] == "ft"
    assert 0 < rows[0]["max_depth"] < rows[0]["max_water_surface"]
    table = list(csv.DictReader(io.StringIO(study.run("results", "spec.yaml", "--format", "csv").stdout)))
    assert [float(row["max_depth"] or 0) for row in table] == [row["max_depth"] or 0 for row in rows]
    study.run("results", "spec.yaml", "--output", "all.parquet")
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(study.folder / "all.parquet").to_pylist() == rows
    lines = study.run("results", "spec.yaml").stdout.splitlines()
    assert max(map(len, lines)) <= 120

    surfaces = ("results", "spec.yaml", "p01", "--dataset", f"{PROFILES}/Cross Sections/Water Surface")
    long = list(csv.DictReader(io.StringIO(study.run(*surfaces).stdout)))
    assert list(long[0]) == ["plan", "profile", "section", "value"]
    assert max(float(row["value"]) for row in long) == rows[0]["max_water_surface"]
    (one,) = csv.DictReader(io.StringIO(study.run(*surfaces, "--stat", "max").stdout))
    assert float(one["max"]) == rows[0]["max_water_surface"]
    study.run(*surfaces, "--output", "ws.parquet")
    assert pyarrow.parquet.read_table(study.folder / "ws.parquet").num_rows == len(long)
    assert ": No does not exist" in study.run("results", "spec.yaml", "--dataset", "/No", check=1).stderr


def test_a_result_that_crashes_or_lacks_a_dataset_is_left_out_and_said(study) -> None:
    study.apply()
    for path, content in zip(study.results(), (b"rubbish", b""), strict=False):
        path.write_bytes(content)
    notes = [row["note"] for row in study.json("results", "spec.yaml")["results"]]
    assert ["cannot be read as HDF5" in (note or "") for note in notes] == [True, True, False, False]
    found = study.run(
        "results", "spec.yaml", "--dataset", f"{PROFILES}/Cross Sections/*Surface", "--stat", "max"
    )
    assert [line.partition(",")[0] for line in found.stdout.splitlines()[1:]] == ["Willow/p03", "Willow/p04"]
    assert found.stderr.count("is left out") == 2
