"""What every kind of worker must keep."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta

import pytest
from waiting import LONGEST

from rasreconcile.errors import InputChanged, Refused
from rasreconcile.jobs import Absent, Ended, RunId, Running, Vanished

OUTPUT = "x.p01.hdf"


def test_a_run_nobody_started_is_absent(place, run) -> None:
    assert place.worker.poll([run]) == {run: Absent()}
    assert place.worker.read_log(run) == b""


def test_a_run_brings_back_its_output_with_size_and_digest(place, run, tmp_path) -> None:
    place.worker.start(run, place.job(writes={OUTPUT: b"result"}))
    ended = place.end(run)
    digest = hashlib.sha256(b"result").hexdigest()
    assert (ended.exit_code, ended.cause) == (0, "exited")
    assert (ended.outputs[OUTPUT].size, ended.outputs[OUTPUT].digest) == (6, digest)
    fetched = place.worker.fetch(run, OUTPUT, tmp_path / "here")
    assert (fetched.size, fetched.digest, (tmp_path / "here").read_bytes()) == (6, digest, b"result")


def test_times_are_those_of_the_run_in_utc(place, run) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    place.worker.start(run, place.job())
    ended = place.end(run)
    assert before <= ended.started <= ended.ended <= datetime.now(UTC) + timedelta(seconds=1)
    assert ended.ended.tzinfo is UTC


def test_starting_twice_runs_it_once(place, run) -> None:
    job = place.job(waits=True)
    place.worker.start(run, job)
    place.worker.start(run, job)
    place.let_go(run)
    place.end(run)
    place.again().start(run, job)
    assert place.launches(run) == 1


def test_a_run_that_vanished_is_not_started_again_under_its_name(place, run) -> None:
    job = place.job(waits=True)
    place.begin(run, job)
    place.kill(run)
    place.wait(run)
    place.worker.start(run, job)
    assert isinstance(place.worker.poll([run])[run], Vanished)


def test_the_exit_code_is_told(place, run) -> None:
    place.worker.start(run, place.job(exits=7, prints=b"no luck\n"))
    assert place.end(run).exit_code == 7
    assert place.worker.read_log(run) == b"no luck\n"


def test_the_log_grows_while_the_run_goes_on(place, run) -> None:
    place.worker.start(run, place.job(prints=b"first\n", then_prints=b"second\n", waits=True))
    until = time.monotonic() + LONGEST
    while place.worker.read_log(run) != b"first\n":
        assert time.monotonic() < until
    status = place.worker.poll([run])[run]
    assert isinstance(status, Running)
    assert status.log_size == 6
    assert status.heartbeat is not None
    place.let_go(run)
    place.end(run)
    assert place.worker.read_log(run, 6) == b"second\n"
    assert place.worker.read_log(run, 0, 5) == b"first"
    assert place.worker.read_log(run, 999) == b""


def test_the_time_limit_is_kept_on_the_worker(place, run) -> None:
    place.worker.start(run, place.job(waits=True, time_limit=timedelta(seconds=1)))
    ended = place.end(run)
    assert ended.cause == "time limit"
    assert ended.exit_code != 0
    assert ended.ended - ended.started >= timedelta(seconds=0.9)


def test_a_job_that_writes_nothing_for_too_long_is_ended_there(place, run) -> None:
    place.worker.start(run, place.job(waits=True, stalled_after=timedelta(seconds=1)))
    ended = place.end(run)
    assert ended.cause == "stalled"
    assert ended.exit_code != 0
    assert ended.outputs == {}


def test_when_a_job_last_wrote_is_told(place, run) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    place.worker.start(run, place.job(waits=True, prints=b"x\n"))
    place.until(lambda: isinstance(place.worker.poll([run])[run], Running))
    status = place.worker.poll([run])[run]
    assert status.grew is not None
    assert before <= status.grew <= datetime.now(UTC) + timedelta(seconds=2)
    place.let_go(run)
    place.end(run)


def test_cancelling_twice_is_as_good_as_once(place, run) -> None:
    # Of what a queue has not begun, a cancel leaves nothing.
    place.begin(run, place.job(waits=True))
    place.worker.cancel(run)
    place.worker.cancel(run)
    assert place.end(run).cause == "cancelled"


def test_cancelling_what_is_over_or_absent_changes_nothing(place, run) -> None:
    place.worker.cancel(run)
    assert place.worker.poll([run])[run] == Absent()
    place.worker.start(run, place.job())
    ended = place.end(run)
    place.worker.cancel(run)
    assert place.worker.poll([run])[run] == ended


def test_a_run_that_was_killed_has_vanished_and_says_why(place, run) -> None:
    place.begin(run, place.job(waits=True))
    place.kill(run)
    status = place.wait(run)
    assert isinstance(status, Vanished)
    assert "is gone without recording an exit status" in status.evidence


def test_an_output_that_is_not_there_is_not_fetched(place, run, tmp_path) -> None:
    place.worker.start(run, place.job())
    assert place.end(run).outputs == {}
    with pytest.raises(FileNotFoundError):
        place.worker.fetch(run, OUTPUT, tmp_path / "here")
    with pytest.raises(FileNotFoundError):
        place.worker.fetch(RunId("nobody"), OUTPUT, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_fetching_again_over_half_a_file_ends_with_the_whole(place, run, tmp_path) -> None:
    place.worker.start(run, place.job(writes={OUTPUT: b"whole" * 50}))
    record = place.end(run).outputs[OUTPUT]
    (tmp_path / "here").write_bytes(b"half of something longer" * 99)
    assert place.worker.fetch(run, OUTPUT, tmp_path / "here").digest == record.digest
    assert (tmp_path / "here").read_bytes() == b"whole" * 50


def test_only_named_outputs_are_recorded_and_absent_ones_left_out(place, run) -> None:
    names = ("sub/a.hdf", "b.hdf", "Über lauf $x%d.hdf")
    inputs = {"sub/keep": b""}
    writes = {"sub/a.hdf": b"1", "other": b"2", names[2]: b"3"}
    place.worker.start(run, place.job(inputs=inputs, writes=writes, outputs=names))
    assert {name: record.size for name, record in place.end(run).outputs.items()} == {
        names[0]: 1,
        names[2]: 1,
    }


def test_a_pattern_records_every_file_that_matches_folder_by_folder(place, run) -> None:
    good = ("maps/a.tif", "maps/b c.tif", "x.tif", "a[1].dat", "deep/1/a.tif")
    others = ("maps/d.tiff", "maps.tif", "a1.dat", "deep/a.tif", ".x.tif")
    inputs = {"maps/keep": b"", "deep/1/keep": b""}
    writes = dict.fromkeys((*good, *others), b"1")
    patterns = ("x.tif", "maps/*.tif", "?.tif", "a[1].*", "deep/*/*.tif", "none*")
    place.worker.start(run, place.job(inputs=inputs, writes=writes, outputs=patterns))
    assert set(place.end(run).outputs) == set(good)


def test_an_output_is_recorded_in_whatever_case_the_job_left_it(place, run) -> None:
    writes = {"Maps/Depth [a].TIF": b"1", "Basin.O01": b"2"}
    names = ("maps/*[A].tif", "basin.o*", "basin.rst")
    place.worker.start(run, place.job(inputs={"Maps/keep": b""}, writes=writes, outputs=names))
    assert {name.casefold() for name in place.end(run).outputs} == {name.casefold() for name in writes}


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../b", "C:x", "nul", "com1.txt", "a\\b", "", "a\nb", "dot.", "a//b"]
)
def test_names_that_could_leave_the_run_directory_are_refused(place, run, name) -> None:
    with pytest.raises(Refused):
        place.worker.start(run, place.job(outputs=(name,)))
    assert place.worker.poll([run])[run] == Absent()


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "/etc", "cache", "A", "a b", "-rf", "a\n", "a.b", "x" * 200]
)
def test_names_that_are_no_names_of_runs_reach_nothing(place, name, tmp_path) -> None:
    bad = RunId(name)
    for call in (
        lambda: place.worker.start(bad, place.job()),
        lambda: place.worker.poll([bad]),
        lambda: place.worker.discard(bad),
        lambda: place.worker.cancel(bad),
        lambda: place.worker.read_log(bad),
        lambda: place.worker.fetch(bad, OUTPUT, tmp_path / "here"),
    ):
        with pytest.raises(Refused, match="is not a valid name for a run"):
            call()


def test_inputs_that_could_not_lie_beside_each_other_are_refused(place, run) -> None:
    for names in (("a.G01", "A.g01"), ("a", "a/b")):
        with pytest.raises(Refused, match="rename one"):
            place.worker.start(run, place.job(inputs=dict.fromkeys(names, b"1")))
    assert place.worker.poll([run])[run] == Absent()


def test_many_are_polled_in_one_go(place, a_run) -> None:
    runs = [a_run(f"many-{n}") for n in range(6)]
    for n, run in enumerate(runs):
        place.worker.start(run, place.job(exits=n))
    for run in runs:
        place.wait(run)
    found = place.worker.poll([*runs, RunId("none")])
    codes = [s.exit_code if isinstance(s, Ended) else s for s in found.values()]
    assert codes == [0, 1, 2, 3, 4, 5, Absent()]
    assert place.worker.poll([]) == {}


def test_a_run_is_discarded_only_when_it_is_over(place, run) -> None:
    place.begin(run, place.job(waits=True))
    with pytest.raises(Refused):
        place.worker.discard(run)
    assert isinstance(place.worker.poll([run])[run], Running)
    place.worker.cancel(run)
    place.worker.discard(run)
    place.worker.discard(run)
    assert place.worker.poll([run]) == {run: Absent()}


def test_two_runs_do_not_see_each_other(place, a_run, tmp_path) -> None:
    one, other = a_run("one"), a_run("other")
    place.begin(one, place.job(writes={OUTPUT: b"1"}, prints=b"one", waits=True))
    place.worker.start(other, place.job(writes={OUTPUT: b"2"}, prints=b"other"))
    place.wait(other)
    assert isinstance(place.worker.poll([one])[one], Running)
    place.worker.discard(other)
    place.let_go(one)
    place.end(one)
    place.worker.fetch(one, OUTPUT, tmp_path / "here")
    assert ((tmp_path / "here").read_bytes(), place.worker.read_log(one)) == (b"1", b"one")


def test_another_controller_sees_and_ends_the_runs(place, run) -> None:
    place.begin(run, place.job(waits=True))
    place.worker.close()
    again = place.again()
    assert isinstance(again.poll([run])[run], Running)
    again.cancel(run)
    assert place.end(run).cause == "cancelled"


@pytest.mark.parametrize("name", ["a.g01", "terrain.tif"])
def test_an_input_that_changed_since_it_was_hashed_starts_nothing(place, run, name) -> None:
    job = place.job(inputs={"first.g01": b"same", name: b"old"})
    source = job.inputs[1].source
    source.write_bytes(b"new")
    with pytest.raises(InputChanged, match=source.name):
        place.worker.start(run, job)
    assert place.worker.poll([run])[run] == Absent()
    source.unlink()
    with pytest.raises(InputChanged, match=source.name):
        place.worker.start(run, job)
    source.write_bytes(b"old")
    place.worker.start(run, job)
    assert place.end(run).exit_code == 0
    assert place.launches(run) == 1
