"""docs/json.md names every field that a verb writes on the demo, with its type, and no other."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rasreconcile.cli.verbs import VERBS, run
from rasreconcile.failures import FailureCause
from rasreconcile.reconcile.verdicts import Obstacle

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "json.md").read_text(encoding="utf-8")
SIMPLE: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "time": (str,),
    "model time": (str,),
}
NO_JSON = {"init", "schema", "completion"}
FIRST = ("check", "diff", "adopt --dry-run", "retry Willow/p01")
THEN = (
    "check", "check --read", "diff", "status", "explain Willow/p01", "history", "results", "report",
    "retry Willow/p01",
    "diff --what-if max_concurrent=1", "cancel --all",
    "adopt --dry-run", "prune", "gc --dry-run", "state show", "state rebuild --yes",
)  # fmt: skip


@cache
def shapes() -> Mapping[str, Mapping[str, str]]:
    """The fields of every shape, with their types."""
    found = {}
    for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", part, re.MULTILINE)
        found[part.splitlines()[0].strip()] = dict(rows)
    return found


def wrong(value: Any, kind: str, at: str) -> Iterator[str]:
    """What of a value is not as the page says."""
    if kind.endswith(" or null"):
        if value is not None:
            yield from wrong(value, kind.removesuffix(" or null"), at)
    elif kind.startswith("list of "):
        assert isinstance(value, list), at
        for one in value:
            yield from wrong(one, kind.removeprefix("list of "), f"{at}[]")
    elif kind.startswith("map of "):
        assert isinstance(value, dict), at
        for one in value.values():
            yield from wrong(one, kind.removeprefix("map of "), f"{at}{{}}")
    elif kind in SIMPLE:
        if not isinstance(value, SIMPLE[kind]) or (isinstance(value, bool) and kind != "boolean"):
            yield f"{at} is {value!r}, not {kind}"
        elif kind == "time":
            assert datetime.fromisoformat(str(value)).tzinfo is not None, at
    else:
        fields = shapes()[kind]
        yield from (f"{at}.{name} is not documented in {kind}" for name in value.keys() - fields.keys())
        yield from (f"{at}.{name} of {kind} is not written" for name in fields.keys() - value.keys())
        for name in fields.keys() & value.keys():
            yield from wrong(value[name], fields[name], f"{at}.{name}")


def line_kind(line: Mapping[str, Any], verb: str) -> str:
    """Which shape a line of a stream after the first has."""
    return {"progress": "progress line", "log": "log line", "end": f"end of {verb}"}.get(
        line["kind"], "event"
    )


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the demo in the current folder."""
    ignored = shutil.ignore_patterns("results", "rasruns")
    shutil.copytree(REPOSITORY / "specs", tmp_path / "specs", ignore=ignored)
    (tmp_path / "state").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_every_verb_writes_on_the_demo_what_the_page_says(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = "specs/demo.yaml"

    def said(command: str) -> str:
        verb, *words = command.split()
        inner = [words.pop(0)] if verb == "state" else []
        capsys.readouterr()
        run([verb, *inner, spec, *words, "--json"])
        return capsys.readouterr().out

    def document(command: str) -> list[str]:
        of_two = command.startswith("state") or command == "check --read"
        verb = " ".join(command.split()[: 2 if of_two else 1])
        return list(wrong(json.loads(said(command)), verb, verb))

    def stream(command: str, head: str) -> list[str]:
        first, *rest = map(json.loads, said(command).splitlines())
        verb = command.split(maxsplit=1)[0]
        return [
            *wrong(first, head, head),
            *(fault for line in rest for fault in wrong(line, line_kind(line, verb), line["kind"])),
        ]

    faults = [fault for command in FIRST for fault in document(command)]
    faults += stream("apply", "stream head")
    faults += stream("logs -f Willow/p01", "logs head")
    faults += [fault for command in THEN for fault in document(command)]
    faults += document(f"state backup {demo / 'copy.db'}")
    assert sorted(set(faults)) == []


def test_every_verb_with_json_is_on_the_page_and_every_word_of_the_enumerations() -> None:
    streams = {"apply", "watch", "logs"}
    names = {name.split()[0] for name in shapes()}
    assert set(VERBS) - NO_JSON - streams <= names
    listed = set(re.findall(r"`([^`]+)`", " ".join(PAGE.split())))
    assert {str(one) for one in (*FailureCause, *Obstacle)} <= listed
