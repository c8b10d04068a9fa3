"""The contract of workers about files: what lies where runs are is read, listed, staged ahead and trimmed."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from rasreconcile.errors import Damaged, InputChanged, Refused
from rasreconcile.jobs import Absent
from tests.workers.test_contract import OUTPUT


def test_a_place_that_is_well_has_no_problems(place) -> None:
    assert place.worker.check() == []


def test_a_file_the_job_writes_can_be_read_in_parts_where_it_is(place, run) -> None:
    assert place.worker.read_work(run, "x.p01.computeMsgs.txt") == b""
    place.worker.start(run, place.job(writes={"x.p01.computeMsgs.txt": b"Progress | 0.5\n"}))
    place.end(run)
    assert place.worker.read_work(run, "x.p01.computeMsgs.txt") == b"Progress | 0.5\n"
    assert place.worker.read_work(run, "x.p01.computeMsgs.txt", 11, 3) == b"0.5"
    with pytest.raises(Refused):
        place.worker.read_work(run, "../job.json")


def test_paths_are_found_in_the_order_they_were_asked_for(place) -> None:
    there = place.make_path("hecras 6.6/RasUnsteady")
    other = place.make_path("hecras 6.5/RasUnsteady")
    assert place.worker.find([]) == ()
    assert place.worker.find([f"{there}.not", other, there]) == (other, there)


def test_a_script_is_answered_with_its_words_and_reads_nothing(place, request) -> None:
    if request.node.callspec.params["place"] in {"windows", "share"}:
        with pytest.raises(Refused):
            place.worker.ask("echo", [])
        return
    if request.node.callspec.params["place"] == "memory":
        place.world.answer = lambda script, words: "|".join(words) + "|\n"
    script = "printf '%s|' \"$@\"\ncat\necho\nexit 0"
    for words in (["a b", "it's", "", "$HOME", "ä"], ["one"]):
        assert place.worker.ask(script, words) == "|".join(words) + "|\n"


@pytest.mark.parametrize("name", ["a.g01", "terrain.tif"])
def test_inputs_that_were_staged_ahead_start_nothing_and_serve_the_start(place, run, name) -> None:
    job = place.job(inputs={name: b"data"}, writes={OUTPUT: b"1"})
    place.worker.stage(job)
    place.worker.stage(job)
    assert place.worker.poll([run])[run] == Absent()
    place.worker.start(run, job)
    assert place.end(run).exit_code == 0


def test_staging_ahead_what_changed_says_so(place) -> None:
    job = place.job(inputs={"terrain.tif": b"old"})
    job.inputs[0].source.write_bytes(b"new")
    with pytest.raises(InputChanged):
        place.worker.stage(job)


def test_runs_are_listed_until_they_are_discarded(place, a_run) -> None:
    assert place.worker.runs() == {}
    before = datetime.now(UTC) - timedelta(seconds=2)
    one, other = a_run("one"), a_run("other")
    place.worker.start(one, place.job(inputs={"a.tif": b"1"}))
    place.worker.start(other, place.job(waits=True))
    place.end(one)
    found = place.again().runs()
    assert set(found) == {one, other}
    assert all(before <= when <= datetime.now(UTC) + timedelta(seconds=2) for when in found.values())
    place.worker.discard(one)
    assert set(place.worker.runs()) == {other}
    place.let_go(other)
    place.end(other)


def test_a_trimmed_cache_harms_no_run(place, a_run) -> None:
    one, other, third = a_run("one"), a_run("other"), a_run("third")
    inputs = {"a.tif": b"terrain" * 99, "b.tif": b"land" * 99}
    place.worker.start(one, place.job(inputs=inputs, waits=True))
    counted = place.worker.trim_cache(unused_for=timedelta(0), at_most=0, how="count")
    assert place.worker.trim_cache(unused_for=timedelta(0), at_most=0) == counted
    assert place.worker.trim_cache(unused_for=timedelta(0), at_most=0).size == 0
    assert place.worker.trim_cache(unused_for=timedelta(days=1), at_most=1 << 30).files == 0
    place.worker.start(other, place.job(inputs=inputs))
    place.let_go(one)
    assert (place.end(one).exit_code, place.end(other).exit_code) == (0, 0)
    place.worker.discard(one)
    place.worker.discard(other)
    place.worker.trim_cache(unused_for=timedelta(0), at_most=0)
    place.worker.start(third, place.job(inputs=inputs))
    assert place.end(third).exit_code == 0


def test_what_a_run_has_left_is_listed_and_read_file_by_file(place, run) -> None:
    assert place.worker.files(run) == ()
    assert place.worker.read_file(run, "log.txt") == b""
    inputs = {"data/keep": b""}
    writes = {OUTPUT: b"half a result", "data/of a run.txt": b"1234"}
    place.worker.start(run, place.job(inputs=inputs, writes=writes, prints=b"no luck\n", exits=7))
    assert place.end(run).exit_code == 7
    found = {file.name: file for file in place.worker.files(run)}
    assert {name: found[name].size for name in ("log.txt", f"work/{OUTPUT}", "work/data/of a run.txt")} == {
        "log.txt": 8,
        f"work/{OUTPUT}": 13,
        "work/data/of a run.txt": 4,
    }
    assert {file.kind for file in found.values()} == {"a file"}
    assert place.worker.read_file(run, f"work/{OUTPUT}") == b"half a result"
    assert place.worker.read_file(run, f"work/{OUTPUT}", 5, 4) == b"a re"
    assert place.worker.read_file(run, f"work/{OUTPUT}", 99) == b""
    assert place.worker.read_file(run, "log.txt") == b"no luck\n"
    assert place.worker.read_file(run, "work/none") == b""
    for name in ("../cache/x", "/etc/passwd", "work/../../x"):
        with pytest.raises(Refused):
            place.worker.read_file(run, name)
    place.worker.discard(run)
    assert place.worker.files(run) == ()


def test_a_listing_follows_no_link_and_opens_no_pipe(place, run, request) -> None:
    kind = request.node.callspec.params["place"]
    if kind == "memory":
        pytest.skip("nothing but plain files can be in memory")
    pipe = (
        ""
        if kind in {"windows", "share"}
        else "mkfifo pipe; ln -s /etc/passwd ../launched.link; mkdir -m 0 closed\n"
    )
    steps = f"{pipe}mkdir sub; ln -s / sub/root; ln -s /etc/passwd users; ln -s no where; printf 1 >'a\nb'; printf 22 >plain"
    place.worker.start(run, place.script(steps, outputs=()))
    place.end(run)
    found = {file.name: file for file in place.worker.files(run)}
    assert found["work/plain"].size == 2
    assert {n for n in found if n.startswith("work/sub/")} == {"work/sub/root"}
    assert {found[name].kind for name in ("work/sub/root", "work/users")} == {"a link"}
    if kind not in {"windows", "share"}:
        assert found["work/pipe"].kind == "a named pipe"
        assert found["launched.link"].kind == "a link"
    for name in ("work/users", "work/sub/root/bin/sh"):
        with pytest.raises(Damaged, match=r"link|plain file"):
            place.worker.read_file(run, name)


def test_nobody_else_may_read_or_write_what_a_run_leaves_whatever_the_umask(place, run) -> None:
    folder = getattr(place, "folder", None)
    if type(place).__name__ in {"BatchPlace", "SharePlace"}:
        pytest.skip("its run directories are elsewhere")
    if folder is None or os.name != "posix" or "windows" in type(place).__name__.casefold():
        pytest.skip("its run directories are no folders with POSIX rights")
    before = os.umask(0)
    try:
        place.worker.start(run, place.job(inputs={"a/x.g01": b"x"}, writes={OUTPUT: b"x", "b/y": b"y"}))
        place.end(run)
    finally:
        os.umask(before)
    below = list((folder / run).rglob("*")) + list((folder / "cache").rglob("*"))
    names = {path.name for path in below}
    assert {"done.json", "started", "log.txt", "job.json", "runner.sh", OUTPUT, "x.g01"} <= names
    # A container reads its links into the cache through a group of its own.
    may = 0o740 if type(place).__name__ == "BoundPlace" else 0o700
    open_to_others = [
        f"{path} {mode:o}"
        for path in (folder / run, *below)
        if not path.is_symlink() and (mode := path.stat().st_mode & 0o777) & ~may
    ]
    assert open_to_others == []
