"""The store of a spec is found without reading the rest of it, and is the one that loading finds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rasreconcile.errors import SpecError
from rasreconcile.specfile import load
from rasreconcile.specfile.peek import state_path

Write = Callable[[str | bytes], Path]
DEFAULT = ".rasreconcile/spec.db"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("state: a/b.db", "a/b.db"),
        ('"state": a/b.db', "a/b.db"),
        ("state: 'yes'", "yes"),
        ("state: '12'", "12"),
        ("state: >-\n  a/\n  b.db", "a/ b.db"),
        ("state: ./a/../b.db", "b.db"),
        ("salt: &s a/b.db\nstate: *s", "a/b.db"),
        ("state:", DEFAULT),
        ("state: ~", DEFAULT),
        ("state: null", DEFAULT),
        ("salt: state", DEFAULT),
        ("", DEFAULT),
    ],
)
def test_the_store_is_the_one_that_loading_finds(
    write: Write, good: str, tmp_path: Path, lines: str, expected: str
) -> None:
    for text in (f"{good}{lines}\n", f"{lines}\n{good}"):
        path = write(text)
        assert state_path(path) == load(path).state_path == tmp_path / expected


def test_a_relative_name_and_a_home_are_understood(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("state: ~/b.db\n")
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, "/home/ras")
    assert state_path(Path("spec.yaml")) == Path("/home/ras/b.db")
    write("version: 1\n")
    assert state_path(Path("spec.yaml")) == tmp_path / DEFAULT


def test_what_stands_behind_the_state_is_not_read(write: Write, tmp_path: Path) -> None:
    assert state_path(write("plans: [{state: wrong}]\nstate: a.db\n}{ no yaml at all\n")) == tmp_path / "a.db"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("version: 1\nstate: 5\n", "2: state: is not text; put it in quotes"),
        ("version: 1\nstate: {a: b}\n", "2: state: is not text; put it in quotes"),
        ("version: 1\nstate: ''\n", "2: state: is not a path; name a file, or leave it out"),
        (
            "version: 1\nstate: ~nosuchuser/x\n",
            "2: state: ~nosuchuser is not a home folder of this machine; write the whole path",
        ),
        ("version: 1\n}{\n", "2: not valid YAML: did not find expected key; "),
        (b"\xff", "1: is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_what_names_no_store_is_told_at_its_line(write: Write, text: str | bytes, fault: str) -> None:
    path = write(text)
    with pytest.raises(SpecError) as caught:
        state_path(path)
    assert str(caught.value).removeprefix(f"{path}:").startswith(fault)


@pytest.mark.parametrize("name", ["none.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match="name a spec file"):
        state_path(tmp_path / name)


@pytest.mark.parametrize("statement", ["state_path(Path('spec.yaml'))", "None"])
def test_looking_for_the_store_imports_nothing_heavy(
    write: Write, good: str, tmp_path: Path, statement: str
) -> None:
    write(good)
    code = (
        "import sys; from pathlib import Path; import rasreconcile.specfile; "
        f"from rasreconcile.specfile.peek import state_path; {statement}; "
        "found = {'pydantic', 'rasreconcile.spec'} & set(sys.modules); assert not found, found; "
        f"assert ('yaml' in sys.modules) == ({statement!r} != 'None')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
