"""The commands of the documentation do what the page says: each page is one shell, in a folder with a copy of `specs`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARKER = re.compile(r"<!-- (not run|run): (.*?) -->|<!-- exits (\d+) -->")
_VARIES = (
    (re.compile(r"\b\d\d:\d\d:\d\dZ?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min|h)\b"), "DURATION"),
    (re.compile(r"\b\d{8}-\d{6}-[a-z0-9-]+-[0-9a-f]{8}\b"), "RUN"),
    (re.compile(r"\b(desk|night)\b"), "WORKER"),
)


@dataclass(frozen=True)
class Command:
    """A line of a shell, what the page shows of its output, and the exit code it must have."""

    text: str
    shown: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class Block:
    """A block of `sh` or `console`; `why_not` says why it is not run."""

    commands: tuple[Command, ...]
    why_not: str | None = None


def blocks_of(text: str) -> list[Block]:
    """What a page lets its reader type, in order; a `run:` marker is a block of one command."""
    found = []
    behind = 0
    for fence in _FENCE.finditer(text):
        above = text[behind : fence.start()]
        behind = fence.end()
        found += [Block((Command(m[2]),)) for m in _MARKER.finditer(above) if m[1] == "run"]
        language, body = fence.groups()
        if language not in {"sh", "console"}:
            assert not body.startswith("$ "), f"a block with `$ ` is marked `console`: {body.splitlines()[0]}"
            continue
        # Only what is directly above a block is about the block.
        near = above.rstrip().rpartition("\n\n")[2]
        markers = list(_MARKER.finditer(near))
        why_not = next((m[2] for m in markers if m[1] == "not run"), None)
        exits = next((int(m[3]) for m in markers if m[3]), 0)
        found.append(Block(tuple(_commands(language, body, exits)), why_not))
    return found


def _commands(language: str, body: str, exits: int) -> list[Command]:
    if language == "sh":
        return [Command(line) for line in body.replace("\\\n", " ").splitlines() if line.strip()]
    assert body.startswith("$ "), f"a `console` block begins with `$ `: {body.splitlines()[0]}"
    parts = [
        part.splitlines() for part in re.split(r"^\$ ", body.replace("\\\n", " "), flags=re.MULTILINE)[1:]
    ]
    return [Command(first, tuple(shown), exits) for first, *shown in parts]


def _plain(text: str) -> str:
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return " ".join(text.split())


def script_of(blocks: list[Block]) -> tuple[str, list[Command]]:
    """One script that tells the end and the exit code of each command apart from what it prints."""
    commands = [command for block in blocks if block.why_not is None for command in block.commands]
    lines = [f'{command.text}\necho; echo "== $? {number}"' for number, command in enumerate(commands)]
    return "\n".join(lines) + "\n", commands


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a reader has: the specs, and a virtual environment with the program in it."""
    ignored = shutil.ignore_patterns("results", "rasruns")
    shutil.copytree(REPOSITORY / "specs", tmp_path / "specs", ignore=ignored)
    (tmp_path / "state").mkdir()
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


WITH_COMMANDS = [
    page for page in PAGES if any(b.why_not is None for b in blocks_of(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize(
    "page", WITH_COMMANDS, ids=[str(page.relative_to(REPOSITORY)) for page in WITH_COMMANDS]
)
def test_the_commands_of_a_page_print_what_it_shows(page: Path, clone: Path) -> None:
    script, commands = script_of(blocks_of(page.read_text(encoding="utf-8")))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "120",
        "HOME": str(clone),
    }
    environment.pop("RASRECONCILE_SPEC", None)
    done = subprocess.run(
        ["bash"],
        input=script,
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    pieces = re.split(r"^== (\d+) \d+\n", done.stdout, flags=re.MULTILINE)
    assert len(pieces) == 2 * len(commands) + 1, done.stdout
    for command, said, code in zip(commands, pieces[::2], pieces[1::2], strict=False):
        assert int(code) == command.exit_code, f"$ {command.text}\n{said}"
        printed = {_plain(line) for line in said.splitlines()}
        lacking = [
            line for line in command.shown if line.strip() not in {"", "..."} and _plain(line) not in printed
        ]
        assert lacking == [], f"$ {command.text}\n{said}"


def test_every_block_that_is_not_run_says_why() -> None:
    blocks = [block for page in PAGES for block in blocks_of(page.read_text(encoding="utf-8"))]
    assert all(block.why_not is None or len(block.why_not.split()) > 2 for block in blocks)
    assert sum(block.why_not is None for block in blocks) > 5


def test_blocks_are_found_with_their_markers_and_output() -> None:
    text = (
        "<!-- run: make it -->\n```console\n$ a \\\n  b\nout 1\n...\n$ c\n```\n\ntext <!-- not run: far away -->\n\n"
        "<!-- exits 3 -->\n```console\n$ d\n```\n\n<!-- not run: it needs a desktop -->\n```sh\ne\nf\n```\n\n```yaml\ng: 1\n```\n"
    )
    assert blocks_of(text) == [
        Block((Command("make it"),)),
        Block((Command("a    b", ("out 1", "...")), Command("c"))),
        Block((Command("d", (), 3),)),
        Block((Command("e"), Command("f")), "it needs a desktop"),
    ]
    with pytest.raises(AssertionError, match="console"):
        blocks_of("```\n$ rasreconcile diff\n```\n")
