"""`results`, and expectations that are checked again without a run, through the real command line."""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
from contextlib import closing

import pytest

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
    assert "1 x expectation-failed: " in refused.stdout
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
    assert [row["hdf"] for row in rows][:3] == [str(path) for path in study.results()]
    assert rows[3]["hdf"] == str(study.results()[2]).replace("p03", "p04")
    lines = study.run("results", "spec.yaml").stdout.splitlines()
    assert max(map(len, lines)) <= 120
    near = [str(path.relative_to(study.folder)) for path in study.results()]
    assert [line.split()[-1] for line in lines if line.endswith(".hdf")][:3] == near

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
    rows = study.json("results", "spec.yaml")["results"]
    notes = [row["note"] for row in rows]
    assert [row["state"] for row in rows] == ["unreadable", "unreadable", "current", "current"]
    assert ["not a sound HDF5 file" in (note or "") for note in notes] == [True, True, False, False]
    found = study.run(
        "results", "spec.yaml", "--dataset", f"{PROFILES}/Cross Sections/*Surface", "--stat", "max"
    )
    assert [line.partition(",")[0] for line in found.stdout.splitlines()[1:]] == ["Willow/p03", "Willow/p04"]
    assert found.stderr.count("is left out") == 2


def test_a_dataset_that_no_result_has_is_told_once(study) -> None:
    study.apply()
    found = study.run("results", "spec.yaml", "--dataset", "Nonsense", check=1)
    assert found.stdout == ""
    assert found.stderr == (
        "results/Willow/Willow.p01.hdf: Nonsense does not exist, or holds no numbers (and 3 more results alike);"
        " `h5dump -n` lists what exists\n"
    )
    study.results()[1].write_bytes(b"")
    found = study.run("results", "spec.yaml", "--dataset", "Nonsense", check=1).stderr.splitlines()
    assert [line.split(":")[0] for line in found] == [
        "Willow/p02 is left out",
        "results/Willow/Willow.p01.hdf",
    ]
    assert "(and 2 more results alike)" in found[1]


def in_store(study, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(study.folder / "state.db")) as store, store:
        return store.execute(statement).fetchall()


def test_results_are_listed_from_what_was_noted_as_long_as_the_file_is_what_it_was(study, ask) -> None:
    ask("apply", "spec.yaml")
    rows = ask("results", "spec.yaml", "--json").json["results"]
    assert all(row["max_water_surface"] > row["max_depth"] > 0 for row in rows)
    assert ask("results", "spec.yaml", "--read", "--json").json["results"] == rows
    # What was noted is what is told: nobody opens the HDF.
    in_store(study, "UPDATE output SET shown = json_set(shown, '$.max_water_surface', 1.5)")
    noted = ask("results", "spec.yaml", "--json").json["results"]
    assert [row["max_water_surface"] for row in noted] == [1.5] * 4
    assert ask("results", "spec.yaml", "--read", "--json").json["results"] == rows
    # Of another file its own values, and never that it is current.
    first, second, third, _ = study.results()
    first.write_bytes(second.read_bytes())
    second.write_bytes(b"rubbish")
    third.unlink()
    third.mkdir()
    changed = ask("results", "spec.yaml", "--json").json["results"]
    assert [row["state"] for row in changed] == ["unknown", "unreadable", "unreadable", "current"]
    assert changed[0]["max_water_surface"] == rows[1]["max_water_surface"]
    assert "was written since it was last checked" in changed[0]["note"]
    assert changed[3]["max_water_surface"] == 1.5
    # Of which nothing was noted, as older versions did not, it is read.
    in_store(study, "UPDATE output SET shown = NULL")
    assert ask("results", "spec.yaml", "p04", "--json").json["results"] == rows[3:]
    # A store that is made again from the receipts knows what they say.
    ask("state", "rebuild", "spec.yaml", "--yes")
    assert in_store(study, "SELECT address FROM output WHERE shown IS NOT NULL") == [("Willow/p04",)]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (
            "all.xlsx",
            "results are not written as spreadsheets (.xlsx); write .csv, which Excel and LibreOffice open",
        ),
        ("all.ods", "results are not written as spreadsheets (.ods)"),
        ("all.hdf", "its ending says no format; end it in .csv, .json, .md, .parquet, .txt, or say --format"),
        ("all", "its ending says no format"),
    ],
)
def test_a_file_of_no_known_format_is_refused_before_anything_is_read(study, ask, name, what) -> None:
    for words in ((), ("--dataset", f"{PROFILES}/Cross Sections/Flow")):
        refused = ask("results", "spec.yaml", "--output", name, *words)
        assert refused.code == 64
        assert f"{name}: {what}" in refused.err
    assert not (study.folder / name).exists()
    # An ending that says nothing does no harm where the format is said.
    said = ask("results", "spec.yaml", "--output", name, "--format", "csv")
    assert said.code == (64 if "spreadsheets" in what else 1)
    assert ("there is no store yet" in said.err) is ("spreadsheets" not in what)


def test_where_results_cannot_be_written_check_says_so_and_nothing_runs(study, ask) -> None:
    study.command("sh", "-c", "cp $1 $2", "sh", str(study.folder / "ready.hdf"), "{output}")
    (study.folder / "results").write_text("in the way")
    why = "results is not a folder; move that file away"
    checked = ask("check", "spec.yaml")
    assert (checked.code, checked.out.count(why)) == (4, 1)
    assert len(ask("check", "spec.yaml", "--json").json["results"]) == 1
    assert ask("diff", "spec.yaml").out.count(why) == 4
    told = ask("apply", "spec.yaml")
    assert told.code == 4
    assert "0 started" in told.out
    assert told.out.count(why) == 1
    assert ask("history", "spec.yaml", "--json").json["runs"] == []
    (study.folder / "results").unlink()
    assert ask("apply", "spec.yaml").code == 0
