"""A password that was written all the same is never repeated, and one that is named is never read."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from rasreconcile.errors import SpecError
from rasreconcile.specfile import load
from rasreconcile.specfile.peek import state_path

Write = Callable[[str | bytes], Path]
REPOSITORY = Path(__file__).parents[2]

SPEC = """\
version: 1
engine: {type: steady}
workers:
  lab:
    type: psexec
    hostname: h
    share_path: //h/s
    session_id: 2
    credentials:
      username: u
      password: SECRET
plans: [{project: a.prj}]
"""


@pytest.mark.parametrize(
    "written",
    [
        "hunter2",
        "'hunter2'",
        "!hunter2",
        "!!hunter2",
        "!<hunter2>",
        "*hunter2",
        "&hunter2",
        "&hunter2 &hunter2",
        "{hunter2}",
        "{hunter2: hunter2}",
        "{env: hunter2, hunter2: x}",
        "{env: 'hunter2 is no name'}",
        "{env: [hunter2]}",
        "[hunter2]",
        "[[hunter2",
        "'hunter2",
        '"\\hunter2"',
        "%hunter2",
        "@hunter2",
        "`hunter2",
        "hunter2: x",
        "x: hunter2",
        "|hunter2",
        "|\n        hunter2\n    x",
        "? hunter2",
        "\thunter2",
        "\x01hunter2",
    ],
)
def test_a_password_in_plain_is_refused_and_never_repeated(write: Write, written: str) -> None:
    path = write(SPEC.replace("SECRET", written))
    for read in (load, state_path):
        try:
            read(path)
        except SpecError as error:
            assert "hunter2" not in "".join(traceback.format_exception(error)) + repr(error) + repr(
                error.faults
            )
            assert not any("hunter2" in fault.path for fault in error.faults)
        else:
            assert read is state_path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("credentials:", "credentials: 'u:hunter2'\n    other:"),
        ("credentials:", "credentials: [u, hunter2]\n    other:"),
        ("session_id: 2", "session_id: 2\n    password: hunter2"),
        ("password: SECRET", "pasword: hunter2"),
        ("password: SECRET", "PASSWORD: hunter2"),
        ("    type: psexec", "    type: ssh\n    password: hunter2"),
        ("    type: psexec", "    type: docker\n    docker_image: i\n    docker_host: ssh://u:hunter2@h"),
    ],
)
def test_a_password_in_the_wrong_place_is_not_repeated_either(write: Write, old: str, new: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(write(SPEC.replace(old, new)))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.faults)


def test_the_remedy_is_told(write: Write) -> None:
    with pytest.raises(SpecError) as caught:
        load(write(SPEC.replace("SECRET", "hunter2")))
    assert str(caught.value).endswith(
        ":11: workers.lab.credentials.password: a secret is named, never written; give {env: NAME} or {file: PATH}"
    )


def test_a_named_secret_is_not_read(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "hunter2")
    (tmp_path / "password").write_text("hunter2")
    by_variable = load(write(SPEC.replace("SECRET", "{env: LAB_PASSWORD}")))
    by_file = load(write(SPEC.replace("SECRET", "{file: password}")))
    example = load(REPOSITORY / "specs" / "all-workers.yaml")
    for loaded in (by_variable, by_file, example):
        assert "hunter2" not in repr(loaded) + str(loaded.spec) + loaded.spec.model_dump_json()


def test_the_text_of_a_spec_is_not_in_its_repr(write: Write) -> None:
    loaded = load(write(SPEC.replace("SECRET", "{env: LAB_PASSWORD}") + "# hunter2\n"))
    assert "hunter2" not in repr(loaded)
