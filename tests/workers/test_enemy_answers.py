"""What answers of an enemy broke once: each is met, in words, and costs nobody else anything."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rasreconcile.controller.brought_back import brought_back
from rasreconcile.errors import Unreachable
from rasreconcile.jobs import Absent, RunId, Vanished
from rasreconcile.workers import retry
from rasreconcile.workers.controls import Unfit
from rasreconcile.workers.detached import DetachedWorker
from rasreconcile.workers.docker import answers
from rasreconcile.workers.inspect import boot_id
from rasreconcile.workers.local_host import LocalHost
from rasreconcile.workers.long_answers import LongAnswer, looked_at
from rasreconcile.workers.openssh import connection
from rasreconcile.workers.openssh.connection import RemoteCommand
from rasreconcile.workers.ssh.host_commands import PosixCommands
from rasreconcile.workers.upload import Progress
from tests.reliability.enemy.channels import Scripted, shell, ssh_host
from tests.reliability.enemy.ssh_answers import OUTPUT, PROMISED, Clock

RUN = RunId("r")


def _worker(kind: str, folder: Path) -> DetachedWorker:
    by_scripts = ssh_host(shell, str(folder), PosixCommands(str(folder)))
    return DetachedWorker("desk", by_scripts if kind == "ssh" else LocalHost(folder))


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_a_claim_of_a_process_that_is_not_its_runner_is_not_alive_and_can_be_removed(kind, tmp_path) -> None:
    place = tmp_path / RUN
    place.mkdir()
    start = Path("/proc/self/stat").read_text().rpartition(") ")[2].split(" ")[19]
    claim = f"pid {os.getpid()}\nstart {start}\nboot {boot_id()}\ntime 1700000000.5\n"
    (place / "started").write_text(claim)
    worker = _worker(kind, tmp_path)
    assert isinstance(worker.poll([RUN])[RUN], Vanished)
    worker.cancel(RUN)
    worker.discard(RUN)
    assert worker.poll([RUN])[RUN] == Absent()
    assert not place.exists()


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_a_start_writes_through_nothing_that_the_job_has_put_there(kind, tmp_path) -> None:
    secret, place = tmp_path / "secret", tmp_path / "runs" / RUN
    secret.write_bytes(b"mine")
    place.mkdir(parents=True)
    (place / "runner.sh").write_text("echo something is wrong >&2; exit 1")
    (place / "runner.err").symlink_to(secret)
    (place / "unclaimed").mkdir()
    _worker(kind, tmp_path / "runs")._host.launch(RUN)
    assert secret.read_bytes() == b"mine"
    assert not (place / "runner.err").is_symlink()


def test_what_comes_byte_by_byte_is_given_up_and_a_slow_link_is_not(monkeypatch) -> None:
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=Clock().monotonic))
    drip: Any = Scripted(b"", then=b"x", step=1)
    with pytest.raises(Unreachable, match="does not end"):
        RemoteCommand("box", drip).rest()
    assert drip.asked < 1000
    with pytest.raises(Unreachable, match="does not end"):
        RemoteCommand("box", Scripted(b"", then=b"x", step=1)).skip_past(b"@mark")  # type: ignore[arg-type]
    slow: Any = Scripted(b"x" * (4 << 20), step=2048)
    assert len(RemoteCommand("box", slow).rest()) == 4 << 20


def test_what_comes_behind_the_end_of_what_was_packed_is_not_kept(tmp_path, monkeypatch) -> None:
    head = f"@rasreconcile\nfile {len(OUTPUT)} 0 gzip {len(PROMISED)}\n".encode()
    enemy = Scripted(head + PROMISED + gzip.compress(OUTPUT), then=bytes(1 << 18))
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.0)
    host = ssh_host(lambda _: enemy, "/runs", PosixCommands("/runs"))
    with pytest.raises(Unreachable, match="behind the end"):
        host.get(RunId("r"), "Muncie.p04.hdf", tmp_path / "part")
    assert enemy.given < 8 << 20


def test_a_run_whose_answer_is_too_long_suffers_alone() -> None:
    asked: list[list[str]] = []

    def look(runs: Any) -> Any:
        asked.append(list(runs))
        if "r3" in runs and len(runs) > 1:
            raise LongAnswer("too long", "ask again")
        return dict.fromkeys(runs)

    runs = [RunId(f"r{number}") for number in range(8)]
    assert list(looked_at(look, runs)) == runs
    assert ["r3"] in asked
    assert ["r4", "r5", "r6", "r7"] in asked


def test_another_controller_that_sends_nothing_is_not_waited_for_without_an_end(monkeypatch) -> None:
    from rasreconcile.workers import upload

    clock = Clock()
    monkeypatch.setattr(upload, "time", SimpleNamespace(monotonic=clock.monotonic))
    progress = Progress()
    assert all(progress.goes_on(str(number)) for number in range(1000))
    assert not all(progress.goes_on("999") for _ in range(1000))


def test_an_output_beside_the_folder_of_the_result_is_not_brought_back(tmp_path) -> None:
    """Published it would lie beside the results: `..` is a folder that `*` matches."""
    from rasreconcile.controller.brought_back import Left
    from rasreconcile.jobs import OutputRecord
    from rasreconcile.plans import BroughtBack

    one = OutputRecord(1, "0" * 64)
    ended: Any = SimpleNamespace(outputs={"sub/Muncie.p04.hdf": one, "evil.tif": one})
    plan: Any = SimpleNamespace(
        result_name="Muncie.p04.hdf",
        inputs=(),
        output=tmp_path / "results" / "Muncie.p04.hdf",
        brought_back=(BroughtBack("*/*.tif", "*/*.tif"),),
        address="Muncie/p04",
        prepares=False,
    )
    nobody: Any = None
    found = brought_back(Left(nobody, plan, ended, nobody))
    assert "nothing that matches" in str(found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "said", [None, [], "x", {"State": []}, {"State": {"ExitCode": 10**30}}, {"State": {"ExitCode": True}}]
)
def test_an_answer_that_is_none_of_dockers_is_unfit(said) -> None:
    with pytest.raises(Unfit):
        answers.end_in(said)
    with pytest.raises(Unfit):
        answers.frames(b"\1\0\0\0\0\0\0\7half")
