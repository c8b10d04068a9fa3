"""What goes wrong with a store is told as what it is: a good store is never called damaged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rasreconcile.errors import StoreError
from rasreconcile.plans import Address
from rasreconcile.store import Store, database, file_request, reader
from rasreconcile.store.reader import Reader

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Store.open(tmp_path / "state.db", now=NOW).close()
    return tmp_path / "state.db"


@pytest.fixture
def in_a_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another connection is in the middle of a write, and stays there."""
    monkeypatch.setattr(reader, "_BUSY_SECONDS", 0.1)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield path
    other.close()


def test_a_store_in_the_middle_of_a_write_is_busy_and_not_damaged(in_a_write: Path) -> None:
    with pytest.raises(StoreError, match="another program has been stuck in the middle of a write") as told:
        Reader(in_a_write)
    assert "damaged" not in str(told.value)
    with pytest.raises(StoreError, match="close the program that has the store open"):
        file_request(in_a_write, "cancel", Address("M/p01"), by="x", now=NOW)


def test_a_stopped_controller_in_a_write_is_named_as_such(in_a_write: Path) -> None:
    code = (
        "import sys, pathlib; from rasreconcile.store import lock\n"
        "held = lock.take(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(in_a_write)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(
            StoreError, match=r"its controller has been stuck in the middle of a write; .*kill -CONT"
        ):
            Reader(in_a_write)
    finally:
        holder.communicate()


def test_a_store_that_is_just_being_made_is_not_called_anothers(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    with pytest.raises(StoreError, match="is not a store of rasreconcile, or is empty"):
        Reader(path)
    code = "import sys, pathlib; from rasreconcile.store import lock\nheld = lock.take(pathlib.Path(sys.argv[1])); print(1, flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        with pytest.raises(StoreError, match="a controller is just creating it; try again"):
            Reader(path)
    finally:
        holder.communicate()


def test_a_request_that_finds_the_disk_full_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = database.open_database

    def full(where: Path):
        tables = opened(where)
        pages = tables.connection.execute("PRAGMA page_count").fetchone()[0]
        # SQLite's own way of being full: no page more than there are.
        tables.connection.execute(f"PRAGMA max_page_count = {pages}")
        return tables

    monkeypatch.setattr(database, "open_database", full)
    with pytest.raises(StoreError, match="the disk is full; free some space"):
        for number in range(1000):
            file_request(path, "cancel", Address(f"M/p{number:0500}"), by="x", now=NOW)


def test_a_bug_of_ours_is_not_told_as_a_fault_of_the_store(path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError), Store.open(path, now=NOW):
        raise sqlite3.IntegrityError("two live runs of one plan")
    with pytest.raises(sqlite3.ProgrammingError), Reader(path):
        raise sqlite3.ProgrammingError("closed")


def test_rubbish_within_is_damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = b"\xff" * (len(data) - 100)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="the store is damaged"), Reader(path) as reader:
        reader.runs.live()
