"""What may become of a result that rasreconcile did not produce, and what is proposed for a whole spec."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address
from rasreconcile.reasons import Cause
from rasreconcile.reconcile.adoption import assess, propose
from rasreconcile.reconcile.decision import decide
from rasreconcile.reconcile.observed import Assessment, Fitness, FoundResult, HdfEvidence, OutputSeen
from rasreconcile.reconcile.policy import Policy
from rasreconcile.reconcile.verdicts import Phase, Sync
from rasreconcile.spec import CommandEngine, HecRasEngine, SteadyEngine
from tests.told import told

RAN = datetime.fromisoformat("2026-03-13T09:38:46")
HOUR = timedelta(hours=1)
WRITTEN = datetime(2026, 3, 13, 14, 40, tzinfo=UTC)
"""Five hours west of UTC."""
HEC_RAS = HecRasEngine(type="hec-ras", version="6.6")
GOOD = HdfEvidence(
    file_version="HEC-RAS 6.6 September 2024",
    short_id="Peak flow",
    geometry="Muncie.g01",
    flow="Muncie.u01",
    window=(RAN, RAN + timedelta(seconds=40)),
    geometry_written=RAN - timedelta(seconds=5),
)
FOUND = FoundResult(
    evidence=GOOD,
    modified=WRITTEN,
    texts={"Muncie.p04": WRITTEN - HOUR, "Muncie.g01": WRITTEN - HOUR, "Muncie.u01": WRITTEN - HOUR},
    short_id="Peak flow   ",
    geometry="Muncie.g01",
    flow="Muncie.u01",
    geometry_edited=RAN - timedelta(days=1),
)


def doubts(plan, engine=HEC_RAS, found=FOUND, **evidence) -> tuple[str, ...]:
    assessment = assess(plan(engine=engine), replace(found, evidence=replace(found.evidence, **evidence)))
    assert assessment.fitness is (Fitness.SUSPICIOUS if assessment.reasons else Fitness.ADOPTABLE)
    return told(assessment.reasons)


def test_a_good_result_of_the_right_version_is_adoptable(plan) -> None:
    assert doubts(plan) == ()


def test_what_falls_short_is_unfit_whatever_else_may_be_said(plan) -> None:
    short = replace(FOUND, evidence=replace(GOOD, shortfalls=(Trouble("holds no water surfaces"),)))
    assert assess(plan(engine=HEC_RAS), short) == Assessment(
        Fitness.UNFIT, (Trouble("holds no water surfaces"),)
    )


@pytest.mark.parametrize(
    ("wanted", "said", "doubted"),
    [
        ("6.3.1", "HEC-RAS 6.3.1 September 2022", False),
        ("6.6", "HEC-RAS 6.6.0 September 2024", False),
        ("6.3", "HEC-RAS 6.3.1 September 2022", False),
        ("6.3.0", "HEC-RAS 6.3.1 September 2022", True),
        ("5.0", "HEC-RAS 5.0.7 March 2019", False),
        ("6.7", "HEC-RAS 6.7 Beta 5 October 2025", True),
        ("6.6", "HEC-RAS 6.7 Beta 5 Development", True),
        ("6.6", "rasreconcile steady 1", True),
        ("6.6", None, True),
    ],
)
def test_another_version_is_suspicious(plan, wanted, said, doubted) -> None:
    engine = HecRasEngine(type="hec-ras", version=wanted)
    assert bool(doubts(plan, engine, file_version=said)) is doubted


def test_the_engine_of_the_spec_says_which_program_is_expected(plan) -> None:
    assert "steady engine" in doubts(plan, SteadyEngine(type="steady"))[0]
    assert doubts(plan, SteadyEngine(type="steady"), file_version="rasreconcile steady 0.1.0") == ()
    assert doubts(plan, CommandEngine(type="command", command=("x",)), file_version=None) == ()


@pytest.mark.parametrize(
    ("evidence", "word"),
    [
        ({"short_id": "Other"}, "short identifier"),
        ({"geometry": "Muncie.g02"}, "geometry"),
        ({"flow": "C:\\models\\Muncie.u07"}, "flow file"),
    ],
)
def test_the_result_of_a_plan_that_was_other_then_is_suspicious(plan, evidence, word) -> None:
    (doubt,) = doubts(plan, **evidence)
    assert word in doubt


def test_titles_where_old_versions_write_them_say_nothing_of_the_file(plan) -> None:
    assert doubts(plan, geometry="Existing conditions", flow=None, short_id=None) == ()


def test_an_input_written_after_the_result_is_suspicious_and_the_doubt_names_git(plan) -> None:
    later = replace(FOUND, texts={**FOUND.texts, "Muncie.u01": WRITTEN + HOUR})
    (doubt,) = doubts(plan, found=later)
    assert "Muncie.u01" in doubt
    assert "git clone" in doubt
    assert doubts(plan, found=replace(FOUND, texts={"Muncie.u01": WRITTEN + timedelta(seconds=1)})) == ()


def test_a_cloned_folder_has_new_times_in_any_order_and_that_is_no_doubt(plan) -> None:
    cloned = WRITTEN + timedelta(days=300)
    times = {"Muncie.p04": cloned - HOUR / 2, "Muncie.u01": cloned + HOUR / 2}
    assert doubts(plan, found=replace(FOUND, modified=cloned, texts=times)) == ()


def test_an_input_changed_long_after_the_folder_was_copied_is_a_doubt(plan) -> None:
    cloned = WRITTEN + timedelta(days=300)
    edited = replace(FOUND, modified=cloned, texts={"Muncie.u01": cloned + 3 * HOUR})
    assert len(doubts(plan, found=edited)) == 1


def test_a_result_copied_over_an_input_that_was_changed_between_run_and_copy_is_a_doubt(plan) -> None:
    copied = WRITTEN + timedelta(days=300)
    edited = replace(FOUND, modified=copied, texts={"Muncie.u01": WRITTEN + timedelta(days=10)})
    assert len(doubts(plan, found=edited)) == 1
    untouched = replace(FOUND, modified=copied, texts={"Muncie.u01": WRITTEN - HOUR})
    assert doubts(plan, found=untouched) == ()


def test_a_geometry_that_says_itself_that_it_was_edited_later_is_a_doubt_no_clone_resets(plan) -> None:
    (doubt,) = doubts(plan, found=replace(FOUND, geometry_edited=RAN + HOUR))
    assert "edited" in doubt


def test_a_geometry_written_into_the_file_after_its_results_is_the_trace_of_a_run_that_failed(plan) -> None:
    (doubt,) = doubts(plan, geometry_written=RAN + timedelta(days=190))
    assert "was started and failed" in doubt


def test_a_plan_that_could_not_be_computed_today_may_be_adopted_with_a_doubt(plan) -> None:
    found = assess(plan(engine=HEC_RAS, blocked_by=(Trouble("Muncie.g01 is not there"),)), FOUND)
    assert found == Assessment(
        Fitness.SUSPICIOUS, (Trouble("the plan could not be computed today: Muncie.g01 is not there"),)
    )


def test_each_found_result_has_one_place_in_the_proposal_and_is_held_until_a_person_has_spoken(
    plan, seen
) -> None:
    names = ["M/p01", "M/p02", "M/p03", "M/p04", "M/p05"]
    plans = [plan(name) for name in names]
    outputs = {Address(name): OutputSeen(1, "") for name in names[:4]}
    assessments = {
        Address("M/p01"): Assessment(Fitness.ADOPTABLE),
        Address("M/p02"): Assessment(Fitness.SUSPICIOUS, (Trouble("older"),)),
        Address("M/p03"): Assessment(Fitness.UNFIT, (Trouble("no results"),)),
        Address("M/p04"): Assessment(Fitness.ADOPTABLE),
    }
    world = seen(outputs=outputs, assessments=assessments, retried=frozenset({Address("M/p04")}))
    decision = decide(plans, world, Policy())
    proposal = propose(decision.verdicts, assessments)
    assert (proposal.adopt, proposal.look, proposal.replace) == (("M/p01",), ("M/p02",), ("M/p03",))
    assert proposal.run == ("M/p04", "M/p05"), "what a person said `retry` of, and what has no result"
    held = decision.verdicts[:3]
    assert {(v.sync, v.phase) for v in held} == {(Sync.UNKNOWN, Phase.HELD)}
    assert [[r.cause for r in v.reasons] for v in held] == [
        [Cause.UNKNOWN_ORIGIN],
        [Cause.UNKNOWN_ORIGIN, Cause.SUSPICIOUS],
        [Cause.UNKNOWN_ORIGIN, Cause.UNFIT],
    ]
    assert all(word in held[0].outlook for word in ("`adopt`", "`retry`"))


def test_a_plan_that_cannot_be_computed_is_proposed_for_adoption_but_never_for_a_run(plan, seen) -> None:
    fit, unfit = (plan(name, blocked_by=(Trouble("M.g01 is not there"),)) for name in ("M/p01", "M/p02"))
    assessments = {
        fit.address: Assessment(Fitness.SUSPICIOUS, (Trouble("the plan could not be computed today"),)),
        unfit.address: Assessment(Fitness.UNFIT, (Trouble("no results"),)),
    }
    world = seen(outputs=dict.fromkeys(assessments, OutputSeen(1, "")), assessments=assessments)
    decision = decide([fit, unfit], world, Policy())
    proposal = propose(decision.verdicts, assessments)
    assert (proposal.look, proposal.adopt, proposal.run, proposal.replace) == ((fit.address,), (), (), ())
    assert "`adopt`" in decision.verdicts[0].outlook
    assert decision.verdicts[1].outlook == "M.g01 is not there"


def test_an_unfit_file_is_told_also_where_its_plan_is_held_for_something_else(plan, seen) -> None:
    blocked = plan("M/p01", blocked_by=(Trouble("M.g01 is not there"),))
    unfit = Assessment(Fitness.UNFIT, (Trouble("holds no results"),))
    look = seen(outputs={blocked.address: OutputSeen(1, "")}, assessments={blocked.address: unfit})
    decision = decide([blocked], look, Policy())
    (verdict,) = decision.verdicts
    assert (verdict.phase, verdict.obstacle) == (Phase.HELD, "cannot-run")
    assert "M.g01 is not there" in verdict.note
    assert [(r.cause, r.evidence) for r in verdict.reasons][-1] == (Cause.UNFIT, "holds no results")
    assert not propose(decision.verdicts, look.assessments), "`retry` alone would not help"


def test_a_result_of_another_geometry_than_todays_is_suspicious_and_the_section_is_named(plan) -> None:
    (doubt,) = doubts(plan, other_geometry="cross section A, B, 1: its elevation 1 is 2, 3 in M.g01")
    assert doubt.endswith("cross section A, B, 1: its elevation 1 is 2, 3 in M.g01")
