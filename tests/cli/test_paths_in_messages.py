"""A path in a message is as seen from the spec, whoever says it: results, store, workers, verbs; as text and as JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rasreconcile.cli.verbs import run
from rasreconcile.report.seen_from import FOR_PEOPLE, seen_from

DEMO = Path(__file__).parents[2] / "specs" / "demo"
SPEC = """\
version: 1
state: state/state.db
results: results
engine: {type: steady}
workers:
  desk: {type: local, worker_folder: runs/desk, cores_total: 1, cores_per_plan: 1}
plans:
  - {project: Willow.prj, numbers: ["01"], expect: {completed: true}}
"""
HDF = "results/Willow/Willow.p01.hdf"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study, looked at from another folder."""
    study = tmp_path / "my study"
    shutil.copytree(DEMO, study, ignore=shutil.ignore_patterns("*.hdf"))
    (study / "spec.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return study


def file(place: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(b"not what it should be, and long enough to be looked into" * 100)

    return make


def directory(place: str) -> Callable[[Path], None]:
    return lambda folder: (folder / place).mkdir(parents=True)


def computed(spoil: Callable[[Path], None]) -> Callable[[Path], None]:
    """After an apply."""

    def make(folder: Path) -> None:
        assert run(["apply", "-q", str(folder / "spec.yaml")]) == 0
        spoil(folder)

    return make


KINDS = [
    pytest.param("status", lambda _: None, "state/state.db: there is no store yet", id="no store"),
    pytest.param("status", directory("state/state.db"), "state/state.db is a directory", id="a folder as store"),
    pytest.param("status", file("state/state.db"), "state/state.db", id="a damaged store"),
    pytest.param("apply", file("state"), "state", id="a file as folder of the store"),
    pytest.param("check", directory(HDF), f"{HDF}: a folder exists", id="a folder as result"),
    pytest.param("check", file("results"), "results cannot be written to results/Willow: ", id="a file as results"),
    pytest.param("check", file("runs"), "runs is not a folder", id="a file as worker_folder"),
    pytest.param(
        "check --read", computed(lambda at: (at / HDF).unlink()), f"{HDF} is gone", id="a result that is gone"
    ),
    pytest.param(
        "results --dataset Nonsense", computed(lambda _: None), f"{HDF}: Nonsense does not exist", id="no such field"
    ),
    pytest.param("results --output state/x/y.csv", computed(lambda at: None), "state/x/y.csv: its folder", id="no folder"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "spoil", "said"), KINDS)
def test_a_message_names_what_is_below_the_specs_folder_from_there(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(folder)
    verb, *words = command.split()
    call = [verb, str(folder / "spec.yaml"), *words]
    capsys.readouterr()
    assert run(call) != 0
    text = "".join(capsys.readouterr())
    assert said in text
    assert str(folder) not in text
    if "--dataset" not in call:
        assert run([*call, "--json"]) != 0
        told = [one for line in documents(capsys.readouterr().out) for one in messages(line)]
        assert any(one.startswith(said) for one in told), told
        assert not [one for one in told if str(folder) in one]


def test_the_last_line_of_check_counts_what_is_in_the_way_of_results(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory(HDF)(folder)
    assert run(["check", str(folder / "spec.yaml"), "--problems"]) == 4
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "spec.yaml: 1 plan: 1 ready, 1 result path blocked; 1 worker: 1 ready"


def documents(text: str) -> Iterator[Any]:
    """Of one, or of a stream of them."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield value


def messages(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from [one] if key in FOR_PEOPLE and isinstance(one, str) else messages(one)
    elif isinstance(value, list):
        for one in value:
            yield from messages(one)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{at}/results/X.p01.hdf: no such file", "results/X.p01.hdf: no such file"),
        ("cannot be put at {at}/a/../b.hdf; move it", "cannot be put at b.hdf; move it"),
        ("{at}/../models//X.prj", "../models/X.prj"),
        ("'{at}/a.db' and ({at}/b.db)", "'a.db' and (b.db)"),
        ("/mnt{at}/a.db, {at}-old/a.db, {at}", "/mnt{at}/a.db, {at}-old/a.db, {at}"),
        ("~{at}/a.db", "~{at}/a.db"),
        ("\x1b[31m{at}/a.db\x1b[0m, \x1b[2m{at}/b.db", "\x1b[31ma.db\x1b[0m, \x1b[2mb.db"),
    ],
)
def test_only_whole_paths_below_the_folder_are_shortened_and_they_are_normalised(
    tmp_path: Path, text: str, shown: str
) -> None:
    assert seen_from(tmp_path)(text.format(at=tmp_path)) == shown.format(at=tmp_path)


def test_the_folder_behind_a_link_is_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for name in ("real", "link"):
        assert seen_from(tmp_path / "link")(f"{tmp_path}/{name}/a.db is damaged") == "a.db is damaged"


def test_a_spec_at_the_root_shortens_nothing() -> None:
    assert seen_from(Path("/"))("/srv/a.db is damaged") == "/srv/a.db is damaged"
