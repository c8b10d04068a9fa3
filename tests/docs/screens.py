"""What `apply` of forty plans shows on terminals of 80 and 200 columns: `python -m tests.docs.screens FOLDER`.

A real program in a real tmux: at work, with failures, after one Ctrl-C, and when it has ended. Written to FOLDER as text,
for a person to look at; what can be said of every screen is asserted.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
ROWS = 40
AT_WORK = ("last failure", "5 running", "the same as Willow-2030/p0")
LONGEST = 600.0
"""Seconds after which nothing more is expected."""
FAILS = "ERROR: the terrain Terrain50.hdf was made by another version of HEC-RAS; make it again in RAS Mapper"
SPEC = """\
version: 1
results: results
engine: {engine}
retries: {{attempts: 1}}
workers:
  desk: {{type: local, worker_folder: runs/desk, cores_total: 3, cores_per_plan: 1, queue_priority: 0}}
  night-of-the-office: {{type: local, worker_folder: runs/night, cores_total: 2, cores_per_plan: 1, queue_priority: 5}}
plans:
{plans}"""


@dataclass(frozen=True)
class Terminal:
    """A tmux server of its own, with one window."""

    socket: str
    columns: int

    def __call__(self, *words: str) -> str:
        command = ["tmux", "-L", self.socket, *words]
        # Of users who may not log on it would take a shell that says so and ends.
        shell = {**os.environ, "SHELL": "/bin/sh"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=shell)
        return done.stdout

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self("capture-pane", "-p").splitlines()).rstrip()

    def shows(self, what: Callable[[str], object]) -> str:
        """The screen, once it is so and stands: one that is being drawn is nothing yet."""
        end, before = time.monotonic() + LONGEST, ""
        while time.monotonic() < end:
            if what(text := self.text) and text == before:
                return text
            before = text
            time.sleep(0.05)
        raise AssertionError(f"it never came to that:\n{self.text}")


def forty_plans(folder: Path) -> None:
    """Ten projects of four plans; the runs of every third project fail alike."""
    lines = []
    for n in range(10):
        name = f"Willow-{2030 + 5 * n}"
        shutil.copytree(REPOSITORY / "specs" / "demo", folder / name)
        for flow in (folder / name).glob("*.f0?"):
            flow.write_text(re.sub(r"00$", f"{n}0", flow.read_text(), flags=re.MULTILINE))
        (folder / name / "fate.txt").write_text("fails" if n % 3 == 0 else "ends" if n == 1 else "waits")
        lines.append(
            f"  - {{project: {name}/Willow.prj, name: {name}, inputs: [fate.txt], expect: {{completed: false}}}}\n"
        )
    script = folder / "compute.sh"
    script.write_text(
        "read -r fate < fate.txt\n"
        f'if [ "$fate" = fails ]; then echo "{FAILS}"; exit 3; fi\n'
        f'while [ "$fate" = waits ] && [ ! -e {shlex.quote(str(folder / "go"))} ]; do sleep 0.2; done\n'
        f'cp {shlex.quote(str(folder / "ready.hdf"))} "$1"\n'
    )
    engine = json.dumps({"type": "command", "command": ["sh", str(script), "{output}"]})
    (folder / "study.yaml").write_text(SPEC.format(engine=engine, plans="".join(lines)))
    import h5py

    with h5py.File(folder / "ready.hdf", "w") as file:
        file["x"] = [1.0, 2.0]


def captured(folder: Path, columns: int) -> dict[str, str]:
    """The screens of one apply, by what they show."""
    forty_plans(folder)
    terminal = Terminal(f"rasreconcile-screens-{os.getpid()}-{columns}", columns)
    words = shlex.join([sys.executable, "-m", "rasreconcile", "apply", "study.yaml"])
    # Ctrl-C is for the program alone: a shell that it reaches ends, or not, by its kind.
    command = f"trap : INT; cd {shlex.quote(str(folder))}; export PYTHONPATH={shlex.quote(str(REPOSITORY))}; {words}; echo exit $?; read _"
    terminal("-f", os.devnull, "new-session", "-d", "-x", str(columns), "-y", str(ROWS), command)
    try:
        shots = {"failures": terminal.shows(lambda text: all(words in text for words in AT_WORK))}
        terminal("send-keys", "C-c")
        shots["ctrl-c"] = terminal.shows(lambda text: "stopping: no new runs" in " ".join(text.split()))
        shots["left"] = terminal.shows(lambda text: "exit 130" in text)
        terminal("send-keys", "Enter")
    finally:
        (folder / "go").touch()  # nothing of it may go on
        subprocess.run(["tmux", "-L", terminal.socket, "kill-server"], capture_output=True, check=False)
    return shots


def problems(shots: dict[str, str], columns: int) -> list[str]:
    """What no screen may show."""
    found = []
    for name, text in shots.items():
        lines = text.splitlines()
        found += [f"{name}: {line!r} is too wide" for line in lines if len(line) > columns]
        found += [
            f"{name}: {line!r} is a piece of something"
            for line in lines
            if "\x1b" in line or "Traceback" in line
        ]
        heads = [n for n, line in enumerate(lines) if re.match(r"\d+ of 40 plans current", line)]
        if len(heads) > 1:
            found.append(f"{name}: progress is drawn {len(heads)} times")
        if heads and len(lines) - heads[0] > 12:
            found.append(f"{name}: progress has {len(lines) - heads[0]} lines")
    return found


def main(into: Path) -> int:
    """Writes every screen; 1 where one is not as it should be."""
    into.mkdir(parents=True, exist_ok=True)
    wrong = []
    for columns in (80, 200):
        with tempfile.TemporaryDirectory() as folder:
            shots = captured(Path(folder), columns)
        for name, text in shots.items():
            (into / f"{columns}-{name}.txt").write_text(text + "\n", encoding="utf-8")
        wrong += problems(shots, columns)
    print("\n".join(wrong) or "every screen is as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
