"""The runner and the look script under every POSIX shell that is here, and with nothing but busybox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from services import Service, absent

from rasreconcile.errors import Unreachable
from rasreconcile.jobs import Absent, Ended, RunId, Running, Vanished
from rasreconcile.workers import run_files, rundir
from rasreconcile.workers.inspect import look_here, parse_looks

OUTPUT = "x.p01.hdf"


@pytest.fixture(params=["dash", "bash", "busybox sh", "busybox only"])
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """`sh` is this shell, for this program and all that it starts."""
    program = shutil.which(request.param.split()[0])
    if program is None:
        absent(
            Service.BUSYBOX if "busybox" in request.param else Service.SHELLS, f"{request.param} is not here"
        )
    folder = tmp_path / "bin"
    folder.mkdir()
    names, path = ["sh"], f"{folder}:{os.environ['PATH']}"
    if request.param == "busybox only":
        names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
        path = str(folder)
    for name in names:
        (folder / name).symlink_to(program)
    monkeypatch.setenv("PATH", path)
    return request.param


def test_a_run_comes_to_its_end_in_every_shell(shell, local, run) -> None:
    step = ("sh", "-c", f'cat "$1"; printf "%s" "$1" >{OUTPUT}', "sh", "it's $HOME.g01")
    job = local.script(inputs={"it's $HOME.g01": b"read"}, steps=(("sh", "-c", "exit 0"), step))
    local.worker.start(run, job)
    local.worker.start(run, job)
    ended = local.end(run)
    assert (ended.cause, ended.exit_code, ended.outputs[OUTPUT].size) == ("exited", 0, 14)
    assert local.worker.read_log(run) == b"read"
    assert local.worker._host.read(run, "runner.err", 0, 999) == b""


def test_a_run_is_ended_in_every_shell_with_all_its_children(shell, local, a_run) -> None:
    late, cancelled = a_run("late"), a_run("cancelled")
    script = "(sleep 600) & setsid sleep 600 & sleep 600; sleep 600"
    local.worker.start(late, local.script(script, time_limit=timedelta(seconds=1)))
    local.worker.start(cancelled, local.script(script))
    local.worker.cancel(cancelled)
    assert local.end(cancelled).cause == "cancelled"
    assert local.end(late).cause == "time limit"
    local.until(lambda: local.processes(late) + local.processes(cancelled) == [])


def test_what_the_script_sees_is_what_is_there_in_every_shell(shell, local, a_run) -> None:
    runs = _one_of_each(local, a_run)
    told = _look(local.folder, runs)
    here = look_here(local.folder, runs)
    kinds = [type(run_files.status_of(found)) for found in told.values()]
    assert kinds == [Running, Ended, Vanished, Vanished, Absent, Absent, Vanished]
    for run in runs:
        assert run_files.status_of(told[run]) == _to_the_second(run_files.status_of(here[run]))


def _one_of_each(local, a_run) -> list[RunId]:
    runs = [a_run(word) for word in ("running", "ended", "killed", "reused", "made", "unknown", "damaged")]
    running, ended, killed, reused, made, _, damaged = runs
    local.worker.start(running, local.script("printf words; sleep 600"))
    local.until(lambda: local.worker.read_log(running) == b"words")
    for run in (ended, damaged):
        local.worker.start(run, local.job(writes={OUTPUT: b"1"}))
        local.end(run)
    (local.folder / damaged / "done.json").write_bytes('{"cause": "ü'.encode()[:-1])
    for run in (killed, reused):
        local.begin(run, local.script("sleep 600"))
        local.kill(run)
        local.wait(run)
    claim = local.folder / reused / "started"
    claim.write_text(claim.read_text().replace("pid ", f"pid {os.getpid()}\nwas "))
    local.worker._host.prepare(made, (), rundir.control_files(made, local.script("true")))
    return runs


def _look(folder: Path, runs: list[RunId]):
    command = ["sh", "-s", str(folder), *runs]
    # By standard input, as over a connection: nothing need be installed there.
    text = rundir.script("inspect.sh").encode()
    done = subprocess.run(command, input=text, capture_output=True, check=True)
    assert done.stderr == b""
    return parse_looks(done.stdout.decode(errors="replace"), runs)


def _to_the_second(status):
    if isinstance(status, Running) and status.heartbeat is not None and status.grew is not None:
        return Running(
            started=status.started,
            heartbeat=status.heartbeat.replace(microsecond=0),
            log_size=status.log_size,
            grew=status.grew.replace(microsecond=0),
        )
    return status


def test_an_answer_that_was_cut_short_is_no_answer(local, a_run) -> None:
    runs = [a_run("one"), a_run("two")]
    with pytest.raises(Unreachable, match="cut short"):
        parse_looks(f"run {runs[0]}\n", runs)


def test_the_scripts_hold_nothing_that_only_some_shells_know() -> None:
    for name in ("runner.sh", "inspect.sh"):
        text = rundir.script(name)
        assert not any(word in text for word in ("[[ ", "local ", "function ", "$'", "<<<", "&>", "mktemp"))
        assert text.startswith("#!/bin/sh\n")


def test_a_runner_that_is_asked_to_stop_by_the_system_leaves_no_job(local, run) -> None:
    local.worker.start(run, local.script("sleep 600"))
    local.until(lambda: local.sessions(run) == 3)
    os.kill(int((local.folder / run / "started").read_text().split()[1]), signal.SIGTERM)
    assert isinstance(local.wait(run), Vanished)
    local.until(lambda: local.processes(run) == [])
