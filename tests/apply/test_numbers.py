"""What is counted and when it was: one plan is one plan, what was collected was not started, times have a zone."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.plans import Address
from rasreconcile.records import Event
from rasreconcile.report.text import event_line, how_many, stamp
from rasreconcile.report.values import utc

AT = datetime(2026, 4, 1, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        (["Demo/p01"], "1 plan"),
        (["Demo/p01", "Demo/p02"], "2 plans"),
        ([], "0 plans"),
        (["Demo/p01", "Demo/p01/prepare-1a2b3c4d"], "1 plan, 1 preparation"),
    ],
)
def test_a_count_agrees_with_its_noun(addresses, said) -> None:
    assert how_many(Address(one) for one in addresses) == said


def test_times_have_the_zone_of_the_user_in_texts_and_utc_in_json(monkeypatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        event = Event(at=AT, kind="started", address=Address("Demo/p01"), run=None, message="on desk")
        assert stamp(AT) == "2026-04-01 14:30:05 CEST"
        assert event_line(event) == "14:30:05 CEST started Demo/p01  on desk"
        assert utc(AT) == utc(AT.astimezone()) == "2026-04-01T12:30:05Z"
        assert utc(AT + timedelta(microseconds=5)) == "2026-04-01T12:30:05.000005Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_one_plan_that_failed_is_not_said_never_to_have_run(study) -> None:
    study.command("false")
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text() + "    numbers: ['01']\n")
    assert "0 of 1 plan is current" in study.apply(check=3).stdout
    for told in (study.run("diff", "spec.yaml").stdout, study.run("status", "spec.yaml").stdout):
        assert "never-run" not in told
        assert "output-missing Willow.p01.hdf: its last run: failed" in told
        assert "1 plan: 1 missing" in told


def test_collected_runs_are_counted_apart_from_started_ones(study) -> None:
    study.command(seconds=1)
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: len(study.computations()) == 3)
    controller.send_signal(signal.SIGKILL)
    controller.communicate()
    assert "spec.yaml: 1 started, 3 collected, 4 succeeded; 4 of 4 plans are current." in study.apply().stdout
