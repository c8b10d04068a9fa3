"""What is true of hosts behind a share besides the contract: a real smbd, and the real agent."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from samba import PASSWORD, ResidentAgent
from services import Service, absent
from waiting import LONGEST, until

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.jobs import Absent, Ended, Queued, Running
from rasreconcile.workers import retry
from rasreconcile.workers.psexec import agent as agents
from rasreconcile.workers.psexec.agent import DESK
from rasreconcile.workers.psexec.folder import FolderShare
from rasreconcile.workers.psexec.host import ShareHost
from rasreconcile.workers.psexec.smb import SmbShare

OUTPUT = "x.p01.hdf"
TERRAIN = os.urandom(1 << 16) * 320
"""20 MB."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(agents, "SILENT_SECONDS", 4.0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request to a share, by name."""
    seen: list[str] = []
    for word in ("entry", "read", "names", "write", "append", "remove", "rename"):
        real = getattr(SmbShare, word)

        def counted(self: SmbShare, name: str, *more: Any, _real: Any = real, _word: str = word) -> Any:
            seen.append(f"{_word} {name}")
            return _real(self, name, *more)

        monkeypatch.setattr(SmbShare, word, counted)
    return seen


def test_sixty_runs_are_polled_by_one_read(share, a_run, reads) -> None:
    runs = [a_run(f"many-{n}") for n in range(60)]
    for run in runs:
        # As ended runs lie there: sixty runners would prove the runner, and not the reading.
        place = share.folder / run
        (place / "work").mkdir(parents=True)
        (place / "started").write_text("pid 1\nstart 1\nboot windows\ntime 1795800000.000\n")
        end = '{"exit_code": 0, "cause": "exited", "started": 1, "ended": 2, "room": 1, "outputs": {}}\n'
        (place / "done.json").write_text(end)
    until(lambda: all(isinstance(s, Ended) for s in share.worker.poll(runs).values()))
    reads.clear()
    assert len(share.worker.poll(runs)) == 60
    assert reads == [f"read {DESK}/status"]


def test_a_large_input_goes_on_where_the_link_was_cut(share, smbd, run, monkeypatch) -> None:
    parts: list[int] = []
    append = SmbShare.append

    def cutting(self: SmbShare, name: str, offset: int, given: Any) -> None:
        if not name.startswith("cache/"):
            return append(self, name, offset, given)
        parts.append(offset)
        sent = 0

        def some() -> Any:
            nonlocal sent
            for part in given:
                yield part
                sent += len(part)
                if len(parts) == 1 and sent > 14 << 20:
                    smbd.cut()

        return append(self, name, offset, some())

    monkeypatch.setattr(SmbShare, "append", cutting)
    job = share.job(inputs={"terrain.tif": TERRAIN}, writes={OUTPUT: b"1"})
    until(lambda: started(share, run, job))
    assert share.end(run).exit_code == 0
    assert (share.folder / run / "work" / "terrain.tif").read_bytes() == TERRAIN
    assert len(parts) >= 2
    assert parts[1] > 0


def test_what_an_earlier_transfer_left_damaged_is_sent_again(share, run) -> None:
    digest = hashlib.sha256(TERRAIN).hexdigest()
    part = share.folder / "cache" / digest[:2] / f".{digest}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"rubbish" * 2_000_000)
    share.worker.start(run, share.job(inputs={"terrain.tif": TERRAIN}))
    share.end(run)
    assert (share.folder / run / "work" / "terrain.tif").read_bytes() == TERRAIN
    assert not part.exists()


def test_a_download_goes_on_and_what_was_not_part_of_it_is_replaced(share, run, tmp_path) -> None:
    writes = {OUTPUT: TERRAIN[: 3 << 20]}
    script = f"cp '{tmp_path / 'result'}' {OUTPUT}"
    (tmp_path / "result").write_bytes(writes[OUTPUT])
    share.worker.start(run, share.script(script))
    record = share.end(run).outputs[OUTPUT]
    for there in (TERRAIN[: 1 << 20], b"something else" * 1000):
        (tmp_path / "here").write_bytes(there)
        assert share.worker.fetch(run, OUTPUT, tmp_path / "here").digest == record.digest
        assert (tmp_path / "here").read_bytes() == writes[OUTPUT]


def test_runs_outlive_their_agent_and_the_next_one_finds_them(share, run, a_run, impatient) -> None:
    share.begin(run, share.job(waits=True))
    share.agent.kill()
    with pytest.raises(Unreachable, match=r"no agent serves its share; open join.cmd"):
        until(lambda: share.worker.poll([run]) is None)
    share.let_go(run)
    share.agent.start()
    assert share.end(run).exit_code == 0
    assert share.launches(run) == 1


def test_what_is_sent_while_no_agent_is_there_waits_for_one(share, run, impatient) -> None:
    job = share.job(writes={OUTPUT: b"1"})
    share.worker.stage(job)
    share.agent.kill()
    # As a host that fell asleep between the look and the start.
    share.worker._host.prepare(run, job.inputs, _controls(run, job))
    assert (share.folder / DESK / "inbox" / run).is_file()
    assert not (share.folder / run).exists()
    share.agent.start()
    assert share.end(run).outputs[OUTPUT].size == 1


def test_a_run_that_waits_and_is_cancelled_computes_nothing(share, run, impatient) -> None:
    job = share.job(writes={OUTPUT: b"1"})
    share.worker.stage(job)
    share.agent.kill()
    share.worker._host.prepare(run, job.inputs, _controls(run, job))
    share.worker._host.mark(run, "cancel")
    share.agent.start()
    assert share.end(run).cause == "cancelled"
    assert not (share.folder / run / "launches").exists()


