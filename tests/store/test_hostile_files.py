"""A store whose file was changed by something else, or that is not a file: told in one line, whatever is asked of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rasreconcile.errors import StoreError, UsageError
from rasreconcile.plans import Address
from rasreconcile.store import Store, disk, file_request
from rasreconcile.store.reader import Reader
from rasreconcile.store.sqlite_errors import explained
from rasreconcile.store.survey import backup, survey

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "state.db"
    with Store.open(path, now=NOW) as store:
        store.applies.begin(spec_path=path, spec_digest="0" * 64, by="x", commit=None, now=NOW)
    return path.read_bytes()


def ask_all(path: Path) -> None:
    """Everything that a verb asks of a store, in a few calls."""
    read_all(path)
    survey(path)
    file_request(path, "retry", Address("M/p01"), by="x", now=NOW)
    with Store.open(path, now=NOW) as store:
        number = store.applies.begin(spec_path=path, spec_digest="0" * 64, by="x", commit=None, now=NOW)
        store.applies.end(number, outcome="converged", exit_code=0, now=NOW)
        store.runs.durations(), store.caches.hashes(), store.caches.mentions()


def is_told(call: Callable[[], object]) -> str:
    """What it says, where it says anything: one line, in an error of ours."""
    try:
        call()
    except (StoreError, UsageError) as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


def read_all(path: Path) -> None:
    with Reader(path) as reader:
        (
            reader.runs.live(),
            reader.outputs.published(),
            reader.verdicts.latest(),
            reader.events.latest(),
            reader.controller(),
        )


@pytest.mark.parametrize("part", range(4))
def test_a_flipped_bit_of_the_header_is_told_or_harmless(tmp_path: Path, good: bytes, part: int) -> None:
    path = tmp_path / "state.db"
    for byte in range(part, 100, 4):
        for bit in range(8):
            for left in tmp_path.iterdir():
                left.unlink()
            data = bytearray(good)
            data[byte] ^= 1 << bit
            path.write_bytes(data)
            is_told(lambda: read_all(path))
            # To write takes time: of each byte one bit; of the version and what follows it each.
            if bit == byte % 8 or 56 <= byte < 72:
                is_told(lambda: ask_all(path))
                is_told(lambda: backup(path, tmp_path / "copy.db"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE apply SET began = 'yesterday'",
        "INSERT INTO event (at, kind, message) VALUES ('2026-13-41', 'x', 'x')",
        "INSERT INTO text VALUES (hex(zeroblob(32)), x'0102')",
        "UPDATE apply SET began = CAST(x'ff80' AS TEXT)",
    ],
)
def test_a_row_that_says_what_cannot_be_is_damage(tmp_path: Path, good: bytes, change: str) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(good)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(change)
    other.close()

    def asked() -> None:
        survey(path)
        with Reader(path) as reader:
            reader.events.latest(), reader.texts.find("0" * 64)

    assert "the store is damaged" in is_told(asked)


@pytest.mark.parametrize("name", ["state.db", "state.db-journal", "state.db-wal", "state.db.lock"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_not_a_file_is_told_and_not_waited_for(study, name: str, kind: str) -> None:
    study.command()
    study.run("diff", "spec.yaml", check=None)
    place = study.folder / name
    place.unlink(missing_ok=True)
    match kind:
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "device":
            place.symlink_to("/dev/zero")
    for verb in (("apply",), ("status",), ("retry",)):
        done = study.run(*verb, "spec.yaml", *(["p01"] if verb == ("retry",) else []), check=None)
        if verb == ("status",) and name != "state.db":
            continue
        assert done.returncode == 1, done.stdout + done.stderr
        assert f"{name} is " in done.stderr
        assert "move it away" in done.stderr


def test_errors_of_the_disk_are_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_READ"
    said = str(explained(tmp_path / "state.db", error))
    assert "may be failing" in said
    assert "damaged" not in said
    said = str(disk.refused(tmp_path / "state.db", OSError(5, "Input/output error")))
    assert "may be failing" in said


@pytest.mark.parametrize("journal", ["never made", "there"])
def test_a_store_whose_disk_is_full_says_so_before_and_after_its_journal_exists(study, journal: str) -> None:
    place = study.folder / "small"
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(place)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        study.command()
        spec = study.folder / "spec.yaml"
        spec.write_text(spec.read_text().replace("state: state.db", "state: small/state.db"))
        study.apply()
        if journal == "never made":
            (place / "state.db-journal").unlink(missing_ok=True)
        with (place / "filler").open("wb") as filler:
            while (free := shutil.disk_usage(place).free) > 0:
                filler.write(bytes(min(free, 4096)))
                filler.flush()
        for verb in (["apply"], ["retry", "p01"], ["gc"]):
            done = study.run(verb[0], "spec.yaml", *verb[1:], check=None)
            assert done.returncode in {0, 1}
            if done.returncode:
                assert "the disk is full; free some space" in done.stderr, (verb, done.stderr)
        (place / "filler").unlink()
        study.apply()
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        done = study.run("apply", "spec.yaml", check=1)
        assert "set `state:` to another place" in done.stderr
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
