"""Stores of an older version: read as they are, brought up by whoever takes the lock."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from rasreconcile.errors import Trouble
from rasreconcile.plans import Address
from rasreconcile.store import Store
from rasreconcile.store.database import open_database
from rasreconcile.store.reader import Reader
from rasreconcile.store.schema import APPLICATION_ID, MIGRATIONS, TABLES_1, steps_from

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
        known = reader.outputs.published()[Address("M/p01")]
        assert (known.remarks, known.platform, known.cores, known.shown) == ((), "", None, None)
        assert reader.caches.images() == {}
        assert (reader.progress.latest(), reader.runs.stops(), reader.caches.assessed()) == ({}, {}, {})
    assert first.read_bytes() == before
    assert version(first) == 1


def test_of_many_that_bring_it_up_at_once_each_finds_it_whole(first) -> None:
    """On the day of an upgrade a `cancel` and the controller may come together."""
    together, troubles = threading.Barrier(8), list[Exception]()

    def come() -> None:
        try:
            together.wait(60)
            open_database(first).connection.close()
        except Exception as error:  # noqa: BLE001  whatever it is, it is what is asked for
            troubles.append(error)

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert version(first) == len(MIGRATIONS)


def test_whoever_takes_the_lock_brings_it_up_and_keeps_what_is_in_it(first) -> None:
    with Store.open(first, now=NOW) as store:
        known = store.outputs.published()[Address("M/p01")]
        assert known.digest == "d" * 64
        store.outputs.record(
            replace(known, platform="posix", cores=2), "recalled", now=NOW, why="computed again"
        )
        assert (
            store.outputs.published()[Address("M/p01")].platform,
            store.outputs.published()[Address("M/p01")].cores,
        ) == (
            "posix",
            2,
        )
        store.caches.remember_image("box", "sha256:a", now=NOW)
        store.caches.remember_image("box", "sha256:b", now=NOW)
        assert store.caches.images() == {"box": "sha256:b"}
    assert version(first) == len(MIGRATIONS)


def test_verdicts_of_an_older_store_are_read_with_their_sentences(first) -> None:
    with closing(sqlite3.connect(first)) as database, database:
        database.execute(
            "INSERT INTO verdict (address, sync, phase, reasons, output, at) VALUES ('M/p01', 'stale', 'held', ?, '/x', ?)",
            ['["input-changed M.g01: a -> b", "no worker left for it"]', NOW.isoformat()],
        )
    with Reader(first) as reader:
        (before,) = reader.verdicts.latest()
    with Store.open(first, now=NOW) as store:
        assert store.verdicts.latest() == (before,)
    assert (before.reasons, before.obstacle) == ((), None)
    assert before.note == "input-changed M.g01: a -> b; no worker left for it"


def test_shortfalls_of_an_older_store_are_troubles_and_what_found_results_said_is_read_again(first) -> None:
    with closing(sqlite3.connect(first)) as database, database:
        for statements in islice(steps_from(1), 8):
            for statement in statements:
                database.execute(statement)
        database.execute(
            "INSERT INTO verification VALUES ('M/p01', 'd', 'e', ?, ?)",
            ['["too high; lower it", "too wet"]', NOW.isoformat()],
        )
        database.execute(
            "INSERT INTO assessment VALUES ('/x', 1, 1, 1, 1, 'j', ?)",
            ['{"shortfalls": ["holds no results"]}'],
        )
    assert version(first) == 9
    for opened in (Reader(first), Store.open(first, now=NOW)):
        known = opened.outputs.verifications()[Address("M/p01")]
        assert known.shortfalls == (Trouble("too high; lower it"), Trouble("too wet"))
        assert opened.caches.assessed() == {}
        opened.close()
    assert version(first) == len(MIGRATIONS)


def test_a_store_that_is_brought_up_while_it_is_read_is_read(first, monkeypatch) -> None:
    from rasreconcile.store import reader

    brought_up = reader._brought_up

    def late(old):
        # Whoever holds the lock does it between the reader's two looks.
        Store.open(first, now=NOW).close()
        return brought_up(old)

    monkeypatch.setattr(reader, "_brought_up", late)
    with Reader(first) as opened:
        assert opened.outputs.published()[Address("M/p01")].digest == "d" * 64
