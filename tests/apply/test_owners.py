"""No file has two owners: what two specs, or two names of one plan, would publish to, through the real command line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import h5py
import pytest

from rasreconcile.plans import Address
from rasreconcile.store.reader import Reader


def receipt_of(study, name: str = "Willow.p01.hdf") -> dict[str, Any]:
    (path,) = study.folder.rglob(f"{name}.receipt.json")
    return json.loads(path.read_text())


def write_second(study, name: str = "second.yaml", *, state: str = "second.db", more: str = "") -> Path:
    """Another spec over the same project and results, with a store of its own."""
    text = (study.folder / "spec.yaml").read_text().replace("state: state.db", f"state: {state}")
    path: Path = study.folder / name
    path.write_text(more + text.replace("runs/", f"runs-{path.stem}/"))
    return path


def content(study) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in study.results()}


def compute_another(study) -> None:
    """What plan 01 is computed to from now on is another file."""
    with h5py.File(study.folder / "ready.hdf", "w") as file:
        file["x"] = [3.0, 4.0, 5.0]
    study.run("retry", "spec.yaml", "p01")


def verdicts(study, spec: str) -> dict[str, dict[str, Any]]:
    return {plan["plan"]: plan for plan in study.json("diff", spec)["plans"]}


# ---- two specs


@pytest.mark.parametrize("state", ["second.db", "state.db"], ids=["own store", "one store"])
def test_what_another_spec_publishes_is_held_and_never_taken_from_it(study, state) -> None:
    study.command()
    study.apply()
    before, ran = content(study), study.computations()
    write_second(study, state=state, more="salt: other\n")
    said = study.run("apply", "second.yaml", check=4).stdout
    assert f"{study.folder}/spec.yaml" in study.run("diff", "second.yaml").stdout
    assert "take the plan out of one of the two specs, or give one a `results` folder of its own" in said
    found = verdicts(study, "second.yaml")
    assert {plan["phase"] for plan in found.values()} == {"held"}
    assert all("other-owner" in json.dumps(plan["reasons"]) for plan in found.values())
    study.run("retry", "second.yaml", "*")
    study.run("apply", "second.yaml", check=4)
    assert (content(study), study.computations()) == (before, ran), "a `retry` does not take it either"
    for _ in range(2):
        # To ask one and the other in turn computes nothing.
        study.apply(check=0 if state == "second.db" else None)
        study.run("apply", "second.yaml", check=4)
    if state == "second.db":
        assert (content(study), study.computations()) == (before, ran)


def test_the_same_wants_in_two_specs_have_one_owner_and_prune_of_the_other_removes_nothing(study) -> None:
    study.command()
    study.apply()
    before = content(study)
    second = write_second(study)
    study.run("apply", "second.yaml", check=4)
    refused = study.run("adopt", "second.yaml", "--all", check=None).stdout
    assert "4 left" in refused
    assert f"{study.folder}/spec.yaml publishes to this file too" in refused
    assert "4 results" not in study.run("state", "rebuild", "second.yaml", "--yes").stdout
    second.write_text(second.read_text() + "    numbers: ['01', '02', '03']\n")
    study.run("prune", "second.yaml", "--yes", "--force")
    assert content(study) == before


def test_a_results_folder_of_its_own_is_the_way_out(study) -> None:
    study.command()
    study.apply()
    second = write_second(study)
    second.write_text(second.read_text().replace("results: results", "results: others"))
    study.run("apply", "second.yaml")
    assert "nothing to do" in study.apply().stdout
    assert len(list((study.folder / "others").rglob("*.hdf"))) == 4


def test_a_plan_that_one_spec_gave_up_the_other_takes_over_and_prune_of_the_first_leaves_it(study) -> None:
    """A study is split in two: nothing is computed again, and nothing is lost."""
    study.command()
    study.apply()
    before, spec = content(study), study.folder / "spec.yaml"
    second = write_second(study)
    second.write_text(second.read_text() + "    numbers: ['03', '04']\n")
    spec.write_text(spec.read_text() + "    numbers: ['01', '02']\n")
    said = study.run("apply", "second.yaml").stdout
    assert "0 started, 2 recalled" in said
    assert receipt_of(study, "Willow.p03.hdf")["spec"] == "../../second.yaml"
    found = study.json("prune", "spec.yaml", "--yes", "--force")["results"]
    assert {one["plan"] for one in found} == {"Willow/p03", "Willow/p04"}
    assert all("second.yaml" in one["kept_because"] for one in found)
    assert content(study) == before


def test_two_controllers_that_began_together_do_not_overwrite_each_other(study) -> None:
    """Neither sees a receipt when it begins: who is later finds one when it comes to publish, and keeps its run."""
    study.command(seconds=1.5)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n")
    write_second(study, more="salt: other\n")
    first, second = study.start("apply", "spec.yaml"), study.start("apply", "second.yaml")
    codes = {}
    for name, controller in (("spec.yaml", first), ("second.yaml", second)):
        controller.communicate(timeout=300)
        codes[name] = controller.returncode
    assert sorted(codes.values()) == [0, 4]
    owner = next(name for name, code in codes.items() if code == 0)
    assert receipt_of(study)["spec"] == f"../../{owner}"
    before = content(study)
    for name, code in codes.items():
        study.run("apply", name, check=code)
    assert content(study) == before


# ---- one spec, recognised


def test_a_study_that_was_moved_goes_on_with_its_results(study, tmp_path_factory) -> None:
    study.command()
    study.apply()
    ran = study.computations()
    moved = tmp_path_factory.mktemp("elsewhere") / "study"
    shutil.copytree(study.folder, moved)
    old = study.folder.rename(study.folder.with_name("gone"))
    study.folder = moved
    assert "nothing to do" in study.apply().stdout
    assert "every result belongs" in study.run("prune", "spec.yaml").stdout
    (moved / "state.db").unlink()
    said = study.apply().stdout
    assert "0 started, 4 recalled" in said, "its store is lost as well"
    assert study.computations() == ran
    old.rename(old.with_name(Path(study.folder).name + "-kept"))


@pytest.mark.parametrize("store", ["kept", "lost"])
def test_a_copy_of_a_study_beside_the_first_is_a_study_of_its_own(study, tmp_path_factory, store) -> None:
    """As a checkout elsewhere is, results and receipts included: they name the spec from where they are."""
    study.command()
    study.apply()
    first = study.folder
    copy = tmp_path_factory.mktemp("checkout") / "study"
    shutil.copytree(first, copy)
    before = content(study)
    study.folder = copy
    if store == "lost":
        (copy / "state.db").unlink()
    study.apply()
    flow = copy / "Willow.f01"
    flow.write_text(flow.read_text().replace("1850", "1851"))
    assert "started" in study.apply().stdout
    study.folder = first
    assert content(study) == before
    assert "nothing to do" in study.apply().stdout


@pytest.mark.parametrize("store", ["kept", "lost"])
def test_a_spec_that_was_renamed_keeps_its_results(study, store) -> None:
    study.command()
    study.apply()
    ran = study.computations()
    (study.folder / "spec.yaml").rename(study.folder / "study.yaml")
    if store == "lost":
        (study.folder / "state.db").unlink()
    study.run("apply", "study.yaml")
    assert study.computations() == ran
    flow = study.folder / "Willow.f01"
    flow.write_text(flow.read_text().replace("1850", "1851"))
    study.run("apply", "study.yaml")
    assert receipt_of(study)["spec"] == "../../study.yaml"


def test_the_next_checkout_of_a_spec_that_shares_store_and_results_is_that_spec(
    study, tmp_path_factory
) -> None:
    """Continuous integration checks out anew each time, and keeps store and results on a disk of their own."""
    disk = tmp_path_factory.mktemp("disk")
    study.command()
    spec = study.folder / "spec.yaml"
    text = spec.read_text().replace("state: state.db", f"state: {disk}/state.db")
    spec.write_text(text.replace("results: results", f"results: {disk}/results"))
    study.apply()
    again = tmp_path_factory.mktemp("builds") / "2"
    shutil.copytree(study.folder, again)
    study.folder = again
    flow = again / "Willow.f01"
    flow.write_text(flow.read_text().replace("1850", "1851"))
    said = study.apply().stdout
    assert "4 of 4 plans are current" in said
    assert "started" in said


def test_a_copy_that_publishes_to_the_same_disk_with_a_store_of_its_own_is_another_spec(
    study, tmp_path_factory
) -> None:
    """A what-if copy: its results would take the place of the study's."""
    disk = tmp_path_factory.mktemp("disk")
    study.command()
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("results: results", f"results: {disk}"))
    study.apply()
    first = study.folder
    study.folder = tmp_path_factory.mktemp("what-if") / "study"
    shutil.copytree(first, study.folder)
    flow = study.folder / "Willow.f01"
    flow.write_text(flow.read_text().replace("1850", "1851"))
    said = study.apply(check=4).stdout
    assert "give one a `results` folder of its own" in said
    study.folder = first
    assert "nothing to do" in study.apply().stdout


def test_a_spec_named_through_a_link_is_the_same(study) -> None:
    study.command()
    study.apply()
    (study.folder / "link.yaml").symlink_to("spec.yaml")
    link = study.folder.parent / "linked"
    link.symlink_to(study.folder)
    (study.folder / "state.db").unlink()
    assert "0 started, 4 recalled" in study.run("apply", "link.yaml").stdout
    (study.folder / "state.db").unlink()
    assert "0 started, 4 recalled" in study.run("apply", str(link / "spec.yaml")).stdout


def test_a_receipt_of_an_older_version_names_no_spec_and_is_recalled_as_ever(study) -> None:
    study.command()
    study.apply()
    for path in study.folder.rglob("*.receipt.json"):
        document = json.loads(path.read_text())
        del document["spec"]
        path.write_text(json.dumps(document))
    (study.folder / "state.db").unlink()
    assert "0 started, 4 recalled" in study.apply().stdout
    assert receipt_of(study)["spec"] == "../../spec.yaml"


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
