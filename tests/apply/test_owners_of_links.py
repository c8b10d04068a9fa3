"""Whose a result is that is a link, has another plan's receipt, or lost its own; and what prune makes of it."""

from __future__ import annotations

import errno
import json
import os
import shutil

import pytest

from rasreconcile.plans import Address
from rasreconcile.store.reader import Reader
from tests.apply.test_owners import compute_another, content, receipt_of, verdicts, write_second

# ---- another address


def test_a_result_whose_receipt_names_another_plan_is_held_until_it_is_adopted_or_moved(study) -> None:
    study.command()
    spec = study.folder / "spec.yaml"
    spec.write_text(
        spec.read_text().replace("results: results\n", "") + "    numbers: ['01']\n    name: before\n"
    )
    study.apply()
    result, ran = study.folder / "Willow.p01.hdf", study.computations()
    before = result.read_bytes()
    spec.write_text(spec.read_text().replace("name: before", "name: after") + "salt: other\n")
    said = study.run("diff", "spec.yaml").stdout
    assert "other-owner: its receipt says that it is the result of before/p01" in said
    study.run("retry", "spec.yaml", "after/p01")
    assert "`adopt after/p01` takes it over" in study.apply(check=4).stdout
    assert (result.read_bytes(), study.computations()) == (before, ran)
    assert "every result belongs" in study.run("prune", "spec.yaml", "--yes").stdout
    assert "1 adopted" in study.run("adopt", "spec.yaml", "after/p01").stdout
    assert receipt_of(study)["plan"] == "after/p01"


# ---- links, modes, receipts


def test_a_result_that_is_a_link_is_published_where_it_leads(study, tmp_path_factory) -> None:
    study.command()
    study.apply()
    disk = tmp_path_factory.mktemp("disk")
    result = study.folder / "results/Willow/Willow.p01.hdf"
    result.rename(disk / "kept.hdf")
    result.symlink_to(disk / "kept.hdf")
    inode = (disk / "kept.hdf").stat().st_ino
    assert "nothing to do" in study.apply().stdout
    compute_another(study)
    left = disk / ".kept.hdf.20261126-120000-willow-p01-0badcafe.part"
    left.write_bytes(b"of a controller that was killed")
    study.apply()
    assert result.is_symlink()
    assert result.read_bytes() == (study.folder / "ready.hdf").read_bytes()
    assert (disk / "kept.hdf").stat().st_ino != inode, "one step of one file system"
    assert sorted(path.name for path in disk.iterdir()) == ["kept.hdf", "kept.hdf.receipt.json"]
    assert "nothing to do" in study.apply().stdout
    assert study.left_over() == []
    # Gone from the other disk: it is computed again, and put there again.
    (disk / "kept.hdf").unlink()
    study.apply()
    assert result.is_symlink()
    assert (disk / "kept.hdf").is_file()


def test_a_result_that_is_a_link_to_itself_is_told_and_the_other_plans_run(study) -> None:
    study.command()
    result = study.folder / "results/Willow/Willow.p01.hdf"
    result.parent.mkdir(parents=True)
    result.symlink_to(result.name)
    said = study.apply(check=4).stdout
    assert "3 succeeded; 3 of 4 plans are current" in said
    assert (
        f"results/Willow/Willow.p01.hdf cannot be read: {os.strerror(errno.ELOOP)}; make the file readable"
        in said
    )


def test_a_store_that_is_a_link_to_itself_is_named(study) -> None:
    store = study.folder / "state.db"
    store.symlink_to(store.name)
    for words in (["status"], ["apply"]):
        said = study.run(*words, "spec.yaml", check=1).stderr
        why = os.strerror(errno.ELOOP)
        assert said.strip() == f"state.db: {why}; move it away, or set `state:` to another place"


def test_a_link_to_a_disk_that_is_not_mounted_is_held_and_stays(study, tmp_path_factory) -> None:
    study.command()
    study.apply()
    disk = tmp_path_factory.mktemp("disk") / "mounted"
    disk.mkdir()
    result = study.folder / "results/Willow/Willow.p01.hdf"
    result.rename(disk / "Willow.p01.hdf")
    result.symlink_to(disk / "Willow.p01.hdf")
    disk.rename(disk.with_name("away"))
    said = study.apply(check=4).stdout
    assert "mount the disk, or remove the link" in said
    assert result.is_symlink()
    assert not disk.exists()
    disk.with_name("away").rename(disk)
    study.apply()
    assert (disk / "Willow.p01.hdf").is_file()
    assert result.is_symlink()


