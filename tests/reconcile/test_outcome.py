"""Whose fault a run's end is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Ended, RunEvidence
from rasreconcile.reconcile.outcome import for_want_of_room

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
