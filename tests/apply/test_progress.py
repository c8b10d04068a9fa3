"""Progress of running plans, early stop and `logs -f`, through the real program and a real log of HEC-RAS."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from waiting import LONGEST

from rasreconcile.errors import StoreError, Trouble
from rasreconcile.failures import Failure, FailureCause
from rasreconcile.jobs import Job, RunId
from rasreconcile.results.log import Reading
from rasreconcile.runs import Run
from rasreconcile.store import Store
from rasreconcile.store.reader import Reader
from rasreconcile.studies.messages import READ_AT_ONCE, read_on, source
from rasreconcile.workers.local.worker import local_worker

PRINTS = """\
import pathlib, shutil, sys, time
here = pathlib.Path({folder!r})
for line in {log!r}.splitlines():
    if line.startswith('--wait for '):
        while not (here / line.removeprefix('--wait for ')).exists():
            time.sleep(0.02)
    else:
        print(line, flush=True)
shutil.copy(here / 'ready.hdf', sys.argv[1])
"""


@pytest.fixture
def real_log(hecras_data: Path) -> str:
    return (hecras_data / "muncie2d-unsteady" / "Muncie2D.p01.computeMsgs.txt").read_text()


def printing(study, log: str, more: str = "") -> None:
    """A spec with one plan whose engine prints this, waiting at lines `--wait for FILE` until FILE is there."""
    (study.folder / "print.py").write_text(PRINTS.format(folder=str(study.folder), log=log))
    study.command(sys.executable, str(study.folder / "print.py"), "{output}")
    spec = study.folder / "spec.yaml"
    spec.write_text(spec.read_text().rstrip() + '\n    numbers: ["01"]\n' + more)


def half(log: str) -> str:
    """The log with a pause half-way through the simulation."""
    at = log.index("Message  | 01JAN1900 01:00")
    return f"{log[:at]}--wait for go\n{log[at:]}"


def live(study) -> tuple[Run, ...]:
    try:
        with Reader(study.folder / "state.db") as reader:
            return reader.runs.live()
    except StoreError:
        return ()


def has_come_to(study, simulated: str) -> bool:
    """Whether the store knows of it."""
    if not live(study):
        return False
    with Reader(study.folder / "state.db") as reader:
        found = [one.facts.simulated for one in reader.progress.latest().values()]
    return any(at is not None and at.isoformat() == simulated for at in found)


def test_status_explain_and_the_stream_tell_how_far_a_run_has_come(study, real_log) -> None:
    printing(study, half(real_log))
    controller = study.start("apply", "spec.yaml", "--json")
    study.wait_for(lambda: has_come_to(study, "1900-01-01T00:59:50"))
    (run,) = study.json("status", "spec.yaml")["live"]
    progress = run["progress"]
    assert progress["process"] == "RasUnsteady"
    assert progress["done"] == pytest.approx(0.5, abs=0.01)
    assert progress["worst"]["place"] == "Muncie_Geom Cell # 17768"
    assert "RasUnsteady, 01JAN1900 00:59:50" in study.run("status", "spec.yaml").stdout
    assert "of the simulation" in study.run("explain", "spec.yaml", "p01").stdout
    (study.folder / "go").touch()
    out, _ = controller.communicate(timeout=LONGEST)
    assert controller.returncode == 0
    told = [json.loads(line) for line in out.splitlines()]
    shares = [one["runs"][0]["done"] for one in told if one.get("kind") == "progress" and one["runs"]]
    assert shares == sorted(shares, key=lambda share: share or 0.0)
    assert pytest.approx(0.5, abs=0.01) in [share for share in shares if share]
    assert live(study) == ()


def test_a_run_that_goes_unstable_is_ended_and_quarantined_though_the_controller_is_killed(
    study, real_log
) -> None:
    bad = "01JAN1900 01:00:00  Muncie_Geom\tCell #\t 10346\t NaN\t 0.1\t20\n--wait for ever"
    printing(study, half(real_log).replace("--wait for go", f"--wait for bad\n{bad}"), more="stop_when: {}\n")
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: has_come_to(study, "1900-01-01T00:59:50"))
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    (study.folder / "bad").touch()
    done = study.apply(check=3)
    assert "went unstable: 01JAN1900 01:00:00 Muncie_Geom Cell # 10346 NaN 0.1 20" in done.stdout
    (run,) = study.json("history", "spec.yaml")["runs"]
    assert run["state"] == "failed"
    assert (run["failure"]["cause"], run["failure"]["blame"]) == ("went unstable", "plan")
    assert study.processes() == []
    assert not study.results()
    assert "NaN" in study.run("logs", "spec.yaml", "p01").stdout
    study.apply(check=3)
    assert len(study.json("history", "spec.yaml")["runs"]) == 1, "not tried again as it is"


def test_the_reason_of_an_early_stop_outlives_a_controller_that_dies_right_after_the_cancel(
    study, real_log
) -> None:
    printing(study, half(real_log))
    study.start("apply", "spec.yaml")
    study.wait_for(lambda: has_come_to(study, "1900-01-01T00:59:50"))
    study.controllers[0].send_signal(signal.SIGKILL)
    study.controllers[0].wait()
    now = datetime.now(UTC)
    with Store.open(study.folder / "state.db", now=now) as store:
        (run,) = store.runs.live()
        said = Failure(
            kind="permanent",
            cause=FailureCause.WENT_UNSTABLE,
            trouble=Trouble("went unstable: x", "look there"),
        )
        store.runs.intend_stop(run.id, said, now=now)
        store.runs.intend_stop(
            run.id, Failure(kind="permanent", cause=FailureCause.OTHER, trouble=Trouble("later")), now=now
        )
    local_worker(run.worker, study.folder / "runs" / run.worker).cancel(run.id)
    study.apply(check=3)
    (ended,) = study.json("history", "spec.yaml")["runs"]
    assert (ended["state"], ended["failure"]["cause"]) == ("failed", "went unstable")


def test_a_log_is_followed_from_before_its_run_to_the_end(study, real_log) -> None:
    printing(study, half(real_log))
    controller = study.start("apply", "spec.yaml")
    study.wait_for(lambda: live(study))
    follower = study.start("logs", "-f", "spec.yaml", "p01", "--json")
    study.wait_for(lambda: has_come_to(study, "1900-01-01T00:59:50"))
    (study.folder / "go").touch()
    out, err = follower.communicate(timeout=LONGEST)
    assert follower.returncode == 0, err
    first, *lines, last = [json.loads(line) for line in out.splitlines()]
    assert (first["verb"], first["plan"]) == ("logs", "Willow/p01")
    assert "".join(line["text"] for line in lines) == real_log
    assert (last["kind"], last["state"]) == ("end", "succeeded")
    assert controller.wait(timeout=LONGEST) == 0
    read_by_people = re.sub(r"(?m)^Message  \|[ \t]*", "", real_log)
    assert study.run("logs", "-f", "spec.yaml", "p01").stdout == read_by_people, (
        "a run that is over is printed"
    )


def test_an_interrupt_ends_following_without_a_word_of_python(study, real_log) -> None:
    printing(study, half(real_log))
    study.start("apply", "spec.yaml")
    study.wait_for(lambda: live(study))
    follower = subprocess.Popen(
        [sys.executable, "-m", "rasreconcile", "logs", "-f", "spec.yaml", "p01"],
        cwd=study.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    study.controllers.append(follower)
    assert follower.stdout is not None
    assert "Notes generated" in follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    _, err = follower.communicate(timeout=LONGEST)
    assert (follower.returncode, "Traceback" in err) == (130, False)
    assert live(study), "the run goes on"


def test_a_plan_that_nobody_is_about_to_run_is_not_waited_for(study) -> None:
    study.apply()
    said = study.run("logs", "-f", "spec.yaml", "p05", check=64)
    assert "no such plan" in said.stderr
    assert study.run("logs", "-f", "spec.yaml", "p01").returncode == 0


# ---- reading on, without a controller


class Log:
    """A growing log that counts how it is read."""

    def __init__(self) -> None:
        self.data = b""
        self.read_bytes = 0

    def __call__(self, offset: int, limit: int) -> bytes:
        found = self.data[offset : offset + limit]
        self.read_bytes += len(found)
        return found


def test_only_what_is_new_is_read_and_never_more_than_so_much_at_once() -> None:
    log, reading = Log(), Reading()
    log.data = b"Message  | x\n" * 100_000
    more, looks = True, 0
    while more:
        before = log.read_bytes
        reading, more = read_on(log, reading)
        assert log.read_bytes - before <= READ_AT_ONCE + 32
        looks += 1
    assert reading.offset == len(log.data)
    assert looks == len(log.data) // READ_AT_ONCE + 1
    log.data += b"Progress | 0.5\n"
    before = log.read_bytes
    reading, _ = read_on(log, reading)
    assert reading.facts.fraction == 0.5
    assert log.read_bytes - before < 100


def test_a_log_begun_anew_is_read_from_its_beginning_and_one_that_is_gone_changes_nothing() -> None:
    log, reading = Log(), Reading()
    log.data = b"Message  | PROCESS:RasProcess\nProgress | 50\n"
    reading, _ = read_on(log, reading)
    log.data = b""
    assert read_on(log, reading) == (reading, False)
    log.data = b"Message  | PROCESS:RasUnsteady\nMessage  | more than there was before, and other\n"
    reading, _ = read_on(log, reading)
    assert (reading.facts.process, reading.facts.fraction) == ("RasUnsteady", None)


def test_a_messages_file_below_the_run_is_read_while_the_job_writes_it(tmp_path) -> None:
    worker, run = local_worker("desk", tmp_path / "runs"), RunId("r1-abcdef")
    script = (
        "import os, time\nwith open('m.txt', 'w') as f:\n f.write('Progress | 0.25\\n')\n f.flush()\n"
        " while not os.path.exists('go'): time.sleep(0.02)\n f.write('Progress | 0.75\\n')\n"
    )
    steps = ((sys.executable, "-c", script),)
    job = Job(
        platform="posix", steps=steps, inputs=(), outputs=("m.txt",), cores=1,
        time_limit=timedelta(minutes=1), messages="m.txt",
    )  # fmt: skip
    worker.start(run, job)
    read = source(worker, run, job.messages)
    reading = Reading()
    pause = threading.Event()
    for _ in range(500):
        reading, _ = read_on(read, reading)
        if reading.facts.fraction == 0.25:
            (next(tmp_path.glob("runs/*/work")) / "go").touch()
        if reading.facts.fraction == 0.75:
            break
        pause.wait(0.05)
    assert reading.facts.fraction == 0.75
    assert next(tmp_path.glob("runs/*/work/m.txt")).stat().st_size == reading.offset
