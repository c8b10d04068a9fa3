"""A password that lets a controller in turns up nowhere: no file, no answer, no process, whatever goes wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from services import Service, absent
from users import user_with
from waiting import LONGEST

SECRET = "hunter2-tide-9041"
SPEC = """\
version: 1
state: store/state.db
results: results
engine: {engine}
retries: {{attempts: 1, wait: 0s, at_most: 0s}}
workers:
  box: {{type: ssh, hostname: {host}, port: {port}, username: {user}, password: {password}, worker_folder: {runs}}}
  desk: {{type: local, worker_folder: runs, queue_priority: 9, cores_total: 1, cores_per_plan: 1}}
plans:
  - project: Willow.prj
    numbers: ["01", "02"]
    inputs: [ready.hdf]
    expect: {{completed: false}}
"""


@pytest.fixture
def lodger(tmp_path):
    """A user of this machine with the password, and a folder of his."""
    with user_with(SECRET) as name:
        runs = Path("/tmp") / f"{name}-runs"
        yield name, runs
    subprocess.run(["rm", "-rf", str(runs)], check=True)


class Watched:
    """A controller, and what its process and everybody it started show of themselves while it runs_there."""

    def __init__(self, study, *words: str) -> None:
        self.controller = study.start(*words)
        self.seen: list[str] = []

    def look(self) -> None:
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(entry.name)] = int(stat[1])
        mine = {self.controller.pid}
        for _ in range(6):
            mine |= {pid for pid, parent in parents.items() if parent in mine}
        own = self._shown(self.controller.pid, "cmdline")
        for pid in mine:
            words = self._shown(pid, "cmdline")
            if SECRET.encode() in words:
                self.seen.append(f"the command line {words!r}")
            # What the user put into the environment of the controller is his own doing; a child that has not become
            # another program yet is the controller still.
            if words != own and SECRET.encode() in self._shown(pid, "environ"):
                self.seen.append(f"the environment of {words!r}")

    @staticmethod
    def _shown(pid: int, what: str) -> bytes:
        try:
            return (Path("/proc") / str(pid) / what).read_bytes()
        except OSError:
            return b""

    def until(self, over) -> None:
        last = time.monotonic() + LONGEST
        while self.controller.poll() is None and not over():
            assert time.monotonic() < last, "it did not end"
            self.look()
            time.sleep(0.01)

    def said(self) -> str:
        out, errors = self.controller.communicate(timeout=LONGEST)
        assert "Traceback" not in errors, errors
        return out + errors


def holding(folder: Path, *, but: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path != but)
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


FAULTS = ("none", "wrong password", "unknown host", "refused connection", "store full", "killed", "job fails")
CASES = [("env", fault) for fault in FAULTS] + [("file", "wrong password"), ("file", "killed")]


@pytest.mark.parametrize(("source", "fault"), CASES)
def test_a_password_turns_up_nowhere_after(study, network, lodger, monkeypatch, source, fault) -> None:
    user, runs = lodger
    server = network.server("PasswordAuthentication yes")
    secret = study.folder / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    if source == "env":
        monkeypatch.setenv("LAB_PASSWORD", SECRET)
    if fault == "wrong password":
        subprocess.run(["chpasswd"], input=f"{user}:another\n", text=True, check=True)
    if fault == "unknown host":
        (network.home / ".ssh" / "known_hosts").unlink()
    script = {"killed": "sleep 5", "job fails": "set; exit 9"}.get(fault, "sleep 0.3") + '; cp ready.hdf "$0"'
    values = {
        "engine": json.dumps({"type": "command", "command": ["sh", "-c", script, "{output}"]}),
        "host": server.address,
        "port": 1 if fault == "refused connection" else server.port,
        "user": user,
        "runs": str(runs),
        "password": "{env: LAB_PASSWORD}" if source == "env" else "{file: secret}",
    }
    (study.folder / "spec.yaml").write_text(SPEC.format(**values))
    store = study.folder / "store"
    store.mkdir()
    if (
        fault == "store full"
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(store)], check=False, capture_output=True
        ).returncode
    ):
        absent(Service.DISKS, "this machine lets nobody mount a small disk")
    try:
        watched = Watched(study, "apply", "spec.yaml")
        watched.until(lambda: fault == "killed" and list(runs.glob("2*")))
        if fault == "killed":
            watched.controller.send_signal(signal.SIGKILL)
        said = watched.said()
        for verb in ("status", "history", "diff", "check"):
            done = study.run(verb, "spec.yaml", check=None)
            said += done.stdout + done.stderr
        assert SECRET not in said
        assert watched.seen == []
        assert holding(study.folder, but=secret) == []
        assert holding(runs, but=secret) == []
    finally:
        if fault == "store full":
            subprocess.run(["umount", "-l", str(store)], check=True)
