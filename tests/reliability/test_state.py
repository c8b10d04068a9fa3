"""`state show|backup|rebuild`, and stores that cannot be used."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest


def store(study) -> Path:
    return study.folder / "state.db"


def test_show_tells_what_is_there_and_that_it_is_sound(study) -> None:
    study.command()
    study.apply()
    found = study.json("state", "show", "spec.yaml")
    assert found["sound"]
    assert found["counts"]["plans with a result"] == 4
    assert found["runs"] == {"succeeded": 4}
    assert [past["outcome"] for past in found["applies"]] == ["converged"]
    text = study.run("state", "show", "spec.yaml").stdout
    assert "sound" in text
    assert "4 plans with a result" in text


def test_show_names_what_is_damaged_and_the_remedy(study) -> None:
    study.command()
    study.apply()
    # A row that an index still names is gone from its table: nothing but the whole check can see it.
    with closing(sqlite3.connect(store(study))) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX runs_of_a_plan ON run (address, ended)' WHERE name = 'runs_of_a_plan'"
        )
    connection.close()
    done = study.run("state", "show", "spec.yaml", check=1)
    assert "DAMAGED" in done.stdout
    assert "state rebuild" in done.stdout


def test_a_backup_made_while_a_controller_works_is_whole_and_can_take_its_place(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(study.computations)
    backup = study.folder / "backup.db"
    study.run("state", "backup", "spec.yaml", str(backup))
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    study.let_go()
    shutil.copy(backup, store(study))
    Path(f"{store(study)}-journal").unlink(missing_ok=True)
    assert "4 of 4 plans are current" in study.apply().stdout
    assert set(study.computations().values()) == {1}
    assert study.left_over() == []


def test_a_backup_replaces_an_older_one_and_nothing_else(study) -> None:
    study.command()
    study.apply()
    backup, mine = study.folder / "backup.db", study.folder / "Willow.g01"
    study.run("state", "backup", "spec.yaml", str(backup))
    study.run("state", "backup", "spec.yaml", str(backup))
    before = mine.read_bytes()
    assert "name another file" in study.run("state", "backup", "spec.yaml", str(mine), check=64).stderr
    assert mine.read_bytes() == before
    assert "is the store itself" in study.run("state", "backup", "spec.yaml", "state.db", check=1).stderr
    assert "no backup was made" in study.run("state", "backup", "spec.yaml", "no/such/b.db", check=1).stderr
    assert not [path.name for path in study.folder.iterdir() if path.name.endswith(".part")]


def test_rebuild_recalls_from_receipts_alone_and_keeps_the_old_store(study) -> None:
    study.command()
    study.apply()
    store(study).write_bytes(b"rubbish" * 999)
    assert "damaged" in study.apply(check=1).stderr
    # One result is no longer the file its receipt is for: that one is not recalled.
    victim = study.folder / "results/Willow/Willow.p02.hdf"
    victim.write_bytes(b"changed")
    found = study.json("state", "rebuild", "spec.yaml")
    assert found["recalled"] == ["Willow/p01", "Willow/p03", "Willow/p04"]
    assert "not the file its receipt is for" in found["unproven"]["Willow/p02"]
    assert Path(found["kept"]).read_bytes() == b"rubbish" * 999
    plans = {p["plan"]: p["sync"] for p in study.json("diff", "spec.yaml")["plans"]}
    assert plans == {
        "Willow/p01": "current",
        "Willow/p02": "unknown",
        "Willow/p03": "current",
        "Willow/p04": "current",
    }
    assert set(study.computations().values()) == {1}
    assert stat.S_IMODE(store(study).stat().st_mode) == 0o600


def test_rebuild_refuses_while_a_controller_works_and_where_runs_are_live(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    assert "a controller is running" in study.run("state", "rebuild", "spec.yaml", check=5).stderr
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    refused = study.run("state", "rebuild", "spec.yaml", check=1)
    assert "3 runs are live in it" in refused.stderr
    study.run("state", "rebuild", "spec.yaml", "--give-up-runs")
    assert study.json("state", "show", "spec.yaml")["runs"] == {}


@pytest.mark.parametrize(
    "what", ["truncated", "a hole", "rubbish", "a folder", "empty", "of another program", "newer"]
)
def test_a_store_that_cannot_be_used_is_refused_with_the_remedy_and_left_as_it_is(study, what) -> None:
    study.command()
    study.apply()
    path = store(study)
    Path(f"{path}-journal").unlink(missing_ok=True)
    whole = path.read_bytes()
    match what:
        case "truncated":
            path.write_bytes(whole[: len(whole) // 2 + 100])
        case "a hole":
            path.write_bytes(whole[:8192] + bytes(len(whole) - 8192))
        case "rubbish":
            path.write_bytes(os.urandom(5000))
        case "a folder":
            path.unlink()
            path.mkdir()
        case "empty":
            path.write_bytes(b"")
        case "of another program":
            path.unlink()
            with closing(sqlite3.connect(path)) as other, other:
                other.execute("CREATE TABLE mine (x)")
            other.close()
        case "newer":
            with closing(sqlite3.connect(path)) as newer, newer:
                newer.execute("PRAGMA user_version = 999")
            newer.close()
    remedy = {
        "truncated": "restore a backup",
        "a hole": "restore a backup",
        "rubbish": "restore a backup",
        "a folder": "set `state:` to another place",
        "empty": "4 recalled",
        "of another program": "set `state:` to a file of its own",
        "newer": "pip install --upgrade rasreconcile",
    }[what]
    before = None if path.is_dir() else path.read_bytes()
    done = study.apply(check=0 if what == "empty" else 1)
    assert remedy in done.stdout + done.stderr
    assert set(study.computations().values()) == {1}
    if what not in {"empty", "a folder"}:
        assert path.read_bytes() == before
        assert len(done.stderr.splitlines()) == 1


def test_a_store_on_a_network_file_system_is_refused(study) -> None:
    spec = study.folder / "spec.yaml"
    synced = study.folder / "Dropbox"
    spec.write_text(spec.read_text().replace("state: state.db", "state: Dropbox/state.db"))
    refused = study.apply(check=1)
    assert "synchronised by another program" in refused.stderr
    assert "set `state:` to a folder on a disk of this machine" in refused.stderr
    assert not (synced / "state.db").exists()


def test_a_copied_store_beside_another_spec_runs_nothing_that_is_there(study, tmp_path_factory) -> None:
    study.command()
    study.apply()
    other = tmp_path_factory.mktemp("copy") / "study"
    shutil.copytree(study.folder, other)
    for name in ("ran", "runs"):
        shutil.rmtree(other / name, ignore_errors=True)
    study.folder = other
    assert "4 plans are current" in study.apply().stdout
    assert study.computations() == {}
