"""Whatever a file holds, it is a spec or a list of faults."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rasreconcile.errors import SpecError
from rasreconcile.specfile import LoadedSpec, load
from rasreconcile.specfile.peek import state_path

EXAMPLE = (Path(__file__).parents[2] / "specs" / "all-workers.yaml").read_text(encoding="utf-8")
SPEC = yaml.safe_load(EXAMPLE)
fuzz = settings(deadline=None, max_examples=60)

words = st.sampled_from(
    [
        "version",
        "engine",
        "type",
        "steady",
        "command",
        "workers",
        "desk",
        "local",
        "ssh",
        "plans",
        "project",
        "a.prj",
        "numbers",
        "expect",
        "state",
        "retries",
        "wait",
        "30s",
        "only_on",
        "through",
        "needs",
        "credentials",
        "password",
        "env",
        "<<",
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | words
    | st.sampled_from(["", "~", "~nobody/x", "\0", "9" * 500, "04-99", "\u2028", "\x85"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def spec_or_faults(folder: Path, data: bytes) -> None:
    path = folder / "spec.yaml"
    path.write_bytes(data)
    last = data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + data.count(b"\xe2\x80") + 2
    try:
        loaded = load(path)
    except SpecError as error:
        assert error.faults
        assert all(1 <= fault.line <= last for fault in error.faults)
        assert all(len(str(fault).splitlines()) == 1 for fault in error.faults)
        try:
            assert isinstance(state_path(path), Path)
        except SpecError as peeked:
            assert peeked.faults
    else:
        assert isinstance(loaded, LoadedSpec)
        assert state_path(path) == loaded.state_path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a folder: with #signs")


@fuzz
@given(data=st.binary(max_size=200))
def test_any_bytes(folder: Path, data: bytes) -> None:
    spec_or_faults(folder, data)


@fuzz
@given(
    text=st.text(max_size=200) | st.text(st.sampled_from("ab01:-?&*!|>%@`'\"{}[],# \n\t~<.\\"), max_size=60)
)
def test_any_text(folder: Path, text: str) -> None:
    spec_or_faults(folder, text.encode("utf-8", "surrogatepass"))


@fuzz
@given(document=values)
def test_any_document(folder: Path, document: Any) -> None:
    spec_or_faults(folder, json.dumps(document).encode())


@fuzz
@given(data=st.data())
def test_a_spec_with_any_values_in_any_places(folder: Path, data: st.DataObject) -> None:
    spec = copy.deepcopy(SPEC)
    for _ in range(data.draw(st.integers(1, 4))):
        node: Any = spec
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if not isinstance(node[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
                match data.draw(st.sampled_from(["change", "remove", "rename"])):
                    case "change":
                        node[key] = data.draw(values)
                    case "remove":
                        del node[key]
                    case _ if isinstance(node, dict):
                        node[data.draw(words | st.text(max_size=4))] = node.pop(key)
                    case _:
                        pass
                break
            node = node[key]
    spec_or_faults(folder, json.dumps(spec).encode())


@fuzz
@given(at=st.integers(0, len(EXAMPLE)), length=st.integers(0, 40), new=st.text(max_size=10))
def test_a_spec_with_any_text_in_any_place(folder: Path, at: int, length: int, new: str) -> None:
    spec_or_faults(folder, (EXAMPLE[:at] + new + EXAMPLE[at + length :]).encode("utf-8", "surrogatepass"))
