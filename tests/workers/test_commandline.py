"""Words as Windows programs and batch files get them: through the real rules of Wine's C runtime and cmd.exe."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from waiting import LONGEST

from rasreconcile.errors import Refused
from rasreconcile.workers.commandline import PER_CENT, program_and_arguments, quoted

WORDS = (
    "plain",
    "two words",
    "",
    "tab\tin",
    'q"uote',
    '"all of it"',
    "C:\\folder\\",
    "C:\\a folder\\",
    'a\\\\"b',
    "^caret",
    "a^&b",
    "a&b",
    "a|b<c>d",
    "wow!",
    "!PATH!",
    "$HOME",
    "é€ 字",
    "(x)",
    "a,b;c=d",
    "it's",
    r"C:\Program Files (x86)\HEC\HEC-RAS\6.6\Ras.exe",
    "/c",
)
PER_CENTS = ("100%", "%PATH%", "%%x%%")


@pytest.fixture(scope="module")
def printed(
    wine, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Sequence[str]], tuple[int, list[str]]]:
    """Starts a step as .NET does, and gives back its exit code and the words that the program at its end got."""
    folder = tmp_path_factory.mktemp("words")
    source = Path(__file__).with_name("commandline.c")
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    assert compiler is not None
    subprocess.run(
        [compiler, "-municode", "-o", str(folder / "say.exe"), str(source)], check=True, timeout=LONGEST
    )
    (folder / "say words.cmd").write_bytes(b'@"%~dp0say.exe" %*\r\n')
    (folder / "first.cmd").write_bytes(b'@"%~dp0say.exe" "%~1"\r\n')

    def call(step: Sequence[str]) -> tuple[int, list[str]]:
        (folder / "step").write_bytes("\n".join(program_and_arguments(step)).encode())
        command = [wine.program, "say.exe", "start", "step"]
        done = subprocess.run(
            command, env=wine.environment, cwd=folder, capture_output=True, check=False, timeout=LONGEST
        )
        return done.returncode, done.stdout.decode().replace("\r\n", "\n").split("\n")[:-1]

    return call


def test_a_program_gets_its_words_as_they_were(printed) -> None:
    words = [*WORDS, *PER_CENTS]
    assert printed(["say.exe", *words]) == (0, words)


def test_a_batch_file_hands_on_its_words_as_they_were(printed) -> None:
    assert printed(["say words.cmd", *WORDS]) == (0, list(WORDS))


def test_a_batch_file_given_to_cmd_gets_its_words_as_they_were(printed) -> None:
    assert printed(["cmd", "/d", "/c", "say words.cmd", *WORDS]) == (0, list(WORDS))
    home = r"C:\Program Files (x86)\HEC\HEC-RAS\6.6\Ras.exe"
    assert printed(["cmd", "/d", "/c", "first.cmd", home]) == (0, [home])


def test_a_command_of_cmds_own_keeps_its_switches(printed) -> None:
    assert printed(["cmd", "/c", "dir", "/b", "first.*"]) == (0, ["first.cmd"])
    assert printed(["cmd", "/c", "exit", "/b", "7"])[0] == 7


@pytest.mark.parametrize("word", PER_CENTS)
def test_a_per_cent_sign_begins_no_variable_of_cmds(word) -> None:
    # Not run: cmd expands once, Wine's cmd expands what it has expanded again.
    _, arguments = program_and_arguments(["x.cmd", word])
    expanded, rest = "", arguments
    while "%" in rest:
        before, name, rest = rest.split("%", 2)
        assert name == PER_CENT
        expanded += f"{before}%"
    assert expanded + rest == f'/e:on /v:off /d /s /c "x.cmd "{word}""'


def test_words_without_need_stay_bare() -> None:
    assert quoted(r"C:\a\b.prj") == r"C:\a\b.prj"
    assert quoted("") == '""'


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ((), "names no program"),
        (("",), "names no program"),
        (("-x",), "names no program"),
        (("a.exe", "two\nlines"), "line end"),
        (("a.exe", "a\0b"), "NUL"),
        (("a.exe", "\udcff"), "bytes that are not text"),
        (("cmd",), "would wait for input"),
        (("cmd", "/k", "x"), "would wait for input"),
        (("cmd", "&", "/c", "x"), "would wait for input"),
    ],
)
def test_what_no_command_line_can_say_is_refused(step, why) -> None:
    with pytest.raises(Refused, match=why):
        program_and_arguments(step)
