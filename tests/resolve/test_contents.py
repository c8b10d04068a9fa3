"""What files say is read once, remembered by stat, and read again when they change."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rasreconcile.errors import ResultError
from rasreconcile.records import Mention
from rasreconcile.resolve import Contents
from rasreconcile.store import Store
from rasreconcile.store.reader import Reader
from rasreconcile.store.schema import APPLICATION_ID, TABLES_1

SAID = (Mention("terrain", r".\T.hdf", 3),)


def later() -> int:
    return time.time_ns() + 10 * 10**9


def says(path: Path) -> tuple[Mention, ...]:
    return SAID


def may_not_be_asked(path: Path) -> tuple[Mention, ...]:
    raise AssertionError(f"{path} was opened")


@pytest.fixture
def geometry(tmp_path: Path) -> Path:
    (tmp_path / "x.g01.hdf").write_bytes(b"1")
    return tmp_path / "x.g01.hdf"


def test_an_unchanged_hdf_is_not_opened_again_even_by_another_process(tmp_path: Path, geometry: Path) -> None:
    first = Contents({}, later, says)
    assert first.of(geometry, "geometry-hdf") == SAID
    with Store.open(tmp_path / "state.db", now=datetime.now(UTC)) as store:
        store.caches.remember_mentions(first.take_fresh())
    with Reader(tmp_path / "state.db") as reader:
        again = Contents(reader.caches.mentions(), later, may_not_be_asked)
    assert again.of(geometry, "geometry-hdf") == SAID
    assert again.take_fresh() == ()
    geometry.write_bytes(b"2")
    os.utime(geometry, ns=(1, 1))
    again.look_again()
    with pytest.raises(AssertionError, match="was opened"):
        again.of(geometry, "geometry-hdf")


def test_one_read_within_two_seconds_of_its_change_is_read_again(geometry: Path) -> None:
    first = Contents({}, time.time_ns, says)
    first.of(geometry, "geometry-hdf")
    known = {(m.path, m.kind): m for m in first.take_fresh()}
    with pytest.raises(AssertionError, match="was opened"):
        Contents(known, later, may_not_be_asked).of(geometry, "geometry-hdf")


def test_a_damaged_hdf_says_what_is_wrong_with_it(geometry: Path) -> None:
    def broken(path: Path) -> tuple[Mention, ...]:
        raise ResultError(f"{path.name}: cannot be read; save it again")

    assert Contents({}, later, broken).of(geometry, "geometry-hdf") == (
        Mention("fault", "x.g01.hdf: cannot be read; save it again"),
    )


def test_a_file_that_changes_while_it_is_read_is_never_trusted(geometry: Path) -> None:
    def changing(path: Path) -> tuple[Mention, ...]:
        path.write_bytes(b"longer")
        return SAID

    contents = Contents({}, later, changing)
    contents.of(geometry, "geometry-hdf")
    (taken,) = contents.take_fresh()
    assert taken.read_ns == 0


def test_a_store_from_before_this_question_has_no_answer_and_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    old = sqlite3.connect(path)
    old.executescript(TABLES_1 + f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;")
    old.close()
    with Reader(path) as reader:
        assert reader.caches.mentions() == {}
    with Store.open(path, now=datetime.now(UTC)) as store:
        assert store.caches.mentions() == {}
