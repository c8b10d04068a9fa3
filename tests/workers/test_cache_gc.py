"""What a host tells of a worker's folder, and what of its cache is removed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from services import Service, absent
from waiting import LONGEST

from rasreconcile.jobs import Trimmed
from rasreconcile.workers import rundir
from rasreconcile.workers.cache_gc import CachedFile, held, needless

DAY = 86400.0
NEVER = timedelta(days=10_000)
HOSTILE = ["-rf", "a b", "new\nrun 5 20260102-fake", "it's $HOME", "*", "..a", "é", "run 1 x", "\\n"]


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def cached(number: int, used: float = 0.0, size: int = 10, links: int = 1, name: str = "") -> CachedFile:
    return CachedFile(name or f"aa/{digest(number)}", used, used, size, links)


def kept(
    *files: CachedFile, now: float = 10 * DAY, unused_for: timedelta = NEVER, at_most: int = 0
) -> list[int]:
    gone = needless(files, now=now, unused_for=unused_for, at_most=at_most)
    return [number for number, one in enumerate(files) if one not in gone]


def test_the_longest_unused_go_first_and_no_more_than_must() -> None:
    files = [cached(0, used=3), cached(1, used=1), cached(2, used=2)]
    assert kept(*files, at_most=20) == [0, 2]
    assert kept(*files, at_most=30) == [0, 1, 2]
    assert kept(*files, at_most=29) == [0, 2]


def test_what_was_not_used_for_long_goes_whatever_room_there_is() -> None:
    files = [cached(0, used=1 * DAY), cached(1, used=9.5 * DAY)]
    assert kept(*files, unused_for=timedelta(days=1), at_most=1 << 40) == [1]


def test_what_a_run_directory_has_too_stays_and_counts() -> None:
    files = [cached(0, links=2, size=100), cached(1, used=5)]
    assert kept(*files, at_most=50) == [0]


def test_parts_go_when_nobody_writes_to_them_any_more_and_foreign_files_never() -> None:
    late, fresh = 9 * DAY, 10 * DAY - 60
    files = [
        cached(0, used=late, name=f"aa/.{digest(1)}.part"),
        cached(1, used=fresh, name=f"aa/.{digest(2)}.part"),
        cached(2, used=late, name=f"aa/.{digest(3)}.part.by"),
        cached(3, used=0, name="aa/notes.txt"),
        cached(4, used=0, name=f"aa/{digest(4)}.keep"),
        cached(5, used=0, name=f"aa/../../{digest(5)}"),
    ]
    assert kept(*files, at_most=1 << 40) == [1, 3, 4, 5]


@pytest.mark.parametrize(
    "line", ["cached", "cached 1 2", "run", "run x y", "now", "cached a b c d e", "", "?"]
)
def test_a_line_that_means_nothing_is_passed_over(line) -> None:
    found = held(f"now 5\n{line}\nrun 7 20260102-a\n")
    assert (found.now, list(found.runs), found.cached) == (5.0, ["20260102-a"], ())


@pytest.fixture(params=["sh", "busybox"])
def upkeep(request: pytest.FixtureRequest, tmp_path: Path):
    """The script on this machine, by its own programs or by busybox's alone."""
    shell, env = ["sh"], dict(os.environ)
    if request.param == "busybox":
        program = shutil.which("busybox")
        if program is None:
            absent(Service.BUSYBOX, "busybox is not installed")
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in ("find", "stat", "rm", "date", "sh"):
            (tools / name).symlink_to(program)
        shell, env = [str(tools / "sh")], {**env, "PATH": str(tools)}

    def run(folder: Path, verb: str, *names: str) -> str:
        words = [*shell, "-c", rundir.script("upkeep.sh"), "upkeep", str(folder), verb, *names]
        done = subprocess.run(words, capture_output=True, env=env, check=True, timeout=LONGEST)
        assert done.stderr == b""
        return done.stdout.decode(errors="replace")

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A worker's folder with two runs, a half of a third, a cache, and names made to mislead."""
    place = tmp_path / "it's ras runs"
    for name in ("20260102-a", "20260102-b", ".20260102-c.0f.gone", *HOSTILE):
        (place / name).mkdir(parents=True)
    (place / "20260102-link").symlink_to(tmp_path)
    (place / "20260102-file").touch()
    for number in range(3):
        one = place / "cache" / digest(number)[:2] / digest(number)
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_bytes(b"x" * (number + 1))
    for name in HOSTILE:
        (place / "cache" / digest(0)[:2] / name).write_bytes(b"hostile")
    os.link(place / "cache" / digest(2)[:2] / digest(2), place / "20260102-a" / "terrain.tif")
    return place


def test_runs_halves_of_runs_and_cached_files_are_told_whatever_else_lies_there(upkeep, folder) -> None:
    found = held(upkeep(folder, "list"))
    assert set(found.runs) >= {"20260102-a", "20260102-b", "20260102-c"}
    assert not set(found.runs) & {"20260102-link", "20260102-file"}
    by_name = {one.name: one for one in found.cached}
    for number in range(3):
        one = by_name[f"{digest(number)[:2]}/{digest(number)}"]
        assert (one.size, one.links) == (number + 1, 2 if number == 2 else 1)
        assert abs(one.used - found.now) < DAY


def test_what_is_dropped_is_gone_and_nothing_else(upkeep, folder) -> None:
    gone = needless(held(upkeep(folder, "list")).cached, now=1.0, unused_for=NEVER, at_most=0)
    upkeep(folder, "drop", *(one.name for one in gone))
    left = {path.name for path in (folder / "cache").rglob("*") if path.is_file()}
    assert left == {digest(2), *HOSTILE}
    assert (folder / "20260102-a" / "terrain.tif").read_bytes() == b"xxx"


def test_where_there_is_no_folder_there_is_nothing(upkeep, tmp_path) -> None:
    found = held(upkeep(tmp_path / "nowhere", "list"))
    assert (found.runs, found.cached) == ({}, ())


@pytest.mark.parametrize("kind", ["local", "ssh", "bound", "volume"])
def test_every_kind_trims_its_cache_and_leaves_what_its_runs_need(request, kind, a_run) -> None:
    place = request.getfixturevalue(kind)
    job = place.job(inputs={"terrain.tif": b"t" * 5000}, waits=True)
    going = a_run("going")
    place.worker.start(going, job)
    place.worker.stage(place.job(inputs={"other.tif": b"o" * 3000}))
    assert going in place.worker.runs()
    counted = place.worker.trim_cache(unused_for=NEVER, at_most=0, how="count")
    assert counted == Trimmed(1, 3000)
    assert place.worker.trim_cache(unused_for=NEVER, at_most=0) == counted
    assert place.worker.trim_cache(unused_for=NEVER, at_most=0) == Trimmed(0, 0)
    place.let_go(going)
    place.end(going)
    place.worker.discard(going)
    assert place.worker.trim_cache(unused_for=NEVER, at_most=0) == Trimmed(1, 5000)
    again = a_run("again")
    place.worker.start(again, place.job(inputs={"terrain.tif": b"t" * 5000}))
    assert place.end(again).exit_code == 0
