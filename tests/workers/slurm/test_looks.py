"""In which order files and queue are looked at, and what may happen in between."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from rasreconcile.jobs import Ended, Queued, RunId, Running, Status, Vanished
from rasreconcile.workers.local_host import LocalHost
from rasreconcile.workers.run_files import RunFiles, status_of
from rasreconcile.workers.slurm.host import SlurmHost
from rasreconcile.workers.slurm.site import Claims
from rasreconcile.workers.slurm.submission import Asked, Size

RUN = RunId("20260401-120000-willow-p01-a1b2c3d4e5f6")
CLAIM = "pid 4711\nstart 123456\nboot 2f1c\ntime 1775044800.5\njob 42\n"
DONE = (
    '{"exit_code": 0, "cause": "exited", "started": 1775044800, "ended": 1775044900, "room": null, '
    '"image": "", "outputs": {}}'
)


@dataclass
class Moments:
    """A site where something happens between two looks: what each of them finds, in turn."""

    host: LocalHost
    files: list[RunFiles]
    state: str | None
    asked: list[str] = field(default_factory=list)

    def look(self, runs: Collection[RunId], claims: Claims) -> Mapping[RunId, RunFiles | None]:
        self.asked.append(claims)
        return dict.fromkeys(runs, self.files.pop(0))

    def look_and_queue(self, runs: Collection[RunId]) -> tuple[Mapping[RunId, RunFiles | None], str]:
        row = f"job 42|42|N/A|{self.state}|None|0:00|n1|{RUN}\n" if self.state else ""
        return self.look(runs, "alive"), f"{row}queue whole"

    def slurm(self, text: str, words: Sequence[str]) -> str:
        return ""


def told(folder: Path, state: str | None, *files: RunFiles) -> tuple[Status, Moments]:
    site = Moments(LocalHost(folder), list(files), state)
    host = SlurmHost(site, Asked(), (Size(1, timedelta(minutes=1)), 1))
    return status_of(host.look([RUN])[RUN]), site


def test_a_run_that_begins_while_it_is_looked_at_was_not_put_back_into_the_queue(tmp_path: Path) -> None:
    """It waits in the queue; were its files looked at once more, they would show the claim of a job that waits."""
    status, site = told(tmp_path, "PENDING", RunFiles(), RunFiles(started=CLAIM))
    assert status == Queued()
    assert site.asked == ["alive"]


def test_a_run_that_ends_while_it_is_looked_at_has_ended(tmp_path: Path) -> None:
    done = RunFiles(started=CLAIM, done=DONE)
    for state in ("COMPLETED", None):
        status, site = told(tmp_path, state, RunFiles(started=CLAIM, alive=True), done)
        assert isinstance(status, Ended)
        assert site.asked == ["alive", "dead"]
    # It began and ended between the two.
    status, _ = told(tmp_path, "COMPLETED", RunFiles(), done)
    assert isinstance(status, Ended)


def test_an_end_that_a_shared_file_system_does_not_show_yet_is_waited_for(tmp_path: Path) -> None:
    open_run = RunFiles(started=CLAIM)
    for state in ("COMPLETED", None):
        status, _ = told(tmp_path, state, open_run, open_run)
        assert isinstance(status, Running)
    status, _ = told(tmp_path, "NODE_FAIL", open_run, open_run)
    assert isinstance(status, Vanished)
    status, _ = told(tmp_path, "PENDING", open_run, open_run)
    assert isinstance(status, Vanished)


def test_one_question_is_enough_for_what_waits_and_what_runs(tmp_path: Path) -> None:
    for state, files in (
        ("PENDING", RunFiles()),
        ("RUNNING", RunFiles()),
        ("RUNNING", RunFiles(started=CLAIM)),
    ):
        status, site = told(tmp_path, state, files)
        assert isinstance(status, Queued | Running)
        assert site.asked == ["alive"]
