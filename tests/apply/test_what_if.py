"""How long applying would take, and what it would cost, said before anything runs."""

from __future__ import annotations

import re

import pytest

import rasreconcile


@pytest.fixture
def priced(study):
    """One plan of four has run; a second worker has a price."""
    study.command()
    spec = study.folder / "spec.yaml"
    spec.write_text(
        spec.read_text().replace("queue_priority: 5", "queue_priority: 5, price_per_core_hour: 1000")
    )
    study.run("apply", "spec.yaml", "01")
    return study


def test_diff_says_how_long_it_may_take_once_a_run_has_succeeded(study) -> None:
    study.command()
    assert "may take" not in study.run("diff", "spec.yaml").stdout
    assert study.json("diff", "spec.yaml")["forecast"] is None
    study.run("apply", "spec.yaml", "01")
    said = study.run("diff", "spec.yaml").stdout
    assert re.search(
        r"^It may take about .* \(.* to .*\) for 3 runs; [\d.e-]+ core-hours: desk ", said, re.MULTILINE
    )
    told = study.json("diff", "spec.yaml")["forecast"]
    assert told["runs"] == 3
    assert told["seconds_low"] <= told["seconds"] <= told["seconds_high"]
    assert set(told["core_hours"]) == {"desk", "night"}
    assert told["cost"] == {}
    study.apply()
    assert "may take" not in study.run("diff", "spec.yaml").stdout


def test_what_if_compares_with_the_spec_and_changes_nothing(priced) -> None:
    spec = priced.folder / "spec.yaml"
    before = spec.read_bytes()
    words = ("--what-if", "workers.desk.cores_total=1", "--what-if", "workers.night.cores_total=64")
    said = priced.run("diff", "spec.yaml", "-q", *words).stdout
    assert re.search(r"^As the spec is: about .* for 3 runs; .* night .* \(costs ", said, re.MULTILINE)
    assert re.search(
        r"^With workers.desk.cores_total=1, workers.night.cores_total=64: about ", said, re.MULTILINE
    )
    told = priced.json("diff", "spec.yaml", *words)
    assert told["what_if"] == [words[1], words[3]]
    assert told["forecast"]["cost"]["night"] == pytest.approx(1000 * told["forecast"]["core_hours"]["night"])
    assert told["forecast"]["seconds"] <= told["forecast_as_it_is"]["seconds"]
    alone = priced.json("diff", "spec.yaml", "--what-if", "workers.night=null")["forecast"]
    assert set(alone["core_hours"]) == {"desk"}
    assert spec.read_bytes() == before
    assert sum(priced.computations().values()) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("workers.nigth.cores_total=64", "workers has no nigth; did you mean night?"),
        ("workers.night.cores_totl=64", "workers.night.cores_totl: unknown key; did you mean cores_total?"),
        ("workers.night.cores_total=many", "workers.night.cores_total: "),
        ("workers.night", "it names no key and value; write KEY.KEY=VALUE, as workers.desk.cores_total=64"),
        ("plans.3.cores=2", "plans has items 0 to 0; write plans.0"),
        ("version.x=2", "version holds no keys; name a key that the spec has"),
        ("max_concurrent=[1", "its value is not YAML"),
    ],
)
def test_a_change_that_cannot_be_is_refused_in_words(study, change, said) -> None:
    done = study.run("diff", "spec.yaml", "--what-if", change, check=64)
    assert said in done.stderr


def test_what_if_nothing_tells_is_said(study) -> None:
    said = study.run("diff", "spec.yaml", "--what-if", "max_concurrent=1").stdout
    assert said.count("nothing tells how long it takes: no run of a plan has succeeded yet.") == 2


def test_a_notebook_asks_the_same(priced) -> None:
    one = rasreconcile.open(priced.folder / "spec.yaml")
    as_it_is = one.diff().forecast
    more = one.diff(what_if={"workers.night.cores_total": 64, "max_concurrent": None}).forecast
    assert as_it_is is not None
    assert more is not None
    assert (as_it_is.runs, more.runs) == (3, 3)
    assert more.left.likely <= as_it_is.left.likely
    assert one.diff("01").forecast is None
    again = one.diff(what_if={"workers.night.cores_total": 64, "max_concurrent": None}).forecast
    assert again is not None and again.runs == 3


def test_what_was_expected_of_each_run_is_kept_beside_what_it_took(study) -> None:
    study.command()
    study.run("apply", "spec.yaml", "01")
    (first,) = study.json("history", "spec.yaml")["runs"]
    assert first["predicted_seconds"] is None, "nothing told how long it would take"
    took = study.json("results", "spec.yaml", "01")["results"][0]["run_seconds"]
    study.apply()
    rest = [run for run in study.json("history", "spec.yaml")["runs"] if run["plan"] != "Willow/p01"]
    assert len(rest) == 3
    # Those that were started at once had but one run to go by.
    assert any(run["predicted_seconds"] == pytest.approx(took) for run in rest)
    assert all(run["predicted_seconds"] > 0 for run in rest)
    head, *rows = study.run("results", "spec.yaml", "--predicted").stdout.splitlines()
    assert "run time" in head and "predicted" in head
    assert len([row for row in rows if row.startswith("Willow/p0")]) == 4
    assert "predicted" not in study.run("results", "spec.yaml").stdout.splitlines()[0]
    study.run("results", "spec.yaml", "--output", "out.csv")
    assert "predicted_seconds" in (study.folder / "out.csv").read_text().splitlines()[0].split(",")
