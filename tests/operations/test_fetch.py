"""Bringing a run directory here: whatever lies in it, nothing leaves the folder and nothing here is lost."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections import namedtuple
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasreconcile.errors import RasReconcileError, Unreachable, UsageError
from rasreconcile.jobs import LeftFile, RunId
from rasreconcile.operations import fetch
from rasreconcile.operations.fetch import FetchedRun, choose, fetch_run
from rasreconcile.store.runs import RecordedInput
from rasreconcile.workers import rundir
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.listing import parse_listing
from rasreconcile.workers.local_host import LocalHost

RUN = RunId("20260102-030405-basin-p01-0123abcd")
HDF = b"half a result" * 1000
CLAIM = "pid 7\nstart 99\nboot abc\ntime 1700000000.5\n"
ROOM = namedtuple("ROOM", "total used free")


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The run directory of a run that failed, on a worker of this machine."""
    place = tmp_path / "runs" / RUN
    (place / "work" / "project").mkdir(parents=True)
    (place / "log.txt").write_bytes(b"no luck\n")
    (place / "started").write_text(CLAIM)
    (place / "steps.sh").write_text("export TOKEN='very secret'\n")
    (place / "work" / "project" / "Basin.p01.hdf").write_bytes(HDF)
    (place / "work" / "terrain.tif").write_bytes(b"terrain")
    digest = hashlib.sha256(b"terrain").hexdigest()
    (place / "job.json").write_text(json.dumps({"inputs": [{"name": "terrain.tif", "sha256": digest}]}))
    record = {"size": len(HDF), "digest": hashlib.sha256(HDF).hexdigest()}
    done = {
        "exit_code": 1, "cause": "exited", "started": 1700000000.5, "ended": 1700000001,
        "outputs": {"project/Basin.p01.hdf": record},
    }  # fmt: skip
    (place / "done.json").write_text(json.dumps(done))
    return place


def fetched(left: Path, into: Path, existing: fetch.Existing = "keep") -> FetchedRun:
    terrain = RecordedInput("terrain.tif", "terrain", hashlib.sha256(b"terrain").hexdigest(), "", 7)
    worker = DetachedWorker("desk", LocalHost(left.parent))
    found = fetch_run(worker, RUN, into, inputs=[terrain], existing=existing)
    assert found is not None
    return found


