"""Putting a proven file in its place, and what stands beside it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from services import Service, absent

from rasreconcile.errors import PublishHeld, ResultError
from rasreconcile.jobs import RunId
from rasreconcile.records import Published
from rasreconcile.results import publish
from rasreconcile.results.publish import Patience

RUN, OTHER = RunId("20261124-120000-muncie-p04-00c0ffee"), RunId("20261124-130000-muncie-p04-0badcafe")
MIB = 1 << 20


def proven(output: Path, content: bytes, run: RunId = RUN) -> Path:
    temporary = publish.temporary_name(output, run)
    temporary.write_bytes(content)
    return temporary


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def patience(self) -> Patience:
        return Patience(seconds=30.0, now=lambda: self.seconds, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass
class Windows:
    """Renames as Windows does while a viewer holds the file: refused `times` times with `winerror`."""

    times: int
    winerror: int

    def __call__(self, source: Path, target: Path) -> None:
        if self.times > 0:
            self.times -= 1
            error = PermissionError(errno.EACCES, "The process cannot access the file")
            error.winerror = self.winerror  # type: ignore[attr-defined,unused-ignore]
            raise error
        source.replace(target)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    if os.geteuid() != 0 or sys.platform != "linux":
        absent(Service.DISKS, "a small file system can be mounted by root on Linux only")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        absent(Service.DISKS, f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


# ---- replacing


def test_the_temporary_file_stands_hidden_beside_its_destination(tmp_path: Path) -> None:
    name = publish.temporary_name(tmp_path / "Muncie.p04.hdf", RUN)
    assert name == tmp_path / f".Muncie.p04.hdf.{RUN}.part"


def test_the_proven_file_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    output = tmp_path / "Muncie.p04.hdf"
    output.write_bytes(b"old")
    publish.replace(proven(output, b"new"), output)
    assert output.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["Muncie.p04.hdf"]


def test_a_reader_sees_a_whole_file_at_every_moment(tmp_path: Path) -> None:
    output = tmp_path / "Muncie.p04.hdf"
    versions = [bytes([n]) * (64 << 10) for n in range(200)]
    whole = {hashlib.sha256(content).digest() for content in versions}
    output.write_bytes(versions[0])
    ended = threading.Event()
    looks, wrong = 0, []

    def look() -> None:
        nonlocal looks
        while not ended.is_set():
            try:
                content = output.read_bytes()
            except OSError as error:
                wrong.append(str(error))
                continue
            looks += 1
            if hashlib.sha256(content).digest() not in whole:
                wrong.append(f"{len(content)} bytes")

    reader = threading.Thread(target=look)
    reader.start()
    for content in versions:
        publish.replace(proven(output, content), output)
    ended.set()
    reader.join()
    assert wrong == []
    assert looks > 0
    assert output.read_bytes() == versions[-1]


@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_viewer_that_lets_go_in_time_is_waited_for(tmp_path: Path, winerror: int) -> None:
    output, clock = tmp_path / "Muncie.p04.hdf", Clock()
    output.write_bytes(b"old")
    rename = Windows(times=5, winerror=winerror)
    publish.replace(proven(output, b"new"), output, patience=clock.patience(), rename=rename)
    assert output.read_bytes() == b"new"
    assert len(clock.slept) == 5


def test_a_viewer_that_does_not_let_go_holds_the_result_and_nothing_is_lost(tmp_path: Path) -> None:
    output, clock = tmp_path / "Muncie.p04.hdf", Clock()
    output.write_bytes(b"old")
    temporary = proven(output, b"new")
    with pytest.raises(PublishHeld, match="another program holds it open; close it"):
        publish.replace(
            temporary, output, patience=clock.patience(), rename=Windows(times=10**6, winerror=32)
        )
    assert 25 < clock.seconds <= 30
    assert (output.read_bytes(), temporary.read_bytes()) == (b"old", b"new")


def test_what_waiting_cannot_change_is_told_at_once(tmp_path: Path) -> None:
    clock = Clock()
    output = tmp_path / "Muncie.p04.hdf"
    with pytest.raises(PublishHeld, match="is not permitted; make the folder writable"):
        publish.replace(
            proven(output, b"new"), output, patience=clock.patience(), rename=Windows(times=1, winerror=0)
        )
    assert clock.slept == []


def test_a_folder_in_the_place_of_the_output_is_told(tmp_path: Path) -> None:
    output = tmp_path / "Muncie.p04.hdf"
    temporary = proven(output, b"new")
    (output / "inside").mkdir(parents=True)
    with pytest.raises(PublishHeld, match="a folder stands in its place; move it away"):
        publish.replace(temporary, output)
    assert temporary.exists()


def test_a_proven_file_that_went_away_leaves_the_last_one(tmp_path: Path) -> None:
    output = tmp_path / "Muncie.p04.hdf"
    output.write_bytes(b"old")
    with pytest.raises(PublishHeld, match="gone"):
        publish.replace(publish.temporary_name(output, RUN), output)
    assert output.read_bytes() == b"old"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(PublishHeld, match="a file stands where a folder is needed"):
        publish.make_folder(tmp_path / "results" / "Muncie" / "Muncie.p04.hdf")
    publish.make_folder(tmp_path / "a" / "b" / "Muncie.p04.hdf")
    publish.make_folder(tmp_path / "a" / "b" / "Muncie.p04.hdf")
    assert (tmp_path / "a" / "b").is_dir()


# ---- a disk that is full, a folder that is read-only


def test_a_full_disk_holds_the_copy_and_leaves_no_rest(small_disk: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.hdf"
    source.write_bytes(b"x" * 3 * MIB)
    output = small_disk / "Muncie.p04.hdf"
    output.write_bytes(b"old")
    with pytest.raises(PublishHeld, match=r"disk full or quota exceeded.*; free some space"):
        publish.copy_file(source, publish.temporary_name(output, RUN))
    assert [p.name for p in small_disk.iterdir()] == ["Muncie.p04.hdf"]
    assert output.read_bytes() == b"old"


def test_a_full_disk_leaves_the_last_receipt(small_disk: Path, published: Published) -> None:
    mine = replace(published, path=small_disk / "Muncie.p04.hdf")
    publish.write_receipt(mine)
    filling = (small_disk / "filling").open("wb", buffering=0)
    with filling, pytest.raises(OSError, match="No space left"):
        while True:
            filling.write(b"x" * 4096)
    with pytest.raises(PublishHeld, match="disk full or quota exceeded"):
        publish.write_receipt(replace(mine, run=OTHER, summary="x" * 8192))
    assert publish.read_receipt(mine.path) == mine
    assert sorted(p.name for p in small_disk.iterdir()) == ["Muncie.p04.hdf.receipt.json", "filling"]


def test_a_read_only_file_system_holds_the_result(small_disk: Path) -> None:
    output = small_disk / "Muncie.p04.hdf"
    output.write_bytes(b"old")
    temporary = proven(output, b"new")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(PublishHeld, match="read-only"):
        publish.replace(temporary, output)
    assert output.read_bytes() == b"old"
    assert publish.sweep(small_disk, [output.name], []) == ()
    assert temporary.exists()


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder of root's that this process, nobody while the test runs, may not write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_folder_that_may_not_be_written_holds_the_result(nobodys_folder: Path) -> None:
    output = nobodys_folder / "Muncie.p04.hdf"
    temporary = proven(output, b"new")
    temporary.chmod(0o666)
    root = os.geteuid() == 0
    nobodys_folder.chmod(0o555)
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(PublishHeld, match="that is not permitted; make the folder writable"):
            publish.replace(temporary, output)
        with pytest.raises(PublishHeld, match="not permitted"):
            publish.make_folder(nobodys_folder / "below" / "Muncie.p04.hdf")
        assert publish.sweep(nobodys_folder, [output.name], []) == ()
    finally:
        if root:
            os.seteuid(0)
        nobodys_folder.chmod(0o755)
    assert temporary.read_bytes() == b"new"
    assert not output.exists()


# ---- copying and digests


def test_a_copy_is_the_same_bytes(tmp_path: Path) -> None:
    content = os.urandom(3 * MIB + 17)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(content)
    wanted = (len(content), hashlib.sha256(content).hexdigest())
    assert publish.copy_file(source, target) == publish.digest_file(target) == wanted
    assert target.read_bytes() == content


def test_a_copy_of_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="No such file"):
        publish.copy_file(tmp_path / "absent", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_every_word_of_a_hold_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    def failing(number: int) -> Windows:
        def rename(source: Path, target: Path) -> None:
            raise OSError(number, os.strerror(number))

        return rename  # type: ignore[return-value]

    output = tmp_path / "Muncie.p04.hdf"
    for number in (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EACCES,
        errno.EIO,
        errno.ENAMETOOLONG,
        errno.EXDEV,
    ):
        with pytest.raises(PublishHeld) as caught:
            publish.replace(proven(output, b"new"), output, rename=failing(number))
        assert re.fullmatch(r"cannot be put at .*Muncie\.p04\.hdf: [^\n]+; [^\n]+", str(caught.value))
