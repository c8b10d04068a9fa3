"""No file has two owners: what two specs, or two names of one plan, would publish to, through the real command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import pytest

import rasreconcile
from rasreconcile.studies.assessments import evidence


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
    assert ": spec.yaml publishes to this file too" in study.run("diff", "second.yaml").stdout
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
    assert " spec.yaml publishes to this file too" in refused
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


def test_of_two_specs_that_adopt_one_file_at_once_the_later_one_is_refused(study, monkeypatch) -> None:
    """The second comes while the first still reads the file."""
    study.apply()
    for path in (*study.folder.rglob("*.receipt.json"), *study.folder.glob("state.db*")):
        path.unlink()
    write_second(study)
    came: list[str] = []

    def read(plan, thoroughness):
        if not came:
            came.append(study.run("adopt", "second.yaml", "Willow/p01").stdout)
        return evidence(plan, thoroughness)

    monkeypatch.setattr("rasreconcile.operations.adopt.evidence", read)
    (answer,) = rasreconcile.open(study.folder / "spec.yaml").adopt("Willow/p01")
    assert came and "adopted" in came[0]
    assert (answer.plan, answer.what) == ("Willow/p01", "refused")
    assert "second.yaml publishes to this file too" in answer.why
    assert receipt_of(study)["spec"].endswith("second.yaml")


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
