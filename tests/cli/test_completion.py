"""Completion: installed by a verb, repeated without harm, and offered as bash itself would ask for it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import LONGEST

from rasreconcile.cli.complete import words
from rasreconcile.cli.completion import MARK
from rasreconcile.cli.verbs import run

SPEC = """\
version: 1
engine: {type: steady}
workers: {desk: {type: local, worker_folder: runs, cores_total: 1, cores_per_plan: 1}}
plans: [{project: Willow.prj}]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "RASRECONCILE_SPEC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home of mine"))
    (tmp_path / "home of mine").mkdir()
    return tmp_path / "home of mine"


@pytest.fixture
def study(tmp_path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(demo, tmp_path / "study")
    (folder / "rasreconcile.yaml").write_text(SPEC)
    (folder / "inner").mkdir()
    monkeypatch.chdir(folder / "inner")
    return folder


@pytest.mark.parametrize(("shell", "startup"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", None)])
def test_a_shell_is_made_to_load_it_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, shell: str, startup: str | None
) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("no bash")
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    if startup:
        (home / startup).write_text("alias ll='ls -l'\n[ -r /old ] && . /old  " + MARK)
    assert run(["completion"]) == 0
    assert run(["completion", shell]) == 0
    (script,) = (path for path in home.rglob("*") if path.is_file() and path.name != startup)
    assert "_RASRECONCILE_COMPLETE" in script.read_text()
    if startup:
        first, line = (home / startup).read_text().splitlines()
        assert first == "alias ll='ls -l'" and f"'{script}'" in line and line.endswith(MARK)


def test_a_shell_that_is_not_known_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert run(["completion"]) == 64
    assert (
        "tcsh is not a shell that completion is known for; name one: bash, zsh, fish"
        in capsys.readouterr().err
    )
    assert list(home.iterdir()) == []


def test_plans_are_offered_before_and_after_the_first_apply(study: Path) -> None:
    everyone = ["Willow/p01", "Willow/p02", "Willow/p03", "Willow/p04"]
    assert sorted(item.value for item in words([], "")) == everyone
    assert run(["apply", "01", "-q"]) == 0
    assert [(item.value, item.help) for item in words([], "p01")] == [("Willow/p01", "current")]
    assert [item.value for item in words([], "wil")] and [item.value for item in words([], "x")] == []
    assert [item.value for item in words([], "../r")] == ["../rasreconcile.yaml"]


@pytest.mark.parametrize("text", ["plans: [", "version: 1\n", "state: ~nobody/x\n"])
def test_a_spec_that_cannot_be_read_offers_nothing_and_says_nothing(
    study: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (study / "rasreconcile.yaml").write_text(text)
    assert words([], "W") == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_verbs_options_and_plans(home: Path, study: Path, program: Path) -> None:
    assert run(["completion", "bash"]) == 0
    asked = [
        "rasreconcile expl",
        "rasreconcile explain Will",
        "rasreconcile -C .. apply -x p03",
        "rasreconcile status --detailed",
    ]
    script = '. "$HOME/.bashrc"\n' + "\n".join(
        f"COMP_WORDS=({line}); COMP_CWORD={len(line.split()) - 1}; COMPREPLY=(); _rasreconcile_completion rasreconcile; echo ${{COMPREPLY[*]}}"
        for line in asked
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, timeout=LONGEST,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "explain", "Willow/p01 Willow/p02 Willow/p03 Willow/p04", "Willow/p03", "--detailed-exitcode",
    ]  # fmt: skip


@pytest.fixture
def program(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a shell finds under the program's name."""
    program = home / "bin" / "rasreconcile"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c 'import sys; from rasreconcile.__main__ import main; main()' \"$@\"\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
def test_fish_completes_verbs_options_and_plans(home: Path, study: Path, program: Path) -> None:
    assert run(["completion", "fish"]) == 0
    asked = ["expl", "explain Will", "-C .. apply -x p03", "status --detailed"]
    script = "; echo =====; ".join(f"complete -C 'rasreconcile {words}'" for words in asked)
    done = subprocess.run(["fish", "-c", script], capture_output=True, text=True, check=True, timeout=LONGEST)
    offered = [
        [line.partition("\t")[0] for line in part.splitlines() if line]
        for part in done.stdout.split("=====\n")
    ]
    assert offered == [
        ["explain"],
        ["Willow/p01", "Willow/p02", "Willow/p03", "Willow/p04"],
        ["Willow/p03"],
        ["--detailed-exitcode"],
    ]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
def test_zsh_completes_verbs_options_and_plans_where_tab_is_pressed(
    home: Path, study: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert run(["completion", "zsh"]) == 0
    monkeypatch.setenv("PS1", "$ ")
    # What is typed is printed back by the shell: only what Tab adds to it tells that it was completed.
    for typed, shown in (
        ("rasreconcile hist\t", "ory"),
        ("rasreconcile explain Willow/p0\t\t", "Willow/p04"),
        ("rasreconcile status --detailed\t", "-exitcode"),
    ):
        assert shown in tab_pressed(["zsh", "-i"], typed, shown)


def tab_pressed(shell: list[str], typed: str, shown: str) -> str:
    """What an interactive shell has printed until it shows these words, or ends."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(shell[0], shell)
    said, sent = "", False
    try:
        while shown not in said:
            ready, _, _ = select.select([terminal], [], [], LONGEST)
            assert ready, f"it never showed {shown!r}: {said}"
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break  # the shell has ended
            said += data.decode(errors="replace")
            if not sent and said:
                os.write(terminal, typed.encode())
                sent = True
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)
    return said
