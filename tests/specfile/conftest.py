"""A spec in a file, and the faults of one that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rasreconcile.errors import SpecError
from rasreconcile.specfile import load

Text = str | bytes


@pytest.fixture
def good() -> str:
    return """\
version: 1
engine: {type: steady}
workers:
  desk: {type: local, cores_total: 4, cores_per_plan: 2}
plans:
  - project: a.prj
    numbers: ["04", 06-08, 3]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Text], Path]:
    def writing(text: Text) -> Path:
        path = tmp_path / "spec.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return writing


@pytest.fixture
def faults(write: Callable[[Text], Path]) -> Callable[[Text], list[str]]:
    """The lines a user sees, without the file's name."""

    def found(text: Text) -> list[str]:
        path = write(text)
        with pytest.raises(SpecError) as caught:
            load(path)
        lines = str(caught.value).split("\n")
        assert len(lines) == len(caught.value.faults), "a fault is one line"
        assert all(line.startswith(f"{path}:") for line in lines)
        return [line.removeprefix(f"{path}:") for line in lines]

    return found
