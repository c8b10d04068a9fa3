"""Where answers go to: closed, full, read to the first line only; and where they are asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SPEC = """\
version: 1
engine: {type: steady}
workers: {desk: {type: local}}
plans: [{project: Willow.prj}]
"""
RUN = f"{sys.executable} -m rasreconcile"
posix = pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A line of a shell in a folder with a spec; its exit code, stdout and stderr."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.delenv("RASRECONCILE_SPEC", raising=False)
    (tmp_path / "rasreconcile.yaml").write_text(SPEC)
    (tmp_path / "Willow.prj").write_text("Proj Title=Willow\n")

    def run(line: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["bash", "-c", line.replace("rasreconcile ", f"{RUN} ", 1)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@posix
@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("rasreconcile schema >&-", (0, "", "")),
        ("rasreconcile schema >&- 2>&- <&-", (0, "", "")),
        ("rasreconcile check nope 2>&-", (64, "", "")),
        ("rasreconcile schema | head -0; exit ${PIPESTATUS[0]}", (0, "", "")),
    ],
)
def test_a_stream_that_is_closed_changes_no_answer(shell, line, answer) -> None:
    assert shell(line) == answer


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", ["schema", "--help", "status --json"])
def test_a_full_disk_behind_stdout_is_one_line(shell, words) -> None:
    assert shell(f"rasreconcile {words} >/dev/full") == (
        1,
        "",
        "the output cannot be written: No space left on device; free some space where it goes\n",
    )


@posix
@pytest.mark.parametrize("words", ["diff", "diff other.yaml"])
def test_a_current_folder_that_was_removed_is_told(shell, words) -> None:
    code, _, told = shell(f"mkdir gone && cd gone && rmdir ../gone && rasreconcile {words}")
    assert (code, told.splitlines()[-1]) == (
        64,
        "the current folder no longer exists; change to another one: cd FOLDER",
    )
