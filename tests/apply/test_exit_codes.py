"""What `diff` and `status` say by their exit codes: 0 all current, 2 work for apply, 3 failed, 4 blocked otherwise."""

from __future__ import annotations

import os
import signal

import pytest

FINE = "{completed: false}"


def codes(study) -> tuple[int, int]:
    """Of `diff` and of `status`."""
    diff = study.run("diff", "spec.yaml", "--detailed-exitcode", check=None)
    status = study.run("status", "spec.yaml", "--detailed-exitcode", check=None)
    # Asked without the word, neither speaks by its exit code; and JSON changes nothing.
    assert study.run("diff", "spec.yaml").returncode == study.run("status", "spec.yaml").returncode == 0
    assert (
        study.run("diff", "spec.yaml", "--detailed-exitcode", "--json", check=None).returncode
        == diff.returncode
    )
    return diff.returncode, status.returncode


def actions(study) -> list[tuple[str, str]]:
    return [(one["action"], one["plan"]) for one in study.json("diff", "spec.yaml")["actions"]]


def one_plan(study, number: str = "01") -> None:
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + f"    numbers: ['{number}']\n")


def test_before_the_first_apply_there_is_work_and_after_it_there_is_none(study) -> None:
    study.command()
    one_plan(study)
    assert study.run("diff", "spec.yaml", "--detailed-exitcode", check=2)
    assert actions(study) == [("run", "Willow/p01")]
    study.apply()
    assert codes(study) == (0, 0)
    assert actions(study) == []
    (study.folder / "results" / "Willow" / "Willow.p01.hdf").unlink()
    assert codes(study) == (2, 2)


def test_plans_that_failed_for_good_are_told_by_3(study) -> None:
    study.command("false")
    one_plan(study)
    study.apply(check=3)
    assert codes(study) == (3, 3)
    assert actions(study) == []
    study.run("retry", "spec.yaml", "p01")
    assert codes(study) == (2, 2)
    assert actions(study) == [("run", "Willow/p01")]


def test_a_current_plan_that_was_asked_for_waits_in_status_too(study) -> None:
    study.command()
    one_plan(study)
    study.apply()
    study.run("retry", "spec.yaml", "p01")
    assert codes(study) == (2, 2)
    said = study.run("status", "spec.yaml").stdout
    assert "Willow/p01  current, queued  requested: by `retry`" in said
    assert "1 plan waits for the next `apply`" in said
    study.apply()
    assert codes(study) == (0, 0)


def test_a_plan_that_cannot_run_stays_held_in_status_when_it_is_asked_for(study) -> None:
    study.command()
    one_plan(study)
    (study.folder / "Willow.f01").unlink()
    study.apply(check=4)
    study.run("retry", "spec.yaml", "p01")
    assert codes(study) == (4, 4)


def test_plans_that_are_stale_and_quarantined_are_told_by_3(study) -> None:
    study.command()
    one_plan(study, "02")
    study.apply()
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    study.command("false")
    one_plan(study, "02")
    study.apply(check=3)
    assert "stale" in study.run("status", "spec.yaml").stdout
    assert codes(study) == (3, 3)


def test_a_result_that_fails_a_changed_expectation_is_told_by_2_until_it_is_judged_and_then_by_3(
    study,
) -> None:
    study.apply()
    study.spec(expect="{water_surface: {between: [0, 121]}}")
    assert study.run("diff", "spec.yaml", "--detailed-exitcode", check=2)
    assert {what for what, _ in actions(study)} == {"verify"}
    study.apply(check=3)
    assert codes(study) == (3, 3)


def test_a_result_of_unknown_origin_is_told_by_4(study) -> None:
    study.command()
    one_plan(study)
    place = study.folder / "results" / "Willow" / "Willow.p01.hdf"
    place.parent.mkdir(parents=True)
    place.write_bytes((study.folder / "ready.hdf").read_bytes())
    study.apply(check=4)
    assert codes(study) == (4, 4)
    assert actions(study) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_result_that_cannot_be_read_is_told_by_4(study) -> None:
    study.command()
    one_plan(study)
    study.apply()
    place = study.folder / "results" / "Willow" / "Willow.p01.hdf"
    place.chmod(0)
    study.apply(check=4)
    assert codes(study) == (4, 4)
    place.chmod(0o644)


def test_a_result_that_is_a_folder_is_told_by_4(study) -> None:
    study.command()
    one_plan(study)
    study.apply()
    place = study.folder / "results" / "Willow" / "Willow.p01.hdf"
    place.unlink()
    place.mkdir()
    study.apply(check=4)
    assert codes(study) == (4, 4)


def test_a_cancelled_plan_is_told_by_4_and_work_elsewhere_by_2(study) -> None:
    study.command(seconds=600)
    one_plan(study)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(study.computations)
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    assert codes(study) == (2, 2), "a run is still running"
    assert actions(study) == [("collect", "Willow/p01")]
    study.run("cancel", "spec.yaml", "p01")
    study.apply(check=4)
    assert codes(study) == (4, 4)
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("['01']", "['01', '02']"))
    assert study.run("diff", "spec.yaml", "--detailed-exitcode", check=2)
    assert actions(study) == [("run", "Willow/p02")]


def forget(study) -> None:
    for path in study.folder.glob("state.db*"):
        path.unlink()


def test_receipts_that_the_store_has_lost_are_no_work_and_are_listed(study) -> None:
    study.apply()
    forget(study)
    done = study.run("diff", "spec.yaml", "--detailed-exitcode", check=0)
    assert done.stdout.endswith("4 plans: 4 current\n4 to record from their receipts (not read).\n")
    assert actions(study) == [("record", f"Willow/p0{n}") for n in range(1, 5)]
    assert "4 recalled" in study.apply().stdout
    assert actions(study) == []


def test_a_receipt_of_other_inputs_is_work(study) -> None:
    study.apply()
    forget(study)
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    assert "2 to run" in study.run("diff", "spec.yaml", "--detailed-exitcode", check=2).stdout
    assert [one for one in actions(study) if one[0] == "run"] == [
        ("run", "Willow/p02"),
        ("run", "Willow/p04"),
    ]


def test_a_plan_that_gets_a_copy_is_not_counted_among_those_to_run(study) -> None:
    spec = study.folder / "spec.yaml"
    twin = "  - {project: Willow.prj, name: Twin, numbers: ['01']}\n"
    spec.write_text(spec.read_text() + f"    numbers: ['01']\n{twin}")
    said = study.run("diff", "spec.yaml", "--detailed-exitcode", check=2).stdout
    assert "1 to run, 1 to update without running" in said
    assert sorted(actions(study)) == [("copy", "Twin/p01"), ("run", "Willow/p01")]
    assert "1 copied" in study.apply().stdout