def test_what_an_agent_had_claimed_when_it_was_killed_is_begun_by_the_next(share, run, impatient) -> None:
    job = share.job(writes={OUTPUT: b"1"})
    share.worker.stage(job)
    share.agent.kill()
    share.worker._host.prepare(run, job.inputs, _controls(run, job))
    inbox = share.folder / DESK / "inbox"
    (inbox / run).rename(inbox / f".{run}.0123abcd.claimed")
    share.agent.start()
    assert share.end(run).exit_code == 0


def test_a_second_agent_on_a_folder_leaves_at_once(share) -> None:
    second = subprocess.run(
        ["mono", *share.agent.command], env=share.agent.variables, check=False, timeout=LONGEST
    )
    assert second.returncode == 75
    assert share.worker.check() == []


def test_two_agents_that_know_nothing_of_each_other_do_no_harm(share, a_run) -> None:
    # As where a folder is served to two machines: the lock of one is not seen by the other.
    (share.folder / DESK / "agent.lock").unlink()
    second = ResidentAgent(share.folder, share.agent.programs)
    second.start()
    try:
        runs = [a_run(f"both-{n}") for n in range(6)]
        for run in runs:
            share.worker.start(run, share.job(writes={OUTPUT: b"1"}, inputs={"a.tif": b"land"}))
        assert [share.end(run).exit_code for run in runs] == [0] * 6
        assert [share.launches(run) for run in runs] == [1] * 6
        assert list((share.folder / DESK / "inbox").iterdir()) == []
    finally:
        second.kill()


def test_a_share_that_is_full_is_told_and_nothing_is_left_in_the_inbox(
    share, smbd, agent_programs, run, tmp_path, impatient
) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode != 0:
        absent(Service.DISKS, "no tmpfs can be mounted here")
    full = ResidentAgent(disk / "runs", agent_programs)
    try:
        full.start()
        unc = smbd.share("full", disk / "runs")
        worker = share.again(share_path=unc)
        with pytest.raises(Refused, match="No space left on device; free some space"):
            worker.start(run, share.job(inputs={"terrain.tif": TERRAIN}))
        assert not (disk / "runs" / DESK / "inbox" / run).exists()
        assert worker.poll([run])[run] == Absent()
        worker.close()
    finally:
        full.kill()
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_wrong_password_and_a_share_that_is_not_there_are_told_with_what_cures_them(
    share, smbd, monkeypatch
) -> None:
    missing = share.again(share_path=rf"\\{smbd.address}\nowhere")
    (problem,) = missing.check()
    assert "has no such share" in problem.what
    assert "New-SmbShare" in problem.remedy
    monkeypatch.setenv("SHARE_PASSWORD", "wrong")
    (problem,) = share.again().check()
    assert "login rejected as root" in problem.what
    assert PASSWORD not in str(problem)
    monkeypatch.delenv("SHARE_PASSWORD")
    (problem,) = share.again().check()
    assert "SHARE_PASSWORD is not set" in problem.what


def test_a_session_that_is_not_the_named_one_is_told(share) -> None:
    assert share.again(session_id=2).check() == []
    (problem,) = share.again(session_id=3).check()
    assert r"its agent runs in session 2 as BOX\ras, and session_id is 3" in problem.what


def test_an_older_agent_hands_over_to_the_one_that_is_wanted(share, run, impatient) -> None:
    share.begin(run, share.job(waits=True))
    share.agent.kill()
    old = share.agent.renamed("0000-0123456789abcdef")
    old.start()
    until(lambda: " 0001-" in (share.folder / DESK / "status").read_text().splitlines()[0])
    old.wait()
    assert isinstance(share.worker.poll([run])[run], Running)
    share.let_go(run)
    assert share.end(run).exit_code == 0


def test_a_status_of_another_protocol_is_refused(share, run, impatient) -> None:
    share.agent.kill()
    (share.folder / DESK / "status").write_text("rasreconcile 2 0009-ff\nsomething else\nend\n")
    with pytest.raises(Refused, match="speaks another protocol"):
        share.worker.poll([run])


def test_a_folder_of_this_system_is_a_share_too(share, run, tmp_path) -> None:
    """The way of a controller on Windows, but for what only Windows does with UNC paths."""
    host = share.worker._host
    folder = FolderShare("lab", share.folder)
    from rasreconcile.workers.detached import DetachedWorker

    worker = DetachedWorker("lab", ShareHost("lab", folder, host._launcher, host._wanted))
    assert worker.check() == []
    worker.start(run, share.job(writes={OUTPUT: b"1"}, inputs={"terrain.tif": TERRAIN}))
    assert share.end(run).exit_code == 0
    assert worker.fetch(run, OUTPUT, tmp_path / "here").size == 1
    assert worker.read_log(run) == b""
    worker.discard(run)
    assert worker.poll([run])[run] == Absent()
    assert worker.trim_cache(unused_for=timedelta(0), at_most=0).files >= 1


def test_a_queued_run_is_told_as_queued(share, run, impatient) -> None:
    share.agent.kill()
    shutil.rmtree(share.folder / DESK / "inbox")
    (share.folder / DESK / "status").unlink()
    job = share.job()
    share.worker._host._share.write(f"{DESK}/inbox/{run}", [b"a run"])
    assert share.again().poll([run])[run] == Queued()
    assert job.steps


def started(share: Any, run: Any, job: Any) -> bool:
    """As a controller does it: a host that does not answer is asked again."""
    try:
        share.worker.start(run, job)
    except Unreachable:
        return False
    return True


def _controls(run: Any, job: Any) -> Any:
    from rasreconcile.workers import rundir

    return rundir.control_files(run, job)
