"""The main promise, through the real program: apply, apply again, change something, break something."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import h5py
import pytest
from waiting import LONGEST


def touch_all(folder: Path) -> None:
    for path in folder.glob("Willow.*"):
        os.utime(path)


def by_plan(changeset) -> dict[str, dict[str, Any]]:
    return {plan["plan"]: plan for plan in changeset["plans"]}


def test_the_second_apply_has_nothing_to_do(study) -> None:
    first = study.apply()
    assert "4 of 4 plans are current" in first.stdout
    runs = study.json("history", "spec.yaml")["runs"]
    second = study.apply()
    assert second.stdout == "spec.yaml: nothing to do, all 4 plans are current.\n"
    assert study.json("history", "spec.yaml")["runs"] == runs
    assert len(study.results()) == 4
    assert study.left_over() == []


def test_touching_and_rewriting_inputs_without_changing_them_starts_nothing(study) -> None:
    study.apply()
    touch_all(study.folder)
    for path in study.folder.glob("Willow.*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"  \r\n"))
    assert study.run("diff", "spec.yaml", "--detailed-exitcode").stdout.endswith("Nothing to do.\n")
    assert "nothing to do" in study.apply().stdout


def test_a_changed_flow_file_runs_exactly_the_plans_that_read_it_and_diff_says_so_before(study) -> None:
    study.apply()
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "6300"))
    study.run("diff", "spec.yaml", "--detailed-exitcode", check=2)
    plans = by_plan(study.json("diff", "spec.yaml"))
    stale = {
        plan: [(r["cause"], r["subject"]) for r in p["reasons"]] for plan, p in plans.items() if p["reasons"]
    }
    assert stale == {
        "Willow/p02": [("input-changed", "Willow.f02")],
        "Willow/p04": [("input-changed", "Willow.f02")],
    }
    before = {path: path.stat().st_mtime_ns for path in study.results()}
    study.apply()
    changed = {path.name for path in study.results() if path.stat().st_mtime_ns != before[path]}
    assert changed == {"Willow.p02.hdf", "Willow.p04.hdf"}


@pytest.mark.parametrize("damage", ["delete", "truncate", "flip"])
def test_a_result_that_is_broken_is_found_named_and_repaired(study, damage) -> None:
    study.apply()
    victim = study.folder / "results" / "Willow" / "Willow.p03.hdf"
    whole = victim.read_bytes()
    if damage == "delete":
        victim.unlink()
    elif damage == "truncate":
        victim.write_bytes(whole[: len(whole) // 2])
    else:
        middle = len(whole) // 2
        victim.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    found = by_plan(study.json("diff", "spec.yaml"))
    causes = {plan: [r["cause"] for r in p["reasons"]] for plan, p in found.items() if p["reasons"]}
    expected = {"delete": "output-missing", "truncate": "output-corrupt", "flip": "output-drifted"}[damage]
    assert causes == {"Willow/p03": [expected]}
    study.apply()
    with h5py.File(victim) as file:
        assert file["Results/Steady/Summary"].attrs["Solution"] == b"Steady Finished Successfully"
    assert "nothing to do" in study.apply().stdout


def test_the_project_folder_is_left_as_it_was(study) -> None:
    before = {path.name: path.read_bytes() for path in study.folder.glob("Willow.*")}
    study.apply()
    assert {path.name: path.read_bytes() for path in study.folder.glob("Willow.*")} == before


def test_priority_decides_who_runs(study) -> None:
    study.command(waits=True)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    study.let_go()
    controller.communicate(timeout=LONGEST)
    # By plan, not by time: a worker that is checked sooner starts its share sooner.
    workers = {run["plan"]: run["worker"] for run in study.json("history", "spec.yaml")["runs"]}
    assert [workers[f"Willow/p0{n}"] for n in (1, 2, 3)] == ["desk", "desk", "night"]


def test_a_changed_expectation_verifies_and_does_not_run(study) -> None:
    study.apply()
    runs = study.json("history", "spec.yaml")["runs"]
    study.spec(expect="{water_surface: {finite: true}}")
    assert "4 verified" in study.apply().stdout
    study.spec(expect="{water_surface: {between: [0, 121]}}")
    refused = study.apply(check=3)
    assert "highest value is" in refused.stdout
    assert study.json("history", "spec.yaml")["runs"] == runs
    study.spec()
    study.apply()


def test_a_result_that_falls_short_is_never_published(study) -> None:
    study.spec(expect="{water_surface: {between: [0, 121]}}")
    done = study.apply(check=3)
    assert "at most 121 is expected" in done.stdout
    assert study.results() == []
    assert len(study.json("history", "spec.yaml")["runs"]) == 4


def test_what_the_engine_does_not_model_is_refused_by_name_and_line(study) -> None:
    geometry = study.folder / "Willow.g02"
    text = geometry.read_text().replace("Type RM Length L Ch R = 1 ,1200", "Type RM Length L Ch R = 3 ,1200")
    geometry.write_text(text)
    line = text.splitlines().index(next(t for t in text.splitlines() if "= 3 ,1200" in t)) + 1
    done = study.apply(check=4)
    assert f"Willow.g02:{line}: a bridge at 1200" in done.stdout
    assert [path.name for path in study.results()] == ["Willow.p01.hdf", "Willow.p02.hdf"]


def test_plans_with_the_same_inputs_compute_once(study) -> None:
    study.command()
    study.spec(
        engine='{type: command, command: ["cp", "' + str(study.folder / "ready.hdf") + '", "{output}"]}',
        expect="{completed: false}",
        more="  - project: Willow.prj\n    name: Again\n    expect: {completed: false}\n",
    )
    done = study.apply()
    assert "4 succeeded, 4 copied" in done.stdout
    assert (study.folder / "results/Again/Willow.p01.hdf").exists()


def test_a_failing_command_is_tried_again_then_quarantined_then_freed_by_retry(study) -> None:
    study.command("sh", "-c", "echo no solver here; exit 7")
    done = study.apply(check=3)
    assert "the command exited with 7: no solver here" in done.stdout
    assert len(study.json("history", "spec.yaml")["runs"]) == 8
    study.apply(check=3)
    assert len(study.json("history", "spec.yaml")["runs"]) == 8
    assert "no solver here" in study.run("logs", "spec.yaml", "p01").stdout
    study.run("retry", "spec.yaml", "Willow/p01")
    study.apply(check=3)
    assert len(study.json("history", "spec.yaml")["runs"]) == 10
    study.command()
    study.apply()


def test_a_time_limit_ends_a_run(study) -> None:
    study.command("sleep", "60")
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n    max_runtime_minutes: 0.01\n")
    assert "time limit" in study.apply(check=3).stdout
    assert study.processes() == []


def test_retry_computes_a_current_plan_again(study) -> None:
    study.command()
    study.apply()
    study.run("retry", "spec.yaml", "p02")
    study.apply()
    assert study.computations() == {"Willow.p01": 1, "Willow.p02": 2, "Willow.p03": 1, "Willow.p04": 1}
    assert "nothing to do" in study.apply().stdout


def test_a_result_of_unknown_origin_is_kept_until_a_person_says_otherwise(study) -> None:
    study.command()
    mine = study.folder / "results/Willow/Willow.p01.hdf"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"made by hand")
    study.apply(check=4)
    assert mine.read_bytes() == b"made by hand"
    study.run("retry", "spec.yaml", "p01")
    study.apply()
    assert mine.read_bytes() != b"made by hand"


def test_a_lost_store_is_recalled_from_receipts_without_running(study) -> None:
    study.command()
    study.apply()
    (study.folder / "state.db").unlink()
    assert "4 recalled" in study.apply().stdout
    assert set(study.computations().values()) == {1}


def test_needs_orders_plans_and_a_change_upstream_is_told(study) -> None:
    study.command()
    spec = study.folder / "spec.yaml"
    text = spec.read_text() + "    numbers: ['01']\n"
    spec.write_text(
        text + "  - {project: Willow.prj, numbers: ['02'], needs: [Willow/p01], expect: {completed: false}}\n"
    )
    study.apply()
    geometry = study.folder / "Willow.f01"
    geometry.write_text(geometry.read_text().replace("1850", "1851"))
    plans = by_plan(study.json("diff", "spec.yaml"))
    assert [r["cause"] for r in plans["Willow/p02"]["reasons"]] == ["upstream-changed"]
    study.apply()


def test_explain_shows_months_later_what_changed_from_what_to_what(study) -> None:
    study.apply()
    flow = study.folder / "Willow.f01"
    flow.write_text(flow.read_text().replace("1850", "1900"))
    text = study.run("explain", "spec.yaml", "Willow/p01").stdout
    assert "Willow/p01 is stale" in text
    assert "-    1850    3100    3900" in text
    assert "+    1900    3100    3900" in text
    found = study.json("explain", "spec.yaml", "Willow/p01")
    assert [c["name"] for c in found["components"] if not c["same"]] == ["input Willow.f01"]


def test_status_is_told_by_the_store_alone(study) -> None:
    study.apply()
    shutil.rmtree(study.folder / "results")
    for path in study.folder.glob("Willow.*"):
        path.unlink()
    found = study.json("status", "spec.yaml")
    assert [p["sync"] for p in found["plans"]] == ["current"] * 4
    assert len(found["outputs_gone"]) == 4


def test_logs_of_a_run_whose_directory_is_gone_are_kept(study) -> None:
    study.apply()
    assert "Finished Steady Flow Simulation" in study.run("logs", "spec.yaml", "p01").stdout


def test_apply_json_is_a_stream_whose_first_line_is_a_version(study) -> None:
    import json

    lines = [json.loads(line) for line in study.run("apply", "spec.yaml", "--json").stdout.splitlines()]
    assert lines[0] == {"version": 3, "verb": "apply", "spec": "spec.yaml"}
    assert lines[-1]["kind"] == "end"
    assert lines[-1]["exit"] == 0
    assert {line["kind"] for line in lines[1:]} >= {"started", "succeeded"}


def test_init_writes_a_spec_that_applies(study) -> None:
    study.run("init", "Willow.prj", "first.yaml")
    assert study.run("check", "first.yaml").returncode == 0
    study.run("apply", "first.yaml")
    assert (study.folder / "Willow.p01.hdf").exists()
    assert study.run("init", "Willow.prj", "first.yaml", check=64).stderr.startswith(
        "first.yaml already exists"
    )


def test_check_lists_the_inputs_and_what_is_missing(study) -> None:
    (study.folder / "Willow.g02").unlink()
    found = study.json("check", "spec.yaml")
    blocked = {p["plan"]: p["blocked_by"] for p in found["plans"] if p["blocked_by"]}
    assert set(blocked) == {"Willow/p03", "Willow/p04"}
    assert "Willow.g02, named by Willow.p03" in blocked["Willow/p03"][0]["what"]
    assert [i["name"] for i in found["plans"][0]["inputs"]] == [
        "Willow.prj",
        "Willow.p01",
        "Willow.g01",
        "Willow.f01",
    ]
