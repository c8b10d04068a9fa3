"""What the verbs of the command line do, from Python: the same words, the same answers, the same operations."""

from __future__ import annotations

import sys

import pytest

import rasreconcile
from rasreconcile.api.plan import PlanHandle
from rasreconcile.cli.verbs import VERBS
from tests.api.test_study import hears, script

ALL = ["Willow/p01", "Willow/p02", "Willow/p03", "Willow/p04"]
OF_A_TERMINAL = {"completion"}
"""Verbs that look after shells; a notebook has no use for them."""


@pytest.mark.parametrize(
    ("words", "exclude", "meant"),
    [
        (["02-03"], (), ["Willow/p02", "Willow/p03"]),
        (["p02-p04"], "3", ["Willow/p02", "Willow/p04"]),
        (["Willow"], ["p01", "*/p04"], ["Willow/p02", "Willow/p03"]),
        (["*/p0[34]"], (), ["Willow/p03", "Willow/p04"]),
        (["models/Willow.p02", "Willow.P04.hdf"], (), ["Willow/p02", "Willow/p04"]),
        ([], "01-03", ["Willow/p04"]),
        (["Willow/4", "willow/P01"], (), ["Willow/p01", "Willow/p04"]),
    ],
)
def test_plans_are_meant_by_the_words_of_the_command_line(study, words, exclude, meant) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert [row.plan for row in one.diff(*words, exclude=exclude)] == meant


def test_every_call_takes_the_same_words(study) -> None:
    one = rasreconcile.open(study.folder / "spec.yaml")
    with pytest.raises(
        rasreconcile.UsageError, match=r"05-09: no such plan; `diff` and `status` list the plans"
    ):
        one.apply("05-09")
    assert one.apply("01-03", exclude="02").counts["succeeded"] == 2
    assert [(row.plan, row.sync) for row in one.status("01-03", exclude="1")] == [
        ("Willow/p02", "missing"),
        ("Willow/p03", "current"),
    ]
    assert [path.name for path in study.results()] == ["Willow.p01.hdf", "Willow.p03.hdf"]
    assert {row.plan for row in one.history(exclude="p03")} == {"Willow/p01"}
    assert {event.address for event in one.events("Willow.p03")} == {"Willow/p03"}
    assert [row.plan for row in one.results("01-02") if row.hdf] == ["Willow/p01"]
    readiness = one.check("1")
    assert [(row.plan, row.ready) for row in readiness] == [("Willow/p01", True)]
    assert readiness.fit and set(readiness.workers) >= {"desk"} and "Willow.f01" in readiness[0].inputs
    with pytest.raises(rasreconcile.UsageError, match=r"01-03 means .* plans: .*; name one"):
        one["01-03"]


def test_retry_and_cancel_are_asked_for_as_by_their_verbs(study) -> None:
    study.command(sys.executable, "-c", "print('no gate'); raise SystemExit(3)")
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert one.apply("01-02").exit_code == 3
    assert "no gate" in one["p01"].log()
    brought = one["p01"].fetch(study.folder / "brought")
    assert "no gate" in (brought.folder / "log.txt").read_text() and brought.lacking == {}
    with pytest.raises(
        rasreconcile.UsageError, match=r"retry\(\) names no plan; name plans, or say failed=True"
    ):
        one.retry()
    asked = one.retry(failed=True, exclude="p02")
    assert (asked.plans, asked.taken_up) == (("Willow/p01",), False)
    assert one.retry(like="p02").plans == ("Willow/p02",), "p01 is asked for already"
    assert one.cancel() == {}
    with pytest.raises(rasreconcile.UsageError, match="p01: nothing is running"):
        one.cancel("p01")


def test_a_run_is_cancelled_from_here_and_by_the_controller_that_follows_it(study) -> None:
    study.command(waits=True)
    one = rasreconcile.open(study.folder / "spec.yaml")
    assert one.cancel("01") == {}, "there is no store yet"
    assert one.apply("01", stay="detach").exit_code == 2
    study.wait_for(lambda: study.computations())
    (said,) = one.cancel("01-04").values()
    assert said.startswith("run ") and said.endswith(("has ended", "is ending"))
    first = script(study)
    hears(first, "started")
    study.wait_for(lambda: len(one.status().running) > 0)
    going = one.status().running[0].plan
    assert one.cancel(going) == {going: "the running controller ends it"}
    study.wait_for(lambda: all(run.plan != going for run in one.status().running))
    study.let_go()
    first.communicate()
    assert next(row.phase for row in one.status() if row.plan == going) == "held"


def test_results_are_adopted_and_pruned_as_by_their_verbs(study) -> None:
    spec = study.folder / "spec.yaml"
    one = rasreconcile.open(spec)
    assert one.apply().converged
    (study.folder / "state.db").unlink()
    next(study.folder.rglob("Willow.p01.hdf.receipt.json")).unlink()
    looked = one.adopt("01-02", dry_run=True, suspicious=True)
    assert [(row.plan, row.what) for row in looked] == [
        ("Willow/p01", "would adopt"),
        ("Willow/p02", "under control"),
    ]
    adopted = one.adopt("Willow/p01", "Willow/p02", exclude="02")
    assert [(row.plan, row.what) for row in adopted] == [("Willow/p01", "adopted")]
    kept = one.retry("p01")
    assert [path.exists() for path in kept.set_aside.values()] == [True]
    assert one.apply().converged
    spec.write_text(spec.read_text().rstrip() + '\n    numbers: ["01", "02"]\n')
    one = rasreconcile.open(spec)
    assert {row.plan: row.kept_because for row in one.prune()} == {"Willow/p03": "", "Willow/p04": ""}
    assert [row.plan for row in one.prune("p03", yes=True)] == ["Willow/p03"]
    assert [path.name for path in study.results()] == ["Willow.p01.hdf", "Willow.p02.hdf", "Willow.p04.hdf"]


def test_every_verb_is_a_call() -> None:
    calls = {*vars(rasreconcile.Study), *vars(PlanHandle)} | {"init", "schema"} & {*dir(rasreconcile)}
    assert {"state", "backup", "rebuild"} <= calls
    assert {"logs"} | OF_A_TERMINAL | calls >= set(VERBS)
    assert "log" in calls and not OF_A_TERMINAL & calls
