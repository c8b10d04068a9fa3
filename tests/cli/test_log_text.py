"""`logs` shows HEC-RAS's messages as people read them, however the log arrives."""

from __future__ import annotations

import pytest

from rasreconcile.cli.logs import Printed
from rasreconcile.hecras_messages import cut_before_column, without_column

LOG = """\
Progress | 0.0000
Message  | Performing Unsteady Flow Simulation  HEC-RAS 6.6
message|ERROR: ü Message  | is no column here
Messages of another kind
Mess"""
SHOWN = """\
Progress | 0.0000
Performing Unsteady Flow Simulation  HEC-RAS 6.6
ERROR: ü Message  | is no column here
Messages of another kind
Mess"""


def test_the_column_never_reaches_people_wherever_the_log_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    whole = LOG.encode()
    for size in (1, 2, 3, 7, len(whole)):
        log = Printed(as_json=False)
        for at in range(0, len(whole), size):
            log.add(whole[at : at + size])
        log.finish()
        assert capsys.readouterr().out == SHOWN, size


def test_what_cannot_become_the_column_is_shown_at_once() -> None:
    assert cut_before_column("computed 3 of 7") == ("computed 3 of 7", "")
    assert cut_before_column("done\n Messag") == ("done\n", " Messag")
    assert without_column("  Message  |   Sediment\n") == "Sediment\n"


def test_programs_get_the_log_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    log = Printed(as_json=True)
    log.add(b"Message  | a")
    log.finish()
    assert "Message  | a" in capsys.readouterr().out
