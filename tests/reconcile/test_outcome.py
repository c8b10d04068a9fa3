"""Whose fault a run's end is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Ended, RunEvidence
from rasreconcile.plans import MISSING, InputFile
from rasreconcile.reconcile.outcome import failure_of, for_want_of_room, with_missing_files
from rasreconcile.spec import CommandEngine, EngineSpec, HecRasEngine, SteadyEngine

AT = datetime(2026, 1, 2, tzinfo=UTC)
CRASH = Failure(
    kind="permanent", cause=FailureCause.COMPUTATION_FAILED, trouble=Trouble("the command exited with 1")
)


def evidence(room: int | None, log: str = "") -> RunEvidence:
    return RunEvidence(ended=Ended(exit_code=1, started=AT, ended=AT, outputs={}, room=room), log=log)


@pytest.mark.parametrize(
    ("room", "log"),
    [(0, ""), (4096, ""), (9 << 30, "write: No space left on device"), (None, "Disk quota exceeded")],
)
def test_what_fails_on_a_full_disk_is_the_workers_fault_and_tells_both(room, log) -> None:
    told = for_want_of_room(CRASH, evidence(room, log), "desk")
    assert (told.kind, told.cause) == ("worker", "disk full")
    assert "the disk of desk was full (the command exited with 1); free some space" in str(told.trouble)


@pytest.mark.parametrize("room", [None, 9 << 30])
def test_what_fails_where_there_is_room_or_nobody_looked_stays_what_it_was(room) -> None:
    assert for_want_of_room(CRASH, evidence(room), "desk") == CRASH


def gone(name: str, kind: str = "terrain", raw: str = MISSING) -> InputFile:
    return InputFile(name=name, source=Path(name), raw=raw, semantic=raw, size=0, kind=kind, is_text=False)


def test_a_failure_repeats_what_was_known_to_be_missing(plan) -> None:
    inputs = (gone("Terrain/t.hdf"), gone("there.tif", raw="0" * 64), gone("esri.prj", "projection"))
    told = with_missing_files(CRASH, plan(inputs=inputs))
    assert told.trouble.what == (
        "the command exited with 1 (missing before it began, as `check` reports: terrain Terrain/t.hdf)"
    )
    assert replace(told, trouble=CRASH.trouble) == CRASH
    many = with_missing_files(CRASH, plan(inputs=tuple(gone(f"{n}.tif") for n in range(5))))
    assert "terrain 0.tif, terrain 1.tif, terrain 2.tif and 2 more)" in many.trouble.what


@pytest.mark.parametrize(
    "failure",
    [
        replace(CRASH, kind="worker", cause=FailureCause.DISK_FULL),
        replace(CRASH, cause=FailureCause.TIME_LIMIT),
        replace(CRASH, cause=FailureCause.OUT_OF_MEMORY),
    ],
)
def test_what_ended_a_run_from_outside_has_nothing_to_do_with_missing_files(plan, failure) -> None:
    assert with_missing_files(failure, plan(inputs=(gone("t.hdf"),))) == failure
    assert with_missing_files(CRASH, plan()) == CRASH


def test_a_stalled_run_is_told_with_the_window_that_its_worker_saw() -> None:
    ended = Ended(exit_code=143, started=AT, ended=AT, outputs={}, cause="stalled")
    hec_ras = HecRasEngine(type="hec-ras", version="6.6")
    seen = Trouble('Ras.exe hangs in session 2 at the window "Terms"', "start HEC-RAS once by hand")
    hangs = Failure(kind="worker", cause=FailureCause.HANGS, trouble=seen)

    def told(verdict: Failure | None, engine: EngineSpec = hec_ras) -> Failure:
        found = failure_of(ended, verdict, time_limit=timedelta(hours=1), engine=engine)
        assert found is not None
        return found

    assert told(hangs) == Failure(kind="retryable", cause=FailureCause.STALLED, trouble=seen)
    assert told(CRASH) == told(None)
    assert "HEC-RAS on Windows hangs like this" in told(None).trouble.remedy
    for engine in (SteadyEngine(type="steady"), CommandEngine(type="command", command=("sleep", "1h"))):
        assert "HEC-RAS" not in str(told(None, engine).trouble)
