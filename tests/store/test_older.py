"""Stores of an older version: read as they are, brought up by whoever takes the lock."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rasreconcile.store import Store
from rasreconcile.store.reader import Reader
from rasreconcile.store.schema import APPLICATION_ID, MIGRATIONS, TABLES_1

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OUTPUT = (
    "INSERT INTO output (address, current, run, path, size, digest, fingerprint, expectation_digest, provenance,"
    " engine, worker, at, summary) VALUES ('M/p01', 1, 'r1', '/x', 1, ?, ?, 'e', 'computed', 'steady 1', 'desk', ?, '')"
)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A store of version 1 with one result."""
    path = tmp_path / "state.db"
    database = sqlite3.connect(path)
    database.executescript(TABLES_1)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("PRAGMA user_version = 1")
    database.execute(OUTPUT, ["d" * 64, "f" * 64, NOW.isoformat()])
    database.commit()
    database.close()
    return path


def version(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("PRAGMA user_version").fetchone()[0])
    finally:
        database.close()


def test_a_reader_sees_todays_form_and_leaves_the_file_as_it_is(first) -> None:
    before = first.read_bytes()
    with Reader(first) as reader:
        known = reader.published()["M/p01"]
        assert (known.remarks, known.platform, known.cores) == ((), "", None)
        assert reader.images() == {}
        assert (reader.progress(), reader.stops(), reader.assessed()) == ({}, {}, {})
    assert first.read_bytes() == before
    assert version(first) == 1


def test_whoever_takes_the_lock_brings_it_up_and_keeps_what_is_in_it(first) -> None:
    with Store.open(first, now=NOW) as store:
        known = store.published()["M/p01"]
        assert known.digest == "d" * 64
        store.record_output(replace(known, platform="posix", cores=2), now=NOW, why="computed again")
        assert (store.published()["M/p01"].platform, store.published()["M/p01"].cores) == ("posix", 2)
        store.remember_image("box", "sha256:a", now=NOW)
        store.remember_image("box", "sha256:b", now=NOW)
        assert store.images() == {"box": "sha256:b"}
    assert version(first) == len(MIGRATIONS)


def test_a_store_that_is_brought_up_while_it_is_read_is_read(first, monkeypatch) -> None:
    from rasreconcile.store import reader

    real = reader._brought_up

    def late(path, old):
        # Whoever holds the lock does it between the reader's two looks.
        Store.open(first, now=NOW).close()
        return real(path, old)

    monkeypatch.setattr(reader, "_brought_up", late)
    with Reader(first) as opened:
        assert opened.published()["M/p01"].digest == "d" * 64