def test_the_result_of_another_spec_behind_a_link_is_held(study, tmp_path_factory) -> None:
    study.command()
    study.apply()
    before = content(study)
    second = write_second(study, more="salt: other\n")
    second.write_text(second.read_text().replace("results: results", "results: others"))
    place = study.folder / "others/Willow/Willow.p01.hdf"
    place.parent.mkdir(parents=True)
    place.symlink_to(study.folder / "results/Willow/Willow.p01.hdf")
    study.run("apply", "second.yaml", check=4)
    study.run("retry", "second.yaml", "p01")
    study.run("apply", "second.yaml", check=4)
    assert content(study) == before
    assert "nothing to do" in study.apply().stdout


def test_mode_and_group_of_the_file_that_is_replaced_are_kept(study) -> None:
    study.command()
    study.apply()
    result = study.folder / "results/Willow/Willow.p01.hdf"
    group = 12345 if os.geteuid() == 0 else result.stat().st_gid
    for path, mode in ((result, 0o440), (result.with_name(f"{result.name}.receipt.json"), 0o664)):
        os.chown(path, -1, group)
        path.chmod(mode)
    compute_another(study)
    study.apply()
    assert result.read_bytes() == (study.folder / "ready.hdf").read_bytes()
    found = {path.name: (path.stat().st_mode & 0o777, path.stat().st_gid) for path in result.parent.iterdir()}
    assert found["Willow.p01.hdf"] == (0o440, group)
    assert found["Willow.p01.hdf.receipt.json"] == (0o664, group)


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_lost_receipt_of_a_current_result_is_written_again(study, how) -> None:
    study.command()
    study.apply()
    ran = study.computations()
    (path,) = study.folder.rglob("Willow.p02.hdf.receipt.json")
    before = json.loads(path.read_text())
    path.unlink() if how == "gone" else path.write_text("")
    assert (
        "1 lost receipt to write again"
        in study.run("diff", "spec.yaml", "--detailed-exitcode", check=2).stdout
    )
    assert "1 restored" in study.apply().stdout
    assert json.loads(path.read_text()) == before
    assert "nothing to do" in study.apply().stdout
    assert study.computations() == ran


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_receipt_that_cannot_be_written_is_told_and_ends_no_apply(study) -> None:
    study.command()
    study.apply()
    (path,) = study.folder.rglob("Willow.p02.hdf.receipt.json")
    path.unlink()
    path.parent.chmod(0o555)
    done = study.apply()
    path.parent.chmod(0o755)
    assert "make the folder writable" in done.stdout + done.stderr


# ---- prune, under whichever name


@pytest.mark.parametrize("narrowed", ["models/2024-03/Willow.prj", "models/current/Willow.prj"])
@pytest.mark.parametrize("results", ["", "results: results\n"], ids=["beside the project", "results folder"])
def test_prune_after_a_pattern_was_narrowed_removes_nothing_that_is_current(study, results, narrowed) -> None:
    models = study.folder / "models"
    (models / "2024-03").mkdir(parents=True)
    for path in study.folder.glob("Willow.*"):
        path.rename(models / "2024-03" / path.name)
    shutil.copytree(models / "2024-03", models / "other")
    for path in (models / "other").glob("Willow.f0*"):
        # Other inputs: of two plans with the same the result of one is kept for the other.
        path.write_text(path.read_text().replace("1850", "1851").replace("6200", "6201"))
    (models / "current").symlink_to("2024-03")
    study.command()
    spec = study.folder / "spec.yaml"
    text = spec.read_text().replace("results: results\n", results)
    spec.write_text(text.replace("project: Willow.prj", "project: 'models/*/Willow.prj'"))
    study.apply()
    assert set(verdicts(study, "spec.yaml")) == {
        f"{name}/Willow/p0{n}" for name in ("2024-03", "other") for n in range(1, 5)
    }
    hdfs = {p for p in study.folder.rglob("*.p*.hdf") if "2024-03" in str(p) and "runs" not in p.parts}
    spec.write_text(text.replace("project: Willow.prj", f"project: {narrowed}"))
    told = study.json("prune", "spec.yaml", "--yes", "--force")["results"]
    assert hdfs
    assert all(path.is_file() for path in hdfs)
    assert [one["plan"] for one in told if one["kept_because"] is None] == [
        f"other/Willow/p0{n}" for n in range(1, 5)
    ]


def test_a_record_under_the_name_of_a_link_removes_nothing(study) -> None:
    """An older version knew one project under two names, with a record in the store for each."""
    (study.folder / "results").mkdir()
    study.command()
    study.apply()
    (study.folder / "by-link").symlink_to("results")
    with Reader(study.folder / "state.db") as reader:
        path = reader.outputs.published()[Address("Willow/p01")].path
    import sqlite3

    with sqlite3.connect(study.folder / "state.db") as database:
        database.execute(
            "UPDATE output SET address = 'old/p01', path = ? WHERE address = 'Willow/p01'",
            [str(path).replace("/results/", "/by-link/")],
        )
    database.close()
    assert "every result belongs" in study.run("prune", "spec.yaml", "--yes", "--force").stdout
    assert path.is_file()
