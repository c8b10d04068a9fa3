"""The picture of `apply` at work: `python -m tests.docs.picture docs/apply.svg`.

A study of twelve plans is really computed, on a terminal of its own; what its screen shows while runs are running is
exported by rich, with the colours that the program chose.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyte
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

REPOSITORY = Path(__file__).parents[2]
COLUMNS, ROWS = 92, 26
ENOUGH = 3
"""Runs that have succeeded when the picture is taken; fewer where the machine is too fast for that."""
COMMAND = "rasreconcile apply study.yaml"
SPEC = """\
version: 1
results: results
engine: {type: steady}
workers:
  desk: {type: local, worker_folder: runs/desk, cores_total: 2, cores_per_plan: 1, queue_priority: 0}
  night: {type: local, worker_folder: runs/night, cores_total: 1, cores_per_plan: 1, queue_priority: 5}
plans:
  - {project: Willow-2030/Willow.prj, name: Willow-2030}
  - {project: Willow-2050/Willow.prj, name: Willow-2050}
  - {project: Willow-2080/Willow.prj, name: Willow-2080}
"""
AT_WORK = re.compile(r"^\d+ of 12 plans current \(\d+ %\); (\d+ queued, )?\d running", re.MULTILINE)


@dataclass
class Screen:
    """A terminal on which a program runs, and what it shows."""

    screen: pyte.Screen
    stream: pyte.ByteStream

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def styled(self) -> list[Text]:
        """The lines with the colours they have, as far as there is anything in them."""
        return [self._line(n) for n in range(len(self.text.splitlines()))]

    def _line(self, row: int) -> Text:
        line = Text(no_wrap=True)
        chars = (self.screen.buffer[row][column] for column in range(COLUMNS))
        for style, alike in groupby(chars, _style):
            line.append("".join(char.data for char in alike), style)
        line.rstrip()
        return line


def _style(char: Any) -> str:
    colour = {"default": "", "brown": "yellow"}.get(char.fg, char.fg)
    colour = f"#{colour}" if re.fullmatch("[0-9a-f]{6}", colour) else colour
    return f"{colour} {'bold' if char.bold else ''}".strip()


def captured(folder: Path) -> list[Text]:
    """The screen of an apply in `folder` while some plans are current and others are running."""
    for n, name in enumerate(("Willow-2030", "Willow-2050", "Willow-2080")):
        shutil.copytree(REPOSITORY / "specs" / "demo", folder / name)
        for flow in (folder / name).glob("*.f0?"):
            flow.write_text(re.sub(r"00$", f"{n}0", flow.read_text(), flags=re.MULTILINE))
    (folder / "study.yaml").write_text(SPEC)
    screen = pyte.Screen(COLUMNS, ROWS)
    shown = Screen(screen, pyte.ByteStream(screen))
    shown.stream.feed(f"$ {COMMAND}\r\n".encode())
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    words = [sys.executable, "-m", *COMMAND.split()]
    environment = os.environ | {"TERM": "xterm-256color", "TZ": "UTC"}
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    running = subprocess.Popen(
        words, cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    best: list[Text] = []
    done = 0
    try:
        while data := _read(controller):
            shown.stream.feed(data)
            if done < ENOUGH and AT_WORK.search(shown.text) and shown.text.count("succeeded") > done:
                best, done = shown.styled, shown.text.count("succeeded")
    finally:
        os.close(controller)
        code = running.wait()
    assert code == 0, shown.text
    assert best, f"it was never seen at work:\n{shown.text}"
    return best


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""  # the program has ended, and its terminal with it


def svg_of(lines: list[Text]) -> str:
    """The picture. Its letters are those of whoever looks at it: nothing is fetched."""
    from rich._export_format import CONSOLE_SVG_FORMAT

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(line, no_wrap=True, crop=True)
    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("font-family: Fira Code, monospace", "font-family: ui-monospace, Consolas, monospace")
    return console.export_svg(title=COMMAND, theme=MONOKAI, code_format=form, unique_id="apply")


def main(path: Path) -> None:
    """Makes the picture again."""
    with tempfile.TemporaryDirectory() as folder:
        path.write_text(svg_of(captured(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
