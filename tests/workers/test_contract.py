"""What every kind of worker must keep."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rasreconcile.errors import InputChanged, Refused
from rasreconcile.jobs import Absent, Ended, RunId, Running, Vanished


def test_a_run_nobody_started_is_absent(place, run) -> None:
    assert place.worker.poll([run]) == {run: Absent()}


def test_a_run_brings_back_its_output_with_size_and_digest(place, run, job, tmp_path) -> None:
    place.worker.start(run, job("printf result >x.p01.hdf"))
    ended = place.end(run)
    digest = hashlib.sha256(b"result").hexdigest()
    assert (ended.exit_code, ended.cause) == (0, "exited")
    assert (ended.outputs["x.p01.hdf"].size, ended.outputs["x.p01.hdf"].digest) == (6, digest)
    fetched = place.worker.fetch(run, "x.p01.hdf", tmp_path / "here")
    assert (fetched.size, fetched.digest, (tmp_path / "here").read_bytes()) == (6, digest, b"result")
    assert abs(ended.ended - datetime.now(UTC)) < timedelta(seconds=20)


def test_starting_twice_runs_it_once(place, run, job) -> None:
    one = job("echo x >>../count; sleep 0.3")
    place.worker.start(run, one)
    place.worker.start(run, one)
    place.end(run)
    place.again().start(run, one)
    assert (place.folder / run / "count").read_text() == "x\n"


def test_steps_stop_at_the_first_failure_and_its_exit_code_is_told(place, run, job) -> None:
    place.worker.start(run, job("echo one", "exit 7", "echo three"))
    assert place.end(run).exit_code == 7
    assert place.worker.read_log(run) == b"one\n"


def test_the_log_grows_while_the_run_goes_on(place, run, job) -> None:
    place.worker.start(run, job("echo first; while ! [ -e ../go ]; do sleep 0.05; done; echo second"))
    deadline = time.monotonic() + 10
    while place.worker.read_log(run) != b"first\n":
        assert time.monotonic() < deadline
    status = place.worker.poll([run])[run]
    assert isinstance(status, Running)
    assert status.log_size == 6
    (place.folder / run / "go").touch()
    place.end(run)
    assert place.worker.read_log(run, 6) == b"second\n"
    assert place.worker.read_log(run, 0, 5) == b"first"


def test_the_time_limit_is_kept_on_the_worker(place, run, job) -> None:
    place.worker.start(run, job("printf half >x.p01.hdf; sleep 60", time_limit=timedelta(seconds=1)))
    ended = place.end(run)
    assert ended.cause == "time limit"
    assert place.processes(run) == []


def test_cancelling_twice_is_as_good_as_once(place, run, job) -> None:
    place.worker.start(run, job("sleep 60"))
    place.worker.cancel(run)
    place.worker.cancel(run)
    assert place.end(run).cause == "cancelled"
    assert place.processes(run) == []
    place.worker.cancel(RunId("nobody"))


def test_a_job_that_ignores_being_asked_is_ended_all_the_same(place, run, job) -> None:
    place.worker.start(run, job("trap '' TERM; while :; do sleep 0.1; done", time_limit=timedelta(seconds=1)))
    assert place.end(run).cause == "time limit"
    assert place.processes(run) == []


def test_children_do_not_outlive_the_run_nor_write_after_its_digest(place, run, job) -> None:
    script = "(sleep 0.5; echo late >>x.p01.hdf) & setsid sh -c 'sleep 0.5; echo later >>x.p01.hdf' & printf x >x.p01.hdf"
    place.worker.start(run, job(script))
    ended = place.end(run)
    time.sleep(0.8)
    assert place.processes(run) == []
    assert (place.folder / run / "work" / "x.p01.hdf").read_bytes() == b"x"
    assert ended.outputs["x.p01.hdf"].size == 1


def test_a_run_that_was_killed_has_vanished_and_says_why(place, run, job) -> None:
    place.worker.start(run, job("sleep 60"))
    place.kill(run)
    status = place.wait(run)
    assert isinstance(status, Vanished)
    assert "is gone and left no end" in status.evidence


def test_a_process_of_another_boot_with_the_same_number_is_not_the_run(place, run, job) -> None:
    place.worker.start(run, job("sleep 60"))
    started = place.folder / run / "started"
    text = started.read_text()
    for key, value in (("boot", "another"), ("start", "1")):
        lines = [f"{key} {value}" if line.startswith(key) else line for line in text.splitlines()]
        started.write_text("\n".join(lines))
        assert isinstance(place.worker.poll([run])[run], Vanished)
    started.write_text(text)
    assert isinstance(place.worker.poll([run])[run], Running)


def test_an_output_that_is_not_there_is_not_fetched(place, run, job, tmp_path) -> None:
    place.worker.start(run, job("true"))
    assert place.end(run).outputs == {}
    with pytest.raises(FileNotFoundError):
        place.worker.fetch(run, "x.p01.hdf", tmp_path / "here")


AWKWARD = [
    "with space.g01",
    "quote's.g01",
    "dollar$HOME.g01",
    "percent%d.g01",
    "Überlauf.g01",
    "a;b&c.g01",
    "-rf.g01",
    "sub/dir.g01",
]


def test_awkward_names_and_arguments_arrive_as_they_are(place, run, job) -> None:
    inputs = {name: name.encode() for name in AWKWARD}
    step = ("sh", "-c", 'for n; do cat "./$n"; echo; done; printf "%s|" "$A"', "sh", *AWKWARD)
    place.worker.start(run, job(inputs=inputs, steps=(step,), env={"A": "x 'y' \"z\" $HOME\nline"}))
    place.end(run)
    log = place.worker.read_log(run).decode()
    assert log == "".join(f"{n}\n" for n in AWKWARD) + "x 'y' \"z\" $HOME\nline|"


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../b", "C:x", "nul", "com1.txt", "a\\b", "", "a\nb", "dot.", "a//b"]
)
def test_names_that_could_leave_the_run_directory_are_refused(place, run, job, name) -> None:
    with pytest.raises(Refused):
        place.worker.start(run, job("true", outputs=(name,)))
    assert place.worker.poll([run])[run] == Absent()


def test_names_that_differ_in_case_only_are_refused(place, run, job) -> None:
    with pytest.raises(Refused, match="case"):
        place.worker.start(run, job("true", inputs={"a.G01": b"1", "A.g01": b"2"}))


def test_many_are_polled_in_one_go(place, job) -> None:
    runs = [RunId(f"many-{n}-{secrets.token_hex(4)}") for n in range(6)]
    for n, run in enumerate(runs):
        place.worker.start(run, job(f"exit {n}"))
    for run in runs:
        place.wait(run)
    found = place.worker.poll([*runs, RunId("none")])
    assert [s.exit_code if isinstance(s, Ended) else s for s in found.values()] == [
        0,
        1,
        2,
        3,
        4,
        5,
        Absent(),
    ]


def test_a_run_is_discarded_only_when_it_is_over(place, run, job) -> None:
    place.worker.start(run, job("sleep 60"))
    with pytest.raises(Refused):
        place.worker.discard(run)
    place.worker.cancel(run)
    place.worker.discard(run)
    place.worker.discard(run)
    assert place.worker.poll([run]) == {run: Absent()}
    assert list(place.folder.glob("*gone*")) == []


def test_two_runs_do_not_see_each_other(place, job) -> None:
    one, other = RunId(f"one-{secrets.token_hex(4)}"), RunId(f"other-{secrets.token_hex(4)}")
    place.worker.start(one, job("sleep 0.3; ls", inputs={"a": b"1"}))
    place.worker.start(other, job("touch b; ls"))
    place.wait(one), place.wait(other)
    assert (place.worker.read_log(one), place.worker.read_log(other)) == (b"a\n", b"b\n")


def test_another_controller_sees_and_ends_the_runs(place, run, job) -> None:
    place.worker.start(run, job("sleep 60"))
    again = place.again()
    assert isinstance(again.poll([run])[run], Running)
    again.cancel(run)
    assert place.end(run).cause == "cancelled"


def test_an_input_that_changed_since_it_was_hashed_starts_nothing(place, run, job) -> None:
    one = job("true", inputs={"a.g01": b"old", "t.tif": b"old"})
    one.inputs[1].source.write_bytes(b"new")
    with pytest.raises(InputChanged):
        place.worker.start(run, one)
    assert place.worker.poll([run])[run] == Absent()
    one.inputs[1].source.write_bytes(b"old")
    place.worker.start(run, one)
    assert place.end(run).exit_code == 0


def test_shared_data_is_copied_once_and_a_run_that_writes_to_it_spoils_nothing_for_the_next(
    place, job
) -> None:
    inputs = {"t.tif": b"terrain"}
    first, second = RunId(f"first-{secrets.token_hex(4)}"), RunId(f"second-{secrets.token_hex(4)}")
    place.worker.start(first, job("chmod u+w t.tif; echo spoiled >t.tif", inputs=inputs))
    place.wait(first)
    place.worker.start(second, job("cat t.tif", inputs=inputs))
    place.wait(second)
    assert place.worker.read_log(second) == b"terrain"
    assert len([p for p in (place.folder / "cache").rglob("*") if p.is_file()]) == 1


def test_a_worker_that_is_well_has_no_problems_and_one_without_rights_says_so(place, tmp_path) -> None:
    from rasreconcile.workers.local import local_worker

    assert place.worker.check() == []
    (tmp_path / "file").write_text("")
    (problem,) = local_worker("desk", tmp_path / "file" / "runs").check()
    assert problem.remedy.startswith("set worker_folder")


def test_a_start_that_died_half_way_is_repaired_by_the_next(place, run, job) -> None:
    one = job("cat a.g01", inputs={"a.g01": b"whole"})
    half = place.folder / run
    (half / ".work.dead").mkdir(parents=True)
    (half / ".work.dead" / "a.g01").write_bytes(b"wh")
    (half / "runner.sh").write_text("#")
    assert place.worker.poll([run])[run] == Absent()
    place.worker.start(run, one)
    assert place.end(run).exit_code == 0
    assert place.worker.read_log(run) == b"whole"


def test_a_removal_that_died_half_way_is_finished_by_the_next(place, run, job) -> None:
    place.worker.start(run, job("true"))
    place.end(run)
    (place.folder / run).rename(place.folder / f".{run}.dead.gone")
    place.worker.discard(run)
    assert [p.name for p in place.folder.iterdir()] == []


def test_no_end_is_better_than_half_an_end(place, run, job) -> None:
    place.worker.start(run, job("true"))
    place.end(run)
    done = place.folder / run / "done.json"
    whole = done.read_text()
    for cut in range(0, len(whole) - 2, 7):
        done.write_text(whole[:cut])
        assert isinstance(place.worker.poll([run])[run], Vanished)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_ends_in_vanished_never_in_a_wrong_end(tmp_path: Path, run, job) -> None:
    import subprocess

    from rasreconcile.workers.local import local_worker

    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)], check=True)
    try:
        worker = local_worker("desk", small)
        worker.start(run, job("dd if=/dev/zero of=fill bs=1k 2>/dev/null; printf x >x.p01.hdf; true"))
        deadline = time.monotonic() + 20
        while isinstance(status := worker.poll([run])[run], Running):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (
            isinstance(status, Vanished) or status.outputs.get("x.p01.hdf") is None or status.exit_code == 0
        )
        if isinstance(status, Ended) and "x.p01.hdf" in status.outputs:
            assert status.outputs["x.p01.hdf"].size == (small / run / "work" / "x.p01.hdf").stat().st_size
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
