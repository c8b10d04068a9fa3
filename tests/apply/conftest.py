"""A study of one's own: the demo project in a folder, and the real command line on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from waiting import LONGEST, until

SPEC = """\
version: 1
state: state.db
results: results
engine: {engine}
retries: {{attempts: 2, wait: 0.1s, at_most: 0.2s}}
workers:
  desk: {{type: local, worker_folder: runs/desk, cores_total: 2, cores_per_plan: 1}}
  night: {{type: local, worker_folder: runs/night, cores_total: 1, cores_per_plan: 1, queue_priority: 5}}
plans:
  - project: Willow.prj
    expect: {expect}
"""


@dataclass
class Study:
    """A folder with a project and a spec."""

    folder: Path
    controllers: list[subprocess.Popen[str]] = field(default_factory=list)

    def spec(self, engine: str = "{type: steady}", expect: str = "{}", more: str = "") -> None:
        (self.folder / "spec.yaml").write_text(SPEC.format(engine=engine, expect=expect) + more)

    def command(self, *argv: str, seconds: float = 0.0, waits: bool = False) -> None:
        """A spec whose engine notes that it ran and copies a ready HDF: after some seconds, or when it is `let_go`."""
        (self.folder / "go").unlink(missing_ok=True)
        script = self.folder / "compute.py"
        script.write_text(
            "import os, pathlib, shutil, sys, time\n"
            f"ran = pathlib.Path({str(self.folder)!r}) / 'ran'\n"
            "ran.mkdir(exist_ok=True)\n"
            "(ran / f'{sys.argv[1]}.{os.getpid()}').touch()\n"
            f"time.sleep({seconds})\n"
            f"while {waits} and not os.path.exists({str(self.folder / 'go')!r}):\n"
            "    time.sleep(0.02)\n"
            f"shutil.copy({str(self.folder / 'ready.hdf')!r}, sys.argv[2])\n"
            "print('computed', sys.argv[1])\n"
        )
        words = argv or (sys.executable, str(script), "{plan}", "{output}")
        self.spec(engine=json.dumps({"type": "command", "command": list(words)}), expect="{completed: false}")

    def let_go(self) -> None:
        """Whatever waits in the engine comes to its end."""
        (self.folder / "go").touch()

    def run(self, *words: str, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        """The real program, as a user would call it."""
        done = subprocess.run(
            [sys.executable, "-m", "rasreconcile", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=LONGEST,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def apply(self, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self.run("apply", "spec.yaml", check=check)

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json", check=None).stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A controller that goes on by itself."""
        controller = subprocess.Popen(
            [sys.executable, "-m", "rasreconcile", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.controllers.append(controller)
        return controller

    def hears(self, controller: subprocess.Popen[str], words: str) -> str:
        """The line with these words, once the controller has said it."""
        assert controller.stderr is not None
        for line in controller.stderr:
            if words in line:
                return line
        raise AssertionError(f"it ended and never said {words!r}")

    def ctrl_c(self, controller: subprocess.Popen[str], heard: str) -> None:
        """As a person does who sees that it was heard: whatever is pressed within a second may count as one."""
        controller.send_signal(signal.SIGINT)
        self.hears(controller, heard)
        time.sleep(1)

    def computations(self) -> dict[str, int]:
        """How often each plan was really computed."""
        ran = self.folder / "ran"
        counts: dict[str, int] = {}
        for path in ran.iterdir() if ran.is_dir() else ():
            counts[path.name.rpartition(".")[0]] = counts.get(path.name.rpartition(".")[0], 0) + 1
        return counts

    def results(self) -> list[Path]:
        return sorted((self.folder / "results").rglob("*.hdf"))

    def left_over(self) -> list[str]:
        """Temporary files, run directories and processes that should be gone."""
        files = [str(p) for p in self.folder.rglob("*") if p.name.endswith((".part", ".gone"))]
        runs = [str(p) for p in self.folder.glob("runs/*/*") if p.name != "cache"]
        return files + runs + [str(pid) for pid in self.processes()]

    def processes(self) -> list[int]:
        """Processes that work in this study's run directories."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    words = (entry / "cmdline").read_bytes()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if str(self.folder / "runs").encode() in words:
                    found.append(int(entry.name))
        return found

    def wait_for(self, what: Callable[[], object]) -> None:
        """Until it has happened."""
        until(what)


@dataclass
class Said:
    """What the program answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def ask(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """The whole program in this process: for questions that are about its answers."""
    from rasreconcile.cli.verbs import run

    monkeypatch.chdir(study.folder)

    def asked(*words: str, kinds: Any = None) -> Said:
        capsys.readouterr()
        code = run(words, kinds)
        return Said(code, *capsys.readouterr())

    return asked


@pytest.fixture
def study(tmp_path: Path, demo: Path) -> Iterator[Study]:
    for path in demo.iterdir():
        shutil.copy(path, tmp_path)
    one = Study(tmp_path)
    one.spec()
    import h5py

    with h5py.File(tmp_path / "ready.hdf", "w") as file:
        file["x"] = [1.0, 2.0]
    yield one
    for controller in one.controllers:
        if controller.poll() is None:
            controller.send_signal(signal.SIGKILL)
        controller.communicate()
    for pid in one.processes():
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def old_project(study: Study, hecras_data: Path) -> Study:
    """The study with a real project in its folder `old`, and results of HEC-RAS 6.3.1, copied as git would: every
    time is that of the copy."""
    folder = study.folder / "old"
    folder.mkdir()
    for path in sorted((hecras_data / "14320639-steady").iterdir()):
        shutil.copyfile(path, folder / path.name)
    return study
