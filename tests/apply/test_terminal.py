"""Being asked to stop on a terminal: what its screen shows, and what becomes of the runs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyte
import pytest

from rasreconcile.cli.interrupts import BURST, TERMINATED, Interrupts

CTRL_C = b"\x03"
OWNS = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes the terminal that of the session, so that Ctrl-C and its end reach the program as they do in life."""


@dataclass
class Terminal:
    """A terminal with the program in it, and an emulator that says what a user sees."""

    program: subprocess.Popen[bytes]
    keyboard: int
    screen: pyte.Screen
    history: list[str] = field(default_factory=list)
    reading: threading.Thread | None = None
    closed: bool = False

    def read(self) -> None:
        stream = pyte.ByteStream(self.screen)
        try:
            while data := os.read(self.keyboard, 4096):
                stream.feed(data)
        except OSError:
            return  # the program has ended, and with it the other side

    def shows(self, words: str) -> bool:
        return words in " ".join(" ".join(self.screen.display).split())

    def press(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def wait(self) -> int:
        code = self.program.wait(timeout=120)
        if self.reading and not self.closed:
            self.reading.join(timeout=30)
        return code


@pytest.fixture
def terminal(study) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_terminal(*words: str, columns: int = 80) -> Terminal:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        command = [sys.executable, "-c", OWNS, sys.executable, "-m", "rasreconcile", *words]
        program = subprocess.Popen(
            command, cwd=study.folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"},
        )  # fmt: skip
        os.close(theirs)
        one = Terminal(program, ours, pyte.Screen(columns, 40))
        one.reading = threading.Thread(target=one.read, daemon=True)
        one.reading.start()
        opened.append(one)
        return one

    yield open_terminal
    for one in opened:
        if one.program.poll() is None:
            one.program.kill()
            one.program.wait()
        if not one.closed:
            os.close(one.keyboard)


def running(study, terminal: Terminal) -> None:
    study.wait_for(lambda: len(study.computations()) == 3 and terminal.shows("3 of 3 slots"))


def states(study) -> set[str]:
    return {run["state"] for run in study.json("history", "spec.yaml")["runs"]}


@pytest.fixture
def endless(study):
    study.command(seconds=300)
    spec = study.folder / "spec.yaml"
    text = spec.read_text().replace("cores_total: 2", "cores_total: 3")
    spec.write_text("".join(line for line in text.splitlines(keepends=True) if "night:" not in line))
    return study


@pytest.mark.parametrize("columns", [80, 200])
def test_the_first_ctrl_c_is_answered_on_the_screen_and_leaves_the_runs(endless, terminal, columns) -> None:
    seen = terminal("apply", "spec.yaml", columns=columns)
    running(endless, seen)
    seen.press(CTRL_C)
    endless.wait_for(lambda: seen.shows("press Ctrl-C again within 5 s to cancel them"))
    # The progress is drawn again below the line, which stays where it is.
    assert seen.program.poll() is None
    assert seen.wait() == 130
    assert seen.shows("stopping: no new runs are started, running runs continue")
    assert seen.shows("3 runs still running")
    assert states(endless) == {"running"}


def test_a_burst_of_ctrl_c_is_one_and_cancels_nothing(endless, terminal) -> None:
    seen = terminal("apply", "spec.yaml")
    running(endless, seen)
    for _ in range(5):
        seen.press(CTRL_C)
    assert seen.wait() == 130
    assert not seen.shows("cancelling")
    assert states(endless) == {"running"}


def test_a_second_ctrl_c_that_is_meant_cancels_and_says_so(endless, terminal) -> None:
    seen = terminal("apply", "spec.yaml")
    running(endless, seen)
    seen.press(CTRL_C)
    endless.wait_for(lambda: seen.shows("press Ctrl-C again"))
    time.sleep(BURST + 0.25)
    seen.press(CTRL_C)
    endless.wait_for(lambda: seen.shows("cancelling the running runs"))
    assert seen.wait() == 130
    assert states(endless) == {"cancelled"}
    assert endless.processes() == []


def test_a_closed_terminal_leaves_the_runs_and_an_apply_that_has_ended(endless, terminal) -> None:
    seen = terminal("apply", "spec.yaml")
    running(endless, seen)
    seen.closed = True
    os.close(seen.keyboard)
    assert seen.wait() == 130
    with sqlite3.connect(endless.folder / "state.db") as store:
        assert store.execute("SELECT outcome, exit_code FROM apply").fetchall() == [("interrupted", 130)]
    assert states(endless) == {"running"}


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGTERM, signal.SIGTERM, signal.SIGHUP]])
def test_sigterm_is_answered_on_the_screen_and_never_cancels(endless, terminal, numbers) -> None:
    seen = terminal("apply", "spec.yaml")
    running(endless, seen)
    for number in numbers:
        os.kill(seen.program.pid, number)
    assert seen.wait() == 130
    assert seen.shows("stopping: no new runs are started, running runs continue; `apply` collects them")
    assert states(endless) == {"running"}


def test_a_program_that_was_told_to_end_is_not_ended_in_the_middle_of_its_last_words() -> None:
    code = (
        "import os, signal, time\n"
        "from rasreconcile.cli.interrupts import stopping\n"
        "class Apply:\n"
        "    def leave(self): return True\n"
        "with stopping(Apply(), print, time.monotonic):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "for number in (signal.SIGTERM, signal.SIGHUP):\n"
        "    os.kill(os.getpid(), number)\n"
        "print('done')\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [TERMINATED, "done"]


@dataclass
class Counting:
    """An apply that counts."""

    interrupts: int = 0

    def interrupt(self, linger: float = 0.0) -> int:
        self.interrupts += 1
        return self.interrupts

    def leave(self) -> bool:
        return self.interrupts == 0


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        ([0], 1),
        ([0, 0.3], 1),
        ([0, 0.01, 0.02], 1),
        ([0, 0.5, 1.0, 1.5, 2.0], 1),  # a key that is held down
        ([0, 1.0], 2),
        ([0, 0.3, 2.0], 2),
        ([0, 0.3, 2.0, 2.3], 2),
        ([0, 1.0, 2.0], 3),
    ],
)
def test_what_comes_in_one_burst_counts_once(at, counted) -> None:
    times = iter(at)
    interrupts = Interrupts(apply := Counting(), lambda: next(times))
    for _ in at:
        interrupts.interrupted()
    assert apply.interrupts == counted
    assert interrupts.lines.qsize() == counted


def test_status_watch_draws_the_state_of_another_apply_again_and_again(endless, terminal) -> None:
    endless.command(waits=True)
    controller = endless.start("apply", "spec.yaml")
    endless.wait_for(lambda: len(endless.computations()) >= 2)
    seen = terminal("status", "spec.yaml", "--watch")
    endless.wait_for(lambda: seen.shows("0 % current") and seen.shows("controller: process"))
    endless.let_go()
    assert controller.wait(timeout=120) == 0
    endless.wait_for(lambda: seen.shows("no controller is running") and seen.shows("4 plans: 4 current"))
    assert not seen.shows("0 % current")
    seen.press(CTRL_C)
    assert seen.wait() == 130


def test_status_watch_without_a_terminal_writes_what_has_changed(study) -> None:
    study.run("apply", "spec.yaml", "01")
    watching = study.start("status", "spec.yaml", "--watch", "--json")
    current = [json.loads(watching.stdout.readline())["plans"][0]["sync"]]
    study.run("apply", "spec.yaml", "02")
    for line in watching.stdout:
        if sum(plan["sync"] == "current" for plan in json.loads(line)["plans"]) == 2:
            break
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=60) == 130
    assert current == ["current"]
