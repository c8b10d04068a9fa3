"""What changed in the water is told with the run, and explained beside the lines that had changed."""

from __future__ import annotations

import json


def _raise_flow(study) -> None:
    flow = study.folder / "Willow.f02"
    flow.write_text(flow.read_text().replace("6200", "7200"))


def test_a_changed_flow_is_explained_by_its_line_and_by_the_water(study) -> None:
    first = study.run("apply", "spec.yaml")
    assert "higher" not in first.stderr
    _raise_flow(study)
    second = study.run("apply", "spec.yaml")
    told = next(line for line in second.stderr.splitlines() if "succeeded Willow/p02" in line)
    assert told.endswith("max WS 132.11 ft, up to 0.58 ft higher")
    said = study.run("explain", "spec.yaml", "Willow/p02").stdout
    assert "changed at 2 of 6 places" in said
    assert "up to 0.58 ft higher: Willow Creek, Main, 2400, profile 500-year: 131.53 to 132.11" in said
    assert "what had changed: input Willow.f02" in said
    assert "\n  -    6200\n  +    7200\n" in said
    shown = json.loads(study.run("explain", "spec.yaml", "Willow/p02", "--json").stdout)
    assert [one["name"] for one in shown["what_changed"]] == ["input Willow.f02"]
    assert shown["published"]["water"]["rise"] > 0.5
    assert shown["published"]["water"]["since"] == shown["runs"][1]["run"]
    rows = json.loads(study.run("results", "spec.yaml", "--json").stdout)["results"]
    rises = {row["plan"]: row["rise"] for row in rows}
    assert rises["Willow/p01"] is None
    assert rises["Willow/p02"] > 0.5


def test_it_is_known_again_where_the_store_was_lost(study) -> None:
    study.run("apply", "spec.yaml")
    _raise_flow(study)
    study.run("apply", "spec.yaml")
    before = json.loads(study.run("explain", "spec.yaml", "Willow/p02", "--json").stdout)
    for path in study.folder.glob("state.db*"):
        path.unlink()
    assert "4 of 4 plans are current" in study.run("apply", "spec.yaml").stdout
    after = json.loads(study.run("explain", "spec.yaml", "Willow/p02", "--json").stdout)
    assert after["published"]["water"] == before["published"]["water"]


def test_a_result_that_cannot_be_read_costs_the_new_one_nothing(study) -> None:
    study.run("apply", "spec.yaml")
    (old,) = study.folder.glob("**/Willow.p02.hdf")
    old.write_bytes(old.read_bytes()[:9000])
    again = study.run("apply", "spec.yaml")
    assert "4 of 4 plans are current" in again.stdout
    said = study.run("explain", "spec.yaml", "Willow/p02").stdout
    assert "not compared: the result before it: " in said
    assert "not a sound HDF5 file" in said


def test_a_comment_says_what_would_be_computed_and_what_changed_in_the_water(study) -> None:
    study.run("apply", "spec.yaml")
    _raise_flow(study)
    before = study.run("diff", "spec.yaml", "--format", "markdown").stdout
    assert before.startswith("**spec.yaml**: 4 plans: 2 current, 2 stale. 2 to run.\n\nIt may take about ")
    assert (
        "\n| plan | now | why |\n|---|---|---|\n| `Willow/p02` | stale | input-changed Willow.f02: " in before
    )
    study.run("apply", "spec.yaml")
    after = study.run("results", "spec.yaml", "--format", "markdown").stdout
    assert after.startswith("**spec.yaml**: 4 plans, the water of 2 changed.\n\n| plan | state |")
    first = after.splitlines()[4]
    assert first.startswith("| `Willow/p04` | current | 132.43 ft | 0.63 | ")
    assert "Willow Creek, Main, 2400, profile 500-year: 131.79 to 132.43" in first
    study.run("results", "spec.yaml", "--output", "water.md")
    assert (study.folder / "water.md").read_text() == after


def test_a_comment_tells_apart_what_needs_attention(study) -> None:
    (study.folder / "Willow.f02").unlink()
    said = study.run("diff", "spec.yaml", "--format", "markdown").stdout
    assert "<summary>2 plans need attention</summary>" in said
    assert "| `Willow/p02` | missing | never-run | Willow.f02" in said
