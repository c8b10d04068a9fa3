"""Staging: what was hashed is what runs, and what is shared is copied once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
from waiting import LONGEST

from rasreconcile.errors import InputChanged
from rasreconcile.jobs import Staged
from rasreconcile.workers import input_cache
from rasreconcile.workers.input_cache import cached, stage

DATA = bytes(range(256)) * 9000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "terrain of the valley.tif"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def staged(source: Path, writable: Literal["read only", "own copy"] = "read only", name: str = "x") -> Staged:
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    return Staged(source=source, name=name, digest=digest, size=source.stat().st_size, writable=writable)


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_shared_data_is_read_from_its_source_once(source, cache, tmp_path) -> None:
    one = staged(source)
    stage(one, cache, folder(tmp_path / "a"))
    source.unlink()
    stage(one, cache, folder(tmp_path / "b"))
    assert (tmp_path / "a" / "x").read_bytes() == (tmp_path / "b" / "x").read_bytes() == DATA
    assert [path.name for path in files(cache)] == [one.digest]


def test_an_own_copy_shares_nothing_with_source_or_cache(source, cache, tmp_path) -> None:
    stage(staged(source, name="shared"), cache, tmp_path)
    stage(staged(source, "own copy", name="own"), cache, tmp_path)
    (tmp_path / "own").write_bytes(b"rewritten by the job")
    assert source.read_bytes() == (tmp_path / "shared").read_bytes() == DATA
    assert (tmp_path / "own").stat().st_nlink == 1


def test_a_cached_file_cannot_be_written_to(source, cache) -> None:
    assert cached(staged(source), cache).stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("damage", ["cut", "same size", "gone"])
def test_a_cached_file_that_was_damaged_is_fetched_anew(source, cache, damage) -> None:
    place = cached(staged(source), cache)
    place.chmod(0o644)
    match damage:
        case "cut":
            os.truncate(place, 10)
            os.utime(place, ns=(1_000_000_000, 1_000_000_000))
        case "same size":
            place.write_bytes(DATA[::-1])
        case "gone":
            place.unlink()
    assert cached(staged(source), cache).read_bytes() == DATA


@pytest.mark.parametrize("writable", ["read only", "own copy"])
@pytest.mark.parametrize("change", ["other bytes", "longer", "gone", "a folder"])
def test_an_input_that_changed_is_named_and_leaves_nothing(source, cache, tmp_path, writable, change) -> None:
    one = staged(source, writable)
    match change:
        case "other bytes":
            source.write_bytes(DATA[::-1])
        case "longer":
            source.write_bytes(DATA + b"x")
        case "gone" | "a folder":
            source.unlink()
    if change == "a folder":
        source.mkdir()
    with pytest.raises(InputChanged, match=r"terrain of the valley\.tif"):
        stage(one, cache, folder(tmp_path / "work"))
    assert files(cache) == files(tmp_path / "work") == []


def test_folders_of_a_name_are_made_once(source, cache, tmp_path) -> None:
    for name in ("Terrain/50 ft/x.tif", "Terrain/50 ft/y.tif"):
        stage(staged(source, name=name), cache, tmp_path)
    assert sorted(path.name for path in files(tmp_path / "Terrain")) == ["x.tif", "y.tif"]


@pytest.mark.parametrize("writable", ["read only", "own copy"])
@pytest.mark.parametrize("name", ["x", "Terrain/x"])
def test_a_folder_that_somebody_removed_is_never_made_again(source, cache, tmp_path, name, writable) -> None:
    with pytest.raises(FileNotFoundError):
        stage(staged(source, writable, name), cache, tmp_path / "taken away")
    assert not (tmp_path / "taken away").exists()


def test_folders_that_come_and_go_under_a_start_are_told_as_gone(source, cache, tmp_path) -> None:
    """Another starter that was quicker takes the half-made folder away at any moment."""
    work, one = tmp_path / "work", staged(source, "own copy", "Terrain/50 ft/x.tif")
    over = threading.Event()

    def take_away() -> None:
        while not over.is_set():
            with suppress(FileNotFoundError):
                work.rename(tmp_path / f"{time.monotonic_ns()}.gone")

    taker = threading.Thread(target=take_away)
    taker.start()
    try:
        for _ in range(300):
            with suppress(FileExistsError):
                os.mkdir(work)  # noqa: PTH102  as the one that is tried does
            with suppress(FileNotFoundError):
                stage(one, cache, work)
    finally:
        over.set()
        taker.join()


def test_threads_that_stage_one_file_do_not_disturb_each_other(source, cache, tmp_path) -> None:
    one = staged(source)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stage(one, cache, folder(tmp_path / f"{n}")), range(24)))
    assert {hashlib.sha256((tmp_path / f"{n}" / "x").read_bytes()).hexdigest() for n in range(24)} == {
        one.digest
    }
    assert [path.name for path in files(cache)] == [one.digest]


def test_programs_that_stage_one_file_do_not_disturb_each_other(source, cache, tmp_path) -> None:
    one = staged(source)
    code = f"""
import os
from pathlib import Path
from rasreconcile.jobs import Staged
from rasreconcile.workers.input_cache import stage
one = Staged(source=Path({str(source)!r}), name="x", digest={one.digest!r}, size={one.size}, writable="read only")
cache = Path({str(cache)!r})
for n in range(20):
    folder = Path({str(tmp_path)!r}, f"{{os.getpid()}}", f"{{n}}")
    folder.mkdir(parents=True)
    stage(one, cache, folder)
    assert (folder / "x").stat().st_size == one.size
    if n % 3 == 0:
        # As somebody would who makes room.
        (cache / one.digest[:2] / one.digest).unlink(missing_ok=True)
"""
    programs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [program.wait(LONGEST) for program in programs] == [0, 0, 0]
    assert all(path.name == one.digest for path in files(cache))


def test_parts_of_a_program_that_died_are_swept_away_and_others_left(source, cache, monkeypatch) -> None:
    one = staged(source)
    place = cached(one, cache)
    place.unlink()
    dead, other = place.with_name(f".{one.digest}.dead.part"), place.with_name(f".{'0' * 64}.live.part")
    dead.write_bytes(b"half")
    other.write_bytes(b"half")
    cached(one, cache)
    assert dead.exists()
    place.unlink()
    # Whatever was changed until a second from now.
    monkeypatch.setattr(input_cache, "_ABANDONED_SECONDS", -1.0)
    cached(one, cache)
    assert sorted(path.name for path in files(cache)) == sorted([one.digest, other.name])
