"""What is true of runs on this machine, where it is Windows: real processes, real files, real deaths."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from waiting import LONGEST, until

from rasreconcile import held_files
from rasreconcile.jobs import Absent, Running, Vanished
from rasreconcile.workers import local_processes, rundir

assert sys.platform == "win32"

from rasreconcile.workers import windows_kernel  # noqa: E402

OUTPUT = "x.p01.hdf"
FOREVER = "while True: time.sleep(0.05)"
CHILD = "import subprocess; subprocess.Popen([sys.executable, '-I', '-S', '-c', {text!r}])"
LATE = f"import os, time\nopen('../pids', 'a').write(f'{{os.getpid()}}\\n')\n{FOREVER}"


def claimed(local, run) -> int:
    claim = local.folder / run / rundir.STARTED
    until(claim.exists)
    return int(claim.read_text().split()[1])


def test_steps_stop_at_the_first_failure_and_what_is_not_there_is_told_in_the_log(local, run) -> None:
    steps = (
        (sys.executable, "-I", "-S", "-c", "print('one')"),
        ("no-such-program", "x"),
        ("cmd", "/c", "echo"),
    )
    local.worker.start(run, local.script(steps=steps))
    assert local.end(run).exit_code == 127
    log = local.worker.read_log(run)
    assert log.startswith(b"one\r\n")
    assert b"no-such-program" in log


def test_children_and_their_children_end_with_the_job_and_with_its_runner(local, a_run) -> None:
    over, killed = a_run("over"), a_run("killed")
    script = f"{CHILD.format(text=LATE)}\nwhile len(open('../pids').readlines()) < 2: time.sleep(0.02)\n"
    local.worker.start(over, local.script(f"{script}open({OUTPUT!r}, 'w').write('x')"))
    local.worker.start(killed, local.script(script + FOREVER))
    assert local.end(over).outputs[OUTPUT].size == 1
    until(lambda: local.processes(over) == [])
    # Runner, job and its child.
    until(lambda: len(local.processes(killed)) == 3)
    os.kill(claimed(local, killed), signal.SIGTERM)
    until(lambda: local.processes(killed) == [])
    assert isinstance(local.worker.poll([killed])[killed], Vanished)
    local.worker.discard(killed)
    assert local.worker.poll([killed])[killed] == Absent()
    assert local.left_over() == []


def test_a_run_outlives_whoever_started_it_and_is_found_again(local, run) -> None:
    local.worker.start(run, local.script(FOREVER))
    code = (
        "import sys, time; from pathlib import Path\n"
        "from rasreconcile.workers.local.worker import local_worker; from rasreconcile.jobs import Running\n"
        "worker = local_worker('desk', Path(sys.argv[1]))\n"
        "while not isinstance(worker.poll([sys.argv[2]])[sys.argv[2]], Running): time.sleep(0.05)\n"
        "worker.cancel(sys.argv[2]); print(worker.poll([sys.argv[2]])[sys.argv[2]].cause)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(local.folder), run],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert said.stdout == "cancelled\n", said.stderr
    assert local.end(run).exit_code != 0


def test_a_process_of_the_same_number_that_began_at_another_time_is_not_the_run(local, run) -> None:
    local.begin(run, local.script(FOREVER))
    started = local.folder / run / rundir.STARTED
    text = started.read_text()
    start = str(windows_kernel.start_of(claimed(local, run)))
    assert start in text
    started.write_text(text.replace(start, str(int(start) + 1)))
    assert local.worker.poll([run])[run] == Vanished(
        f"process {claimed(local, run)} is gone without recording an exit status: it was killed"
    )
    # An hour of 1601: no machine that runs was up then.
    started.write_text(text.replace(start, "36000000000"))
    assert local.worker.poll([run])[run] == Vanished("its machine was restarted", "restarted")
    started.write_text(text)
    assert isinstance(local.worker.poll([run])[run], Running)


def test_of_two_runners_one_computes(local, run) -> None:
    job = local.job(writes={OUTPUT: b"1"})
    local.worker._host.prepare(run, job.inputs, rundir.control_files(run, job))
    place = local.folder / run
    starts = [
        threading.Thread(target=local_processes.WindowsProcesses().launch, args=(place,)) for _ in range(2)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    local.end(run)
    assert local.launches(run) == 1
    until(lambda: not list(place.glob("started.*")))


def test_a_runner_that_cannot_claim_says_why(local, run) -> None:
    job = local.job()
    controls = {**rundir.control_files(run, job), rundir.WINDOWS_SETTINGS: b"run\n"}
    local.worker._host.prepare(run, job.inputs, controls)
    local.worker._host.launch(run)
    until((local.folder / run / rundir.UNCLAIMED).exists)
    assert "could not claim it" in local.worker.poll([run])[run].why


@pytest.mark.parametrize(("priority", "kind"), [("low", 0x40), ("below normal", 0x4000), ("normal", 0x20)])
def test_the_priority_is_that_of_every_process_of_the_job(local, run, priority, kind) -> None:
    script = (
        "import ctypes; k = ctypes.windll.kernel32; k.GetCurrentProcess.restype = ctypes.c_void_p\n"
        "own = ctypes.c_void_p(k.GetCurrentProcess())\n"
        # Wine sets it after the start.
        f"while k.GetPriorityClass(own) != {kind}: time.sleep(0.02)\n"
        "print(k.GetPriorityClass(own))"
    )
    local.worker.start(run, local.script(script, process_priority=priority))
    local.end(run)
    assert int(local.worker.read_log(run)) == kind


WORDS = ["", " ", "a b", "'", '"', "%TEMP%", "^&", "!", "\\", 'x\\"', "*", "ü", "(x)", "é^%!&"]


def test_arguments_and_variables_reach_a_program_as_they_are(local, run) -> None:
    show = "import os, sys; sys.stdout.reconfigure(encoding='utf-8'); print('|'.join([*sys.argv[1:], os.environ['A']]))"
    step = (sys.executable, "-I", "-S", "-c", show, *WORDS)
    local.worker.start(run, local.script(steps=(step,), env={"A": 'x "y" %TEMP% é'}))
    local.end(run)
    assert local.worker.read_log(run).decode() == "|".join([*WORDS, 'x "y" %TEMP% é']) + "\r\n"


def test_a_run_directory_goes_as_soon_as_nobody_holds_a_file_of_it(local, run) -> None:
    local.worker.start(run, local.job(writes={OUTPUT: b"1"}))
    local.end(run)
    (local.folder / run / "work" / OUTPUT).chmod(0o400)
    with (local.folder / run / "work" / OUTPUT).open("rb"):
        going = threading.Thread(target=local.worker.discard, args=(run,))
        going.start()
        # Windows has begun to refuse, or it renamed the folder: either way nothing is lost.
        until(lambda: going.is_alive() or not (local.folder / run).exists())
    going.join(LONGEST)
    assert not going.is_alive()
    assert local.left_over() == []


def test_a_file_that_is_held_is_replaced_when_it_is_let_go_and_not_before(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    refused = threading.Event()
    patience = held_files.Patience(sleep=lambda _: refused.set())
    with old.open() as held:
        replacing = threading.Thread(target=held_files.when_let_go, args=(lambda: new.replace(old), patience))
        replacing.start()
        assert refused.wait(LONGEST)
        assert held.read() == "old"
    replacing.join(LONGEST)
    assert old.read_text() == "new"
    with old.open(), pytest.raises(PermissionError):
        new.write_text("newer")
        held_files.when_let_go(lambda: new.replace(old), held_files.Patience(seconds=0.0))


def test_time_limits_count_the_time_that_the_machine_was_awake(local, run) -> None:
    before = windows_kernel.awake_seconds()
    local.worker.start(run, local.script(FOREVER, time_limit=timedelta(seconds=1)))
    assert local.end(run).cause == "time limit"
    assert windows_kernel.awake_seconds() - before >= 1
