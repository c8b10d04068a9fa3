"""What the files of a run directory say, and how words get into them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.errors import Refused
from rasreconcile.jobs import Absent, Ended, Job, OutputRecord, RunId, Running, Vanished
from rasreconcile.workers import run_files, rundir
from rasreconcile.workers.run_files import CLAIM_SECONDS, RunFiles

CLAIM = "pid 7\nstart 99\nboot abc\ntime 1700000000.5\n"
DONE = (
    '{"exit_code": 3, "cause": "time limit", "started": 1700000000.5, "ended": 1700000001, '
    '"outputs": {"a b/ü.hdf": {"size": 2, "digest": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}}}\n'
)


def job(**more: Any) -> Job:
    values: dict[str, Any] = {
        "platform": "posix",
        "steps": (("true",),),
        "inputs": (),
        "outputs": ("x",),
        "cores": 2,
        "time_limit": timedelta(seconds=1.2),
    }
    return Job(**{**values, **more})


def test_a_whole_end_is_read_as_it_was_written() -> None:
    assert run_files.status_of(RunFiles(started=CLAIM, done=DONE)) == Ended(
        exit_code=3,
        started=datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC),
        ended=datetime(2023, 11, 14, 22, 13, 21, tzinfo=UTC),
        outputs={"a b/ü.hdf": OutputRecord(2, "f" * 64)},
        cause="time limit",
    )


def test_every_cut_of_an_end_is_no_end() -> None:
    for length in range(len(DONE) - 2):
        status = run_files.status_of(RunFiles(started=CLAIM, done=DONE[:length]))
        assert isinstance(status, Vanished)
        assert "done.json is damaged" in status.evidence


@pytest.mark.parametrize(
    "done", ["[]", "null", "3", DONE.replace("time limit", "boredom"), DONE.replace("2,", '"?",')]
)
def test_an_end_that_says_something_else_is_no_end(done: str) -> None:
    assert isinstance(run_files.status_of(RunFiles(started=CLAIM, done=done)), Vanished)


def test_what_one_look_means() -> None:
    assert run_files.status_of(None) == Absent()
    assert run_files.status_of(RunFiles()) == Absent()
    running = run_files.status_of(RunFiles(started=CLAIM, alive=True, heartbeat=1700000015.0, log_size=4))
    assert isinstance(running, Running)
    assert (running.heartbeat, running.log_size) == (datetime(2023, 11, 14, 22, 13, 35, tzinfo=UTC), 4)
    for found, word in (
        (RunFiles(started=CLAIM), "process 7 is gone"),
        (RunFiles(started=CLAIM, unwritten=True), "is full"),
        (RunFiles(started="pid 7\nsta"), "its claim is damaged"),
    ):
        status = run_files.status_of(found)
        assert isinstance(status, Vanished)
        assert word in status.evidence


def test_what_was_asked_can_be_read_but_no_secret() -> None:
    controls = rundir.control_files(RunId("r-1"), job(env={"TOKEN": "secret"}, process_priority="low"))
    document = json.loads(controls["job.json"])
    assert (document["run"], document["env"], document["time_limit_seconds"]) == ("r-1", ["TOKEN"], 1.2)
    assert b"secret" not in controls["job.json"]
    assert controls["settings.sh"] == b"run='r-1'\nfolder=''\ntime_limit=2\nstalled_after=0\nnice=15\n"


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a b/c.d",
        "-rf",
        "Überlauf.g01",
        "dollar$HOME",
        "a'b",
        "nul.d/x"[4:],
        "console",
        "com10",
        "x" * 255,
    ],
)
def test_a_sane_name_is_taken(name: str) -> None:
    rundir.check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "..",
            "a/..",
            "./a",
            "a/./b",
            "a//b",
            "/a",
            "a/",
            "C:/a",
            "C:a",
            "a\\b",
            "\\\\host\\share",
        ),
        *("nul", "NUL.txt", "sub/Con", "aux .txt", "com1", "lpt9.x", "COM¹", "conin$", "a ", "a.", "sub./a"),
        *(
            "a\nb",
            "a\0b",
            "a\x7fb",
            "a\x85b",
            "a*",
            "a?",
            'a"b',
            "a<b",
            "a|b",
            "\udcfc.g01",
            "x" * 256,
            "ü" * 128,
        ),
    ],
)
def test_a_name_that_some_system_could_not_keep_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(Refused) as refused:
        rundir.check_name(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("variable", ["", "1A", "A B", "A-B", "A\n", "Ä"])
def test_a_name_that_is_no_variable_is_refused(variable: str) -> None:
    with pytest.raises(Refused, match="environment variable"):
        rundir.control_files(RunId("r"), job(env={variable: "x"}))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])),
        min_size=1,
        max_size=30,
    )
)
def test_every_shell_reads_quoted_words_back_as_they_were(words: list[str]) -> None:
    text = "printf '%s\\0' " + " ".join(rundir.quoted(word) for word in words)
    printed = subprocess.run(["sh", "-s"], input=os.fsencode(text), capture_output=True, check=True).stdout
    assert printed.split(b"\0")[:-1] == [os.fsencode(word) for word in words]


def test_every_look_gives_a_runner_as_long_to_claim_its_run() -> None:
    shell = re.search(r"^claim_seconds=(\d+)$", read_text("inspect.sh"), re.MULTILINE)
    windows = re.search(r"ClaimSeconds = (\d+);", read_text("windows/agent.cs"))
    assert shell is not None
    assert windows is not None
    assert float(shell[1]) == float(windows[1]) == CLAIM_SECONDS


def read_text(name: str) -> str:
    return resources.files("rasreconcile.workers").joinpath(name).read_text()


def test_to_a_shell_outputs_are_named_as_they_are_and_in_every_case() -> None:
    names = ("X [1].O01", "maps/*.tif")
    files = {
        p: rundir.control_files(RunId("r1"), job(outputs=names, platform=p))[rundir.OUTPUTS]
        for p in ("posix", "windows")
    }
    assert files == {
        "posix": b"X [1].O01\n:[xX] [[]1].[oO]01\n:[mM][aA][pP][sS]/*.[tT][iI][fF]\n",
        "windows": b"X [1].O01\nmaps/*.tif\n",
    }