def contents(folder: Path) -> Mapping[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_all_that_a_run_left_comes_into_a_folder_of_its_name(left: Path, tmp_path: Path) -> None:
    found = fetched(left, tmp_path / "here")
    assert found.folder == tmp_path / "here" / RUN
    assert contents(found.folder) == {
        name: data for name, data in contents(left).items() if name not in {"steps.sh", "work/terrain.tif"}
    }
    assert found.left_out == {
        "steps.sh": "it may hold secrets of `env`",
        "work/terrain.tif": "an input that no run changes; it is in the project",
    }
    assert not found.lacking


def test_repeating_brings_nothing_twice_and_what_is_new_there(left: Path, tmp_path: Path) -> None:
    first = fetched(left, tmp_path)
    (left / "work" / "later.txt").write_text("1")
    again = fetched(left, tmp_path)
    assert again.brought == {"work/later.txt": 1}
    assert set(again.here) == set(first.brought)
    assert list(tmp_path.rglob("*.part")) == []


@pytest.mark.parametrize("mine", ["a file", "a link", "a folder"])
def test_what_exists_here_stays_unless_force_is_said(left: Path, tmp_path: Path, mine: str) -> None:
    other = tmp_path / "precious"
    other.write_text("mine")
    target = tmp_path / "here" / RUN / "log.txt"
    target.parent.mkdir(parents=True)
    match mine:
        case "a file":
            target.write_text("mine")
        case "a link":
            target.symlink_to(other)
        case _:
            target.mkdir()
    found = fetched(left, tmp_path / "here")
    assert found.lacking == {"log.txt": "another file of this name exists here; --force replaces it"}
    assert target.is_symlink() is (mine == "a link")
    assert target.is_dir() or target.read_text() == "mine"
    forced = fetched(left, tmp_path / "here", "replace")
    assert other.read_text() == "mine"
    if mine == "a folder":
        assert "directory" in forced.lacking["log.txt"]
    else:
        assert (target.read_bytes(), target.is_symlink()) == (b"no luck\n", False)


def test_a_link_here_is_not_written_through(left: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here" / RUN).mkdir(parents=True)
    (tmp_path / "here" / RUN / "work").symlink_to(tmp_path / "elsewhere")
    found = fetched(left, tmp_path / "here", "replace")
    assert "is a link here; remove it" in found.lacking["work/project/Basin.p01.hdf"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_links_pipes_and_folders_without_rights_are_named_and_not_followed(
    left: Path, tmp_path: Path
) -> None:
    work = left / "work"
    os.mkfifo(work / "pipe")
    (work / "users").symlink_to("/etc/passwd")
    (work / "root").symlink_to("/")
    (work / "circle").symlink_to(work / "circle")
    (work / "project" / "up").symlink_to("..")
    found = fetched(left, tmp_path / "here")
    assert {
        name: found.left_out[f"work/{name}"] for name in ("pipe", "users", "root", "circle", "project/up")
    } == {
        "pipe": "a named pipe",
        "users": "a link; it is not followed",
        "root": "a link; it is not followed",
        "circle": "a link; it is not followed",
        "project/up": "a link; it is not followed",
    }
    assert not any(b"root:" in data for data in contents(found.folder).values())


def test_a_file_that_becomes_a_link_after_it_was_listed_is_not_followed(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = DetachedWorker("desk", LocalHost(left.parent))
    listed = worker.files(RUN)
    (left / "log.txt").unlink()
    (left / "log.txt").symlink_to("/etc/passwd")
    monkeypatch.setattr(worker, "files", lambda run: listed)
    found = fetch_run(worker, RUN, tmp_path / "here", existing="keep")
    assert found is not None
    assert "link" in found.lacking["log.txt"]
    assert not (found.folder / "log.txt").exists()


def test_what_does_not_fit_on_the_disk_is_named_and_the_small_files_come(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (left / "work" / "huge.hdf").open("wb") as file:
        file.truncate(1 << 43)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: ROOM(0, 0, (64 << 20) + 20_000))
    found = fetched(left, tmp_path / "here")
    assert list(found.lacking) == ["work/huge.hdf"]
    assert found.lacking["work/huge.hdf"].startswith("8,796,093,022,208 bytes, and ")
    assert found.brought["work/project/Basin.p01.hdf"] == len(HDF)


def test_an_output_that_is_not_what_the_run_recorded_is_not_taken_for_it(left: Path, tmp_path: Path) -> None:
    (left / "work" / "project" / "Basin.p01.hdf").write_bytes(HDF[::-1])
    found = fetched(left, tmp_path / "here")
    assert "not what the run recorded" in found.lacking["work/project/Basin.p01.hdf"]
    # Of another size it was written to after the end: as it is now it is what is left to look at.
    (left / "work" / "project" / "Basin.p01.hdf").write_bytes(b"more")
    assert fetched(left, tmp_path / "here").brought == {"work/project/Basin.p01.hdf": 4}


class Cut(DetachedWorker):
    """A worker whose link is cut in the middle of a file."""

    asked: list[tuple[str, int]]
    cut_at: int | None = None

    def read_file(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        self.asked.append((name, offset))
        if self.cut_at is not None and offset >= self.cut_at:
            raise Unreachable("the link was cut", "it is asked again")
        return super().read_file(run, name, offset, limit)


def test_a_fetch_that_was_cut_continues_and_ends_with_the_same_bytes(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PART", 1000)
    (left / "work" / "large.out").write_bytes(os.urandom(10_500))
    worker = Cut("desk", LocalHost(left.parent))
    worker.asked, worker.cut_at = [], 5000
    with pytest.raises(Unreachable):
        fetch_run(worker, RUN, tmp_path / "here", existing="keep")
    assert not (tmp_path / "here" / RUN / "work" / "large.out").exists()
    worker.asked, worker.cut_at = [], None
    found = fetch_run(worker, RUN, tmp_path / "here", existing="keep")
    assert found is not None
    # The last part is asked for once more: it may not have been on the disk.
    assert min(offset for name, offset in worker.asked if name.endswith("large.out")) == 4000
    assert (found.folder / "work" / "large.out").read_bytes() == (left / "work" / "large.out").read_bytes()
    assert list(found.folder.rglob("*.part")) == []


def test_a_file_that_shrinks_while_it_is_read_is_not_whole(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = DetachedWorker("desk", LocalHost(left.parent))
    listed = worker.files(RUN)
    (left / "log.txt").write_bytes(b"n")
    monkeypatch.setattr(worker, "files", lambda run: listed)
    found = fetch_run(worker, RUN, tmp_path / "here", existing="keep")
    assert found is not None
    assert "became shorter" in found.lacking["log.txt"]
    assert not (found.folder / "log.txt").exists()


def test_of_a_run_directory_that_is_gone_nothing_is_made_here(tmp_path: Path) -> None:
    worker = DetachedWorker("desk", LocalHost(tmp_path / "runs"))
    assert fetch_run(worker, RUN, tmp_path / "here", existing="keep") is None
    assert not (tmp_path / "here").exists()


def test_a_folder_that_cannot_be_made_or_written_is_an_error_in_words(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="name a folder that can be written"):
        fetched(left, tmp_path / "file")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RasReconcileError, match=r"No space left on device; free some space .* continues"):
        fetched(left, tmp_path / "here")


NAMES = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(["..", ".", "", "a", "CON", "x" * 300, "b ", "\0", "~"]), max_size=5).map(
        "/".join
    ),
    st.sampled_from(["/etc/passwd", "C:\\x", "..\\x", "a\nb", "\udcff", "work/../../x", "log.txt/below"]),
)


@settings(max_examples=200, deadline=timedelta(seconds=20))
@given(st.lists(st.tuples(NAMES, st.integers(-5, 1 << 70), st.integers(0, 0xFFFF), st.floats()), max_size=20))
def test_whatever_a_host_lists_only_names_below_the_folder_are_wanted(
    entries: list[tuple[str, int, int, float]],
) -> None:
    said = "".join(f"{mode:x} {size} {at} ./{name}\n" for name, size, mode, at in entries)
    choice = choose(parse_listing(said.encode("utf-8", "surrogateescape")), ())
    for file in choice.wanted:
        rundir.check_name(file.name)
        assert not Path(file.name).is_absolute()
        assert ".." not in Path(file.name).parts
        assert file.size >= 0
        assert 0 <= file.changed <= 1 << 40


@settings(
    max_examples=30,
    deadline=timedelta(seconds=60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(NAMES, max_size=8))
def test_whatever_names_a_worker_gives_nothing_is_written_outside_the_folder(
    tmp_path: Path, names: list[str]
) -> None:
    outer = tmp_path / os.urandom(4).hex()
    (outer / "runs" / RUN).mkdir(parents=True)
    (outer / "runs" / RUN / "started").write_text(CLAIM)
    worker = Lister("desk", LocalHost(outer / "runs"))
    worker.names = names
    found = fetch_run(worker, RUN, outer / "here", existing="replace")
    assert found is not None
    assert {path.name for path in outer.iterdir()} <= {"runs", "here"}
    assert [path.name for path in (outer / "here").iterdir()] == [RUN]
    assert [path.name for path in (outer / "runs").iterdir()] == [RUN]
    known = {*found.brought, *found.here, *found.left_out, *found.lacking}
    assert known >= set(names)


class Lister(DetachedWorker):
    """Lists these names, and has one byte under each."""

    names: list[str]

    def files(self, run: RunId) -> tuple[LeftFile, ...]:
        return tuple(LeftFile(name=name, size=1, changed=5) for name in self.names)

    def read_file(self, run: RunId, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        return b"x"
