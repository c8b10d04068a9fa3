"""What is true of runs on this machine: real processes, real files, real deaths."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from waiting import LONGEST

from rasreconcile.errors import Refused
from rasreconcile.jobs import Absent, RunId, Running, Vanished
from rasreconcile.workers import rundir

OUTPUT = "x.p01.hdf"


def test_steps_stop_at_the_first_failure(local, run) -> None:
    local.worker.start(run, local.script("echo one", "exit 7", "echo three"))
    assert local.end(run).exit_code == 7
    assert local.worker.read_log(run) == b"one\n"


def test_steps_run_in_the_folder_of_the_job_and_outputs_are_named_from_work(local, run, tmp_path) -> None:
    inputs = {"Muncie/Muncie.prj": b"p", "shared/flow.dss": b"flow"}
    script = "cat ../shared/flow.dss Muncie.prj >Muncie.p01.hdf"
    job = local.script(script, inputs=inputs, folder="Muncie", outputs=("Muncie/Muncie.p01.hdf",))
    local.worker.start(run, job)
    assert list(local.end(run).outputs) == ["Muncie/Muncie.p01.hdf"]
    local.worker.fetch(run, "Muncie/Muncie.p01.hdf", tmp_path / "result")
    assert (tmp_path / "result").read_bytes() == b"flowp"


def test_a_plain_name_of_an_output_is_found_in_whatever_case_the_job_left_it(local, run) -> None:
    script = "echo 1 >Basin.O01; echo 2 >basin.dss; echo 3 >BASIN.DSS"
    local.worker.start(run, local.script(script, outputs=("basin.o01", "basin.dss")))
    assert set(local.end(run).outputs) == {"Basin.O01", "basin.dss", "BASIN.DSS"}


def test_a_folder_that_leads_out_of_the_run_directory_is_refused(local, run) -> None:
    with pytest.raises(Refused):
        local.worker.start(run, local.script("true", folder="../.."))


def test_a_program_that_is_not_there_is_told_in_the_log(local, run) -> None:
    local.worker.start(run, local.script(steps=(("no-such-program", "x"),)))
    assert local.end(run).exit_code == 127
    assert b"no-such-program" in local.worker.read_log(run)


def test_a_short_job_is_over_soon(local, a_run) -> None:
    ends = []
    for run in map(a_run, ("one", "two", "three", "four", "five")):
        local.worker.start(run, local.script("true"))
        ends.append(local.end(run))
    # Nobody waited for children that are not there; on a busy machine one of five shows it.
    assert min(end.ended - end.started for end in ends) < timedelta(seconds=4)


def test_a_job_that_is_over_leaves_no_process(local, run) -> None:
    local.worker.start(run, local.script("true"))
    local.end(run)
    local.until(lambda: local.processes(run) == [])


def test_no_zombie_of_a_run_is_left_with_the_controller(local, run) -> None:
    local.worker.start(run, local.script("true"))
    local.end(run)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    mine = [Path(f"/proc/{pid}/stat").read_text().split()[2] for pid in children.read_text().split()]
    assert "Z" not in mine


def test_a_job_that_ignores_being_asked_is_ended_all_the_same(local, run) -> None:
    script = "trap '' TERM; while :; do sleep 0.1; done"
    local.worker.start(run, local.script(script, time_limit=timedelta(seconds=1)))
    assert local.end(run).cause == "time limit"
    local.until(lambda: local.processes(run) == [])


def test_a_job_that_is_asked_to_end_may_tidy_up(local, run) -> None:
    script = f"trap 'printf tidy >{OUTPUT}; exit' TERM; touch ../up; while :; do sleep 0.1; done"
    local.worker.start(run, local.script(script))
    local.until((local.folder / run / "up").exists)
    local.worker.cancel(run)
    ended = local.end(run)
    assert (ended.cause, ended.outputs[OUTPUT].size) == ("cancelled", 4)


LATE = f"touch ../up; while ! [ -e ../go ]; do sleep 0.1; done; echo late >>{OUTPUT}"
CHILDREN = {
    "in the group": "({late}) &",
    "in a session of its own": "setsid sh -c '{late}' &",
    "in a group of its own": "timeout 600 sh -c '{late}' &",
    "with an empty environment": "env -i sh -c '{late}' &",
    "deaf to TERM": """sh -c 'trap "" TERM; {late}' &""",
    "handed to init": "(setsid sh -c '{late}' &)",
}


@pytest.mark.parametrize(
    "before", ["while ! [ -e ../up ]; do sleep 0.1; done", "true"], ids=["up", "beginning"]
)
@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN)
def test_children_neither_outlive_the_run_nor_write_after_its_digest(local, run, child, before) -> None:
    local.worker.start(run, local.script(f"{child.format(late=LATE)}\n{before}; printf x >{OUTPUT}"))
    ended = local.end(run)
    # The runner is the last to go.
    local.until(lambda: local.processes(run) == [])
    local.let_go(run)
    assert (local.folder / run / "work" / OUTPUT).read_bytes() == b"x"
    assert ended.outputs[OUTPUT].size == 1


def test_ending_one_run_leaves_a_run_whose_name_begins_the_same_alone(local) -> None:
    one, other = RunId("a-1"), RunId("a-12")
    local.worker.start(other, local.script("sleep 600"))
    local.worker.start(one, local.script("setsid sleep 600 & true"))
    local.end(one)
    assert isinstance(local.worker.poll([other])[other], Running)
    assert len(local.processes(other)) >= 2


def test_when_only_the_runner_is_killed_its_job_ends_too(local, run) -> None:
    local.begin(run, local.script("sleep 600"))
    pid = int((local.folder / run / "started").read_text().split()[1])
    # Runner, guard and job: each is in a session of its own.
    local.until(lambda: local.sessions(run) == 3)
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    assert isinstance(local.wait(run), Vanished)
    local.until(lambda: local.processes(run) == [])
    assert local.left_over() == []


def prepared(local, run) -> list[str]:
    """Its directory is there and nobody has started it; the words that start its runner."""
    job = local.script("touch ../up; sleep 600")
    local.worker._host.prepare(run, job.inputs, rundir.control_files(run, job))
    return ["sh", str(local.folder / run / "runner.sh"), str(local.folder / run)]


def test_a_killed_runner_that_nobody_reaps_is_not_taken_for_one_that_lives(local, run) -> None:
    # As in a container whose first process reaps nobody.
    with subprocess.Popen(prepared(local, run), start_new_session=True) as runner:
        local.until((local.folder / run / "up").exists)
        local.until(lambda: local.sessions(run) == 3)
        runner.kill()
        local.until(lambda: local.processes(run) == [])
    assert isinstance(local.wait(run), Vanished)


def test_a_process_that_was_given_the_number_of_a_killed_runner_is_not_taken_for_it(local, run) -> None:
    words = prepared(local, run)
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as job:
        # This process has the number, and did not begin one tick after the machine.
        guard = [*words, "guard", str(os.getpid()), "1", str(job.pid)]
        assert subprocess.run(guard, timeout=LONGEST, check=False).returncode == 4
        assert job.wait(LONGEST) == -signal.SIGTERM


def test_what_a_killed_runner_left_behind_is_ended_with_its_directory(local, run) -> None:
    local.worker.start(run, local.script("setsid sleep 600 & sleep 600"))
    # Runner, guard, job and its child.
    local.until(lambda: local.sessions(run) == 4)
    marked = f"RASRECONCILE_RUN={run}.".encode()
    for pid in local.processes(run):
        # The runner and its guard, not the job. Some are short-lived: the guard's `sleep 1`.
        with suppress(FileNotFoundError, ProcessLookupError):
            if marked not in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)
    assert isinstance(local.wait(run), Vanished)
    assert local.processes(run) != []
    local.worker.discard(run)
    assert local.processes(run) == []
    assert local.worker.poll([run])[run] == Absent()


def test_a_process_of_another_boot_with_the_same_number_is_not_the_run(local, run) -> None:
    local.begin(run, local.script("sleep 600"))
    started = local.folder / run / "started"
    text = started.read_text()
    for key, value in (("boot", "another"), ("start", "1")):
        lines = [f"{key} {value}" if line.startswith(key) else line for line in text.splitlines()]
        started.write_text("\n".join(lines))
        assert isinstance(local.worker.poll([run])[run], Vanished)
    started.write_text(text)
    assert isinstance(local.worker.poll([run])[run], Running)


AWKWARD = [
    "with space.g01",
    "quote's.g01",
    "dollar$HOME.g01",
    "percent%d.g01",
    "Überlauf.g01",
    "a;b&c.g01",
    "-rf.g01",
    "A=b.g01",
    "sub/dir.g01",
]


def test_awkward_names_and_arguments_arrive_as_they_are(local, run) -> None:
    inputs = {name: name.encode() for name in AWKWARD}
    step = ("sh", "-c", 'for n; do cat "./$n"; echo; done; printf "%s|" "$A"', "sh", *AWKWARD)
    env = {"A": "x 'y' \"z\" $HOME `id` \\n\nline ä"}
    local.worker.start(run, local.script(inputs=inputs, steps=(step,), env=env))
    local.end(run)
    log = local.worker.read_log(run).decode()
    assert log == "".join(f"{n}\n" for n in AWKWARD) + env["A"] + "|"


WORDS = [
    "",
    " ",
    "a b",
    "'",
    '"',
    "$HOME",
    "`id`",
    "%s",
    "\\",
    "\n",
    "*",
    "~",
    "A=b",
    "if",
    "ü",
    "-n",
    "#",
    "!",
]


def test_arguments_reach_a_program_byte_for_byte(local, run) -> None:
    show = "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    words = [*WORDS, os.fsdecode(b"\xfcberlauf")]
    local.worker.start(run, local.script(steps=((sys.executable, "-c", show, *words),)))
    assert local.end(run).exit_code == 0
    assert local.worker.read_log(run) == b"\0".join(os.fsencode(word) for word in words)


def test_a_step_is_a_program_and_never_a_word_of_the_shell(local, run) -> None:
    bin_folder = local.sources / "bin"
    bin_folder.mkdir()
    for name in ("if", "exit", "A=b", "echo"):
        (bin_folder / name).write_text(f"#!/bin/sh\nprintf 'program {name}\\n'\n")
        (bin_folder / name).chmod(0o755)
    steps = tuple((name, "3") for name in ("if", "exit", "A=b", "echo"))
    local.worker.start(run, local.script(steps=steps, env={"PATH": f"{bin_folder}:{os.environ['PATH']}"}))
    assert local.end(run).exit_code == 0
    assert local.worker.read_log(run).decode().split("\n")[:-1] == [f"program {step[0]}" for step in steps]


def test_a_step_that_names_no_program_is_refused(local, run) -> None:
    for steps in (((),), (("",),), (("-x",),), (("a\0b",),)):
        with pytest.raises(Refused, match="correct the command"):
            local.worker.start(run, local.script(steps=steps))


@pytest.mark.parametrize(("priority", "nice"), [("normal", 0), ("below normal", 5), ("low", 15)])
def test_the_priority_is_that_of_every_process_of_the_job(local, run, priority, nice) -> None:
    local.worker.start(run, local.script("nice", process_priority=priority))
    local.end(run)
    assert int(local.worker.read_log(run)) == os.nice(0) + nice


def test_the_heartbeat_is_told_by_the_poll(local, run) -> None:
    local.begin(run, local.script("sleep 600"))
    os.utime(local.folder / run / "heartbeat", (1_000_000_000, 1_000_000_000))
    status = local.worker.poll([run])[run]
    assert isinstance(status, Running)
    assert status.heartbeat is not None
    assert status.heartbeat.timestamp() == 1_000_000_000


@pytest.mark.parametrize(
    ("told", "image"), [("sha256:ab12", "sha256:ab12"), ('x", "exit_code": "0', None), ("", None)]
)
def test_the_image_that_a_container_was_made_of_is_written_down(local, run, monkeypatch, told, image) -> None:
    monkeypatch.setenv("RASRECONCILE_IMAGE", told)
    local.worker.start(run, local.job())
    ended = local.end(run)
    assert (ended.exit_code, ended.image) == (0, image)
