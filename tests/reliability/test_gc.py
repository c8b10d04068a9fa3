"""`gc` and `prune`: what goes, and above all what stays."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path


def runs(study) -> set[str]:
    return {path.name for path in study.folder.glob("runs/*/*") if path.name != "cache"}


def only(study, *numbers: str) -> None:
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + f"    numbers: [{', '.join(repr(n) for n in numbers)}]\n")


def test_gc_keeps_the_last_three_failed_runs_of_a_plan_and_removes_what_was_left(study) -> None:
    study.command("sh", "-c", "exit 1")
    text = (study.folder / "spec.yaml").read_text()
    (study.folder / "spec.yaml").write_text(text.replace("attempts: 2", "attempts: 5"))
    only(study, "01")
    study.apply(check=3)
    kept = runs(study)
    assert len(kept) == 3
    study.run("gc", "spec.yaml")
    assert runs(study) == kept


def test_gc_finds_good_runs_that_a_killed_controller_left(study) -> None:
    study.command()
    study.apply()
    runs_ = study.json("history", "spec.yaml")["runs"]
    left = study.folder / "runs/desk" / runs_[0]["run"]
    (left / "work").mkdir(parents=True)
    with closing(sqlite3.connect(study.folder / "state.db")) as store, store:
        store.execute("UPDATE run SET discarded = 0, worker = 'desk' WHERE id = ?", [left.name])
    store.close()
    assert "would remove 1 run directory" in study.run("gc", "spec.yaml", "--dry-run").stdout
    assert left.exists()
    assert "removed 1 run directory" in study.run("gc", "spec.yaml").stdout
    assert not left.exists()


def test_gc_leaves_run_directories_of_others_until_they_are_old(study) -> None:
    study.command()
    study.apply()
    strange = study.folder / "runs/desk/20200101-000000-other-p01-abcdef01"
    half = study.folder / "runs/desk/.20200101-000000-other-p02-abcdef01.12345678.new"
    mine = study.folder / "runs/desk/My notes"
    for folder in (strange, half, mine):
        (folder / "work").mkdir(parents=True)
    found = study.json("gc", "spec.yaml")["workers"]["desk"]
    assert found["strangers"] == [strange.name, half.name[1:].partition(".")[0]]
    long_ago = time.time() - 40 * 86400
    for folder in (strange, half, mine):
        os.utime(folder, (long_ago, long_ago))
    study.run("gc", "spec.yaml")
    assert not strange.exists()
    assert not half.exists()
    assert mine.exists()


def test_gc_never_touches_a_run_that_is_going(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    assert "a controller is running" in study.run("gc", "spec.yaml", check=5).stderr
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    going = runs(study)
    study.run("gc", "spec.yaml", "--older-than", "0s", "--cache-size", "0")
    assert runs(study) == going
    # To a store that has forgotten them they are strangers; they run all the same.
    (study.folder / "state.db").rename(study.folder / "kept.db")
    (study.folder / "state.db-journal").unlink(missing_ok=True)
    study.run("state", "rebuild", "spec.yaml")
    refused = study.run("gc", "spec.yaml", "--older-than", "0s", check=1)
    assert "is still running" in refused.stdout
    assert runs(study) == going
    (study.folder / "kept.db").replace(study.folder / "state.db")
    (study.folder / "state.db-journal").unlink(missing_ok=True)
    assert len(study.json("status", "spec.yaml")["live"]) == 3
    study.run("cancel", "spec.yaml", "--all")


def test_gc_trims_the_cache_to_its_size_oldest_first_and_runs_go_on(study) -> None:
    study.command()
    for n in range(3):
        (study.folder / f"terrain{n}.tif").write_bytes(bytes([n]) * 50_000)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    inputs: ['*.tif']\n    only_on: [desk]\n")
    study.apply()
    cached = sorted(study.folder.glob("runs/desk/cache/*/*"))
    assert len(cached) == 3
    found = study.json("gc", "spec.yaml", "--cache-size", "100k", "--dry-run")["workers"]["desk"]
    assert (found["cached_files"], found["cached_bytes"]) == (1, 50_000)
    study.run("gc", "spec.yaml", "--cache-size", "100k")
    assert len(list(study.folder.glob("runs/desk/cache/*/*"))) == 2
    study.run("gc", "spec.yaml", "--cache-size", "0")
    assert list(study.folder.glob("runs/desk/cache/*/*")) == []
    study.run("retry", "spec.yaml", "*")
    study.apply()


def test_gc_forgets_old_texts_and_logs_and_keeps_what_explains_the_present(study) -> None:
    study.apply()
    flow = study.folder / "Willow.f01"
    for number in ("1851", "1852", "1853"):
        flow.write_text(
            flow.read_text().replace("1850", number).replace("1851", number).replace("1852", number)
        )
        study.apply()
    before = study.json("state", "show", "spec.yaml")["counts"]
    counted = study.json("gc", "spec.yaml", "--older-than", "0s", "--dry-run")["store"]["rows"]
    assert study.json("state", "show", "spec.yaml")["counts"] == before
    removed = study.json("gc", "spec.yaml", "--older-than", "0s")["store"]["rows"]
    assert removed == counted
    assert removed["texts"] == 3
    assert removed["logs"] == 6
    assert len(study.json("history", "spec.yaml")["runs"]) == 10
    assert study.json("state", "show", "spec.yaml")["sound"]
    flow.write_text(flow.read_text().replace("1853", "1900"))
    assert "+    1900" in study.run("explain", "spec.yaml", "Willow/p01").stdout
    assert "would remove nothing" in study.run("gc", "spec.yaml", "--older-than", "0s", "--dry-run").stdout


def test_gc_tells_of_a_worker_it_cannot_clean_and_cleans_the_rest(study) -> None:
    study.command()
    study.apply()
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("worker_folder: runs/night", "worker_folder: Willow.g01/x"))
    done = study.run("gc", "spec.yaml", check=1)
    assert "Not a directory" in done.stdout
    assert "desk: removed" in done.stdout


def test_gc_and_prune_make_no_store(study) -> None:
    for verb in ("gc", "prune"):
        assert "there is no store yet" in study.run(verb, "spec.yaml", check=1).stderr
    assert not (study.folder / "state.db").exists()


def test_prune_lists_and_then_removes_results_that_left_the_spec(study) -> None:
    study.command()
    study.apply()
    only(study, "01", "02", "03")
    listed = study.run("prune", "spec.yaml").stdout
    assert "would remove  Willow/p04" in listed
    assert len(study.results()) == 4
    study.run("prune", "spec.yaml", "--yes")
    assert [path.name for path in study.results()] == ["Willow.p01.hdf", "Willow.p02.hdf", "Willow.p03.hdf"]
    assert not (study.folder / "results/Willow/Willow.p04.hdf.receipt.json").exists()
    assert "every result belongs" in study.run("prune", "spec.yaml", "--yes").stdout
    assert "nothing to do" in study.apply().stdout


def test_prune_keeps_what_was_changed_or_what_no_receipt_vouches_for(study) -> None:
    study.command()
    study.apply()
    only(study, "01", "02")
    results = study.folder / "results/Willow"
    with (results / "Willow.p03.hdf").open("ab") as file:
        file.write(b"x")
    (results / "Willow.p04.hdf.receipt.json").unlink()
    found = study.json("prune", "spec.yaml", "--yes", "--force")["results"]
    assert {one["plan"]: bool(one["kept_because"]) for one in found} == {
        "Willow/p03": True,
        "Willow/p04": True,
    }
    assert len(study.results()) == 4


def test_prune_refuses_more_than_half_unless_forced(study) -> None:
    study.command()
    study.apply()
    only(study, "01")
    assert "is this the right spec?" in study.run("prune", "spec.yaml", "--yes", check=64).stderr
    assert len(study.results()) == 4
    study.run("prune", "spec.yaml", "--yes", "--force")
    assert len(study.results()) == 1


def test_prune_refuses_a_spec_that_means_no_plans(study) -> None:
    study.command()
    study.apply()
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("project: Willow.prj", "project: 'gone-*.prj'"))
    refused = study.run("prune", "spec.yaml", "--yes", "--force", check=64)
    assert "matches no HEC-RAS project" in refused.stderr
    assert len(study.results()) == 4


def test_prune_leaves_results_of_another_spec_with_the_same_store(study) -> None:
    study.command()
    study.apply()
    spec = study.folder / "spec.yaml"
    (study.folder / "other.yaml").write_text(spec.read_text() + "    numbers: ['01', '02', '03']\n")
    found = study.json("prune", "other.yaml", "--yes")["results"]
    assert "shares this store" in found[0]["kept_because"]
    assert len(study.results()) == 4


def test_a_prune_that_died_half_way_is_finished_by_the_next(study) -> None:
    study.command()
    study.apply()
    only(study, "01", "02", "03")
    victim: Path = study.folder / "results/Willow/Willow.p04.hdf"
    victim.unlink()
    study.run("prune", "spec.yaml", "--yes")
    assert not victim.with_name(f"{victim.name}.receipt.json").exists()
    assert study.json("state", "show", "spec.yaml")["counts"]["plans with a result"] == 3
