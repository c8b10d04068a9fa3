"""The store: what it forbids, what it survives, and what may be asked of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from waiting import LONGEST

from rasreconcile.errors import StoreBusy, StoreError, Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import RunId
from rasreconcile.plans import Address, InputFile, Plan, component, fingerprint
from rasreconcile.reasons import Cause, Reason
from rasreconcile.reconcile.verdicts import LastVerdict
from rasreconcile.records import Event, FileStat, Hashed, Published, ResultSummary
from rasreconcile.runs import IllegalMove, Run, RunState
from rasreconcile.spec import Expectations, SteadyEngine
from rasreconcile.store import Store, file_request
from rasreconcile.store.location import why_not, why_not_on_drive
from rasreconcile.store.reader import Reader

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TEXT = b"Geom Title=x\n"
DIGEST = "ab" * 32


def make_plan(name: str = "Muncie/p04", content: str = "1") -> Plan:
    parts = (component("input Muncie.g01", content), component("engine", "steady 1"))
    source = Path("Muncie.g01")
    return Plan(
        address=Address(name),
        project=Path("Muncie.prj"),
        number="04",
        engine=SteadyEngine(type="steady"),
        inputs=(
            InputFile(
                name="Muncie.g01",
                source=source,
                raw=DIGEST,
                semantic=DIGEST,
                size=13,
                kind="geometry",
                is_text=True,
            ),
        ),
        components=parts,
        fingerprint=fingerprint(parts),
        output=Path("/r/Muncie.p04.hdf"),
        expect=Expectations(),
        expectation_digest="e1",
    )


def make_run(
    plan: Plan, name: str = "r1", slot: int = 0, worker: str = "desk", created: datetime = NOW
) -> Run:
    return Run(
        id=RunId(name),
        address=plan.address,
        fingerprint=plan.fingerprint,
        worker=worker,
        slot=slot,
        cores=1,
        state=RunState.STARTING,
        reasons=(Reason(Cause.NEVER_RUN),),
        created=created,
    )


def make_published(plan: Plan, run: str = "r1", digest: str = DIGEST) -> Published:
    return Published(
        address=plan.address,
        run=RunId(run),
        path=plan.output,
        size=7,
        digest=digest,
        fingerprint=plan.fingerprint,
        components=plan.components,
        expectation_digest="e1",
        provenance="computed",
        engine="steady 1",
        worker="desk",
        at=NOW,
        summary="max WS 1 ft",
        shown=ResultSummary(max_water_surface=1.0, unit="ft", simulation_start="2026-01-02T03:04:05"),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state.db"


def begin(store: Store) -> int:
    return store.applies.begin(spec_path=Path("s.yaml"), spec_digest=DIGEST, by="me", commit=None, now=NOW)


def test_a_run_from_intent_to_proof(path: Path) -> None:
    plan = make_plan()
    with Store.open(path, now=NOW) as store:
        store.runs.start(make_run(plan), plan, {DIGEST: TEXT}, apply=begin(store))
        store.runs.move(RunId("r1"), RunState.RUNNING, now=NOW, started=NOW)
        store.runs.move(
            RunId("r1"), RunState.PUBLISHING, now=NOW, ended=NOW + timedelta(seconds=3), exit_code=0
        )
        store.outputs.publish(RunId("r1"), make_published(plan), now=NOW, message="on desk, 3.0 s")
        assert store.runs.live() == ()
        known = store.outputs.published()[plan.address]
        assert set(known.components) == set(plan.components)
        assert replace(known, components=()) == replace(make_published(plan), components=())
        assert store.runs.durations() == {plan.address: [("desk", timedelta(seconds=3))]}
    with Reader(path) as reader:
        assert reader.texts.find(DIGEST) == TEXT
        assert reader.runs.plan_of(RunId("r1")).components == tuple(
            sorted(plan.components, key=lambda c: c.name)
        )
        assert [event.kind for event in reader.events.latest()] == [
            "apply",
            "started",
            "running",
            "publishing",
            "succeeded",
        ]
        assert reader.runs.latest()[0].state is RunState.SUCCEEDED


def test_an_event_is_heard_once_it_is_on_disk_and_never_where_it_is_undone(path: Path) -> None:
    heard: list[str] = []
    with Store.open(path, now=NOW) as store, Reader(path) as reader:

        def hear(event: Event) -> None:
            # Another connection sees it: it was committed.
            assert event in reader.events.latest()
            heard.append(event.message)

        store.events.listeners.append(hear)
        with store.at_once():
            store.events.add(NOW, "warning", "first")
            with suppress(ZeroDivisionError), store.at_once():
                store.events.add(NOW, "warning", "undone with its savepoint")
                raise ZeroDivisionError
            store.events.add(NOW, "warning", "second")
            assert heard == []
        with suppress(ZeroDivisionError), store.at_once():
            store.events.add(NOW, "warning", "undone")
            raise ZeroDivisionError
        store.events.add(NOW, "warning", "third")
        assert heard == [event.message for event in store.events.latest()] == ["first", "second", "third"]


def test_two_live_runs_of_a_plan_or_on_a_slot_are_impossible_even_if_the_code_is_wrong(path: Path) -> None:
    one, other = make_plan("A/p01"), make_plan("A/p02")
    with Store.open(path, now=NOW) as store:
        apply = begin(store)
        store.runs.start(make_run(one), one, {}, apply=apply)
        with pytest.raises(sqlite3.IntegrityError, match="address"):
            store.runs.start(make_run(one, "r2", slot=1), one, {}, apply=apply)
        with pytest.raises(sqlite3.IntegrityError, match="worker"):
            store.runs.start(make_run(other, "r3"), other, {}, apply=apply)
        assert len(store.runs.live()) == 1
        assert [e.kind for e in store.events.latest()] == ["apply", "started"]


def test_a_run_makes_legal_moves_only(path: Path) -> None:
    plan = make_plan()
    with Store.open(path, now=NOW) as store:
        store.runs.start(make_run(plan), plan, {}, apply=begin(store))
        failure = Failure(kind="worker", cause=FailureCause.VANISHED, trouble=Trouble("gone"))
        store.runs.move(RunId("r1"), RunState.LOST, now=NOW, failure=failure, ended=NOW)
        with pytest.raises(IllegalMove):
            store.runs.move(RunId("r1"), RunState.RUNNING, now=NOW)
        lost = store.runs.find("r1")
        assert lost is not None
        assert lost.failure == failure


def test_a_cause_of_another_version_is_read_and_its_message_kept(path: Path) -> None:
    failures = [
        Failure(kind="retryable", cause=cause, trouble=Trouble(f"it broke by {cause}"))
        for cause in (FailureCause.TIME_LIMIT, FailureCause.PLAN_LEFT_LATE)
    ]
    with Store.open(path, now=NOW) as store:
        apply = begin(store)
        for n, failure in enumerate(failures):
            run = make_run(make_plan(f"A/p{n:02}"), f"r{n}", slot=n)
            store.runs.start(run, make_plan(f"A/p{n:02}"), {}, apply=apply)
            store.runs.move(run.id, RunState.FAILED, now=NOW, failure=failure, ended=NOW)
        kept = [store.runs.find(f"r{n}") for n in (0, 1)]
    assert [run and run.failure for run in kept] == failures
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE run SET failure_cause = 'gremlins' WHERE id = 'r0'")
        database.execute("UPDATE run SET failure_cause = NULL WHERE id = 'r1'")
    with Store.open(path, now=NOW) as store:
        again = [store.runs.find(f"r{n}") for n in (0, 1)]
    read = [one.failure for one in again if one is not None and one.failure is not None]
    assert [failure.cause for failure in read] == [FailureCause.OTHER] * 2
    assert read[0].trouble.what == "it broke by time limit"


def test_attempts_are_counted_at_one_fingerprint_since_the_last_retry_whatever_the_clock_says(
    path: Path,
) -> None:
    plan = make_plan()
    failure = Failure(kind="retryable", cause=FailureCause.OTHER, trouble=Trouble("broke"))
    with Store.open(path, now=NOW) as store:
        apply = begin(store)

        def fails(name: str, created: datetime) -> None:
            run = make_run(plan, name, created=created)
            store.runs.start(run, plan, {}, apply=apply)
            store.runs.move(run.id, RunState.FAILED, now=NOW, failure=failure, ended=NOW)

        fails("r0", NOW)
        fails("r1", NOW + timedelta(minutes=1))
        pairs = {plan.address: plan.fingerprint}
        assert [run.id for run in store.runs.attempts_at(pairs)[plan.address]] == ["r0", "r1"]
        assert store.runs.attempts_at({plan.address: make_plan(content="2").fingerprint}) == {}
        request = file_request(path, "retry", plan.address, by="me", now=NOW + timedelta(minutes=2))
        assert store.runs.attempts_at(pairs) == {}
        # The clock was set back a day.
        fails("r2", NOW - timedelta(days=1))
        assert [run.id for run in store.runs.attempts_at(pairs)[plan.address]] == ["r2"]
        assert [store.requests.is_after(RunId(name), request.id) for name in ("r1", "r2")] == [False, True]


def test_a_workers_good_run_wipes_out_its_faults(path: Path) -> None:
    plan = make_plan()
    failure = Failure(kind="worker", cause=FailureCause.VANISHED, trouble=Trouble("gone"))
    with Store.open(path, now=NOW) as store:
        apply = begin(store)
        for n, state in enumerate([RunState.LOST, RunState.LOST, RunState.FAILED, RunState.LOST]):
            run = make_run(plan, f"r{n}")
            store.runs.start(run, plan, {}, apply=apply)
            kind = failure if state is RunState.LOST else replace(failure, kind="permanent")
            store.runs.move(run.id, state, now=NOW, failure=kind, ended=NOW + timedelta(seconds=n))
        assert store.runs.worker_faults(NOW) == {"desk": ((NOW + timedelta(seconds=3), "gone"),)}


def test_runs_lost_together_are_one_fault_and_a_restart_is_none(path: Path) -> None:
    plans = [make_plan(f"A/p{n:02}") for n in range(1, 8)]
    lost = [
        # Three that were there at one time; one begun after their loss; one of a controller before; one of another boot.
        (0, 10, "vanished"),
        (1, 10, "vanished"),
        (2, 11, "vanished"),
        (12, 13, "vanished"),
        (-5, 14, "vanished"),
        (15, 16, "restarted"),
    ]
    with Store.open(path, now=NOW) as store:
        apply = begin(store)
        for n, (created, ended, cause) in enumerate(lost):
            run = make_run(plans[n], f"r{n}", slot=n, created=NOW + timedelta(seconds=created))
            store.runs.start(run, plans[n], {}, apply=apply)
            failure = Failure(kind="worker", cause=FailureCause(cause), trouble=Trouble(f"gone {n}"))
            at = NOW + timedelta(seconds=ended)
            store.runs.move(run.id, RunState.LOST, now=at, failure=failure, ended=at)
        (first, second) = store.runs.worker_faults(NOW)["desk"]
    assert first == (NOW + timedelta(seconds=11), "3 runs at once (A/p01, A/p02, A/p03): gone 2")
    assert second == (NOW + timedelta(seconds=13), "gone 3")


def test_requests_cross_from_one_process_to_the_controller(path: Path) -> None:
    with Store.open(path, now=NOW) as store:
        file_request(path, "cancel", Address("A/p01"), by="me", now=NOW)
        (request,) = store.requests.open()
        store.requests.close(request.id, now=NOW, outcome="cancelled")
        assert store.requests.open() == ()


def test_hashes_and_verdicts_come_back_as_they_went_in(path: Path) -> None:
    hashed = Hashed(
        path=Path("/a"), stat=FileStat(1, 2**60, 3, 2**62), kind="plan", raw="r", semantic="s", hashed_ns=9
    )
    verdict = LastVerdict(
        address=Address("A/p01"),
        sync="stale",
        phase="idle",
        reasons=(Reason(Cause.INPUT_CHANGED, "A.g01", "a -> b"),),
        note="waits for a free slot",
        obstacle="no-worker",
        next_at=NOW,
        output=Path("/o"),
        at=NOW,
    )
    with Store.open(path, now=NOW) as store:
        store.caches.remember_hashes([hashed])
        store.caches.remember_hashes([hashed])
        store.verdicts.record([verdict])
        store.verdicts.record([verdict])
        assert store.caches.hashes() == {(Path("/a"), "plan"): hashed}
        assert store.verdicts.latest() == (verdict,)


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
