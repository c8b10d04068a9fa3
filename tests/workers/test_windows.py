"""What is true of Windows hosts besides the contract. The agent is the real one; what only Windows can answer, Linux does."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import paramiko
import pytest
from winsshd import compiled, new_windows_host

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Absent, Job, Running
from rasreconcile.workers import retry, rundir
from rasreconcile.workers.ssh.windows_commands import HOME, LONGEST_FOLDER
from rasreconcile.workers.windows.source import SOURCES, sources

AGENT = Path(rundir.__file__).parent / "windows"
OUTPUT = "x.p01.hdf"
TERRAIN = os.urandom(1 << 16) * 48


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.0)


def test_the_agent_for_windows_itself_is_c_sharp_5(tmp_path) -> None:
    done = compiled(tmp_path / "host.exe", *(AGENT / name for name in SOURCES))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_source_of_the_agent_travels() -> None:
    assert set(sources()) == {path.name for path in AGENT.glob("*.cs")}


def test_the_agent_is_compiled_once_for_all_who_come(windows, windows_host, run) -> None:
    windows.worker.poll([run])
    before = windows_host.compilations
    windows.again().poll([run])
    assert windows_host.compilations == before
    left = sorted(path.name.partition("-")[0] for path in (windows_host.home / HOME).iterdir())
    assert left == ["host", "runner"]


def test_two_who_come_first_at_once_do_not_disturb_each_other(
    network, tmp_path, windows, run, monkeypatch
) -> None:
    host = new_windows_host(network, tmp_path / "there" / "home")
    workers = [windows.again(hostname=host.server.address, ssh_key_path=str(host.key)) for _ in range(2)]
    monkeypatch.setenv("HOME", str(network.home))
    found: list[object] = []
    threads = [threading.Thread(target=lambda w=w: found.append(w.poll([run])[run])) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    host.server.stop()
    assert found == [Absent(), Absent()]
    assert len(list((host.home / HOME).iterdir())) == 2


@pytest.mark.parametrize("left", [None, b"", bytes(20_000)])
def test_an_agent_that_is_removed_or_damaged_is_put_there_again(windows, windows_host, run, left) -> None:
    windows.worker.poll([run])
    for path in (windows_host.home / HOME).glob("host-*"):
        path.unlink() if left is None else path.write_bytes(left)
    assert windows.worker.poll([run])[run] == Absent()


def test_a_host_that_cannot_compile_it_is_refused_with_the_reason(
    ssh, network, run, impatient, monkeypatch
) -> None:
    # Any Linux host: its shell knows no cmd.
    monkeypatch.setenv("HOME", str(network.home))
    server = network.server()
    linux = ssh.again(platform="windows", hostname=server.address, ssh_key_path=str(network.key))
    with pytest.raises(Refused, match=r"cannot be compiled there: .*cmd.* not found; .* DefaultShell"):
        linux.poll([run])


def test_nothing_starts_where_nobody_is_logged_on_and_check_says_so(
    windows, windows_host, run, impatient
) -> None:
    windows_host.log_on(r"BOX\somebody")
    with pytest.raises(Unreachable, match=r"nobody is logged on as BOX\\ras"):
        windows.worker.start(run, windows.job())
    assert windows.worker.poll([run])[run] == Absent()
    assert [problem.what for problem in windows.worker.check()] == [
        r"nobody is logged on there as BOX\ras, and HEC-RAS needs a desktop"
    ]
    assert windows.again(session="none").check() == []
    windows_host.log_on(r"box\RAS")
    assert windows.worker.check() == []


def test_runs_without_a_desktop_need_nobody_logged_on(windows, windows_host, run) -> None:
    windows_host.log_on("")
    windows.again(session="none").start(run, windows.job(writes={OUTPUT: b"x"}))
    assert windows.end(run).outputs[OUTPUT].size == 1


def test_a_folder_too_deep_for_hec_ras_is_told(windows, tmp_path) -> None:
    deep = tmp_path / ("d" * LONGEST_FOLDER)
    (problem,) = windows.again(worker_folder=str(deep)).check()
    assert f"{len(str(deep))} characters" in problem.what


def test_a_job_for_the_other_system_is_refused_both_ways(windows, ssh, run) -> None:
    with pytest.raises(Refused, match="runs Windows jobs, this one is for POSIX"):
        windows.worker.start(run, ssh.job())
    with pytest.raises(Refused, match="runs POSIX jobs, this one is for Windows"):
        ssh.worker.start(run, windows.job())


def test_a_run_directory_of_windows_holds_no_shell_script(windows, run) -> None:
    windows.worker.start(run, windows.job(process_priority="low", env={"A": "é %PATH% $HOME"}))
    windows.end(run)
    place = windows.folder / run
    assert not list(place.glob("*.sh"))
    settings = dict(line.split(" ", 1) for line in (place / "settings").read_text().splitlines())
    assert settings == {
        "run": run,
        "folder": "",
        "time_limit": "600",
        "stalled_after": "0",
        "priority": "low",
    }
    assert "env A=é %PATH% $HOME\n" in (place / "steps").read_text()


def test_what_is_set_for_a_job_reaches_it(windows, run) -> None:
    value = "é €%PATH% $HOME it's"
    windows.worker.start(run, windows.script('printf %s "$A"', env={"A": value}))
    windows.end(run)
    assert windows.worker.read_log(run).decode() == value


@pytest.mark.parametrize("value", ["two\nlines", "carriage\rreturn"])
def test_a_value_with_a_line_end_is_refused(windows, run, value) -> None:
    with pytest.raises(Refused, match="value of A holds a line end"):
        windows.worker.start(run, windows.job(env={"A": value}))


def test_a_program_that_is_not_there_is_told_in_the_log(windows, run) -> None:
    job = windows.job()
    windows.worker.start(run, type(job)(**{**_fields(job), "steps": (("no-such-program.exe",),)}))
    assert windows.end(run).exit_code == 127
    assert b"no-such-program.exe" in windows.worker.read_log(run)


def test_the_room_on_its_disk_is_told_at_the_end(windows, run) -> None:
    windows.worker.start(run, windows.job())
    room = windows.end(run).room
    assert room is not None
    assert room > 1 << 20


def test_a_job_that_writes_nothing_is_ended_as_stalled(windows, run) -> None:
    windows.worker.start(run, windows.job(waits=True, stalled_after=timedelta(seconds=2)))
    assert windows.end(run).cause == "stalled"
    assert windows.processes(run) == []


def test_a_program_that_waits_at_a_window_is_ended_and_the_window_is_named(windows, run) -> None:
    script = "printf 'Terms and Conditions\\nHEC-RAS\\n' >windows.shown; sleep 600"
    windows.worker.start(run, windows.script(script, stalled_after=timedelta(seconds=2)))
    assert windows.end(run).cause == "stalled"
    said = windows.worker.read_log(run).decode()
    assert (
        said == 'rasreconcile: Ras.exe hangs in session 2 at the window "Terms and Conditions", "HEC-RAS"\n'
    )


def test_a_pid_used_again_is_not_taken_for_the_runner(windows, run) -> None:
    windows.begin(run, windows.job(waits=True))
    assert isinstance(windows.worker.poll([run])[run], Running)
    windows.kill(run)
    started = windows.folder / run / "started"
    lines = started.read_text().splitlines()
    started.write_text("\n".join([f"pid {os.getpid()}", *lines[1:]]) + "\n")
    assert "is gone without recording an exit status" in windows.wait(run).evidence


@pytest.fixture
def cut_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The link breaks, once, when this many bytes were sent."""
    send = paramiko.Channel.sendall
    left = [1 << 60]

    def cutting(self: paramiko.Channel, data: bytes) -> None:
        left[0] -= len(data)
        if left[0] < 0:
            left[0] = 1 << 60
            self.get_transport().close()
        send(self, data)

    monkeypatch.setattr(paramiko.Channel, "sendall", cutting)

    def set_to(size: int) -> None:
        left[0] = size

    return set_to


def test_a_large_input_goes_on_where_the_link_was_cut(windows, run, cut_after) -> None:
    windows.worker.poll([run])
    cut_after(2_000_000)
    windows.worker.start(run, windows.job(inputs={"terrain.tif": TERRAIN}))
    assert windows.end(run).exit_code == 0
    assert (windows.folder / run / "work" / "terrain.tif").read_bytes() == TERRAIN


def test_what_an_earlier_transfer_left_damaged_is_sent_again(windows, run) -> None:
    digest = hashlib.sha256(TERRAIN).hexdigest()
    part = windows.folder / "cache" / digest[:2] / f".{digest}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"rubbish" * 1000)
    windows.worker.start(run, windows.job(inputs={"terrain.tif": TERRAIN}))
    windows.end(run)
    assert (windows.folder / run / "work" / "terrain.tif").read_bytes() == TERRAIN
    assert not part.exists()


def _fields(job: Job) -> dict[str, Any]:
    return {field.name: getattr(job, field.name) for field in fields(job)}
