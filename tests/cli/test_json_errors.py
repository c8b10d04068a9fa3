"""Under --json an error is one line of JSON on stdout, whatever is wrong, with the exit code that it has as text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rasreconcile import errors
from rasreconcile.cli.verbs import VERBS, run
from rasreconcile.errors import RasReconcileError

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
GOOD = """\
version: 1
state: state.db
engine: {type: steady}
workers: {desk: {type: local, worker_folder: runs, cores_total: 1, cores_per_plan: 1}}
plans: [{project: nothing/*.prj}]
"""
NO_JSON = {"init", "schema", "completion", "state"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RASRECONCILE_SPEC", raising=False)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    code = run(words)
    out, err = capsys.readouterr()
    (*before, last) = out.splitlines()
    assert err == ""
    assert all("kind" not in json.loads(line) for line in before)
    found = json.loads(last)
    assert set(found) == {"version", "kind", "exit", "errors"} and found["kind"] == "error"
    assert found["exit"] == code
    for error in found["errors"]:
        assert list(error) == ["code", "what", "remedy", "file", "line", "key"]
        assert error["code"] in codes()
    return code, found["errors"]


def codes() -> set[str]:
    """As the page lists them."""
    (row,) = re.findall(r"^\| `code` \| text \| (.*) \|$", PAGE, re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", row))


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NO_JSON])
def test_every_verb_says_so_where_no_spec_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    code, (error,) = said(capsys, verb, "--json")
    assert (code, error["code"]) == (64, "usage")
    assert error["what"].startswith("no spec was named") and error["remedy"].startswith("name one")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["aply", "--json"], "No such command 'aply'. Did you mean 'apply'?"),
        (["apply", "--json", "--nonsense"], "No such option"),
        (["gc", "--json", "--older-than", "soon"], "'soon' is not a duration"),
        (["-C", "nowhere", "status", "--json"], "-C nowhere: No such file or directory"),
    ],
)
def test_a_command_line_that_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], what: str
) -> None:
    code, (error,) = said(capsys, *words)
    assert (code, error["code"]) == (64, "usage")
    assert what in error["what"] and error["remedy"]


def test_each_fault_of_a_spec_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "s.yaml").write_text("version: 2\nengine: {type: steady}\nplans: []\n")
    code, found = said(capsys, "apply", "s.yaml", "--json")
    assert code == 64
    assert [(e["code"], e["file"], e["line"], e["key"]) for e in found] == [
        ("spec", "s.yaml", 1, "version"),
        ("spec", "s.yaml", 1, "workers"),
        ("spec", "s.yaml", 3, "plans"),
    ]


def test_what_is_found_after_a_stream_has_begun_ends_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "s.yaml").write_text(GOOD)
    assert run(["apply", "s.yaml", "--json"]) == 64
    head, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert head["verb"] == "apply"
    assert (last["kind"], last["errors"][0]["code"], last["errors"][0]["line"]) == ("error", "spec", 5)


def test_errors_of_the_store_and_of_the_system(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "s.yaml").write_text(GOOD)
    code, (error,) = said(capsys, "status", "s.yaml", "--json")
    assert (code, error["code"], error["remedy"]) == (1, "store", "`apply` creates it")
    (folder / "state.db").mkdir()
    code, (error,) = said(capsys, "state", "show", "s.yaml", "--json")
    assert (code, error["code"]) == (1, "store")


def test_every_error_has_a_code_of_its_own_that_the_page_lists() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, RasReconcileError)
    ]
    assert {kind.code for kind in kinds} | {"system"} == codes()
    assert len({kind.code for kind in kinds}) == len(kinds)
