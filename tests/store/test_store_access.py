"""Who may open a store, what is refused, and what outlives a death: locks, damage, places, backups."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import pytest
from waiting import LONGEST

from rasreconcile.errors import StoreBusy, StoreError
from rasreconcile.plans import Address
from rasreconcile.store import Store
from rasreconcile.store.location import why_not, why_not_on_drive
from rasreconcile.store.reader import Reader
from rasreconcile.store.requests import file_request
from tests.store.test_store import NOW, begin


def test_only_one_controller_and_the_other_is_told_who(path: Path) -> None:
    with Store.open(path, now=NOW):
        with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
            Store.open(path, now=NOW)
        with Reader(path) as reader:
            controller = reader.controller()
            assert controller is not None
            assert controller.pid == os.getpid()
    with Reader(path) as reader:
        assert reader.controller() is None


def test_of_twenty_controllers_at_once_one_wins(path: Path) -> None:
    code = textwrap.dedent(f"""
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        from rasreconcile.errors import StoreBusy
        from rasreconcile.store import Store
        try:
            with Store.open(Path({str(path)!r}), now=datetime.now(UTC)):
                print("won", flush=True)
                sys.stdin.read()
        except StoreBusy:
            print("busy", flush=True)
    """)
    pipe = subprocess.PIPE
    many = [
        subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) for _ in range(20)
    ]
    # The winner holds the lock until its input ends: nobody comes after it.
    said = [one.stdout.readline().strip() for one in many if one.stdout]
    for one in many:
        one.communicate(timeout=LONGEST)
    assert sorted(said) == ["busy"] * 19 + ["won"]


def test_what_reads_before_it_writes_is_not_refused_because_another_wrote_in_between(path: Path) -> None:
    """The controller moves runs while people file requests, each in a transaction that begins with a question."""
    stop = threading.Event()
    refused: list[Exception] = []

    def file() -> None:
        try:
            for _ in range(60):
                file_request(path, "cancel", Address("Willow/p01"), by="me", now=NOW)
        except Exception as error:  # noqa: BLE001  whatever it is, it is what is asked for
            refused.append(error)
        finally:
            stop.set()

    with Store.open(path, now=NOW) as store:
        filing = threading.Thread(target=file)
        filing.start()
        while not stop.wait(0.002):
            with store.at_once():
                store.requests.open()
                store.events.add(NOW, "apply", "x")
        filing.join()
    assert refused == []
    with Reader(path) as reader:
        assert len(reader.requests.open()) == 60


def test_a_writer_killed_at_any_moment_leaves_whole_transactions(path: Path) -> None:
    code = textwrap.dedent(f"""
        import itertools, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from rasreconcile.store import Store
        now = datetime.now(UTC)
        with Store.open(Path({str(path)!r}), now=now) as store:
            print("ready", flush=True)
            for n in itertools.count():
                number = store.applies.begin(spec_path=Path("s"), spec_digest="d", by="me", commit=None, now=now)
                store.applies.end(number, outcome="x", exit_code=0, now=now)
    """)
    for n in range(12):
        writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            writer.wait(timeout=0.02 + n * 0.013)
        except subprocess.TimeoutExpired:
            writer.send_signal(signal.SIGKILL)
        writer.communicate()
    with Store.open(path, now=NOW) as store:
        applies = store._tables.connection.execute("SELECT count(*), count(ended) FROM apply").fetchone()
        events = store._tables.connection.execute("SELECT count(*) FROM event").fetchone()[0]
    assert events == applies[0] + applies[1]
    assert applies[0] > 12


@pytest.mark.parametrize("damage", ["rubbish", "truncated", "newer", "another program's", "a folder"])
def test_a_store_that_cannot_be_used_is_refused_with_the_remedy(path: Path, damage: str) -> None:
    with Store.open(path, now=NOW) as store:
        for _ in range(200):
            begin(store)
    if damage == "rubbish":
        path.write_bytes(b"x" * 5000)
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:9000])
    elif damage == "a folder":
        path.unlink()
        path.mkdir()
    else:
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("PRAGMA user_version = 99" if damage == "newer" else "PRAGMA application_id = 7")
        other.close()
    with pytest.raises(StoreError) as caught:
        Store.open(path, now=NOW)
    assert ";" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_store_stays_with_its_owner(path: Path) -> None:
    Store.open(path, now=NOW).close()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ("/net/models/state.db", "network file system (nfs4)"),
        ("/mnt/win share/state.db", "network file system (cifs)"),
        ("/home/me/Dropbox/state.db", "synchronised"),
        ("/home/me/OneDrive - County/state.db", "synchronised"),
        ("/home/me/state.db", None),
        ("/network/state.db", None),
    ],
)
def test_a_place_where_sqlite_cannot_keep_its_promises_is_refused(store: str, why: str | None) -> None:
    mounts = (
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /net rw - nfs4 server:/x rw\n"
        "31 22 0:41 / /mnt/win\\040share rw - cifs //s/x rw\n"
    )
    found = why_not(Path(store), mounts)
    assert found is None if why is None else why in str(found)


def test_reading_a_store_imports_nothing_heavy(path: Path) -> None:
    Store.open(path, now=NOW).close()
    code = (
        "import sys; from pathlib import Path; from rasreconcile.store.reader import Reader;"
        f"r = Reader(Path({str(path)!r})); r.verdicts.latest(), r.runs.live(), r.controller();"
        "heavy = {'sqlite_utils', 'pydantic', 'h5py', 'docker', 'paramiko', 'numpy'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_backup_is_whole_while_work_goes_on(path: Path, tmp_path: Path) -> None:
    with Store.open(path, now=NOW) as store:
        begin(store)
        store.backup(tmp_path / "copy.db")
        begin(store)
    with Reader(tmp_path / "copy.db") as reader:
        assert len(reader.events.latest()) == 1


@pytest.mark.parametrize(
    ("drive", "kind", "why"),
    [
        ("C:", 3, None),
        ("Z:", 4, "network share (Z:)"),
        (r"\\nas\study", 4, "network share"),
        (r"\\nas\study", 1, "network share"),
        ("E:", 2, "can be taken out"),
    ],
)
def test_a_store_is_on_a_drive_of_this_machine(drive, kind, why) -> None:
    found = why_not_on_drive(drive, kind)
    assert found is None if why is None else why in str(found)
